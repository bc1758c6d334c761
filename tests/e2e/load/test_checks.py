"""`[checks]`, `--check` and `--junit` decide whether a run passed.

In the summary, in the exit code, and in files that CI servers read.
"""

import itertools
import json
import re
from xml.etree import ElementTree

from support.backends.latency_proxy import Line
from support.backends.server import Answer
from support.docs import code_blocks
from support.fleet import ROOT

CHECKS = {
    "fleet": ["acked >= 99.9%", "latency.p99 <= 10s", "lag.max < 10s", "failed == 0", "rate > 1/s"],
    "groups": {"thermometer": ["messages == 30", "missed == 0", "failed-calls == 0"]},
    "channels": {"telemetry": ["delivered == 100%", "ack.p50 < 10s"]},
}


def by_text(run):
    """The checks of the summary by their text."""
    return {check["check"]: check for check in run.summary["checks"]}


def junit(file):
    """The suites of a JUnit file, with their cases: (name, end, text). Checks the attributes that
    CI servers read: GitLab classname, name, time, failure and system-out, Jenkins the counts
    of suites, GitHub's actions file and message."""
    root = ElementTree.parse(file).getroot()
    assert root.tag == "testsuites" and root.get("name")
    suites = {}
    for suite in root:
        assert suite.tag == "testsuite" and float(suite.get("time")) > 0
        assert len(suite.get("timestamp")) == len("2026-11-24T07:00:00Z")
        cases = []
        for case in suite.iter("testcase"):
            assert case.get("classname").endswith(f".{suite.get('name')}")
            assert float(case.get("time")) == 0
            (words,) = (out.text for out in case.iter("system-out"))
            ends = [child for child in case if child.tag != "system-out"]
            assert [end.tag for end in ends] in ([], ["failure"], ["skipped"])
            for end in ends:
                assert end.get("message")
                assert end.tag == "skipped" or (end.get("type") and end.text)
            cases.append((case.get("name"), ends[0].tag if ends else "held", words))
        ends = [end for _, end, _ in cases]
        counts = {"tests": len(ends), "errors": 0, "failures": ends.count("failure")}
        counts["skipped"] = ends.count("skipped")
        assert {name: int(suite.get(name)) for name in counts} == counts
        suites[suite.get("name")] = cases
    for name in ("tests", "failures", "skipped"):
        assert int(root.get(name)) == sum(int(suite.get(name)) for suite in root)
    return suites


def test_passed_checks_are_shown_with_figures_and_in_junit(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=10).set(checks=CHECKS)
    run = fleet.run("--check", "unconfirmed == 0", "--junit", "verdict.xml", duration="3s")
    checks = by_text(run)
    # In the order of the file, and those of the command line at the end.
    lists = [CHECKS["fleet"], *CHECKS["groups"].values(), *CHECKS["channels"].values()]
    assert list(checks) == [*itertools.chain(*lists), "unconfirmed == 0"]
    assert all(check["held"] for check in checks.values()), checks
    assert checks["acked >= 99.9%"]["words"] == "100 % (30 of 30)"
    assert checks["messages == 30"] == {
        "scope": "group",
        "name": "thermometer",
        "check": "messages == 30",
        "figure": 30.0,
        "words": "30",
        "held": True,
    }
    assert 0 < checks["latency.p99 <= 10s"]["figure"] < 10_000_000
    assert 9 <= checks["rate > 1/s"]["figure"] <= 11
    suites = junit(fleet.folder / "verdict.xml")
    assert list(suites) == ["run", "fleet", "group thermometer", "channel telemetry"]
    own = {name: end for name, end, _ in suites["run"]}
    assert own["something arrived"] == own["the log is complete"] == "held"
    assert ("acked >= 99.9%", "held", "100 % (30 of 30)") in suites["fleet"]


def test_messages_of_qos_0_are_proven_to_have_been_read(fleet, broker):
    fleet.broker(broker.url, qos=0).group(count=10)
    run = fleet.run("--check", "unproven == 0", duration="2s")
    assert run.counted("sent") == broker.received() == 20
    assert run.summary["unproven"] == 0
    said = "yes: the broker has read all 20 messages (QoS 0)"
    assert run.summary["words"]["arrived"] == said


def test_messages_that_the_broker_did_not_read_are_unproven(fleet, broker, subscribe, closing):
    line = closing(Line(broker.port))
    subscriber = subscribe(broker)
    fleet.broker(line.url, qos=0).group(count=5, every="100ms").write()
    arguments = ("--duration", "3s", "--check", "unproven == 0", "--json")
    process = fleet.mockfleet("run", "fleet.toml", *arguments)
    subscriber.wait_for(50)
    line.stop_reading()
    assert process.finish() == 1, process.report()
    summary = json.loads(process.stdout.splitlines()[-1])
    # Nothing was read after the stop, and no ping had an answer.
    assert summary["unproven"] == summary["sent"] == 150
    assert summary["words"]["arrived"].startswith("unknown for 150 of 150 messages: ")


