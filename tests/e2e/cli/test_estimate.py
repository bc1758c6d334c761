"""`mockfleet estimate` forecasts a run and its bill, and sends nothing.

A run does as it was forecast, and the bill equals a calculation by hand.
"""

import json
import re

import pytest

from support.docs import code_blocks

GB = 1 << 30


@pytest.fixture
def estimate(fleet, mockfleet):
    """Runs `mockfleet estimate` on the fleet; its answer, or with `expect` the process."""

    def forecast(*arguments, expect=0):
        fleet.write()
        process = mockfleet("estimate", fleet.file.name, "--json", *arguments, expect=expect)
        if expect:
            return process
        (line,) = process.out
        return json.loads(line)

    return forecast


def share(found, wanted):
    """The difference of two figures as a share of the wanted one."""
    return abs(found - wanted) / wanted


def test_run_sends_the_forecast_number_of_messages(fleet, broker, estimate):
    fleet.broker(broker.url, qos=1, connections=1)
    fleet.group("together", count=40, every="200ms")
    fleet.group("spread", count=70, every="300ms", start="spread")
    fleet.group("ramped", "builtin:meter", count=25, rate="4/s", ramp="2s")
    fleet.set(duration="3s")
    # A few devices stand for all of them.
    answer = estimate("--sample", "10", "--for", "3s")
    run = fleet.run(duration="3s")
    assert answer["run"]["messages"] == run.counted() == run.log.count()
    assert answer["run"]["files"] == len(run.log.files("sends")) == 1
    assert [group["sample"]["devices"] for group in answer["groups"]] == [10, 10, 10]


def test_forecast_with_jitter_is_off_by_at_most_the_jitter(fleet, broker, estimate):
    fleet.broker(broker.url, qos=1, connections=1)
    fleet.group(count=200, every="100ms", jitter="50%", start="spread").set(duration="2s")
    answer = estimate("--sample", "50")
    run = fleet.run(duration="2s")
    assert abs(answer["run"]["messages"] - run.counted()) <= 200


def test_devices_with_own_next_tick_are_forecast_by_rehearsal(fleet, broker, estimate):
    fleet.broker(broker.url, qos=1, connections=1, channels=("telemetry", "reply"))
    parks = {"park-chance": 0.5, "park-seconds": 1.0, "parked-every": 0.7}
    fleet.group("vehicle", "builtin:vehicle", count=60, every="100ms", config=parks)
    fleet.set(duration="3s")
    answer = estimate()
    run = fleet.run(duration="3s")
    # Each device was rehearsed with its own seed. Only a tick that comes late in the run
    # may put off the next.
    assert share(answer["run"]["messages"], run.counted()) < 0.01
    assert answer["run"]["messages"] < 60 * 30, "they parked"


@pytest.mark.parametrize("payload", ["full", "none", "hash"])
@pytest.mark.parametrize("plugin", ["thermometer", "vehicle", "meter"])
def test_forecast_bytes_per_row_match_a_real_log(fleet, broker, estimate, plugin, payload):
    fleet.broker(broker.url, qos=1, connections=4, channels=("telemetry", "reply"))
    fleet.group(plugin, f"builtin:{plugin}", count=1000, every="200ms", start="spread")
    fleet.set(duration="5s", log={"payload": payload})
    answer = estimate("--sample", "200", "--for", "20s")
    run = fleet.run(duration="5s")
    (file,) = run.log.files("sends")
    real = file.stat().st_size / run.counted()
    told = answer["run"]["log_bytes"] / answer["run"]["messages"]
    # A broker beside us confirms sooner, and in times more alike, than is assumed: where
    # the payload is not kept, that is a good part of a row.
    beside = 0.2 * real if payload == "full" else 3
    assert abs(told - real) < beside, f"{told:.1f} bytes a row, and the run had {real:.1f}"


def test_forecast_counts_files_as_they_roll(fleet, broker, estimate):
    fleet.broker(broker.url, qos=1, connections=1).group(count=20, every="50ms")
    fleet.set(duration="5s", log={"roll": {"every": "1s"}})
    answer = estimate()
    run = fleet.run(duration="5s")
    # Each file is as old as asked, and a little older.
    assert abs(answer["run"]["files"] - len(run.log.files("sends"))) <= 1
    assert 3_600 / 1.5 < answer["hour"]["sends_files"] < 3_600
    # Two devices that speak once in ten minutes, one after the other, have a file each.
    fleet.content["groups"] = []
    fleet.group(count=2, every="10m", ramp="10m")
    hour = estimate()["hour"]
    assert (hour["messages"], hour["sends_files"]) == (12, 12)
    assert hour["puts"] == hour["heads"] == hour["files"]


