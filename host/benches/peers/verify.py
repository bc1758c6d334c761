#!/usr/bin/env python3
"""How long `mockfleet verify` takes for a large log, beside DuckDB with the same join.

    tests/.venv/bin/python host/benches/peers/verify.py [--rounds 3] [--rows 3000000] [--short]

Makes a log and a Parquet file of what was received with DuckDB (three messages are missing,
one is doubled). `verify` compares them, and finds which are missing, doubled, altered and late.
DuckDB joins the same two tables by device and payload and counts the missing and the doubled
ones. Needs what tests/requirements.txt names, and the release build. Writes
target/bench/verify.json.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bench
import duckdb

RUN = "01M8835DCGFEHSEP2HFFMX1S1Y"
DEVICES = 1_000


def make(folder, rows):
    """A log, and what a backend wrote down of it."""
    log = folder / "logs/sends/dt=2026-11-24/hour=07"
    log.mkdir(parents=True)
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    database.execute(
        f"""CREATE TABLE sends AS SELECT
              '{RUN}' AS run_id, 'bench' AS host_id, n AS log_seq, 'meter' AS "group",
              format('meter-{{:05}}', n % {DEVICES}) AS device_id, 'meter@1' AS plugin,
              n // {DEVICES} AS seq, 1::int AS attempt, 'telemetry' AS channel, 'mqtt' AS protocol,
              'mqtt://127.0.0.1:1883' AS destination, device_id || '/telemetry' AS topic,
              'acked' AS outcome, NULL::int AS code, NULL::text AS error, NULL::text AS fault,
              NULL::text AS device_status,
              TIMESTAMPTZ '2026-11-24 07:00:00Z' + to_microseconds(n * 300) AS scheduled_at,
              scheduled_at AS sent_at, scheduled_at + INTERVAL 2 milliseconds AS acked_at,
              2000::bigint AS latency_us,
              format('{{{{"seq":{{}},"power":{{}},"note":"{{}}"}}}}', n // {DEVICES}, n % 977, repeat('x', 150)) AS payload,
              NULL::blob AS payload_bin, octet_length(encode(payload))::int AS payload_size
            FROM range({rows}) AS all_rows(n)"""
    )
    database.execute(f"COPY sends TO '{log}/bench-{RUN}-0-{rows - 1}.parquet' (COMPRESSION zstd)")
    database.execute(
        f"""COPY (SELECT device_id, payload, acked_at AS received_at FROM sends WHERE log_seq NOT IN (5, 50, 500)
                  UNION ALL SELECT device_id, payload, acked_at FROM sends WHERE log_seq = 7)
            TO '{folder}/received.parquet'"""
    )


# Seconds of the join, in a process of its own, and its answer: missing and doubled.
JOIN = """
import duckdb, sys, time
began = time.monotonic()
log, received = sys.argv[1:]
database = duckdb.connect()
database.execute("SET threads = 2")
print(*database.execute(f'''
    WITH received AS (SELECT device_id, payload, count(*) AS times FROM '{received}' GROUP BY ALL)
    SELECT count(*) FILTER (times IS NULL), count(*) FILTER (times > 1)
    FROM '{log}/sends/*/*/*.parquet' AS sends LEFT JOIN received USING (device_id, payload)
''').fetchone(), time.monotonic() - began)
"""


def timed(command):
    """Seconds, memory in MiB and output of a command."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen(list(map(str, command)), stdout=out)
        most = 0
        while child.poll() is None:
            # Not what wait() says: that counts the memory of this process before it became the
            # other one.
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child.pid}/status").read_text())
            most = max(most, int(found.group(1)) if found else 0)
            time.sleep(0.02)
        out.seek(0)
        return time.monotonic() - began, most / 1024, child.returncode, out.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--short", action="store_true", help="only prove that it runs")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (1 if arguments.short else 3)
    rows = arguments.rows or (100_000 if arguments.short else 3_000_000)
    ours, theirs, memory, their_memory = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        make(folder, rows)
        log, received = folder / "logs", folder / "received.parquet"
        for _ in range(rounds):
            took, most, code, said = timed([bench.program(), "verify", log, "--received", received, "--json"])
            assert code == 1 and '"missing":{"examples"' in said, said
            ours.append(2 * rows / took)
            memory.append(most)
            took, most, code, said = timed([sys.executable, "-c", JOIN, log, received])
            assert code == 0 and said.startswith("3 1 "), said
            theirs.append(2 * rows / took)
            their_memory.append(most)
    report = bench.Report("verify", arguments.short)
    name = f"verify {rows:,} sent and as many received"
    duck = "DuckDB, the same join on 2 threads"
    report.alone(name, "rows/s", ours, counted_by=None, beside=(duck, theirs))
    report.alone("the same, its most memory", "MiB", memory, counted_by="the kernel", beside=(duck, their_memory))
    report.finish()
    for case in report.cases:
        print(f"{case['name']}: {case['ours']['median']:,.0f} {case['unit']}, {duck} {case['baseline']['figures']['median']:,.0f}")


if __name__ == "__main__":
    main()
