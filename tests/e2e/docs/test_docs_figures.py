"""Figures in the documents equal those of the kept reports."""

import json
import shutil
import subprocess
import sys

import pytest

from support.fleet import ROOT

REPORT = {
    "bench": "path",
    "command": "cargo bench -- path",
    "short": False,
    "date": "2026-01-02T03:04:05Z",
    "commit": "0123456789",
    "machine": {"cpu": "a processor", "cores": 2, "memory": "8 GiB", "kernel": "6.1", "arch": "x86_64"},
    "cases": [
        {
            "name": "100 devices flat out, QoS 0",
            "unit": "msg/s",
            "counted_by": "mosquitto",
            "ours": {"median": 81234.5, "low": 80000.0, "high": 82000.0, "rounds": [80000.0, 81234.5, 82000.0]},
            "baseline": {
                "name": "a bare loop",
                "figures": {"median": 100000.0, "low": 99000.0, "high": 1e5, "rounds": [1e5, 1e5, 99000.0]},
            },
            "ratio": {"median": 0.81, "low": 0.8, "high": 0.83, "rounds": [0.8, 0.81, 0.83]},
            "judged": {
                "figure": "ratio",
                "value": 0.81,
                "at_least": True,
                "bar": 0.5,
                "stretch": 0.9,
                "verdict": "held",
            },
            "details": [None, None, None],
        }
    ],
}


class Place:
    """A copy of the documents, and reports beside them."""

    def __init__(self, folder):
        self.folder = folder
        for name in ["host/benches/reports/table.py", "docs/performance.md", "README.md"]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)

    def report(self, **changes):
        report = REPORT | changes
        file = self.folder / f"target/bench/{report['bench']}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(report))

    def table(self, *arguments):
        script = self.folder / "host/benches/reports/table.py"
        return subprocess.run(
            [sys.executable, script, *arguments], env={}, capture_output=True, text=True
        )

    def text(self, name):
        return (self.folder / name).read_text()


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_docs_figures_match_the_kept_reports():
    script = ROOT / "host/benches/reports/table.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_report_is_written_with_spread_bar_and_command(place):
    place.report()
    done = place.table()
    assert done.returncode == 0, done.stderr
    row = (
        "| 100 devices flat out, QoS 0 | 81,234 (80,000–82,000) msg/s "
        "| 100,000 (99,000–100,000) msg/s, a bare loop | 0.81 (0.80–0.83) "
        "| ≥ 0.5 of it; better ≥ 0.9: held | mosquitto |"
    )
    assert row in place.text("docs/performance.md")
    assert "`cargo bench -- path`, commit 0123456789, 2026-01-02, 2 cores" in place.text("docs/performance.md")
    assert "| 100 devices flat out, QoS 0 | 81,234 msg/s | 100,000 msg/s, a bare loop |" in place.text("README.md")
    assert place.table("--check").returncode == 0


def test_readme_shows_languages_side_by_side(place):
    def case(name, median, baseline=None):
        return REPORT["cases"][0] | {
            "name": name,
            "unit": "µs",
            "ours": {"median": median, "low": median, "high": median, "rounds": [median]},
            "baseline": baseline and {
                "name": "natively",
                "figures": {"median": baseline, "rounds": [baseline]},
            },
        }

    cases = [case("Rust: tick", 1.5, 0.5), case("Rust: start", 9), case("Python: tick", 40)]
    place.report(bench="languages", cases=cases)
    assert place.table().returncode == 0
    table = (
        "|  | Rust | Python |\n|---|---|---|\n| tick, µs | 1.50 | 40.00 |\n"
        "| the same natively, µs | 0.50 |  |\n| start, µs | 9.00 |  |\n"
    )
    assert table in place.text("README.md")
    assert "| Rust: tick | 1.50 µs | 0.50 µs, natively |" in place.text("docs/performance.md")


def test_figure_changed_by_hand_is_found(place):
    place.report()
    place.table()
    readme = place.folder / "README.md"
    readme.write_text(readme.read_text().replace("81,234", "91,234"))
    done = place.table("--check")
    assert done.returncode == 1
    assert "README.md: differs from what docs/measured gives" in done.stderr


def test_short_benchmark_report_is_never_used(place):
    before = place.text("README.md")
    place.report(short=True)
    done = place.table()
    assert "not taken" in done.stdout
    assert place.text("README.md") == before
