"""Reads the send log with DuckDB, as an analyst does."""

from collections import defaultdict

import duckdb
import pyarrow.parquet

TABLES = ("sends", "events")

# The columns of a table in their order: name, DuckDB's type, whether null is allowed.
SENDS = [
    ("run_id", "VARCHAR", False),
    ("host_id", "VARCHAR", False),
    ("log_seq", "BIGINT", False),
    ("group", "VARCHAR", False),
    ("device_id", "VARCHAR", False),
    ("plugin", "VARCHAR", False),
    ("seq", "BIGINT", False),
    ("attempt", "INTEGER", False),
    ("channel", "VARCHAR", False),
    ("protocol", "VARCHAR", False),
    ("destination", "VARCHAR", False),
    ("topic", "VARCHAR", True),
    ("outcome", "VARCHAR", False),
    ("code", "INTEGER", True),
    ("error", "VARCHAR", True),
    ("fault", "VARCHAR", True),
    ("device_status", "VARCHAR", True),
    ("scheduled_at", "TIMESTAMP WITH TIME ZONE", False),
    ("sent_at", "TIMESTAMP WITH TIME ZONE", True),
    ("acked_at", "TIMESTAMP WITH TIME ZONE", True),
    ("latency_us", "BIGINT", True),
    ("payload_size", "INTEGER", False),
    ("payload", "VARCHAR", True),
    ("payload_bin", "BLOB", True),
]
EVENTS = [
    ("run_id", "VARCHAR", False),
    ("host_id", "VARCHAR", False),
    ("log_seq", "BIGINT", False),
    ("group", "VARCHAR", False),
    ("device_id", "VARCHAR", False),
    ("at", "TIMESTAMP WITH TIME ZONE", False),
    ("kind", "VARCHAR", False),
    ("detail", "VARCHAR", True),
]

# What an injected fault has sent again shares the number of its message.
IS_COPY = "coalesce(fault LIKE '%duplicate%', false)"


class Log:
    """The tables `sends` and `events` of a local store; `run` leaves out other runs."""

    def __init__(self, store, *, run=None):
        self.store = store
        self.database = duckdb.connect()
        self.database.execute("SET TimeZone = 'UTC'")
        where = f"WHERE run_id = '{run}'" if run else ""
        for table in TABLES:
            if self.files(table):
                # The files of a run have its id in their names: those of a thousand runs are not
                # all read for each.
                own = f"*{run}*.parquet"
                some = own if run and any((store / table).glob(f"**/{own}")) else "*.parquet"
                self.database.execute(
                    f"CREATE VIEW {table} AS SELECT * FROM read_parquet("
                    f"'{store}/{table}/**/{some}', hive_partitioning = false) {where}"
                )

    def files(self, table):
        return sorted((self.store / table).glob("**/*.parquet"))

    def arrow_schemas(self, table):
        return [pyarrow.parquet.read_schema(file) for file in self.files(table)]

    def rows(self, query):
        """The rows of a query, as tuples."""
        return self.database.execute(query).fetchall()

    def one(self, query):
        """The only value of the only row."""
        ((value,),) = self.rows(query)
        return value

    def column(self, query):
        """The only value of each row."""
        return [value for (value,) in self.rows(query)]

    def count(self, where="true", table="sends"):
        if not self.files(table):
            return 0
        return self.one(f"SELECT count(*) FROM {table} WHERE {where}")

    def outcomes(self):
        """The number of messages with each outcome."""
        if not self.files("sends"):
            return {}
        return dict(self.rows("SELECT outcome, count(*) FROM sends GROUP BY outcome"))

    def events(self, kind, where="true"):
        """Device and detail of each event of a kind, in the order of the log."""
        if not self.files("events"):
            return []
        return self.rows(
            f"SELECT device_id, detail FROM events WHERE kind = '{kind}' AND {where} ORDER BY log_seq"
        )

    def due_after_birth(self):
        """The due times of each device's messages, in microseconds after its birth."""
        rows = self.rows(
            """SELECT device_id, list(epoch_us(scheduled_at) - epoch_us("at") ORDER BY seq)
               FROM sends JOIN events USING (device_id) WHERE kind = 'born'
               GROUP BY device_id ORDER BY device_id"""
        )
        return dict(rows)

    def payloads(self, by="device_id"):
        """The payloads of each device, as bytes, in the order of their numbers."""
        found = defaultdict(list)
        rows = self.rows(
            f"SELECT {by}, coalesce(encode(payload), payload_bin) FROM sends ORDER BY {by}, device_id, seq"
        )
        for name, payload in rows:
            found[name].append(bytes(payload))
        return dict(found)

    def assert_sound(self, *, clock=False):
        """Holds for every log: no message twice, none left out, times in order. With a `clock` of
        the fleet's own, due times are not those of the machine."""
        for table in TABLES:
            if not self.files(table):
                continue
            numbers = self.column(f"SELECT log_seq FROM {table} ORDER BY log_seq")
            assert numbers == list(range(len(numbers))), f"log_seq of {table} has gaps or doubles"
        if not self.files("sends"):
            return
        gaps = self.rows(
            f"""SELECT device_id, count(*), count(DISTINCT seq), min(seq), max(seq) FROM sends
               WHERE NOT {IS_COPY} GROUP BY device_id
               HAVING count(*) != count(DISTINCT seq) OR min(seq) != 0 OR max(seq) != count(*) - 1"""
        )
        assert gaps == [], "messages of a device are numbered from 0, each once"
        strays = self.rows(
            f"""SELECT device_id, seq FROM sends WHERE {IS_COPY}
                EXCEPT SELECT device_id, seq FROM sends WHERE NOT {IS_COPY}"""
        )
        assert strays == [], "a copy has the number of the message that it is one of"
        assert self.count("outcome NOT IN ('acked','sent','failed','dropped','unconfirmed','written')") == 0
        assert self.count("outcome IN ('acked', 'sent') AND sent_at IS NULL") == 0
        assert self.count("(outcome = 'acked') != (acked_at IS NOT NULL)") == 0
        assert self.count("latency_us != epoch_us(acked_at) - epoch_us(sent_at)") == 0
        assert self.count("(latency_us IS NULL) != (acked_at IS NULL)") == 0
        assert self.count("acked_at < sent_at") == 0
        assert clock or self.count("sent_at < scheduled_at") == 0
        assert self.count("(error IS NULL) != (outcome IN ('acked', 'sent', 'written'))") == 0
        assert self.count("payload IS NOT NULL AND payload_bin IS NOT NULL") == 0
