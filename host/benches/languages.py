#!/usr/bin/env python3
"""What the language of a device costs: the project of `mockfleet new` in Rust, Python and
JavaScript, built, started, ticked and run ten thousand times over.

    tests/.venv/bin/python host/benches/languages.py [--only LANGUAGE] [--rounds 5] [--short]

Needs what the end-to-end tests need (`tests/run --only-e2e` installs it) and the release build.
Writes target/bench/languages.json.
"""

import argparse
import http.server
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent / "peers"), str(Path(__file__).parents[2] / "tests/e2e")]
import bench
from broker import Mosquitto

LANGUAGES = {"rust": "Rust", "python": "Python", "js": "JavaScript"}
DEVICES, CONNECTIONS, CELL = 10_000, 64, 1_000
#: What 10,000 devices may take at most, MiB.
DENSITY = 2048

# The device of the project without WebAssembly, in its SDK's trial: prints nanoseconds a tick.
# The first thousand are to warm up.
NATIVE = {
    "rust": """
#[cfg(test)]
mod native {
    #[test]
    fn ticks() {
        let ticks: usize = std::env::var("TICKS").unwrap().parse().unwrap();
        let mut trial = mockfleet_sdk::testing::Trial::<super::Sensor>::new(serde_json::json!({}));
        trial.ticks(1000);
        let began = std::time::Instant::now();
        trial.ticks(ticks);
        println!("native {}", began.elapsed().as_nanos() / ticks as u128);
    }
}
""",
    "python": """
import os, time
from device import Sensor
from mockfleet.testing import run
ticks = int(os.environ["TICKS"])
trial = run(Sensor, {}, ticks=1000)
began = time.perf_counter_ns()
trial.ticks(ticks)
print("native", (time.perf_counter_ns() - began) // ticks)
""",
    "js": """
import { run } from "mockfleet/testing";
import Sensor from "./device.js";
const ticks = Number(process.env.TICKS);
const trial = run(Sensor, {}, { ticks: 1000 });
const began = process.hrtime.bigint();
trial.ticks(ticks);
console.log("native", String((process.hrtime.bigint() - began) / BigInt(ticks)));
""",
}


class Subject:
    """A project whose plugin is built, and runs of it."""

    def __init__(self, language, folder):
        # Only here: it wants the packages of the tests.
        from support.sdk_project import Project

        self.language = language
        folder.mkdir()
        self.project = Project(language, folder)
        self.environment = self.project.environment | {"XDG_CACHE_HOME": str(folder / "cache")}
        self.project.environment = self.environment
        said = self.project.expect("mockfleet build --json 2>/dev/null")
        self.built = json.loads(said.splitlines()[-1])
        self.folder = self.project.folder
        self.template = tomllib.loads((self.folder / "fleet.toml").read_text())

    def fleet(self, url, channel, target, group):
        """A fleet file of this plugin, with the limits that the project came with."""
        limits = self.template["groups"][0].get("limits", {})
        written = ", ".join(f'{key} = "{value}"' for key, value in limits.items())
        file = self.folder / "bench.toml"
        file.write_text(
            f"""seed = 1
[targets.backend]
url = "{url}"
{target}
[targets.backend.channels]
telemetry = {{ {channel} }}
[[groups]]
name = "sensor"
plugin = "{self.template["groups"][0]["plugin"]}"
every = "1s"
limits = {{ {written} }}
{group}
[log]
store = "bench-logs"
"""
        )
        return file

    def start(self, *arguments, cache=None):
        own = self.environment | ({"XDG_CACHE_HOME": str(cache)} if cache else {})
        out = tempfile.TemporaryFile("w+")
        err = tempfile.TemporaryFile("w+")
        command = list(map(str, [bench.program(), *arguments]))
        child = subprocess.Popen(command, cwd=self.folder, env=own, stdout=out, stderr=err)
        return child, out, err

    def end(self, child, out, err):
        """The last lines of its results and of its talk, once it has ended as it should."""
        child.wait()
        out.seek(0)
        err.seek(0)
        results, talk = out.read().splitlines(), err.read().splitlines()
        if child.returncode != 0:
            raise SystemExit("\n".join([f"{child.args} ended with {child.returncode}:", *talk]))
        return results[-1:], talk[-1:]


class FirstPost(http.server.ThreadingHTTPServer):
    """Knows when its first request came."""

    def __init__(self):
        self.came = None
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.came = self.server.came or time.monotonic()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def first_message(subject, cache=None):
    """Milliseconds from starting the process to its first message at the server."""
    with FirstPost() as server:
        url = f"http://127.0.0.1:{server.server_port}"
        file = subject.fleet(url, 'path = "/{device}"', "", 'count = 1\nstart = "together"')
        began = time.monotonic()
        subject.end(*subject.start("run", file, "--duration", "500ms", "--json", cache=cache))
        server.shutdown()
        if server.came is None:
            raise SystemExit("no message came")
        return (server.came - began) * 1e3


