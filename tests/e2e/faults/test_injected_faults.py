"""Injected faults are seen on the wire and in the rows, and nobody else is blamed."""

import json
import re
import tomllib
from collections import Counter, defaultdict

import jsonschema
import pytest

from support.backends.server import Answer
from support.docs import code_blocks
from support.fleet import ROOT
from support.log import IS_COPY, Log
from support.rounds import fleet_seeds

PAGE = ROOT / "docs/faults.md"

# Rows of messages that were not lost on the way, their copies aside.
LEFT = f"outcome = 'acked' AND NOT {IS_COPY}"

MESSAGES = {
    "drop": {},
    "duplicate": {"copies": 2},
    "delay": {"delay": "300ms..500ms"},
    "reorder": {"messages": 2},
    "corrupt": {"bytes": 2},
    "truncate": {"size": "50%"},
    "oversize": {"size": "1KiB"},
    "wrong-topic": {"topic": "lost/{group}/{device}"},
}

LINKS = [
    {"kind": "clock-skew", "offset": "-1h", "from": "300ms", "until": "1200ms"},
    {"kind": "disconnect", "rate": "1/s", "duration": "200ms", "devices": "30%"},
    {"kind": "half-open", "at": "400ms", "duration": "300ms", "devices": "30%"},
    {"kind": "flapping", "at": "800ms", "times": 3, "down": "50ms", "up": "50ms"},
    {"kind": "slow-link", "bandwidth": "20KiB/s", "latency": "50ms", "until": "1500ms"},
    {"kind": "reconnect-storm", "at": "1200ms", "duration": "200ms"},
]


def every_kind():
    """A fault of each kind."""
    messages = [{"kind": kind, "probability": "15%", **own} for kind, own in MESSAGES.items()]
    return messages + LINKS


@pytest.fixture
def broken(fleet, broker):
    """Runs one group with these faults: 4 devices, a message each 100 ms."""

    def run(*faults, duration="2s", count=4, every="100ms", **target):
        fleet.broker(broker.url, **({"qos": 1} | target))
        fleet.content["groups"].clear()
        fleet.group(count=count, every=every, faults=list(faults))
        run = fleet.run(duration=duration)
        run.log.assert_sound()
        return run

    return run


def assert_nobody_is_blamed(run):
    """Every lost message was lost to a fault, and its row says so."""
    summary = run.summary
    assert (summary["failed"], summary["dropped"], summary["unconfirmed"]) == (0, 0, 0)
    assert summary["bottleneck"]["who"] != "backend"
    lost = run.log.count("error LIKE 'injected fault: %'")
    assert run.log.count("error IS NOT NULL") == lost == summary["injected"]["lost"]


def due(begin, end):
    """Rows that were due in this time of the run, in milliseconds; the first device is
    switched on as it starts."""
    born = """(SELECT min("at") FROM events WHERE kind = 'born')"""
    since = f"epoch_us(scheduled_at) - epoch_us({born})"
    return f"({since} >= {begin}000 AND {since} < {end}000)"


def assert_touched(run, fault, begin, end):
    """Exactly the messages due in this time have the fault, and there are some."""
    assert run.log.count(f"(fault = '{fault}') IS TRUE != {due(begin, end)}") == 0
    assert run.log.count(f"fault = '{fault}'") > 0