def test_forecast_of_an_hour_follows_the_schedule(fleet, estimate):
    fleet.broker("mqtt://127.0.0.1:1", qos=1)
    fleet.group("fast", count=12_000, every="1s").group("slow", count=7, every="1h")
    answer = estimate()
    fast, slow = answer["groups"]
    assert (fast["messages"], slow["messages"]) == (12_000 * 3600, 7)
    # Three intervals of each, where those are longer than five minutes.
    assert (fast["sample"]["devices"], slow["sample"]["devices"]) == (1000, 7)
    assert slow["sample"]["seconds"] == 3 * 3600
    assert answer["hour"]["messages"] == 12_000 * 3600 + 7
    assert answer["run"] is None, "the fleet runs until it is stopped"


def calendar(cron):
    """A device that sends by the calendar only."""
    return {
        "messages": {"telemetry": {"on-tick": False, "json": {"n": "{{ sequence }}"}}},
        "statuses": {"on": {"transitions": [{"to": "on", "cron": cron, "send": ["telemetry"]}]}},
    }


@pytest.mark.parametrize(
    ("cron", "an_hour", "in_30_days"),
    [
        ("0 59 23 * * *", 1000 / 24, 30_000),
        ("0 */15 * * * *", 4_000, None),
        ("0 0 7 * * MON", 1000 / 168, 5_000),
        ("0 0 0 15 * *", 12_000 / 8_760, 1_000),
    ],
    ids=["daily", "quarter-hours", "weekly", "monthly"],
)
def test_messages_by_cron_are_forecast(fleet, estimate, cron, an_hour, in_30_days):
    fleet.broker("mqtt://127.0.0.1:1", qos=1)
    fleet.group("meter", "builtin:scenario", count=1000, every="1h", config=calendar(cron))
    fleet.set(clock={"start": "2026-06-01T00:00:00Z", "speed": "max"})
    answer = estimate()
    assert share(answer["hour"]["messages"], an_hour) < 0.01
    assert answer["hour"]["sends_files"] <= answer["hour"]["messages"]
    if cron.startswith("0 59 23"):
        assert share(answer["hour"]["sends_files"], 1 / 24) < 0.05, "a file a day"
    if in_30_days:
        fleet.set(duration="30d")
        assert share(estimate()["run"]["messages"], in_30_days) < 0.001


PRICES = """\
region = "here"
[s3]
storage = 1.0
put = { usd = 2.0, per = "1,000 requests" }
head = 3
[dynamodb]
write-request = 4.0
write-capacity = 5.0
storage = 6.0
[efs]
storage = 7.0
write = 8.0
read = 9.0
[kinesis]
shard = 10.0
put = 11.0
[cloudwatch]
ingest = 12.0
storage = 13.0
"""


