"""Where the time of one message goes, inside of a run: samples of all threads of the
program, folded by what they were in.

    host/benches/profile.py [--seconds 10] [--qos 0] [--short]

Runs a hundred devices flat out against mosquitto under `perf record`, and divides the
processor time of each part by the number of messages. Needs perf (`apt-get install
linux-perf`), mosquitto, and the release build (`cargo build --release`). Writes
target/bench/profile.json.
"""

import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "peers"))
import bench
from broker import Mosquitto

HERTZ = 2500

# What a sample is in: the first that matches its symbol, from its own function outward.
# Kernel and foreign functions belong to whoever called them.
PARTS = [
    ("compress (zstd)", r"ZSTD_|HUF_|FSE_|HIST_|zstd"),
    ("spool: checksum and append", r"mockfleet_sendlog::(write::appender|format::(frame|record)|spool)|crc32fast|postcard"),
    ("row to columns and Parquet", r"mockfleet_sendlog|parquet|arrow|thrift"),
    ("guest call: lower and lift", r"wasmtime|mockfleet_plugin"),
    ("MQTT state and packets", r"mockfleet_transport|rumqttc|mqttbytes"),
    ("schedule, route, counters", r"mockfleet_engine|mockfleet_metrics|hdrhistogram|mockfleet_config"),
    ("runtime: wake-ups and polling", r"tokio|mio::"),
]
ALLOCATOR = re.compile(r"^_?mi_|^_?(malloc|free|realloc|calloc)\b|__rust(c)?_|mimalloc")
COPIES = re.compile(r"mem(cpy|move|set|cmp|chr)|_(avx|sse2|erms)")
SYSCALLS = [
    ("system call: send", r"sys_(sendto|sendmsg|writev)$|sock_write_iter"),
    ("system call: receive", r"sys_(recvfrom|recvmsg|readv)$|sock_read_iter"),
    ("system call: wait", r"sys_(epoll|poll|futex|nanosleep|clock)"),
    ("system call: files", r"sys_(write|pwrite64|read|pread64|openat|fallocate|fsync|fdatasync|rename|unlink|statfs|getdents64)"),
    ("memory: page faults and mapping", r"exc_page_fault|asm_exc_page_fault|sys_(mmap|munmap|madvise|mprotect)"),
    ("system call: other", r"sys_"),
]
GUEST = "behaviour (WebAssembly)"


def part(frames):
    """The part that a sample belongs to. `frames` are (symbol, object), innermost first."""
    symbol, place = frames[0] if frames else ("[unknown]", "[unknown]")
    if "[kernel" in place or place.endswith(".ko"):
        names = [name for name, _ in frames]
        for what, pattern in SYSCALLS:
            if any(re.search(pattern, name) for name in names):
                return what
        return "kernel: interrupts and switches"
    if place == "[unknown]" or re.search(r"anon|\[JIT\]|perf-\d+\.map", place):
        # Code that wasmtime made lies in no file; perf names the map that could name it.
        return GUEST
    for what, pattern in PARTS:
        if re.search(pattern, symbol):
            return what
    if ALLOCATOR.search(symbol):
        return "allocator"
    if COPIES.search(symbol):
        return "copies"
    return "other"


def samples(data):
    script = ["perf", "script", "-i", data, "--no-inline", "-F", "period,ip,sym,dso"]
    text = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    for block in text.split("\n\n"):
        lines = block.strip("\n").splitlines()
        if not lines:
            continue
        period = int(lines[0].split()[-1].rstrip(":"))
        frames = []
        for line in lines[1:]:
            match = re.match(r"\s*[0-9a-f]+ (.*) \((.*)\)$", line)
            if match:
                frames.append((match[1], match[2]))
        yield period, frames


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--qos", type=int, choices=(0, 1), action="append")
    parser.add_argument("--short", action="store_true", help="only prove that it runs")
    arguments = parser.parse_args()
    seconds = arguments.seconds or (1 if arguments.short else 10)
    report = bench.Report("profile", arguments.short)
    for qos in arguments.qos or (0, 1):
        profile(report, qos, seconds)
    report.finish()


def profile(report, qos, seconds):
    with tempfile.TemporaryDirectory() as folder, Mosquitto(folder) as broker:
        data = os.path.join(folder, "perf.data")
        record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(HERTZ), "-g", "-o", data, "--"]
        ran = bench.mockfleet(folder, broker.url, f"qos = {qos}", "count = 100\nrate = \"max\"", seconds, record)
        counted = broker.settled()
        spent = collections.Counter()
        for period, frames in samples(data):
            spent[part(frames)] += period
        print(f"QoS {qos}: {counted:,} messages counted by mosquitto, {sum(spent.values()) / counted:,.0f} ns each")
        for what, nanoseconds in spent.most_common():
            each = nanoseconds / counted
            print(f"  {each:8,.0f} ns  {nanoseconds / sum(spent.values()):6.1%}  {what}")
            report.alone(f"QoS {qos}: {what}", "ns", [each], {"share": nanoseconds / sum(spent.values())})
        report.alone(f"QoS {qos}: all threads", "ns", [sum(spent.values()) / counted], {"messages": counted, "summary": ran["summary"]})


if __name__ == "__main__":
    main()
