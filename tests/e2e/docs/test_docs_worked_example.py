"""The worked example of docs/verdicts.md is true.

A fleet with every fault runs twice with the same result, and `verify` finds the messages that
the backend lost among all that were broken on purpose.
"""

import json
import re
import xml.etree.ElementTree as ET

from support.backends.subscriber_recorder import Recorder
from support.docs import code_blocks
from support.fleet import ROOT
from support.log import Log

CAUSES = ["missing", "doubled", "late", "altered", "out-of-order"]


def worked():
    """The fleet file of the page."""
    (text,) = [block for block in code_blocks("docs/verdicts.md", "toml") if block.startswith("# worked.toml")]
    return text


def kinds():
    """All kinds of faults that there are, by the page about them."""
    page = (ROOT / "docs/faults.md").read_text()
    return {*re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)} - {"kind"}


def innocent(log, count):
    """Messages that no fault touched, the last of their devices, so that no later message
    reveals their loss."""
    return log.rows(
        f"""SELECT device_id, seq FROM sends s
            WHERE fault IS NULL AND outcome = 'acked' AND attempt = 1
              AND seq = (SELECT max(seq) FROM sends o WHERE o.device_id = s.device_id)
            ORDER BY device_id LIMIT {count}"""
    )


def test_worked_example_is_reproducible_and_finds_real_losses(fleet, broker, closing):
    text = worked()
    assert set(re.findall(r'^kind = "([a-z-]+)"', text, re.MULTILINE)) == kinds()
    (fleet.folder / "worked.toml").write_text(text.replace("1883", str(broker.port)))
    recorder = closing(Recorder(broker, "site/#", qos=1))
    run = ("run", "worked.toml", "--json")
    first = fleet.mockfleet(*run, "--junit", "verdict.xml").expect()
    summary = json.loads(first.out[-1])
    # A machine too slow for the schedule would explain a difference.
    assert summary["missed_ticks"] == 0
    assert (summary["failed"], summary["dropped"], summary["unconfirmed"]) == (0, 0, 0)
    assert summary["injected"]["touched"].keys() == kinds()
    suites = ET.parse(fleet.folder / "verdict.xml").getroot()
    assert suites.findall(".//testcase") and not suites.findall(".//failure")

    log = Log(fleet.folder / "worked-log")
    log.assert_sound()
    gone_astray = "fault LIKE '%wrong-topic%'"
    recorder.wait_for(log.count(f"outcome = 'acked' AND NOT coalesce({gone_astray}, false)"))
    recorder.close()
    rows = received(recorder)

    # The same again, as fast as it goes, on one thread.
    again = ("--set", "clock.speed=max", "--log", "again", "--workers", "1")
    fleet.mockfleet(*run, *again).expect()
    digests = [fleet.mockfleet("logs", "digest", store).expect() for store in ("worked-log", "again")]
    assert digests[0].out[0].split()[0] == digests[1].out[0].split()[0]

    # What was broken on purpose is explained, to the last message.
    write(rows, fleet.folder / "received.jsonl")
    verify = ("verify", "worked-log", "--received", "received.jsonl", "--json")
    said = json.loads(fleet.mockfleet(*verify).expect().stdout)
    assert {cause: said["causes"][cause]["unexplained"] for cause in CAUSES} == dict.fromkeys(CAUSES, 0)
    missing = said["causes"]["missing"]["explained"]
    assert sum(missing.values()) > 0, missing

    # And what the subscriber throws away itself is not.
    thrown = innocent(log, 3)
    assert len(thrown) == 3
    kept = [row for row in rows if not is_one_of(row, thrown)]
    assert len(kept) == len(rows) - 3
    write(kept, fleet.folder / "received.jsonl")
    said = json.loads(fleet.mockfleet(*verify).expect(1).stdout)
    found = said["causes"]["missing"]
    assert found["unexplained"] == 3
    assert sorted((e["device"], e["seq"]) for e in found["examples"]) == sorted(thrown)
    assert found["explained"] == missing


def received(recorder):
    """The messages of a backend that takes texts only: some faulted payloads are none."""
    rows = []
    for at, message in zip(recorder.times, recorder.messages, strict=True):
        try:
            payload = message.payload.decode()
        except UnicodeDecodeError:
            continue
        device = message.topic.split("/")[1]
        rows.append({"received_at": at, "topic": message.topic, "device": device, "payload": payload})
    return rows


def is_one_of(row, messages):
    try:
        return (row["device"], json.loads(row["payload"])["seq"]) in messages
    except ValueError:
        # A payload that a fault has cut.
        return False


def write(rows, file):
    """Writes payloads as texts: a faulted payload need not be JSON."""
    with file.open("w") as out:
        for row in rows:
            print(json.dumps(row), file=out)