def test_bill_equals_a_calculation_by_hand(fleet, estimate):
    fleet.broker("mqtt://127.0.0.1:1", qos=1).group(count=3000, every="2s")
    (fleet.folder / "prices.toml").write_text(PRICES)
    # Half of the month's time, and rows go after half a month.
    answer = estimate("--prices", "prices.toml", "--hours", "365", "--retention", "365h")
    hour, rows = answer["hour"], answer["hour"]["messages"] + answer["hour"]["events"]
    hours, held = 365, {1: 0.5**2 / 2 + 0.5 * 0.5, 12: 0.5}
    for month in answer["months"]:
        kept = hours * held[month["month"]] / GB
        files = hours * hour["files"] / 1000
        item = (hour["item_bytes"] + 100 * rows) * kept
        json_gb = hours * hour["json_bytes"] / GB
        capacity = -(-hour["write_units"] // 3600)
        shards = max(-(-rows // 3_600_000), -(-hour["json_bytes"] // (3600 << 20)))
        wanted = {
            "s3": hour["log_bytes"] * kept * 1 + files * 2 + files * 3,
            "dynamodb_on_demand": hours * hour["write_units"] / 1e6 * 4 + item * 6,
            "dynamodb_provisioned_efs": hours * capacity * 5
            + item * 6
            + json_gb * (8 + 9)
            + hour["json_bytes"] / GB * 0.5 * 7,
            "kinesis_cloudwatch": hours * shards * 10
            + hours * hour["payload_units"] / 1e6 * 11
            + json_gb * 12
            + hour["json_bytes"] * 0.15 * kept * 13,
        }
        for place, usd in wanted.items():
            bill = month[place]
            assert bill["usd"] == pytest.approx(usd), f"{place}, month {month['month']}"
            assert bill["usd"] == pytest.approx(sum(line["usd"] for line in bill["lines"]))
    assert answer["region"] == "here"
    assert {price["source"] for price in answer["prices"]} == {"prices.toml"}


def test_rows_without_retention_cost_more_each_month(fleet, estimate):
    fleet.broker("mqtt://127.0.0.1:1", qos=1).group(count=100)
    first, twelfth = estimate()["months"]

    def stored(month, place):
        units = {line["unit"]: line["amount"] for line in month[place]["lines"]}
        return units["GB-month"]

    for place in ("s3", "dynamodb_on_demand", "kinesis_cloudwatch"):
        assert stored(twelfth, place) == pytest.approx(23 * stored(first, place))
    assert first["s3"]["usd"] < first["dynamodb_on_demand"]["usd"]


def test_sizes_of_other_row_formats_are_measured(fleet, broker, estimate):
    fleet.broker(broker.url, qos=1, connections=1)
    fleet.group("meter", "builtin:meter", count=20, every="100ms").set(duration="2s")
    answer = estimate("--for", "2s")
    run = fleet.run(duration="2s")
    rows = run.log.database.execute("SELECT * FROM sends")
    names = [name for name, *_ in rows.description]
    total = 0
    for row in rows.fetchall():
        kept = {n: v for n, v in zip(names, row, strict=True) if v is not None}
        line = json.dumps(kept, separators=(",", ":"), ensure_ascii=False, default=iso)
        total += len(line.encode())
    each = answer["hour"]["json_bytes"] / answer["hour"]["messages"]
    assert share(each, total / run.counted()) < 0.02


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_price_table_can_be_printed_edited_and_passed_back(fleet, estimate):
    printed = fleet.mockfleet("estimate", "--show-prices")
    assert printed.finish() == 0, printed.report()
    fleet.broker("mqtt://127.0.0.1:1", qos=1).group(count=100)
    own = fleet.folder / "own.toml"
    own.write_text(printed.stdout)
    built_in = estimate()
    assert estimate("--prices", "own.toml")["months"] == built_in["months"]
    assert {price["date"] for price in built_in["prices"]} != {""}
    assert all(price["source"].startswith("https://") for price in built_in["prices"])
    text = re.sub(r"^put = \{ usd = 0.005,", "put = { usd = 5000,", printed.stdout, flags=re.M)
    assert text != printed.stdout
    own.write_text(text)
    dear = estimate("--prices", "own.toml")["months"][0]["s3"]["lines"]
    cheap = built_in["months"][0]["s3"]["lines"]
    assert dear[1]["usd"] == pytest.approx(1e6 * cheap[1]["usd"])
    assert (dear[0], dear[2]) == (cheap[0], cheap[2])


def test_same_seed_gives_the_same_forecast(fleet, estimate):
    fleet.broker("mqtt://127.0.0.1:1", qos=1).group(count=300, start="spread")
    assert estimate("--seed", "7") == estimate("--seed", "7")


def test_plan_sends_nothing_and_leaves_no_files(fleet, broker, estimate, tmp_path):
    fleet.broker(broker.url, qos=1).group(count=10)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    fleet.environment["TMPDIR"] = str(temporary)
    # No credentials: the bucket is not asked.
    estimate("--log", "s3://bucket/prefix")
    assert broker.clients() == []
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in fleet.folder.iterdir()) == ["fleet.toml"]


def test_group_without_a_rate_is_forecast_at_a_given_rate(fleet, estimate):
    fleet.broker("mqtt://127.0.0.1:1", qos=1)
    fleet.group("fast", count=5, rate="max").group("even", count=5)
    refused = estimate(expect=2)
    assert re.match(r"fleet\.toml:\d+: group \"fast\" has rate = \"max\".*--rate", refused.stderr)
    assert refused.out == []
    answer = estimate("--rate", "250/s")
    assert [group["messages"] for group in answer["groups"]] == [5 * 250 * 3600, 5 * 3600]
    assert answer["assumed"] == {"groups": ["fast"], "seconds_between_ticks": 0.004}


def test_failing_plugin_is_forecast_up_to_its_failure(fleet, estimate):
    fleet.broker("mqtt://127.0.0.1:1", qos=1)
    fleet.guest(count=4, config={"does": "trap", "at": 5, "index": 0})
    answer = estimate("--for", "1m")
    sample = answer["groups"][0]["sample"]
    assert sample["fallen_devices"] == 4
    assert "guest-00000" in sample["fault"]


def test_plan_reports_all_faults_as_check_does(fleet, estimate):
    fleet.broker("mqtt://127.0.0.1:1", qos=1)
    fleet.group(count=10, config={"base": "warm"}).group("no", "nowhere.wasm", count=1)
    fleet.set(log={"stor": "logs"})
    said = estimate(expect=2)
    checked = fleet.mockfleet("check", fleet.file.name)
    assert checked.finish() == 2
    assert said.out == []
    assert len(said.err) == 3
    assert said.err == checked.err


def test_invalid_prices_are_reported_with_their_line(fleet, estimate):
    fleet.broker("mqtt://127.0.0.1:1", qos=1).group(count=10)
    (fleet.folder / "bad.toml").write_text("[s3]\nputs = 1.0\nhead = -2\n[gcs]\n")
    said = estimate("--prices", "bad.toml", expect=2).err
    assert len(said) == 3
    assert 'bad.toml:4: unknown key "gcs"' in said[0]
    assert 'bad.toml:2: unknown key "puts" in [s3]; did you mean "put"?' in said[1]
    assert said[2].startswith("bad.toml:3: s3.head: a price is a number of US dollars")
    missing = estimate("--prices", "no.toml", expect=2).stderr
    assert missing.startswith("no.toml: the table of prices cannot be read")


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--for=5", "a duration is a number with a unit"),
        ("--for=0s", "out of range"),
        ("--retention=ever", "a duration is a number with a unit"),
        ("--rate=fast", "a rate is a number over a period"),
        ("--sample=0", "1..=100000"),
        ("--hours=731", "up to 730 hours"),
        ("--hours=nan", "up to 730 hours"),
    ],
)
def test_invalid_options_are_refused(fleet, estimate, option, says):
    fleet.broker("mqtt://127.0.0.1:1", qos=1).group(count=10)
    assert says in estimate(option, expect=2).stderr


