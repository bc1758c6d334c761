"""What a benchmark says of two commits, side by side.

    host/benches/diff.py A B [--bench count] [--profile quick] [-- OPTIONS OF THE BENCHMARK]

Checks both commits out into target/bench-diff, builds and runs the benchmark in each,
and prints a table of differences. The profile is `quick` unless another is named: what is
installed, `release`, takes minutes more to link. The usual one, `count`, counts instructions: a
difference there is the code's, whatever else the machine does. Both commits must have
the benchmark. The working tree is not touched: `git stash create` names a commit of what
is not committed yet.
"""

import argparse
import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def measured(commit, bench, profile, options):
    """The report of the benchmark at a commit."""
    tree = TARGET / "bench-diff" / commit
    if not tree.exists():
        git("worktree", "prune")
        git("worktree", "add", "--detach", str(tree), commit)
    # One folder for both: what does not differ is built once.
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET)}
    command = ["cargo", "bench", "--quiet", "--profile", profile, "--", bench, *options]
    subprocess.run(command, cwd=tree, env=environment, check=True)
    return json.loads((TARGET / "bench" / f"{bench}.json").read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("a", help="the commit before")
    parser.add_argument("b", help="the commit after")
    parser.add_argument("--bench", default="count")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("options", nargs="*", help="for the benchmark, behind --")
    arguments = parser.parse_args()
    commits = [git("rev-parse", "--verify", f"{name}^{{commit}}") for name in (arguments.a, arguments.b)]
    before, after = [measured(commit[:12], arguments.bench, arguments.profile, arguments.options) for commit in commits]
    figures = [{case["name"]: case["ours"] for case in report["cases"]} for report in (before, after)]
    names = list(dict.fromkeys([*figures[0], *figures[1]]))
    units = {case["name"]: case["unit"] for report in (before, after) for case in report["cases"]}
    print(f"| {arguments.bench} | {arguments.a} | {arguments.b} | change | spread |\n|---|---|---|---|---|")
    for name in names:
        a, b = figures[0].get(name), figures[1].get(name)
        shown = [f"{one['median']:,.1f}" if one else "" for one in (a, b)]
        change = spread = ""
        if a and b and a["median"]:
            change = f"{b['median'] / a['median'] - 1:+.2%}"
            # How far the rounds of one commit lie apart: smaller changes say nothing.
            spread = f"± {max((one['high'] - one['low']) / one['median'] for one in (a, b)):.2%}"
        print(f"| {name} ({units[name]}) | {shown[0]} | {shown[1]} | {change} | {spread} |")


if __name__ == "__main__":
    main()
