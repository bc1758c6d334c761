"""Records received messages in the formats of backends."""

import contextlib
import csv
import json
import time
from datetime import UTC, datetime, timedelta

import pyarrow
import pyarrow.parquet

from support.backends.broker import Broker
from support.backends.subscriber import Subscriber
from support.fleet import Fleet

COLUMNS = ["received_at", "topic", "device", "payload"]


class Recorder(Subscriber):
    """Records every message and its time of arrival."""

    def __init__(self, broker, filter="#", *, qos=2):
        self.times = []
        super().__init__(broker, filter, qos=qos)

    def take(self, client, data, message):
        self.times.append(time.time_ns() // 1_000)
        super().take(client, data, message)

    def rows(self):
        """A row a message, in the order of arrival."""
        with self.changed:
            pairs = list(zip(self.times, self.messages, strict=True))
        return [
            {
                "received_at": at,
                "topic": message.topic,
                "device": message.topic.split("/")[1],
                "payload": message.payload.decode(),
            }
            for at, message in pairs
        ]


@contextlib.contextmanager
def recorded_run(folder, *, channels=("telemetry",), **group):
    """Runs a group `meter` of the scenario plugin for 2 s against a broker of its own. Gives
    the fleet, the run, and the recorder that has every message."""
    broker = Broker(folder / "broker").start()
    fleet = Fleet(folder).broker(broker.url, qos=1, channels=channels)
    fleet.group("meter", "builtin:scenario", **group)
    recorder = Recorder(broker)
    try:
        run = fleet.run(duration="2s")
        recorder.wait_for(run.counted("acked"))
        yield fleet, run, recorder
    finally:
        recorder.close()
        broker.stop()
        fleet.close()


def moment(micros):
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def as_jsonl(rows, file):
    """Payloads as objects, as many pipelines store JSON."""
    with file.open("w") as out:
        for row in rows:
            more = {"received_at": moment(row["received_at"]).isoformat()}
            more["payload"] = json.loads(row["payload"])
            print(json.dumps(row | more), file=out)


def as_csv(rows, file):
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def as_parquet(rows, file):
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    columns["received_at"] = pyarrow.array(columns["received_at"], pyarrow.timestamp("us", "UTC"))
    # Snappy and dictionaries: what writers do when nobody says otherwise.
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