def test_plan_requires_a_fleet_file(fleet):
    process = fleet.mockfleet("estimate")
    assert process.finish() == 2
    assert "<FILE>" in process.stderr


def test_text_output_names_assumptions_and_omissions(fleet):
    fleet.broker("mqtt://127.0.0.1:1", qos=1).group(count=1000, every="10s")
    fleet.set(duration="1m").write()
    process = fleet.mockfleet("estimate", "fleet.toml", "--sample", "50", "--retention", "30d")
    assert process.finish() == 0, process.report()
    said = process.stdout
    assert said.startswith("test: 1,000 devices, 1 group; an hour of it")
    for words in (
        "360,000",
        "Its run of 1m, from the first device to the last tick: 6,000 messages, ",
        "PUT",
        "HEAD",
        "Parquet on S3",
        "DynamoDB on demand",
        "DynamoDB provisioned + EFS",
        "Kinesis + CloudWatch Logs",
        "US dollars of us-east-1",
        "kept for 30d",
        "50 of 1,000 devices for 5m of virtual time: 1,500 ticks, 1,500 messages",
        "It leaves out: ",
    ):
        assert words in said, process.report()
    assert process.err == []


def test_run_without_a_message_is_forecast_in_words(fleet):
    fleet.broker("mqtt://127.0.0.1:1", qos=1)
    fleet.group("meter", "builtin:scenario", count=10, every="1h", config=calendar("0 59 23 * * *"))
    fleet.set(clock={"start": "2026-06-01T00:00:00Z", "speed": "max"}, duration="12h").write()
    process = fleet.mockfleet("estimate", "fleet.toml")
    assert process.finish() == 0, process.report()
    assert "Its run of 12h has no message, so no file of sends." in process.stdout


def test_example_of_docs_estimate_matches_the_output(fleet):
    """The example of docs/estimate.md, without the figures that depend on the machine's name."""
    (shown, *_), (text, *_) = (code_blocks("docs/estimate.md", kind) for kind in ("text", "toml"))
    fleet.folder.joinpath("fleet.toml").write_text(text)
    process = fleet.mockfleet("estimate", "fleet.toml")
    assert process.finish() == 0, process.report()

    def shape(text):
        return re.sub(r" +", " ", re.sub(r"[─\d,.]+", "#", text)).strip()

    assert shape(process.stdout) == shape(shown)
