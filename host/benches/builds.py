"""How long a build takes: from nothing, and after an edit.

    host/benches/builds.py [--rounds 3] [--short]

Builds in target/bench-builds, so that the other builds stay as they are. "From nothing" has the
sources of all dependencies, and nothing compiled. An edit changes a line of a crate; then its
unit tests are built and run, and the program is built. Takes about 25 minutes on 2 cores.
Writes target/bench/builds.json.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "peers"))

import bench

TARGET = bench.TARGET / "bench-builds"
CRATES = ["config", "sendlog", "transport", "engine"]


def timed(*arguments):
    """Seconds of a cargo command, and seconds of the processors."""
    before, began = os.times(), time.monotonic()
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET)}
    subprocess.run(["cargo", *arguments, "--locked", "--quiet"], cwd=bench.ROOT, env=environment, check=True)
    took, after = time.monotonic() - began, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return took, spent


class Edit:
    """A line at the end of a file, which is removed in the end."""

    def __init__(self, crate):
        self.file = bench.ROOT / "host/crates" / crate / "src/lib.rs"
        self.text = self.file.read_text()

    def change(self, number):
        line = f"#[doc(hidden)]\npub const EDIT: u32 = {number};\n"
        self.file.write_text(f"{self.text}\n{line}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.write_text(self.text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--short", action="store_true", help="only the edits, once")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (1 if arguments.short else 3)
    report = bench.Report("builds", arguments.short)

    def add(name, times):
        details = {"processor_seconds": [spent for _, spent in times]}
        report.alone(name, "s", [took for took, _ in times], details, counted_by=None)
        print(f"{name}: {', '.join(f'{took:.1f}' for took, _ in times)} s", flush=True)

    if not arguments.short:
        for profile in ["release", "quick"]:
            shutil.rmtree(TARGET, ignore_errors=True)
            add(f"build from nothing, profile {profile}", [timed("build", "--profile", profile)])
    timed("build", "--profile", "quick")
    for crate in CRATES:
        package = ["--profile", "quick", "--package", f"mockfleet-{crate}", "--lib"]
        timed("test", *package)
        tests, builds = [], []
        with Edit(crate) as edit:
            for number in range(rounds):
                edit.change(number)
                tests.append(timed("test", *package))
                builds.append(timed("build", "--profile", "quick"))
        add(f"edit of {crate}, its unit tests built and run", tests)
        add(f"edit of {crate}, the program built", builds)
    report.finish()


if __name__ == "__main__":
    main()
