"""The send log in an S3-compatible bucket."""

import re

import duckdb
import pytest

from support.backends.s3 import ACCESS_KEY, SECRET_KEY
from support.log import Log
from support.wait import free_port


@pytest.fixture
def s3_fleet(fleet, broker, s3):
    """A fleet whose log goes into the bucket, under a prefix of its own."""
    fleet.environment |= s3.environment()
    fleet.broker(broker.url, qos=1).group(count=5, every="200ms")
    fleet.set(log={"store": f"s3://{s3.bucket}/{fleet.folder.parent.name}"})
    return fleet


def test_rows_in_the_bucket_match_the_count_of_the_broker(
    s3_fleet, s3, broker, subscribe, tmp_path
):
    subscriber = subscribe(broker)
    run = s3_fleet.run(duration="1s")
    prefix = s3_fleet.folder.parent.name
    keys = s3.files(prefix)
    (note,) = set(s3.keys(prefix)) - set(keys)
    assert re.fullmatch(rf"{prefix}/runs/[^/]+-{run.summary['run']}\.json", note)
    assert len(keys) == run.summary["files"] >= 2
    for key in keys:
        assert re.fullmatch(
            rf"{prefix}/(sends|events)/dt=\d{{4}}-\d\d-\d\d/hour=\d\d/[^/]+\.parquet", key
        )
    assert run.summary["log"] == f"s3://{s3.bucket}/{prefix}"
    log = Log(s3.download(tmp_path / "copy", prefix), run=run.summary["run"])
    assert log.count() == run.summary["rows"] == broker.received() == 25
    assert log.payloads(by="topic") == subscriber.by_topic()
    log.assert_sound()
    assert SECRET_KEY not in run.process.report()
    left = list(s3_fleet.folder.rglob("*.part"))
    assert left == [], "what is in the bucket is on no disk"


def test_duckdb_reads_the_bucket(s3_fleet, s3):
    database = duckdb.connect()
    try:
        database.execute("INSTALL httpfs")
        database.execute("LOAD httpfs")
    except duckdb.Error as error:
        pytest.skip(f"DuckDB's extension httpfs cannot be installed here: {error}")
    run = s3_fleet.run(duration="1s")
    database.execute(
        f"""CREATE SECRET (TYPE s3, KEY_ID '{ACCESS_KEY}', SECRET '{SECRET_KEY}',
            ENDPOINT '127.0.0.1:{s3.port}', URL_STYLE 'path', USE_SSL false)"""
    )
    query = f"SELECT count(*) FROM read_parquet('{run.summary['log']}/sends/**/*.parquet')"
    assert database.execute(query).fetchall() == [(25,)]


def assert_refused(fleet, broker, says):
    """Exit code 2 with a message, and nothing was sent."""
    process = fleet.start("--duration", "1s")
    assert process.finish() == 2, process.report()
    assert any(
        re.match(r"fleet\.toml:\d+: ", line) and re.search(says, line) for line in process.err
    ), process.report()
    assert broker.clients() == []
    assert SECRET_KEY not in process.report()


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_missing_credentials_are_reported_before_sending(s3_fleet, broker, missing):
    del s3_fleet.environment[missing]
    assert_refused(s3_fleet, broker, missing)


def test_missing_bucket_is_reported_before_sending(s3_fleet, broker):
    s3_fleet.set(log={"store": "s3://no-such-bucket/logs"})
    assert_refused(s3_fleet, broker, "no-such-bucket")


def test_plain_http_is_used_only_when_allowed(s3_fleet, broker):
    del s3_fleet.environment["AWS_ALLOW_HTTP"]
    assert_refused(s3_fleet, broker, "AWS_ALLOW_HTTP")


def test_unreachable_store_is_reported_before_sending(s3_fleet, broker):
    s3_fleet.environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{free_port()}"
    assert_refused(s3_fleet, broker, r"s3://")


@pytest.mark.parametrize("s3", ["seaweedfs"], indirect=True)
@pytest.mark.parametrize("wrong", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_refused_credentials_are_reported_before_sending(s3_fleet, broker, wrong):
    s3_fleet.environment[wrong] = "some-other"
    assert_refused(s3_fleet, broker, r"(?i)credentials|denied|access|forbidden|signature")
