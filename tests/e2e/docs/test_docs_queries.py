"""Every query of docs/queries.md runs on the log of a run with failures.

The answers of the main queries match the rows themselves.
"""

import csv
import json
import re
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import groupby

import duckdb
import pyarrow.parquet
import pytest

from support.backends.broker import Broker
from support.backends.server import Answer, Server
from support.backends.subscriber import Subscriber
from support.docs import FENCE
from support.fleet import ROOT, Fleet
from support.wait import free_port, wait_until

PAGE = (ROOT / "docs/queries.md").read_text()
LOST = {"failed", "dropped", "unconfirmed"}


def sections():
    """The SQL blocks of each heading."""
    return {
        heading: [code for language, code in FENCE.findall(text) if language == "sql"]
        for heading, text in re.findall(
            r"^#+ ([^\n]*)\n(.*?)(?=^##? |\Z)", PAGE, re.MULTILINE | re.DOTALL
        )
    }


class Asked:
    """A database as the page makes it, in the folder of the run."""

    def __init__(self, fleet, statements, run):
        self.database = duckdb.connect()
        self.database.execute(statements)
        self.database.execute(f"SET file_search_path = '{fleet.folder}'")
        for heading in ("Queries for the log", "Runs in the log"):
            for query in sections()[heading]:
                self.database.execute(query)
        assert self.database.execute("SELECT getvariable('run')").fetchone() == (run,)

    def ask(self, heading, number=0):
        """The answer to a query, as a dictionary a row."""
        answer = self.database.execute(sections()[heading][number])
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


@pytest.fixture(scope="module")
def trouble(tmp_path_factory):
    """A run with failures: a broker that restarts, a server that refuses one device, a broker
    that was never there, and a plugin that traps."""
    folder = tmp_path_factory.mktemp("trouble")
    broker = Broker(folder / "broker").start()
    server = Server(answer=lambda request: Answer(503 if "00001" in request.path else 204))
    fleet = Fleet(folder)
    before = after = None
    try:
        fleet.broker(broker.url, qos=1, outbox=20)
        fleet.server(server.url)
        fleet.broker(f"mqtt://127.0.0.1:{free_port()}", name="nowhere", qos=1)
        fleet.group(count=5, every="50ms")
        fleet.group("meter", "builtin:meter", count=3, every="200ms")
        fleet.content["groups"][1]["target"] = "server"
        fleet.group("lonely", count=2)
        fleet.content["groups"][2]["target"] = "nowhere"
        fleet.guest(count=3, every="100ms", config={"does": "trap", "at": 5, "index": 1})
        fleet.set(log={"store": "mockfleet-logs"})
        fleet.store = folder / "mockfleet-logs"
        # An older run in the same store, which no answer may have anything of.
        fleet.run(duration="1s")
        before = Subscriber(broker)
        process = fleet.start()
        before.wait_for(50)
        broker.stop()
        # The outboxes overflow a second later; those of `lonely` do not within this test.
        wait_until(
            lambda: any(json.loads(line)["dropped"] > 0 for line in list(process.out)),
            "messages that were dropped",
        )
        broker.start()
        after = Subscriber(broker)
        after.wait_for(200)
        process.interrupt()
        run = fleet.end(process, expect=130)
        yield fleet, run
    finally:
        for thing in (fleet, before, after, server):
            if thing:
                thing.close()
        broker.stop()


@pytest.fixture(scope="module")
def rows(trouble):
    """The rows of `sends` of the run, read without DuckDB."""
    _, run = trouble
    files = run.log.files("sends")
    read = [row for file in files for row in pyarrow.parquet.ParquetFile(file).read().to_pylist()]
    rows = [row for row in read if row["run_id"] == run.summary["run"]]
    assert len(rows) == run.counted() < len(read)
    return sorted(rows, key=lambda row: (row["device_id"], row["seq"]))


@pytest.fixture
def asked(trouble):
    fleet, run = trouble
    process = fleet.mockfleet("logs", "ddl", "--engine", "duckdb")
    assert process.finish() == 0, process.report()
    return Asked(fleet, process.stdout, run.summary["run"])


