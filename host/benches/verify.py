#!/usr/bin/env python3
"""How long `mockfleet verify` takes for a log of so many messages, and how much memory.

    host/benches/verify.py [ROWS]        # 3,000,000 by default

Makes a log and a Parquet file of what was received with DuckDB (three messages are missing,
one is doubled), runs `verify` on them and prints rows a second and the peak of memory. Needs
what tests/requirements.txt names, and a built target/release/mockfleet.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/mockfleet"
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


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        make(folder, rows)
        began = time.monotonic()
        with tempfile.TemporaryFile("w+") as out:
            child = subprocess.Popen(
                [BINARY, "verify", folder / "logs", "--received", folder / "received.parquet", "--json"],
                stdout=out,
            )
            most = 0
            while child.poll() is None:
                # Not what wait() says: that counts the memory of this process before it
                # became the other one.
                status = Path(f"/proc/{child.pid}/status").read_text()
                found = re.search(r"VmHWM:\s+(\d+) kB", status)
                most = max(most, int(found.group(1)) if found else 0)
                time.sleep(0.05)
            out.seek(0)
            said = out.read()
        took = time.monotonic() - began
        assert child.returncode == 1 and '"missing":{"examples"' in said, said
        print(f"rows      {rows:,} sent, as many received")
        print(f"time      {took:.1f} s, {2 * rows / took:,.0f} rows/s")
        print(f"memory    {most / 1024:,.0f} MiB at most")


if __name__ == "__main__":
    main()
