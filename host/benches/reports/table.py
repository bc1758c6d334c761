"""Brings measured figures into the documents, so that none is copied by hand.

    host/benches/reports/table.py            # from target/bench to docs/measured and the documents
    host/benches/reports/table.py --check    # says whether the documents are what docs/measured gives

Each document has places between `<!-- measured: NAME -->` and `<!-- end -->`; what lies
between is made from docs/measured/*.json, which are the reports that the benchmarks
wrote. A report of a short form is never taken.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
REPORTS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench"
MEASURED = ROOT / "docs" / "measured"
DOCUMENTS = [ROOT / "docs" / "performance.md", ROOT / "README.md"]
PLACE = re.compile(r"(<!-- measured: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)

# The README's lines: benchmark, and the beginning of the case's name.
IN_SHORT = [
    ("path", "100 devices flat out, QoS 0"),
    ("path", "100 devices flat out, QoS 1"),
    ("path", "100 devices flat out, QoS 0, to mosquitto: processor time"),
    ("path", "100 devices flat out, QoS 1, to mosquitto: processor time"),
    ("path", "QoS 0 flat out, with the send log"),
    ("http", "100 devices flat out, HTTP"),
    ("schedule", "10,000 devices × 1/s, a connection each: ticks that ran"),
    ("schedule", "10,000 devices × 1/s, a connection each: due to sent, p99"),
    ("schedule", "10,000 devices × 1/s, a connection each: memory at most"),
    ("schedule", "10,000 devices × 1/s, a connection each: process start to all sending"),
    ("million", "1,000,000 devices × 1/min, 64 connections, 1,000 a cell: memory at most"),
    ("start", "process start to first message, plugin compiled before"),
    ("tick", "tick, 64 devices a cell"),
    ("log", "append to closed Parquet"),
]
# What holds every bar; the order of the document.
BENCHES = [
    "path", "http", "schedule", "million", "start", "scale", "tick", "scenario", "log", "day",
    "backfill", "report", "recover", "verify", "languages", "neighbours", "builds",
]


def reports():
    return {file.stem: json.loads(file.read_text()) for file in sorted(MEASURED.glob("*.json"))}


def number(value):
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2f}"


def spread(figures, unit=""):
    rounds = figures["rounds"]
    text = number(figures["median"])
    if len(rounds) > 1:
        text += f" ({number(figures['low'])}–{number(figures['high'])})"
    return f"{text} {unit}".rstrip()


def bar(judged):
    if not judged:
        return ""
    sign = "≥" if judged["at_least"] else "≤"
    of = {"ours": "", "ratio": " of it", "beyond the baseline": " beyond it"}[judged["figure"]]
    if judged["figure"] == "ratio" and not judged["at_least"]:
        of = " × it"
    text = f"{sign} {judged['bar']:g}{of}"
    if judged["stretch"] is not None:
        text += f"; better {sign} {judged['stretch']:g}"
    said = {"stretch": "held, and better", "held": "held", "missed": "**missed**"}
    return f"{text}: {said[judged['verdict']]}"


def row(case):
    baseline, ratio = "", ""
    if case["baseline"]:
        baseline = f"{spread(case['baseline']['figures'], case['unit'])}, {case['baseline']['name']}"
        ratio = spread(case["ratio"])
    counted = case["counted_by"] or ""
    cells = [case["name"], spread(case["ours"], case["unit"]), baseline, ratio, bar(case["judged"]), counted]
    return "| " + " | ".join(cells) + " |"


def head(*names):
    return ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]


def about(report):
    machine = report["machine"]
    return (
        f"`{report['command']}`, commit {report['commit']}, {report['date'][:10]}, "
        f"{machine['cores']} cores ({machine['cpu']}), Linux {machine['kernel']}"
    )


def whole(found):
    """All cases that a bar is held against, and those beside them."""
    lines = []
    for name in BENCHES:
        if name not in found:
            continue
        report = found[name]
        lines += ["", f"### {name}", "", about(report), ""]
        lines += head("case", "mockfleet", "baseline", "ratio", "bar", "counted by")
        lines += [row(case) for case in report["cases"]]
    return lines[1:]


def short(found):
    lines = []
    for name, start in IN_SHORT:
        cases = found.get(name, {"cases": []})["cases"]
        case = next((case for case in cases if case["name"].startswith(start)), None)
        if case:
            baseline = case["baseline"]
            beside = f"{number(baseline['figures']['median'])} {case['unit']}, {baseline['name']}" if baseline else ""
            lines.append(f"| {case['name']} | {number(case['ours']['median'])} {case['unit']} | {beside} |")
    return head("case", "mockfleet", "baseline") + lines if lines else []


def languages(found):
    """A column for each language, a line for each thing that was measured."""
    if not (report := found.get("languages")):
        return []
    columns, rows = [], {}
    for case in report["cases"]:
        language, what = case["name"].split(": ", 1)
        if language not in columns:
            columns.append(language)
        rows.setdefault(f"{what}, {case['unit']}", {})[language] = number(case["ours"]["median"])
        if baseline := case["baseline"]:
            beside = f"the same {baseline['name']}, {case['unit']}"
            rows.setdefault(beside, {})[language] = number(baseline["figures"]["median"])
    lines = head("", *columns)
    for what, figures in rows.items():
        lines.append("| " + " | ".join([what, *(figures.get(column, "") for column in columns)]) + " |")
    return lines + ["", about(report) + "."]


def stages(found):
    lines = []
    if report := found.get("profile"):
        lines += [about(report), ""] + head("part of a run", "ns a message", "share")
        for case in report["cases"]:
            share = case["details"][0].get("share")
            lines.append(f"| {case['name']} | {number(case['ours']['median'])} | {'' if share is None else f'{share:.1%}'} |")
    if report := found.get("stages"):
        lines += ["", about(report), ""] + head("stage alone", "ns a message")
        lines += [f"| {case['name']} | {spread(case['ours'])} |" for case in report["cases"]]
    return lines


def counts(found):
    if not (report := found.get("count")):
        return []
    lines = [about(report), ""] + head("loop", "instructions")
    return lines + [f"| {case['name']} | {spread(case['ours'])} |" for case in report["cases"]]


def peers(found):
    if not (report := found.get("peers")):
        return []
    cases = {case["name"]: case for case in report["cases"]}
    columns = {"memory": "memory at most", "processor time a message": "processor time a message"}
    columns = {key: shown for key, shown in columns.items() if any(name.endswith(f", {key}") for name in cases)}
    lines = [about(report), ""] + head("load and tool", "the broker counted", *columns.values())
    for name, case in cases.items():
        if f"{name}, memory" in cases:
            figures = [case, *(cases.get(f"{name}, {key}") for key in columns)]
            row = [spread(one["ours"], one["unit"]) if one else "" for one in figures]
            lines.append(f"| {name} | {' | '.join(row)} |")
    lines += ["", "Command lines:", "", "```text"]
    for name, case in cases.items():
        for details in case["details"]:
            if details:
                told = " ".join(f"{key}={value}" for key, value in details[0]["environment"].items())
                lines += [f"# {name}", f"{told} {details[0]['command']}".strip()]
    return lines + ["```"]


TABLES = {"all": whole, "short": short, "stages": stages, "counts": counts, "peers": peers, "languages": languages}


def rendered(document, found):
    def fill(match):
        lines = TABLES[match[2]](found)
        if not lines:
            # Nothing of it was measured: what is there stays.
            return match[0]
        return match[1] + "\n" + "\n".join(lines) + "\n\n" + match[3]

    return PLACE.sub(fill, document)


def take():
    """Keeps the reports of whole runs; says which were short."""
    MEASURED.mkdir(parents=True, exist_ok=True)
    for file in sorted(REPORTS.glob("*.json")):
        report = json.loads(file.read_text())
        if report["short"]:
            print(f"{file.name}: a short form, which proves only that it runs; not taken")
            continue
        (MEASURED / file.name).write_text(file.read_text())
        print(f"{file.name}: taken, of commit {report['commit']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a document differs")
    arguments = parser.parse_args()
    if not arguments.check:
        take()
    found, stale = reports(), []
    for document in DOCUMENTS:
        text = document.read_text()
        wanted = rendered(text, found)
        if arguments.check and wanted != text:
            stale.append(document.relative_to(ROOT))
        if not arguments.check:
            document.write_text(wanted)
    for document in stale:
        print(f"{document}: differs from what docs/measured gives; run host/benches/reports/table.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