@pytest.fixture
def backend(trouble, rows):
    """The user's own table: the confirmed messages without those that the backend lost, one
    message twice, and one that never left by the log. Returns those three."""
    fleet, _ = trouble
    own = [row for row in rows if row["group"] == "thermometer"]
    acked = [row for row in own if row["outcome"] == "acked"]
    lost, kept = acked[::7], [row for n, row in enumerate(acked) if n % 7]
    dropped = next(row for row in own if row["outcome"] == "dropped")
    with open(fleet.folder / "backend.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["device", "uptime_ms"])
        for row in [*kept, kept[1], dropped]:
            payload = json.loads(row["payload"])
            writer.writerow([payload["device"], payload["uptime_ms"]])
    return lost, kept[1], dropped


def quantile(values, share):
    """Between two values as far as the share lies between them."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def test_run_has_every_outcome_that_the_queries_need(rows, trouble):
    _, run = trouble
    assert {row["outcome"] for row in rows} >= {"acked", "failed", "dropped"}
    kinds = set(run.log.column("SELECT DISTINCT kind FROM events"))
    assert kinds >= {"born", "connected", "disconnected", "status", "stopped", "restarted"}


def test_every_query_runs_and_gives_rows_where_expected(asked, backend):
    queries = [(heading, n) for heading, all in sections().items() for n in range(len(all))]
    assert len(queries) >= 18
    for heading, number in queries:
        answer = asked.ask(heading, number)
        if heading == "Gaps in the log":
            assert answer == [], heading
        elif not sections()[heading][number].startswith(("SET", "CREATE")):
            assert answer, heading


def test_messages_of_each_device_are_counted(asked, rows):
    expected = {}
    for device, own in groupby(rows, key=lambda row: row["device_id"]):
        own = list(own)
        expected[device] = {
            "group": own[0]["group"],
            "device_id": device,
            "expected": len(own),
            "logged": len(own),
            "sent": sum(row["sent_at"] is not None for row in own),
            "acked": sum(row["outcome"] == "acked" for row in own),
            "lost": sum(row["outcome"] in LOST for row in own),
        }
    answer = asked.ask("Messages of each device")
    assert {row["device_id"]: row for row in answer} == expected
    assert len(answer) == len(expected) == 13
    assert [row["lost"] for row in answer] == sorted((row["lost"] for row in answer), reverse=True)


def test_gaps_are_the_missing_rows(asked):
    asked.database.execute(
        """CREATE TABLE holed AS SELECT * FROM sends
           WHERE device_id != 'thermometer-00002' OR seq NOT IN (0, 1, 4, 6, 7, 8);
           CREATE OR REPLACE VIEW sends AS FROM holed"""
    )
    gaps = [tuple(row.values()) for row in asked.ask("Gaps in the log")]
    assert gaps == [
        ("thermometer-00002", 0, 1, 2),
        ("thermometer-00002", 4, 4, 1),
        ("thermometer-00002", 6, 8, 3),
    ]


def test_loss_streaks_are_consecutive_losses(asked, rows):
    expected = []
    for device, own in groupby(rows, key=lambda row: row["device_id"]):
        for is_lost, stretch in groupby(own, key=lambda row: row["outcome"] in LOST):
            if is_lost:
                seqs = [row["seq"] for row in stretch]
                expected.append((device, seqs[0], seqs[-1], len(seqs)))
    answer = asked.ask("Lost ranges")
    assert sorted(tuple(row.values())[:4] for row in answer) == sorted(expected)
    assert {row["cause"] for row in answer if row["device_id"] == "lonely-00000"} == {
        "there was never a connection to the broker"
    }


def lag(row):
    return (row["sent_at"] or row["scheduled_at"]) - row["scheduled_at"]


def test_late_messages_are_those_that_waited(asked, rows):
    def later(ms, group):
        after = timedelta(milliseconds=ms)
        return sum(row["group"] == group and lag(row) > after for row in rows)

    late = [row for row in rows if lag(row) > timedelta(seconds=1)]
    assert late, "the outbox was full for longer than that"
    groups = {row["group"]: row for row in asked.ask("Late messages")}
    assert set(groups) == {"thermometer", "meter", "guest"}
    for name, group in groups.items():
        assert group["sent"] == sum(r["group"] == name and r["sent_at"] is not None for r in rows)
        # `date_diff` counts the ticks of the clock between the two, which are 1000 or 1001
        # for what lies a bit more than 1000 ms apart.
        assert later(1001, name) <= group["later_than_1s"] <= later(1000, name)
    latest = asked.ask("Late messages", 1)
    assert len(latest) == min(len(late), 100)
    assert {(row["device_id"], row["seq"]) for row in latest} <= {
        (row["device_id"], row["seq"]) for row in late
    }
    assert latest[0]["late_ms"] == max(row["late_ms"] for row in latest)


def test_percentiles_match_each_minute(asked, rows):
    minutes = defaultdict(list)
    for row in rows:
        if row["outcome"] == "acked":
            minutes[row["sent_at"].replace(second=0, microsecond=0)].append(row["latency_us"])
    answer = asked.ask("Latency by minute")
    assert [row["minute"] for row in answer] == sorted(minutes)
    for row in answer:
        values = minutes[row["minute"]]
        assert row["acked"] == len(values)
        for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99), ("max_ms", 1)):
            assert row[name] == pytest.approx(quantile(values, share) / 1000)


def test_failures_have_their_cause(asked, rows):
    expected = Counter(
        (row["outcome"], row["code"], row["error"]) for row in rows if row["outcome"] in LOST
    )
    answer = asked.ask("Failures and their causes")
    assert {
        (row["outcome"], row["code"], row["error"]): row["messages"] for row in answer
    } == expected
    (refused,) = [row for row in answer if row["code"] == 503]
    assert (refused["outcome"], refused["devices"]) == ("failed", 1)


def test_each_device_has_its_last_status(asked, rows):
    last = {row["device_id"]: row["device_status"] for row in rows}
    answer = asked.ask("Last status of each device")
    counts = {(row["group"], row["status"]): row["devices"] for row in answer}
    assert sum(counts.values()) == 13
    for group in ("thermometer", "meter", "lonely"):
        assert Counter(
            status for device, status in last.items() if device.startswith(group)
        ) == Counter({status: n for (name, status), n in counts.items() if name == group})
    assert sum(n for (name, _), n in counts.items() if name == "guest") == 3


def test_bytes_match_each_channel(asked, rows):
    expected = Counter()
    for row in rows:
        expected[row["channel"], row["destination"]] += row["payload_size"]
    answer = asked.ask("Bytes by channel")
    assert {(row["channel"], row["destination"]): row["bytes"] for row in answer} == expected
    assert all(row["bytes_on_the_wire"] >= 0 for row in answer)


def test_faulted_messages_are_compared_with_the_others(asked, rows):
    asked.database.execute(
        """CREATE TABLE faulty AS SELECT * REPLACE (
             CASE WHEN "group" = 'meter' AND seq < 2 THEN 'delay' ELSE fault END AS fault
           ) FROM sends;
           CREATE OR REPLACE VIEW sends AS FROM faulty"""
    )
    answer = asked.ask("Messages touched by faults")
    counts = {(row["fault"], row["outcome"]): row["messages"] for row in answer}
    assert sum(counts.values()) == len(rows)
    # Of three devices one is refused.
    assert {key: n for key, n in counts.items() if key[0] == "delay"} == {
        ("delay", "acked"): 4,
        ("delay", "failed"): 2,
    }


def test_failure_is_joined_with_the_last_event_of_its_device(asked, rows, trouble):
    _, run = trouble
    events = run.log.rows('SELECT device_id, "at", kind FROM events')
    span = timedelta(seconds=5)
    expected = Counter(
        (row["device_id"], row["seq"], kind)
        for row in rows
        if row["outcome"] in LOST
        for device, at, kind in events
        if device == row["device_id"] and abs(at - row["scheduled_at"]) <= span
    )
    answer = asked.ask("Events around a failure")
    assert Counter((row["device_id"], row["seq"], row["kind"]) for row in answer) == expected
    thermometers = {row["kind"] for row in answer if row["device_id"] == "thermometer-00001"}
    assert thermometers >= {"disconnected", "connected"}
    line = asked.ask("Events around a failure", 1)
    own = [row for row in rows if row["device_id"] == "thermometer-00001"]
    assert sum(row["what"].startswith("message ") for row in line) == len(own)
    assert {"born", "disconnected"} <= {row["what"] for row in line}


def test_lost_messages_are_those_missing_in_the_backend(asked, backend):
    lost, twice, dropped = backend
    assert len(lost) > 10
    asked.ask("Messages lost by the backend", 0)
    answer = asked.ask("Messages lost by the backend", 1)
    assert [(row["device_id"], row["seq"]) for row in answer] == [
        (row["device_id"], row["seq"]) for row in lost
    ]
    answer = asked.ask("Messages lost by the backend", 2)
    assert {(row["device_id"], row["seq"], row["outcome"], row["times"]) for row in answer} == {
        (twice["device_id"], twice["seq"], "acked", 2),
        (dropped["device_id"], dropped["seq"], "dropped", 1),
    }