def test_failed_check_fails_the_run_and_shows_the_measured_value(fleet, serve):
    # The answers to one device are refused.
    server = serve(answer=lambda request: Answer(status=503 if "00003" in request.path else 204))
    fleet.server(server.url).group("<odd> & \"name\"", count=4)
    fleet.set(checks={"fleet": ["acked >= 90%", "failed <= 25%"]})
    fleet.write()
    process = fleet.mockfleet("run", "fleet.toml", "--duration", "2s", "--junit", "verdict.xml")
    assert process.finish() == 1, process.report()
    assert "Checks                   1 of 2 failed" in process.out
    assert "failed  fleet: acked >= 90%: 75.00 % (6 of 8)" in process.stdout
    assert "passed  fleet: failed <= 25%: 25.00 % (2 of 8)" in process.stdout
    cases = junit(fleet.folder / "verdict.xml")["fleet"]
    assert [end for _, end, _ in cases] == ["failure", "held"]


def test_messages_due_in_the_warm_up_do_not_count(fleet, serve):
    # The first tick of each of the five devices is refused.
    server = serve(answer=lambda _: Answer(status=503 if len(server.requests) <= 5 else 204))
    fleet.server(server.url).group(count=5)
    fleet.set(checks={"warm-up": "500ms", "fleet": ["failed == 0", "messages == 10"]})
    run = fleet.run(duration="3s")
    assert run.counted("failed") == 5
    assert [check["held"] for check in run.summary["checks"]] == [True, True]


def test_check_without_data_fails(fleet, broker):
    fleet.broker(broker.url).group(count=2).group("silent", count=1, every="1h", start="spread")
    silent = ["failed == 0", "latency.p99 <= 1s", "messages == 0"]
    fleet.set(checks={"groups": {"silent": silent}, "fleet": ["latency.p99 <= 1s"]})
    run = fleet.run(duration="1s", expect=1)
    held = {(check["name"], check["check"]): check["held"] for check in run.summary["checks"]}
    assert held == {
        (None, "latency.p99 <= 1s"): False,
        ("silent", "failed == 0"): False,
        ("silent", "latency.p99 <= 1s"): False,
        ("silent", "messages == 0"): True,
    }
    words = by_text(run)["failed == 0"]["words"]
    assert words == "no message was due, so nothing was measured"


def test_all_faults_in_checks_are_reported_before_sending(fleet, serve):
    server = serve()
    fleet.server(server.url).group(count=2)
    fleet.write()
    with fleet.file.open("a") as file:
        file.write(
            """
[checks]
warm-up = "10s"
fleet = ["akced >= 99%", "acked >= 101%", "failed < 0", "latency.p99 <= 200", 5]
[checks.groups]
thermometr = ["missed == 0"]
[checks.channels]
telemetry = ["missed == 0"]
alarm = "failed == 0"
"""
        )
    lines = fleet.file.read_text().splitlines()
    arguments = ["--duration", "10s", "--check", "acked", "--junit", "nowhere/verdict.xml"]
    process = fleet.mockfleet("run", "fleet.toml", *arguments)
    assert process.finish() == 2, process.report()
    wanted = [
        ("warm-up =", "not shorter than the run's duration"),
        ("fleet =", 'did you mean "acked"?'),
        ("fleet =", "between 0% and 100%"),
        ("fleet =", "it never holds, and so checks nothing"),
        ("fleet =", "a time, such as 200ms"),
        ("fleet =", "a check is a text"),
        ("thermometr =", 'group thermometr, which the fleet does not have; did you mean'),
        ("telemetry = [", "a channel has messages only"),
        ("alarm =", "channel alarm, which the fleet does not have; there are telemetry"),
        ("alarm =", "are a list of texts"),
    ]
    for start, says in wanted:
        (number,) = [n for n, line in enumerate(lines, 1) if line.startswith(start)]
        place = f"fleet.toml:{number}: "
        assert any(line.startswith(place) and says in line for line in process.err), (start, says)
    assert any(line.startswith("--check: ") for line in process.err)
    assert any(line.startswith("--junit: nowhere/verdict.xml ") for line in process.err)
    assert len(process.err) == len(wanted) + 2, process.report()
    assert server.connections == 0 and process.out == []


def test_docs_verdicts_has_valid_checks_and_lists_every_figure(fleet, broker):
    page = (ROOT / "docs/verdicts.md").read_text()
    block = code_blocks("docs/verdicts.md", "toml")[0]
    fleet.broker(broker.url, channels=("telemetry", "alarm"), qos=1).group(count=2)
    fleet.write()
    fleet.file.write_text(fleet.file.read_text() + block)
    good = fleet.mockfleet("check", "fleet.toml", "--duration", "1m")
    assert good.finish() == 0, good.report()
    # The refusal of a figure that is none names all that there are.
    process = fleet.mockfleet("run", "fleet.toml", "--check", "weather == 0")
    assert process.finish() == 2
    named = re.search(r"there are (.*)", process.stderr).group(1).split(", ")
    figures = re.findall(r"^\| `([a-z-]+)(?:\.p99)?` \|", page, re.MULTILINE)
    assert {name.removesuffix(".p99") for name in named} == {*figures, "ack"}
