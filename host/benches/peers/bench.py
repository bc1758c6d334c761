"""Reports in the form of the Rust benchmarks, and runs of the program."""

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


class Report:
    """What a benchmark measured; `finish` writes it to target/bench."""

    def __init__(self, name, short):
        self.name, self.short, self.cases = name, short, []

    def alone(self, name, unit, rounds, details=None, counted_by="mosquitto", beside=None, at_most=None):
        """A case. `beside`: the baseline's name, and its figures in the same rounds; `at_most`:
        the bar."""
        case = {
            "name": name,
            "unit": unit,
            "counted_by": counted_by,
            "ours": figures(rounds),
            "baseline": None,
            "ratio": None,
            "judged": None,
            "details": [details],
        }
        if beside:
            baseline, theirs = beside
            case["baseline"] = {"name": baseline, "figures": figures(theirs)}
            case["ratio"] = figures([one / other for one, other in zip(rounds, theirs)])
        if at_most is not None:
            case["judged"] = judged(statistics.median(rounds), at_most)
        self.cases.append(case)

    def finish(self):
        report = {
            "bench": self.name,
            "command": " ".join([python(), os.path.relpath(sys.argv[0], ROOT), *sys.argv[1:]]),
            "short": self.short,
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "commit": commit(),
            "machine": machine(),
            "cases": self.cases,
        }
        file = TARGET / "bench" / f"{self.name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(report, indent=2) + "\n")
        print(f"written to {file}")


def figures(rounds):
    return {
        "median": statistics.median(rounds),
        "low": min(rounds),
        "high": max(rounds),
        "rounds": rounds,
    }


def python():
    """How this Python is called in the repository: that of the tests, or the system's."""
    own = os.path.relpath(sys.executable, ROOT)
    return "python3" if own.startswith("..") else own


def judged(value, at_most):
    return {
        "figure": "ours",
        "value": value,
        "at_least": False,
        "bar": at_most,
        "stretch": None,
        "verdict": "held" if value <= at_most else "missed",
    }


def commit():
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--", ".", ":!docs", ":!README.md")
    return git("rev-parse", "--short=10", "HEAD") + (" with changes" if changed else "")


def machine():
    def line_of(file, key):
        for line in Path(file).read_text().splitlines():
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
        return None

    return {
        "cpu": line_of("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": line_of("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "arch": platform.machine(),
    }


def program():
    profile = os.environ.get("MOCKFLEET_PROFILE", "release")
    program = TARGET / profile / "mockfleet"
    if not program.exists():
        raise SystemExit(f"{program} is missing: cargo build --profile {profile}")
    return program


def fleet(folder, url, target, group, seconds):
    """Writes a fleet file of thermometers with payloads of 256 bytes."""
    file = Path(folder) / "fleet.toml"
    file.write_text(
        f"""seed = 1
duration = "{seconds}s"
[targets.backend]
url = "{url}"
{target}
[targets.backend.channels]
telemetry = {{ topic = "bench/{{device}}" }}
[[groups]]
name = "t"
plugin = "builtin:thermometer"
config = {{ size = 256 }}
{group}
[log]
store = "logs"
"""
    )
    return file


def mockfleet(folder, url, target, group, seconds, prefix=()):
    file = fleet(folder, url, target, group, seconds)
    command = [*prefix, program(), "run", file, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stderr}")
    return {"summary": json.loads(done.stdout.splitlines()[-1])}
