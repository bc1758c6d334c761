"""DuckDB, pyarrow and Spark read the same values of the right types.

The log has every kind of row.
"""

import datetime
import itertools

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from support.backends.server import Answer
from support.backends.spark import SPARK
from support.fleet import PLUGINS
from support.log import EVENTS, SENDS
from support.wait import free_port

LARGE = 64 << 10
# DuckDB's name of each type, which test_log has, as pyarrow has it.
ARROW = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "BLOB": pa.binary(),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", tz="UTC"),
}
TABLES = {"sends": SENDS, "events": EVENTS}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def broken_thermometer(folder):
    """The thermometer with a byte in the name of a field that is not UTF-8: no JSON library
    sends it, and devices do."""
    whole = (PLUGINS / "dist/thermometer.wasm").read_bytes()
    names = b"uptime_mstemperaturehumidity"
    assert whole.count(names) == 1, "the fields' names, as the compiler lays them out"
    file = folder / "broken.wasm"
    file.write_bytes(whole.replace(names, names.replace(b"temperature", b"temp\xffrature")))
    return file


@pytest.fixture
def everything(fleet, broker, subscribe, serve):
    """A run whose rows have each outcome, each null, and payloads of all kinds; and the received
    payloads by device."""
    subscriber = subscribe(broker)
    server = serve(answer=lambda request: Answer(503 if request.path == "/refused-00000" else 200))
    fleet.broker(broker.url, qos=1)
    fleet.broker(broker.url, qos=0, name="unasked")
    fleet.server(server.url, channels={"telemetry": {"path": "/{device}"}})
    fleet.broker(f"mqtt://127.0.0.1:{free_port()}", qos=1, name="absent")
    large = {"config": {"size": LARGE}}
    fleet.group("acked", count=2, target="broker")
    fleet.group("large", count=2, target="broker", **large)
    fleet.group("sent", count=2, target="unasked")
    fleet.group("answered", count=1, target="server")
    fleet.group("refused", count=2, target="server", **large)
    fleet.group("dropped", count=1, target="absent", **large)
    broken = broken_thermometer(fleet.folder)
    fleet.group("broken", broken, count=1, target="broker", config={"size": 300})
    fleet.group("broken-large", broken, count=1, target="server", **large)
    fleet.set(log={"roll": {"every": "1s"}})
    # Some files and not one, so that readers have to put them together.
    run = fleet.run(duration="3s")
    received = {}
    for topic, payloads in subscriber.by_topic().items():
        received[topic.split("/")[1]] = payloads
    for request in server.requests:
        received.setdefault(request.path[1:], []).append(request.body)
    return run, received


def order(rows):
    return sorted(rows, key=lambda row: row["log_seq"])


def micros(moment):
    """Microseconds since 1970, exactly."""
    return moment and (moment - EPOCH) // datetime.timedelta(microseconds=1)


def comparable(rows):
    """Rows as dictionaries, times as numbers, bytes as bytes."""
    made = []
    for row in rows:
        row = dict(row)
        for name, value in row.items():
            if isinstance(value, datetime.datetime):
                row[name] = micros(value)
            elif isinstance(value, bytearray):
                row[name] = bytes(value)
        made.append(row)
    return order(made)


def files(run, table):
    return [str(file) for file in run.log.files(table)]


def by_duckdb(run, table):
    found = run.log.database.execute(f"SELECT * FROM {table}")
    names = [name for name, *_ in found.description]
    return comparable(zip(names, row, strict=True) for row in found.fetchall())


def by_pyarrow(run, table):
    return comparable(pa.dataset.dataset(files(run, table)).to_table().to_pylist())