def test_faulted_messages_match_between_broker_and_rows(fleet, broker, subscribe):
    heard = subscribe(broker)
    # A connection for all devices of a worker: what one is sent is heard in that order.
    fleet.broker(broker.url, qos=1, connections=2)
    for kind, own in MESSAGES.items():
        fault = {"kind": kind, "probability": "30%", **own}
        fleet.group(kind, count=8, every="200ms", faults=[fault])
    run = fleet.run(duration="2s")
    run.log.assert_sound()
    left = run.log.rows(
        "SELECT topic, coalesce(encode(payload), payload_bin) FROM sends WHERE outcome = 'acked'"
    )
    messages = heard.wait_for(len(left))
    assert Counter((m.topic, m.payload) for m in messages) == Counter(
        (topic, bytes(payload)) for topic, payload in left
    )
    # Of 80 messages of each kind, by the seed, somewhat more or less than 24.
    touched = run.summary["injected"]["touched"]
    assert touched.keys() == MESSAGES.keys()
    assert all(10 <= count <= 40 for count in touched.values()), touched
    log = run.log
    assert log.count("fault IS NOT NULL") == sum(touched.values()) + touched["duplicate"]
    assert run.summary["injected"]["copies"] == 2 * touched["duplicate"]
    # Dropped: a row, and nothing on the wire.
    assert log.rows("SELECT DISTINCT outcome, error, fault FROM sends WHERE outcome != 'acked'") == [
        ("dropped", "injected fault: drop", "drop")
    ]
    assert run.summary["injected"]["dropped"] == touched["drop"]
    assert run.counted("dropped") == 0
    # Delayed: not sent before its time.
    early = "fault LIKE 'delay%' AND sent_at < scheduled_at + INTERVAL '300 ms'"
    assert log.count(f"{early} AND {due(0, 1_500)}") == 0, "but for those that the end sets free"
    assert log.count("fault LIKE 'delay ___ms'") == touched["delay"]
    # Elsewhere.
    wrong = log.column("SELECT topic FROM sends WHERE fault = 'wrong-topic'")
    assert all(topic.startswith("lost/wrong-topic/wrong-topic-0") for topic in wrong)

    # Out of order: behind the next two of its device that are not held back themselves.
    heard_of = defaultdict(list)
    for message in messages:
        heard_of[message.topic].append(message.payload)
    rows = defaultdict(list)
    for topic, payload, fault in log.rows(
        "SELECT topic, encode(payload), fault FROM sends WHERE \"group\" = 'reorder' ORDER BY seq"
    ):
        rows[topic].append((bytes(payload), fault))
    for topic, sent in rows.items():
        for number, (payload, fault) in enumerate(sent):
            others = [other for other, held in sent[number + 1 :] if not held][:2]
            if fault and len(others) == 2:
                places = [heard_of[topic].index(p) for p in (*others, payload)]
                assert places == sorted(places)

    # The same seed without faults says what the payloads were.
    for group in fleet.content["groups"]:
        del group["faults"]
    clean = fleet.run(duration="2s")
    # A machine too slow for the schedule would explain a difference.
    assert run.summary["missed_ticks"] == clean.summary["missed_ticks"] == 0
    clean = clean.log.payloads()
    for device, seq, payload, fault in log.rows(
        "SELECT device_id, seq, coalesce(encode(payload), payload_bin), fault FROM sends"
    ):
        was, now = clean[device][seq], bytes(payload)
        match (fault or "").split(" ")[0]:
            case "corrupt":
                assert len(was) == len(now)
                assert sum(a != b for a, b in zip(was, now, strict=True)) == 2
            case "truncate":
                assert now == was[: len(was) // 2]
                assert fault == f"truncate from {len(was)} bytes"
            case "oversize":
                assert now == was.ljust(1024)
            case _:
                assert now == was


@pytest.mark.parametrize("vanish", [False, True])
def test_disconnected_device_sends_its_messages_later(broken, broker, vanish):
    """With `vanish` it closes the connection without a DISCONNECT packet."""
    run = broken({"kind": "disconnect", "at": "650ms", "duration": "400ms", "vanish": vanish})
    log, words = run.log, "disconnect without a goodbye" if vanish else "disconnect"
    assert sorted(log.events("fault")) == [
        (f"thermometer-{n:05}", f"{words} for 400ms") for n in range(4)
    ]
    assert run.summary["injected"]["begun"] == {"disconnect": 4}
    assert_touched(run, "disconnect", 650, 1_050)
    assert log.outcomes() == {"acked": run.counted()}, "all of them came through in the end"
    back = """(SELECT min("at") FROM events WHERE kind = 'fault') + INTERVAL '400 ms'"""
    assert log.count(f"fault = 'disconnect' AND sent_at < {back}") == 0
    why = "the connection was lost" if vanish else "closed by the device"
    reasons = [detail for _, detail in log.events("disconnected")]
    assert reasons.count(f"injected fault: disconnect: {why}") == 4
    said = "closed its connection" if vanish else "disconnected"
    gone = broker.logged(f"thermometer-00000 {said}")
    assert len(gone) == (1 if vanish else 2), "the last goodbye is that of the run's end"
    assert_nobody_is_blamed(run)


def test_half_open_link_is_silent_until_the_device_reconnects(broken, broker):
    run = broken({"kind": "half-open", "at": "650ms", "duration": "500ms"}, keep_alive="60s")
    assert broker.logged("thermometer-00000 already connected, closing old connection")
    assert broker.logged("thermometer-00000 closed its connection") == []
    assert len(broker.logged("Received PINGREQ")) == 0
    assert_touched(run, "half-open", 650, 1_150)
    assert run.log.outcomes() == {"acked": run.counted()}
    reasons = {detail for _, detail in run.log.events("disconnected")}
    assert "injected fault: half-open: nothing came over it any more" in reasons
    assert_nobody_is_blamed(run)


def test_keep_alive_detects_a_half_open_link(broken, broker):
    fault = {"kind": "half-open", "at": "500ms", "duration": "3s"}
    run = broken(fault, duration="4s", count=1, keep_alive="1s")
    ((_, why),) = [e for e in run.log.events("disconnected") if "ping" in e[1]]
    assert why == (
        "injected fault: half-open: no answer to a ping within 0.5 s (half of keep-alive)"
    )
    # Nobody tells the broker: it finds out by its own count of the same keep-alive, or when
    # the device is back.
    found_out = "thermometer-00000 (has exceeded timeout|already connected, closing old)"
    assert len(broker.logged(found_out)) == 1
    assert broker.logged("thermometer-00000 closed its connection") == []
    assert_touched(run, "half-open", 500, 3_500)
    assert run.log.outcomes() == {"acked": run.counted()}
    assert_nobody_is_blamed(run)


def test_flapping_link_reconnects_the_configured_number_of_times(broken, broker):
    run = broken({"kind": "flapping", "at": "450ms", "times": 3, "down": "150ms", "up": "150ms"})
    assert broker.clients().count("thermometer-00000") == 1 + 3
    assert len(broker.logged("thermometer-00000 closed its connection")) == 3
    assert run.log.events("fault")[0][1] == "flapping: 3 times down for 150ms, up for 150ms in between"
    assert_touched(run, "flapping", 450, 1_200)
    assert run.log.outcomes() == {"acked": run.counted()}
    assert_nobody_is_blamed(run)


def test_reconnect_storm_ignores_the_connect_rate(broken, broker):
    """All devices come back at one moment."""
    storm = {"kind": "reconnect-storm", "at": "1500ms", "duration": "300ms"}
    run = broken(storm, count=30, every="500ms", duration="3s", connect_rate="40/s")
    log = run.log
    assert len(log.events("fault")) == 30
    # The first connections are opened before the clock starts.
    first = run.summary["connect"]["seconds"] * 1_000
    again = log.one(
        """SELECT epoch_ms(max("at")) - epoch_ms(min("at")) FROM events
           WHERE kind = 'connected' AND "at" > (
             SELECT min("at") FROM events WHERE kind = 'fault')"""
    )
    assert first >= 600, "at first, 40 a second at most"
    assert again < first / 2, "and then all at once"
    assert_nobody_is_blamed(run)


def test_slow_link_delays_messages_and_keeps_their_order(broken, broker, subscribe):
    heard = subscribe(broker)
    slow = {"kind": "slow-link", "bandwidth": "1KiB/s", "latency": "200ms", "from": "500ms"}
    big = {"kind": "oversize", "size": "400B", "probability": "100%"}
    run = broken(slow, big, duration="1500ms", count=1)
    slow = "fault LIKE 'slow-link%'"
    assert run.log.count(slow) == run.log.count(due(500, 1_500)) > 0
    early = f"{slow} AND sent_at < scheduled_at + INTERVAL '200 ms'"
    assert run.log.count(f"{early} AND {due(0, 1_300)}") == 0
    # 0.8 s at 1 KiB a second are two messages of 400 bytes and more; the rest leaves when the
    # run is over, and its faults with it.
    end = """(SELECT min("at") FROM events WHERE kind = 'born') + INTERVAL '1500 ms'"""
    assert run.log.count(f"{slow} AND sent_at < {end}") <= 2
    messages = heard.wait_for(run.counted())
    sent = run.log.column("SELECT encode(payload) FROM sends ORDER BY seq")
    assert [m.payload for m in messages] == [bytes(payload) for payload in sent]
    assert_nobody_is_blamed(run)


def test_clock_skew_changes_payload_times_and_not_the_schedule(broken):
    # Its schedule does not move: messages come as if the clock were right.
    run = broken(
        {"kind": "clock-skew", "offset": "-1h", "from": "500ms", "until": "1s", "devices": "50%"}
    )
    log = run.log
    skewed = log.column("SELECT DISTINCT device_id FROM sends WHERE fault = 'clock-skew -1h'")
    assert len(skewed) == 2, "half of the devices"
    of_them = f"device_id IN ('{skewed[0]}', '{skewed[1]}')"
    assert log.count(f"(fault IS NOT NULL) != ({of_them} AND {due(500, 1_000)})") == 0
    assert log.count(f"{of_them} AND fault IS NULL") > 0 and run.counted("failed_calls") == 0
    assert log.events("fault") == [], "each message says so"


def test_messages_dropped_while_cut_off_are_blamed_on_the_fault(broken):
    run = broken({"kind": "reconnect-storm", "at": "350ms", "duration": "1s"}, outbox=5)
    why = "injected fault: reconnect-storm: the outbox was full: 5 messages of this device are open"
    lost = run.log.count(f"outcome = 'dropped' AND error = '{why}'")
    assert lost == run.summary["injected"]["lost"] > 0
    assert run.summary["injected"]["causes"] == [{"text": f"dropped: {why}", "times": lost}]
    assert_nobody_is_blamed(run)


def test_device_receives_the_events_that_a_real_device_would(fleet, broker):
    fleet.broker(broker.url, qos=1)
    faults = [
        {"kind": "drop", "probability": "30%"},
        {"kind": "duplicate", "copies": 3, "probability": "30%"},
        {"kind": "disconnect", "vanish": True, "at": "1s", "duration": "200ms"},
    ]
    fleet.guest(plugin="echoes_events", count=4, every="50ms", faults=faults)
    run = fleet.run(duration="2s")
    run.log.assert_sound()
    last = f"""SELECT device_id, max_by(payload, seq), max(seq) FROM sends
               WHERE NOT {IS_COPY} GROUP BY 1"""
    for device, payload, seq in run.log.rows(last):
        report = json.loads(payload)
        told, left = report["told"], f"device_id = '{device}' AND {LEFT} AND seq < {seq}"
        # Of what was lost on the way nothing, and of each message once.
        assert report["doubled"] == 0
        assert told.keys() == {"acked", "connected", "disconnected"}
        assert told["acked"] <= run.log.count(left)
        assert (told["connected"], told["disconnected"]) == (2, 1)
    assert_nobody_is_blamed(run)


@pytest.fixture
def everything(fleet, broker):
    """Runs a fleet with a fault of each kind."""

    def run(*arguments, devices_per_cell=64):
        fleet.content["groups"].clear()
        fleet.broker(broker.url, qos=1, outbox=1000)
        fleet.group(
            count=20,
            every="200ms",
            start="spread",
            jitter="10%",
            devices_per_cell=devices_per_cell,
            faults=every_kind(),
        )
        run = fleet.run(*arguments, duration="2s")
        # A machine too slow for the schedule would explain a difference.
        assert run.summary["missed_ticks"] == 0
        run.log.assert_sound()
        return run

    return run


def test_all_faults_at_once_leave_a_row_per_message_and_copy(everything, broker, subscribe):
    heard = subscribe(broker)
    run = everything()
    injected, log = run.summary["injected"], run.log
    assert injected["touched"].keys() == {fault["kind"] for fault in every_kind()}
    assert injected["begun"].keys() == {f["kind"] for f in LINKS} - {"clock-skew"}
    assert log.count() == run.counted()
    assert log.count("fault LIKE '%duplicate%'") == injected["copies"] > 0
    assert_nobody_is_blamed(run)
    # What the broker has and the log has not, and the other way round, is nothing; what was
    # on its way when a link broke was sent again, and may be there twice.
    acked = log.rows(
        "SELECT topic, coalesce(encode(payload), payload_bin) FROM sends WHERE outcome = 'acked'"
    )
    acked = Counter((topic, bytes(payload)) for topic, payload in acked)
    got = Counter((m.topic, m.payload) for m in heard.wait_for(sum(acked.values())))
    assert acked - got == Counter() and (got - acked).keys() <= acked.keys()


@pytest.mark.parametrize("seed", fleet_seeds(10))
def test_same_seed_injects_the_same_faults(everything, seed):
    """The number of workers and of devices per cell changes nothing."""

    def places(run):
        return run.log.rows(
            """SELECT device_id, seq, channel, fault, topic, coalesce(encode(payload), payload_bin)
               FROM sends ORDER BY ALL"""
        )

    def events(run):
        return sorted(run.log.events("fault"))

    one = everything("--seed", seed, "--workers", "1")
    three = everything("--seed", seed, "--workers", "3", devices_per_cell=1)
    assert places(one) == places(three)
    assert events(one) == events(three)
    other = everything("--seed", str(int(seed) + 1), "--workers", "1")
    assert [row[3] for row in places(one)] != [row[3] for row in places(other)]


def test_cut_off_http_device_keeps_its_requests(fleet, serve):
    """Messages refused meanwhile are blamed on the fault."""
    def answer(request):
        return Answer(404 if request.path.startswith("/lost") else 204)

    server = serve(answer=answer)
    fleet.server(server.url)
    faults = [
        {"kind": "disconnect", "at": "650ms", "duration": "400ms"},
        {"kind": "wrong-topic", "topic": "/lost/{device}", "probability": "20%"},
    ]
    fleet.group(count=4, every="100ms", faults=faults)
    run = fleet.run(duration="2s")
    log = run.log
    log.assert_sound()
    assert log.count(f"coalesce(fault LIKE '%disconnect%', false) != {due(650, 1_050)}") == 0
    back = """(SELECT min("at") FROM events WHERE kind = 'fault') + INTERVAL '400 ms'"""
    assert log.count(f"fault LIKE '%disconnect%' AND sent_at < {back}") == 0
    wrong = log.count("topic LIKE 'POST /lost/%'")
    assert log.count("fault LIKE '%wrong-topic%' AND outcome = 'failed' AND code = 404") == wrong > 0
    assert run.summary["injected"]["failed"] == wrong
    assert_nobody_is_blamed(run)


def test_example_of_docs_faults_matches_its_summary(fleet, broker):
    """The fleet file of docs/faults.md, and the lines of its summary."""
    toml, text = code_blocks(PAGE, "toml"), code_blocks(PAGE, "text")
    fleet.file.write_text(toml[0].replace("1883", str(broker.port)))
    process = fleet.mockfleet("run", "fleet.toml")
    assert process.finish() == 0, process.report()
    said = "\n".join(process.out + process.err)
    for line in text[0].splitlines():
        # A machine too slow for the schedule sends less.
        assert re.search(re.sub(r"[\d,]+", r"[\\d,]+", re.escape(line)), said), said
    (query,) = code_blocks(PAGE, "sql")
    log = Log(fleet.store)
    log.assert_sound()
    log.database.execute("SET VARIABLE run = (SELECT max(run_id) FROM sends)")
    assert log.rows(query) == [], "nothing that no fault explains"
    assert {words for _, words in log.events("fault")} == {"disconnect without a goodbye for 500ms"}


def test_examples_faults_toml_is_valid_and_has_each_kind(fleet):
    example = ROOT / "examples/faults.toml"
    process = fleet.mockfleet("check", str(example), "--set", "log.store=logs")
    assert process.finish() == 0, process.report()
    assert process.out[-1].endswith(": good: 100 devices in 1 group, 14 faults on purpose")
    kinds = re.findall(r'^kind = "([a-z-]+)"', example.read_text(), re.MULTILINE)
    assert sorted(kinds) == sorted(fault["kind"] for fault in every_kind())
    schema = json.loads("".join(schema_lines(fleet)))
    jsonschema.validate(tomllib.loads(example.read_text()), schema)


def schema_lines(fleet):
    """The lines of `mockfleet schema`."""
    process = fleet.mockfleet("schema")
    assert process.finish() == 0, process.report()
    return process.out


def test_forecast_counts_copies_and_truncated_payloads(fleet):
    fleet.broker("mqtt://127.0.0.1:1")
    size = {}
    for faults in (
        [],
        [
            {"kind": "duplicate", "probability": "100%"},
            {"kind": "oversize", "size": "4KiB", "probability": "100%"},
        ],
    ):
        fleet.content["groups"].clear()
        fleet.group(count=10, faults=faults)
        fleet.write()
        process = fleet.mockfleet("estimate", "fleet.toml", "--json")
        assert process.finish() == 0, process.report()
        size[bool(faults)] = json.loads("".join(process.out))["hour"]["messages"]
    assert size[True] == 2 * size[False]


def test_docs_faults_lists_every_kind():
    rows = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert {*rows} - {"kind"} == {fault["kind"] for fault in every_kind()}
