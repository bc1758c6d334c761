"""The messages that tests of `mockfleet verify` compare."""

import json

import pyarrow as pa
import pyarrow.parquet as pq

DEVICES, TICKS = 5, 40
CAUSES = ["missing", "doubled", "late", "altered", "out-of-order", "unknown"]
NONE = dict.fromkeys(CAUSES, 0)


def unexplained(said):
    return {cause: said["causes"][cause]["unexplained"] for cause in CAUSES}


def explained(said, cause):
    return said["causes"][cause]["explained"]


def number(row):
    return json.loads(row["payload"])["seq"]


def of(rows, device, seq):
    """The position of a message in the rows."""
    name = f"meter-{device:05}"
    places = [p for p, row in enumerate(rows) if row["device"] == name and number(row) == seq]
    assert len(places) == 1
    return places[0]


def change(store, change):
    """Rewrites the rows of a log; `change` gets each as a dictionary."""
    for file in (store / "sends").rglob("*.parquet"):
        table = pq.read_table(file)
        rows = table.to_pylist()
        for row in rows:
            change(row)
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