def test_every_value_matches_the_message_and_its_outcome(everything):
    run, received = everything
    rows = by_duckdb(run, "sends")
    assert len(rows) == run.summary["rows"] == run.counted() == 36
    outcomes = {}
    for row in rows:
        group = row["group"]
        outcomes.setdefault(group, set()).add((row["outcome"], row["code"]))
        # What the log has of a payload is what arrived.
        found = row["payload"].encode() if row["payload_bin"] is None else row["payload_bin"]
        if row["outcome"] != "dropped":
            assert found == received[row["device_id"]][row["seq"]], row["device_id"]
        assert row["payload_size"] == len(found)
        assert (row["payload_bin"] is not None) == group.startswith("broken")
        assert (row["payload"] is None) == group.startswith("broken")
        if group in ("large", "refused", "dropped", "broken-large"):
            assert row["payload_size"] == LARGE
        assert (row["acked_at"] is None) == (row["outcome"] != "acked")
        assert (row["sent_at"] is None) == (row["outcome"] == "dropped")
        assert (row["error"] is None) == (row["outcome"] in ("acked", "sent"))
        assert row["fault"] is None
        assert row["scheduled_at"] > 1_700_000_000_000_000
    assert outcomes == {
        "acked": {("acked", None)},
        "large": {("acked", None)},
        "sent": {("sent", None)},
        "answered": {("acked", 200)},
        "refused": {("failed", 503), ("acked", 200)},
        "dropped": {("dropped", None)},
        "broken": {("acked", None)},
        "broken-large": {("acked", 200)},
    }
    for device in {row["device_id"] for row in rows}:
        mine = [row["scheduled_at"] for row in rows if row["device_id"] == device]
        assert {b - a for a, b in itertools.pairwise(sorted(mine))} == {1_000_000}
    run.log.assert_sound()


def test_pyarrow_reads_every_column_with_its_type(everything):
    run, _ = everything
    for table, columns in TABLES.items():
        assert len(files(run, table)) >= 1
        for schema in run.log.arrow_schemas(table):
            found = [(field.name, field.type, field.nullable) for field in schema]
            assert found == [(name, ARROW[kind], null) for name, kind, null in columns]
        assert by_pyarrow(run, table) == by_duckdb(run, table)
    assert len(files(run, "sends")) >= 2


def test_footers_give_the_count_and_the_range_of_rows(everything):
    run, _ = everything
    rows, numbers = 0, []
    for file in run.log.files("sends"):
        footer = pq.read_metadata(file)
        rows += footer.num_rows
        named = footer.metadata
        first, last = (int(named[b"mockfleet.%s_log_seq" % end]) for end in (b"first", b"last"))
        numbers.extend(range(first, last + 1))
        place = footer.schema.names.index("log_seq")
        groups = [footer.row_group(n) for n in range(footer.num_row_groups)]
        statistics = [group.column(place).statistics for group in groups]
        assert min(found.min for found in statistics) == first
        assert max(found.max for found in statistics) == last
        # The largest column is counted without being read, and its values are in no footer.
        payload = footer.schema.names.index("payload")
        for group in groups:
            found = group.column(payload)
            assert found.total_compressed_size > 0
            assert found.statistics is None or not found.statistics.has_min_max
    assert rows == run.summary["rows"]
    assert sorted(numbers) == list(range(rows))


@pytest.mark.xdist_group("spark")
@pytest.mark.timeout(600)
def test_spark_reads_every_column_with_its_type(everything, spark):
    run, _ = everything
    for table, columns in TABLES.items():
        frame = spark.read.parquet(*files(run, table))
        assert frame.dtypes == [(name, SPARK[kind]) for name, kind, _ in columns]
        # Python's own times of Spark's are without a zone; their numbers are exact.
        exact = frame.selectExpr(
            *(
                f"unix_micros(`{name}`) AS `{name}`" if kind == "timestamp" else f"`{name}`"
                for name, kind in frame.dtypes
            )
        )
        found = comparable(row.asDict() for row in exact.collect())
        assert found == by_duckdb(run, table)
    # As a folder, with its partitions as columns, it is the same rows.
    whole = spark.read.parquet(str(run.store / "sends"))
    assert whole.columns == [name for name, _, _ in SENDS] + ["dt", "hour"]
    assert whole.count() == run.summary["rows"]
