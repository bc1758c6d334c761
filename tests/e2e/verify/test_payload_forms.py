"""`mockfleet verify` compares payloads of every form, or says why it cannot."""

import base64
import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.backends.subscriber_recorder import as_csv, as_jsonl, as_parquet
from support.verified import DEVICES, NONE, TICKS, change, number, unexplained


def test_hashed_payloads_in_the_log_identify_messages(verify, rows, tmp_path):
    def hashed(row):
        row["payload"] = "sha256:" + hashlib.sha256(row["payload"].encode()).hexdigest()

    change(verify.fleet.store, hashed)
    as_csv(rows[1:], tmp_path / "got.csv")
    said = verify("got.csv", "--by", "payload", expect=1)
    assert unexplained(said) == NONE | {"missing": 1}
    assert "holds no payloads" in verify("got.csv", "--key", "device,seq", expect=2)


def test_log_without_whole_payloads_tells_nothing_of_changes(verify, rows, tmp_path):
    rows[0]["payload"] = json.dumps(json.loads(rows[0]["payload"]) | {"t": -1})
    as_csv(rows, tmp_path / "got.csv")
    change(verify.fleet.store, lambda row: row.update(payload=row["payload"][:4]))
    assert "has no whole payload" in verify("got.csv", "--by", "payload", expect=2)
    change(verify.fleet.store, lambda row: row.update(payload=None))
    refused = verify("got.csv", "--by", "payload", expect=2)
    assert 'the log holds no payloads (payload = "none" in [log])' in refused


def test_emptied_payload_is_altered(verify, rows, tmp_path):
    with (tmp_path / "got.jsonl").open("w") as out:
        for place, row in enumerate(rows):
            kept = row["payload"] if place else None
            print(json.dumps(row | {"n": number(row), "payload": kept}), file=out)
    said = verify("got.jsonl", "--key", "device=device,seq=n", expect=1)
    assert unexplained(said) == NONE | {"altered": 1}
    assert said["causes"]["altered"]["examples"][0]["about"] == "received without a payload"


def packed(row):
    return b"\xff" + json.loads(row["payload"])["seq"].to_bytes(2) + row["payload"].encode()


def of_bytes(rows, device, seq):
    """The position of a message of bytes in the rows."""
    name = f"meter-{device:05}"
    [place] = [
        place
        for place, row in enumerate(rows)
        if row["device"] == name and int.from_bytes(row["payload"][1:3]) == seq
    ]
    return place


@pytest.mark.parametrize("form", ["bytes", "hex", "base64"])
def test_payloads_of_bytes_are_compared(verify, rows, tmp_path, form):
    for row in rows:
        row["payload"] = packed(row)
    change(verify.fleet.store, lambda row: row.update(payload_bin=packed(row), payload_size=len(packed(row)), payload=None))
    altered, lost = of_bytes(rows, 1, 8), of_bytes(rows, 2, TICKS - 1)
    rows[altered]["payload"] = rows[altered]["payload"][:-1] + b"\xfe"
    del rows[lost]
    if form == "bytes":
        as_parquet(rows, tmp_path / "got")
    else:
        encode = bytes.hex if form == "hex" else lambda payload: base64.b64encode(payload).decode()
        with (tmp_path / "got").open("w") as out:
            for row in rows:
                print(json.dumps(row | {"payload": encode(row["payload"])}), file=out)
    (tmp_path / "got").rename(tmp_path / ("got.parquet" if form == "bytes" else "got.jsonl"))
    file = "got.parquet" if form == "bytes" else "got.jsonl"
    said = verify(file, "--by", "payload", expect=1)
    assert unexplained(said) == NONE | {"missing": 2, "unknown": 1}
    assert said["matched"] == DEVICES * TICKS - 2
    assert unexplained(verify(file, expect=1)) == unexplained(said)
    refused = verify(file, "--key", "device,seq", expect=2)
    assert "the payloads of the log are bytes" in refused and "holds no payloads" not in refused


def test_unreadable_payloads_are_counted_and_the_others_decoded(verify, rows, tmp_path):
    for row in rows:
        row["payload"] = packed(row)
    change(verify.fleet.store, lambda row: row.update(payload_bin=packed(row), payload_size=len(packed(row)), payload=None))
    with (tmp_path / "got.jsonl").open("w") as out:
        for number, row in enumerate(rows):
            payload = "zz" if number in (1, 5, 9) else row["payload"].hex()
            print(json.dumps(row | {"payload": payload}), file=out)
    said = verify("got.jsonl", "--by", "payload", expect=1)
    assert unexplained(said) == NONE | {"missing": 3, "unknown": 3}
    [note] = [note for note in said["notes"] if "zz" in note]
    assert note.startswith("3 of 200 payloads are no hexadecimal digits, first got.jsonl:2")


def test_log_without_payloads_says_so(verify, rows, tmp_path):
    change(verify.fleet.store, lambda row: row.update(payload=None))
    as_csv(rows, tmp_path / "got.csv")
    refused = verify("got.csv", expect=2)
    assert 'the log keeps no payloads (payload = "none" in [log])' in refused
    assert "--key device=COLUMN" in refused and "JSON object" not in refused


def test_numbers_are_compared_digit_by_digit(verify, rows, tmp_path):
    def long(row):
        return 2**53 + json.loads(row["payload"])["seq"]

    def sent(row):
        text = json.dumps({"id": long(row)})
        row.update(payload=text, payload_size=len(text))

    received = [{"device": row["device"], "id": float(long(row))} for row in rows]
    change(verify.fleet.store, sent)
    with (tmp_path / "got.jsonl").open("w") as out:
        for row in rows:
            fields = f'"id": {long(row)}.0'
            print(f'{{"device": "{row["device"]}", {fields}, "payload": {{{fields}}}}}', file=out)
    said = verify("got.jsonl", "--key", "device,id")
    assert unexplained(said) == NONE and said["matched"] == DEVICES * TICKS
    for kind in (pa.float64(), pa.float32()):
        schema = pa.schema([("device", pa.string()), ("id", kind)])
        pq.write_table(pa.Table.from_pylist(received, schema=schema), tmp_path / "got.parquet")
        refused = verify("got.parquet", "--key", "device,id", expect=2)
        assert 'column "id" of the received table is a float, which cannot hold 9007199254' in refused


@pytest.mark.parametrize("write", [as_jsonl, as_csv])
def test_payloads_that_are_numbers_are_found(verify, rows, tmp_path, write):
    def bare(row):
        return f"{json.loads(row['payload'])['seq'] + 0.5:.2f}"

    for row in rows:
        row["payload"] = bare(row)
    change(verify.fleet.store, lambda row: row.update(payload=bare(row), payload_size=len(bare(row))))
    del rows[0]
    name = "got.jsonl" if write is as_jsonl else "got.csv"
    write(rows, tmp_path / name)
    said = verify(name, expect=1)
    assert unexplained(said) == NONE | {"missing": 1}
    assert any("--payload payload" in note for note in said["notes"])
