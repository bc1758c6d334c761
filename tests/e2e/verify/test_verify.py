"""`mockfleet verify` compares the sent messages with the received ones."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.backends.postgres import PASSWORD, Postgres
from support.backends.subscriber_recorder import as_csv, as_jsonl, as_parquet
from support.verified import (
    CAUSES,
    DEVICES,
    NONE,
    TICKS,
    change,
    explained,
    number,
    of,
    unexplained,
)


def spoil(rows):
    """Changes the rows as no backend should: each kind of change once, and three losses."""
    rows.append(dict(rows[of(rows, 0, 7)]) | {"received_at": rows[-1]["received_at"]})
    altered = rows[of(rows, 1, 8)]
    altered["payload"] = json.dumps(json.loads(altered["payload"]) | {"t": -1})
    # The last of its device, so that it overtakes nobody.
    rows[of(rows, 2, TICKS - 1)]["received_at"] += 9_000_000
    a, b = of(rows, 3, 11), of(rows, 3, 12)
    rows[a], rows[b] = rows[b], rows[a]
    first, second = sorted([rows[a]["received_at"], rows[b]["received_at"]])
    if first == second:
        second += 1
    rows[a]["received_at"], rows[b]["received_at"] = first, second
    for device, seq in [(4, 0), (4, 20), (0, 39)]:
        del rows[of(rows, device, seq)]


SPOILT = {"missing": 3, "doubled": 1, "late": 1, "altered": 1, "out-of-order": 1, "unknown": 0}


def assert_found(said):
    assert unexplained(said) == SPOILT
    examples = {
        cause: [(e["device"], e["seq"]) for e in said["causes"][cause]["examples"]]
        for cause in CAUSES
    }
    assert sorted(examples["missing"]) == [("meter-00000", 39), ("meter-00004", 0), ("meter-00004", 20)]
    assert examples["doubled"] == [("meter-00000", 7)]
    assert examples["altered"] == [("meter-00001", 8)]
    assert examples["late"] == [("meter-00002", TICKS - 1)]
    assert examples["out-of-order"] == [("meter-00003", 11)]
    assert not said["passed"]


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("write", "name"), [(as_jsonl, "got.jsonl"), (as_csv, "got.csv"), (as_parquet, "got.parquet")]
)
def test_every_change_by_the_backend_is_found(verify, rows, tmp_path, write, name):
    write(rows, tmp_path / name)
    said = verify(name)
    assert unexplained(said) == NONE and said["passed"]
    assert said["matched"] == said["sent"] == DEVICES * TICKS
    spoil(rows)
    write(rows, tmp_path / name)
    assert_found(verify(name, expect=1))


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    yield server
    server.close()


def test_database_is_read_without_showing_its_password(verify, rows, tmp_path, postgres):
    spoil(rows)
    as_csv(rows, tmp_path / "got.csv")
    postgres.sql(
        """CREATE TABLE raw (at bigint, topic text, device text, payload jsonb);
           CREATE TABLE telemetry (id serial, device text, body jsonb, received_at timestamptz);"""
    )
    postgres.copy("raw", tmp_path / "got.csv")
    postgres.sql(
        """INSERT INTO telemetry (device, body, received_at)
           SELECT device, payload, to_timestamp(at / 1e6) FROM raw"""
    )
    query = "SELECT device, body, received_at FROM telemetry;"
    secret = {"PGPASSWORD": PASSWORD}
    said = verify(postgres.url, "--query", query, expect=1, environment=secret)
    assert_found(said)
    assert PASSWORD not in json.dumps(said)
    with_password = postgres.url.replace("app@", f"app:{PASSWORD}@")
    verify(with_password, "--query", query, expect=1, environment={"PGPASSWORD": "other"})
    wrong = postgres.url.replace("app@", "app:wr0ng-pw@")
    refused = verify(wrong, "--query", query, expect=2)
    assert "password authentication failed" in refused and "wr0ng" not in refused
    refused = verify(with_password, "--query", "SELECT x FROM telemetry", expect=2)
    assert '--query: the database refuses it: column "x" does not exist' in refused
    assert PASSWORD not in refused
    refused = verify(with_password, "--query", "DELETE FROM telemetry RETURNING *", expect=2)
    assert "wanted is a SELECT" in refused
    assert "a database needs a query" in verify(with_password, expect=2)


@pytest.mark.parametrize("kind", ["float8", "float4"])
def test_float_column_of_a_database_is_refused_as_key(verify, rows, tmp_path, postgres, kind):
    def long(row):
        text = json.dumps({"id": 2**53 + number(row)})
        row.update(payload=text, payload_size=len(text))

    as_csv(rows, tmp_path / "got.csv")
    postgres.sql(
        f"""CREATE TABLE raw_{kind} (at bigint, topic text, device text, payload jsonb);
            CREATE TABLE {kind}s (device text, id {kind});"""
    )
    postgres.copy(f"raw_{kind}", tmp_path / "got.csv")
    postgres.sql(
        f"""INSERT INTO {kind}s SELECT device, 9007199254740992 + (payload->>'seq')::bigint
            FROM raw_{kind}"""
    )
    change(verify.fleet.store, long)
    secret = {"PGPASSWORD": PASSWORD}
    arguments = ["--query", f"SELECT device, id FROM {kind}s", "--key", "device,id"]
    refused = verify(postgres.url, *arguments, expect=2, environment=secret)
    assert 'column "id" of the received table is a float, which cannot hold 9007199254' in refused


def test_text_output_names_differences_and_devices(verify, rows, tmp_path):
    spoil(rows)
    as_csv(rows, tmp_path / "got.csv")
    text = verify("got.csv", expect=1, text=True)
    assert "guessed from the columns: --key device=device,/seq=/seq" in text
    assert "acked, and not received" in text and "received 2 times" in text
    assert "check missing == 0         failed (3 of 200)" in text
    assert "meter-00004" in text


def test_checks_set_the_allowed_differences(verify, rows, tmp_path):
    del rows[0]
    as_csv(rows, tmp_path / "got.csv")
    verify("got.csv", expect=1)
    verify("got.csv", "--check", "missing <= 0.5%")
    verify("got.csv", "--check", "missing <= 1", "--check", "doubled == 0")
    verify("got.csv", "--check", "missing < 0.5%", expect=1)


def test_payload_key_reports_unlogged_messages_as_unknown(verify, rows, tmp_path):
    rows[3]["payload"] = "{}"
    as_csv(rows, tmp_path / "got.csv")
    said = verify("got.csv", "--by", "payload", expect=1)
    assert unexplained(said) == NONE | {"missing": 1, "unknown": 1}
    assert not said["altered_known"]
    refused = verify("got.csv", "--by", "payload", "--check", "altered == 0", expect=2)
    assert "known by their payload" in refused and "--key device=COLUMN,FIELD=COLUMN" in refused
    assert said["causes"]["missing"]["examples"][0]["seq"] == number(
        {"payload": said["causes"]["missing"]["examples"][0]["payload"]}
    )


def test_columns_and_fields_can_be_mapped_by_name(verify, rows, tmp_path):
    spoil(rows)
    with (tmp_path / "got.jsonl").open("w") as out:
        for row in rows:
            wrapped = {"thing": row["device"], "arrived": row["received_at"] // 1_000}
            print(json.dumps(wrapped | {"n": number(row)}), file=out)
    said = verify("got.jsonl", "--key", "device=thing,seq=n", "--received-at", "arrived", expect=1)
    assert unexplained(said) == SPOILT | {"altered": 0, "out-of-order": unexplained(said)["out-of-order"]}
    assert any("altered" in note for note in said["notes"])


def test_outcomes_and_injected_faults_explain_differences(verify, rows, tmp_path):
    marked = {
        (0, 1): {"outcome": "failed", "error": "the connection was lost", "acked_at": None},
        (0, 2): {"outcome": "dropped", "error": "injected fault: drop", "fault": "drop"},
        (0, 3): {"fault": "wrong-topic"},
        (1, 4): {"fault": "corrupt 3 bytes"},
        (1, 5): {"fault": "duplicate"},
        (2, 6): {"fault": "delay 250ms+reorder"},
        (3, TICKS - 1): {"fault": "half-open"},
        (2, 7): {"attempt": 2},
    }
    def mark(row):
        row.update(marked.get((int(row["device_id"][-5:]), row["seq"]), {}))

    change(verify.fleet.store, mark)
    for device, seq in [(0, 1), (0, 2), (0, 3)]:
        del rows[of(rows, device, seq)]
    rows[of(rows, 1, 4)]["payload"] = '{"seq": 4, "t": "#"}'
    for device, seq in [(1, 5), (2, 7)]:
        rows.append(dict(rows[of(rows, device, seq)]))
    for device, seq in [(2, 6), (3, TICKS - 1)]:
        rows[of(rows, device, seq)]["received_at"] += 9_000_000
    as_csv(rows, tmp_path / "got.csv")
    said = verify("got.csv", expect=1)
    # A fault `duplicate` has a row for the copy, and this log has none. A fault `delay` was over
    # when the message was sent, so it explains no lateness of the backend.
    assert unexplained(said) == NONE | {"doubled": 1, "late": 1}
    assert said["causes"]["late"]["examples"][0]["seq"] == 6
    assert explained(said, "missing") == {
        "failed by the log: the connection was lost": 1,
        "the injected fault drop": 1,
        "the injected fault wrong-topic": 1,
    }
    assert explained(said, "altered") == {"the injected fault corrupt": 1}
    assert explained(said, "late") == {"the injected fault half-open": 1}
    assert explained(said, "out-of-order") == {"the injected fault delay": 1}
    assert explained(said, "doubled") == {"sent again after a lost connection": 1}


def test_injected_duplicate_may_be_received(verify, rows, tmp_path):
    for file in (verify.fleet.store / "sends").rglob("*.parquet"):
        table = pq.read_table(file)
        sent = table.to_pylist()
        copies = [dict(row) for row in sent if row["seq"] == 9 and row["device_id"] == "meter-00000"]
        for copy in copies:
            copy["fault"] = "duplicate"
        pq.write_table(pa.Table.from_pylist(sent + copies, schema=table.schema), file)
    twice = of(rows, 0, 9)
    rows.append(dict(rows[twice]))
    as_csv(rows, tmp_path / "got.csv")
    said = verify("got.csv")
    assert explained(said, "doubled") == {"the injected fault duplicate": 1}
    rows.append(dict(rows[twice]))
    as_csv(rows, tmp_path / "got.csv")
    assert unexplained(verify("got.csv", expect=1)) == NONE | {"doubled": 1}


def test_check_that_cannot_be_told_is_refused(verify, rows, tmp_path):
    with (tmp_path / "got.jsonl").open("w") as out:
        for row in rows:
            print(json.dumps({"device": row["device"], "seq": number(row)}), file=out)
    refused = verify("got.jsonl", "--check", "late == 0", "--check", "altered <= 1%", expect=2)
    assert '--check: "late == 0" cannot be told: no column of got.jsonl' in refused
    assert "name it with --received-at COLUMN" in refused
    assert '"altered <= 1%" cannot be told' in refused and "--payload COLUMN" in refused
    verify("got.jsonl", "--check", "missing == 0", "--check", "late <= 100%")
    fleet = verify.fleet.broker("mqtt://127.0.0.1:1").group().set(checks={"received": ["late == 0"]})
    fleet.write()
    refused = verify("got.jsonl", "--fleet", "fleet.toml", expect=2)
    line = next(
        number
        for number, text in enumerate((tmp_path / "fleet.toml").read_text().splitlines(), 1)
        if "late == 0" in text
    )
    assert f'fleet.toml:{line}: received in [checks]: "late == 0" cannot be told' in refused
    # Nobody asked for these checks by name, so the others count.
    said = verify("got.jsonl")
    made = {check["check"]: check["passed"] for check in said["checks"]}
    assert made["missing == 0"] is True and made["late == 0"] is made["altered == 0"] is None
    assert not said["late_known"] and not said["altered_known"]
    text = verify("got.jsonl", text=True)
    assert "check late == 0            not made (cannot be told without --received-at COLUMN)" in text


def test_messages_without_time_of_arrival_are_undecided(verify, rows, tmp_path):
    rows[-1]["received_at"] = None
    with (tmp_path / "got.jsonl").open("w") as out:
        for row in rows:
            print(json.dumps(row), file=out)
    refused = verify("got.jsonl", "--check", "late == 0", expect=2)
    assert "1 message came in rows of got.jsonl without a moment in received_at" in refused
    assert verify("got.jsonl", "--check", "late <= 1%")["causes"]["late"]["undecided"] == 1
    assert "cannot be told" in verify("got.jsonl", "--check", "out-of-order == 0", expect=2)


def test_rows_of_a_backfill_are_compared(verify, rows, tmp_path):
    written = {"outcome": "written", "sent_at": None, "acked_at": None, "latency_us": None}
    change(verify.fleet.store, lambda row: row.update(written))
    as_csv(rows[1:], tmp_path / "got.csv")
    said = verify("got.csv", expect=1)
    assert unexplained(said) == NONE | {"missing": 1} and explained(said, "missing") == {}
    assert not said["late_known"]
    refused = verify("got.csv", "--check", "late == 0", expect=2)
    assert 'those of the outcome "written"' in refused and "mockfleet backfill --send" in refused


def test_ambiguous_key_is_refused(verify, rows, tmp_path):
    as_csv(rows, tmp_path / "got.csv")
    refused = verify("got.csv", "--key", "seq", expect=2)
    assert "--key: /seq=/seq does not tell messages of the log apart" in refused
    assert re.search(r"seq (\d+) of (meter-\d+) and seq \1 of (?!\2)meter-\d+", refused)
    assert "add a field that differs" in refused


def test_all_faults_of_the_received_file_are_reported_with_place(verify, rows, tmp_path):
    as_csv(rows, tmp_path / "got.csv")
    lines = (tmp_path / "got.csv").read_text().splitlines()
    lines[4] += ",more"
    lines[7] = lines[7].replace(lines[7].split(",")[0], "yesterday")
    (tmp_path / "torn.csv").write_text("\n".join(lines))
    refused = verify("torn.csv", expect=2)
    assert "torn.csv:5: the row has 5 fields and the header 4; quote a field that holds the delimiter" in refused
    as_jsonl(rows, tmp_path / "got.jsonl")
    with (tmp_path / "got.jsonl").open("a") as out:
        out.write("not json\n{\n")
    refused = verify("got.jsonl", expect=2)
    assert "got.jsonl:201: this line is no JSON object" in refused and "got.jsonl:202" in refused
    (tmp_path / "got.csv").write_text("received_at,topic,device,payload\n")
    assert "got.csv: it has no rows" in verify("got.csv", expect=2)
    (tmp_path / "got.csv").write_text("")
    assert "got.csv: it is empty" in verify("got.csv", expect=2)
    refused = verify("none.csv", "--run", "01M8835DCGFEHSEP2HFFMX1S1Y", expect=2)
    assert "--received: none.csv cannot be read" in refused and "--run: logs has no run" in refused


def test_fleet_file_sets_the_allowed_differences(verify, rows, tmp_path):
    as_csv(rows[2:], tmp_path / "got.csv")
    fleet = verify.fleet.broker("mqtt://127.0.0.1:1").group()
    fleet.write()
    said = verify("got.csv", "--fleet", "fleet.toml", expect=2)
    assert 'add received = ["missing == 0"] under [checks]' in said
    fleet.set(checks={"received": ["missing <= 1%", "late == 0"]}).write()
    said = verify("got.csv", "--fleet", "fleet.toml")
    assert [check["check"] for check in said["checks"]] == ["missing <= 1%", "late == 0"]
    fleet.content["checks"]["received"] = ["missing < 2", "lost == 0"]
    fleet.write()
    said = verify("got.csv", "--fleet", "fleet.toml", expect=2)
    assert re.search(r'fleet\.toml:\d+: "lost" is nothing that is counted', said)
    fleet.content["checks"]["received"] = ["missing < 2"]
    fleet.write()
    assert verify("got.csv", "--fleet", "fleet.toml", expect=1)["causes"]["missing"]["found"] == 2


def test_missing_columns_are_reported_with_the_existing_ones(verify, rows, tmp_path):
    as_csv(rows, tmp_path / "got.csv")
    refused = verify("got.csv", "--key", "device=devcie,sqe=seq", expect=2)
    assert 'is called "devcie"; did you mean "device"?' in refused
    assert 'no payload of the log has a field "sqe"; did you mean "seq"?' in refused
    refused = verify("got.csv", "--payload", "pay", "--received-at", "when", expect=2)
    assert '--payload: got.csv has no column "pay"' in refused
    assert '--received-at: got.csv has no column "when"' in refused
    (tmp_path / "got.csv").write_text("a,b\n1,2\n")
    assert "give --key device=COLUMN,FIELD=COLUMN" in verify("got.csv", expect=2)