def tried(subject, seconds):
    """What `try` says that a cell of a thousand devices costs."""
    url = "mqtt://127.0.0.1:1883"
    file = subject.fleet(url, 'topic = "{device}"', "", f"count = {CELL}\ndevices-per-cell = {CELL}")
    trial = subject.start("try", file, "--devices", CELL, "--for", f"{seconds}s", "--json")
    _, (costs,) = subject.end(*trial)
    return json.loads(costs)["costs"]


def native(subject, ticks):
    """Microseconds of a tick without WebAssembly."""
    code = NATIVE[subject.language]
    own = subject.environment | {"TICKS": str(ticks)}
    if subject.language == "rust":
        source = subject.folder / "src/lib.rs"
        if "mod native" not in source.read_text():
            source.write_text(source.read_text() + code)
        command = ["cargo", "test", "--release", "--quiet", "native", "--", "--nocapture"]
    elif subject.language == "python":
        command = [".venv/bin/python", "-c", code]
    else:
        (subject.folder / "native.mjs").write_text(code)
        command = ["node", "native.mjs"]
    done = subprocess.run(command, cwd=subject.folder, env=own, capture_output=True, text=True)
    found = re.search(r"native (\d+)", done.stdout)
    if not found:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return int(found[1]) / 1e3


def most_memory(child):
    """VmHWM in MiB, the most that was resident, read until the process ends."""
    most = 0
    while child.poll() is None:
        status = Path(f"/proc/{child.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        most = max(most, int(found[1]) if found else 0)
        time.sleep(0.05)
    return most / 1024


def density(subject, devices, seconds):
    """A run of so many devices over shared connections: memory, summary, the broker's count."""
    with tempfile.TemporaryDirectory() as folder, Mosquitto(folder) as broker:
        target = f"connections = {CONNECTIONS}\nqos = 0"
        group = f"count = {devices}\ndevices-per-cell = {CELL}"
        file = subject.fleet(broker.url, 'topic = "bench/{device}"', target, group)
        run = subject.start("run", file, "--duration", f"{seconds}s", "--json")
        memory = most_memory(run[0])
        (summary,), _ = subject.end(*run)
        summary = json.loads(summary)
        counted = broker.settled()
        if counted != summary["messages"]:
            raise SystemExit(f"mosquitto counted {counted}, mockfleet {summary['messages']}")
        return memory, summary


def measure(report, language, folder, arguments):
    name = LANGUAGES[language]
    short, rounds = arguments.short, arguments.rounds or (1 if arguments.short else 5)
    subject = Subject(language, folder)

    def tell(what, unit, figures, **more):
        report.alone(f"{name}: {what}", unit, figures, **({"counted_by": ""} | more))
        print(f"{name}: {what}: {statistics.median(figures):,.2f} {unit} (of {len(figures)})", flush=True)

    tell("component", "MiB", [subject.built["size"] / 2**20])
    cold = [first_message(subject, folder / f"cold-{n}") for n in range(1 if short else 3)]
    tell("process start to first message, compiled on the way", "ms", cold, counted_by="the server")
    first_message(subject)
    warm = [first_message(subject) for _ in range(rounds)]
    tell("process start to first message, compiled before", "ms", warm, counted_by="the server")

    costs, bare = [], []
    for number in range(rounds):
        turns = [lambda: costs.append(tried(subject, 1 if short else 20)),
                 lambda: bare.append(native(subject, 1_000 if short else 20_000))]
        # By turns, the other one first in each round.
        for turn in turns[:: 1 if number % 2 == 0 else -1]:
            turn()
    ticks = [cost["tick_us"] for cost in costs]
    beside = ("natively, in the SDK's trial", bare)
    tell(f"tick, {CELL:,} devices a cell", "µs", ticks, beside=beside)
    tell("a cell with one device", "MiB", [cost["cell_bytes"] / 2**20 for cost in costs])
    tell("each further device of a cell", "KiB", [cost["device_bytes"] / 1024 for cost in costs])

    devices, seconds = (200, 2) if short else (DEVICES, 30)
    runs = [density(subject, devices, seconds) for _ in range(1 if short else arguments.runs)]
    many = f"{devices:,} devices × 1/s, {CONNECTIONS} connections, {CELL:,} a cell"
    tell(f"{many}: memory at most", "MiB", [memory for memory, _ in runs],
         at_most=DENSITY, details=[summary for _, summary in runs])
    share = [100 * s["ticks"] / (s["ticks"] + s["missed_ticks"]) for _, s in runs]
    tell(f"{many}: ticks that ran", "%", share, counted_by="mosquitto")
    tell(f"{many}: due to sent, p99", "ms", [lag(summary) for _, summary in runs])


def lag(summary):
    return summary["lag_us"]["p99"] / 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=LANGUAGES, action="append")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--runs", type=int, default=3, help="runs of 10,000 devices [default: 3]")
    parser.add_argument("--short", action="store_true", help="only prove that it runs")
    arguments = parser.parse_args()
    os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin"
    report = bench.Report("languages", arguments.short)
    with tempfile.TemporaryDirectory() as folder:
        for language in arguments.only or LANGUAGES:
            measure(report, language, Path(folder) / language, arguments)
    report.finish()


if __name__ == "__main__":
    main()
