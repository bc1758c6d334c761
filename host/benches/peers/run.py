"""Other load generators beside mockfleet: the same broker, the same devices, counted by
the broker.

    host/benches/peers/run.py [--rounds 3] [--seconds 15] [--only TOOL] [--load LOAD] [--short]

mockfleet makes each payload in WebAssembly and logs each message; the others publish a
constant and keep nothing. Those that are missing are installed into target/peers
(Locust by pip, mqtt-benchmark by cargo) or skipped with the command that installs them
(Tsung: `apt-get install tsung`). Writes target/bench/peers.json, with command lines.
"""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import bench
from broker import Mosquitto

HERE = Path(__file__).parent
PEERS = bench.TARGET / "peers"
PAYLOAD = "x" * 256


class Load:
    """What a tool is to do."""

    def __init__(self, devices, pace, qos, seconds):
        self.devices, self.pace, self.qos, self.seconds = devices, pace, qos, seconds
        rate = "flat out" if pace == "max" else "× 1/s"
        self.name = f"{devices:,} devices {rate}, QoS {qos}"


def mockfleet(folder, broker, load):
    pace = 'rate = "max"' if load.pace == "max" else 'every = "1s"'
    group = f"count = {load.devices}\n{pace}"
    file = bench.fleet(folder, broker.url, f"qos = {load.qos}", group, load.seconds)
    return [bench.program(), "run", file, "--json"], {}


def tsung(folder, broker, load):
    if not shutil.which("tsung"):
        return None
    # One packet after the other: Tsung waits for what confirms it.
    pause = "" if load.pace == "max" else '<thinktime value="1"></thinktime>'
    # More users a second than this is more than its clock resolves.
    arrivals = min(load.devices, 1000)
    file = Path(folder) / "tsung.xml"
    file.write_text(
        f"""<?xml version="1.0"?>
<!DOCTYPE tsung SYSTEM "/usr/share/tsung/tsung-1.0.dtd">
<tsung loglevel="error" version="1.0">
<clients><client host="localhost" use_controller_vm="true" maxusers="64000"/></clients>
<servers><server host="127.0.0.1" port="{broker.port}" type="tcp"/></servers>
<load duration="{load.seconds}" unit="second">
<arrivalphase phase="1" duration="{load.seconds}" unit="second">
<users maxnumber="{load.devices}" arrivalrate="{arrivals}" unit="second"/>
</arrivalphase></load>
<sessions><session name="device" probability="100" type="ts_mqtt">
<request><mqtt type="connect" clean_start="true" keepalive="60" will_topic="will" will_qos="0" will_msg="gone" will_retain="false"></mqtt></request>
<for from="1" to="100000000" incr="1" var="n">
<request><mqtt type="publish" topic="bench/tsung" qos="{load.qos}" retained="false">{PAYLOAD}</mqtt></request>
{pause}
</for>
</session></sessions></tsung>
"""
    )
    return ["tsung", "-n", "-f", file, "-l", folder, "-m", Path(folder) / "tsung.out", "start"], {}


def locust(folder, broker, load):
    program = PEERS / "venv" / "bin" / "locust"
    if not program.exists():
        subprocess.run(["python3", "-m", "venv", PEERS / "venv"], check=True)
        pip = [PEERS / "venv" / "bin" / "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "locust==2.47.0", "paho-mqtt==2.1.0"], check=True)
    command = [program, "-f", HERE / "locustfile.py", "--headless", "--only-summary"]
    command += ["--processes", str(os.cpu_count()), "-u", str(load.devices)]
    command += ["-r", str(min(load.devices, 1000)), "-t", f"{load.seconds}s"]
    told = {"BENCH_PORT": broker.port, "BENCH_QOS": load.qos, "BENCH_PACE": load.pace}
    return command, told


def mqtt_benchmark(folder, broker, load):
    program = PEERS / "bin" / "mqtt-benchmark"
    if load.pace != "max":
        return None
    if not program.exists():
        cargo = ["cargo", "install", "--quiet", "--locked", "--root", PEERS, "mqtt-benchmark@0.2.4"]
        subprocess.run(cargo, check=True)
    # It has no clock: so many messages each as its slowest takes about that long.
    command = [program, "-b", f"127.0.0.1:{broker.port}", "-t", "bench/{i}", "-q", str(load.qos)]
    command += ["-P", PAYLOAD, "-C", str(load.devices), "-s", "10000000"]
    return command, {}


TOOLS = {"mockfleet": mockfleet, "tsung": tsung, "locust": locust, "mqtt-benchmark": mqtt_benchmark}


def session(leader):
    """The processes of a session."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            if int(fields[3]) == leader:
                yield int(entry.name)


def resident(leader):
    """Memory of a session in MiB; what its processes share counts once."""
    kib = 0
    for process in session(leader):
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        kib += next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)
    return kib / 1024


def processor_time(leader):
    """Seconds of the processors that a session has used, with those of its ended children."""
    ticks = 0
    for process in session(leader):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


class Watch(threading.Thread):
    """Memory, processor time and the broker's count, while a tool runs."""

    def __init__(self, process, broker):
        super().__init__(daemon=True)
        self.process, self.broker = process, broker
        self.peak, self.counts, self.over = 0, [], threading.Event()

    def run(self):
        while not self.over.wait(0.5):
            self.peak = max(self.peak, resident(self.process.pid))
            self.counts.append((time.monotonic(), self.broker.received, processor_time(self.process.pid)))


def steady(counts, seconds):
    """Messages a second that the broker counted in the steady part of a load, and microseconds of
    the processors for each. As in host/benches/measure/processes/window.rs: without two seconds of
    warm-up, or a quarter of the load, and without what the broker reads after the load's end."""
    moving = [after for before, after in zip(counts, counts[1:]) if after[1] > before[1]]
    if len(moving) < 2:
        return 0, None
    begin = moving[0][0]
    inside = [one for one in moving if begin + min(2, seconds / 4) <= one[0] <= begin + seconds]
    part = inside if len(inside) > 1 else moving
    first, last = part[0], part[-1]
    messages = last[1] - first[1]
    return messages / (last[0] - first[0]), (last[2] - first[2]) * 1e6 / messages


def run(tool, load):
    with tempfile.TemporaryDirectory() as folder, Mosquitto(folder) as broker:
        made = TOOLS[tool](folder, broker, load)
        if made is None:
            return None
        command, told = made
        environment = os.environ | {name: str(value) for name, value in told.items()}
        log = open(Path(folder) / "out", "w+")
        process = subprocess.Popen(
            list(map(str, command)), cwd=folder, env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )
        watch = Watch(process, broker)
        watch.start()
        try:
            process.wait(load.seconds + (5 if tool == "mqtt-benchmark" else 60))
        except subprocess.TimeoutExpired:
            pass
        watch.over.set()
        watch.join()
        for left in session(process.pid):
            os.kill(left, signal.SIGKILL)
        process.wait()
        total = broker.settled()
        a_second, cpu = steady(watch.counts, load.seconds)
        log.seek(0)
        said = log.read()[-2000:]
        return {
            "command": shown(command, folder),
            "environment": told,
            "a_second": a_second,
            "cpu_us": cpu,
            "counted": total,
            "peak_mib": watch.peak,
            "said": said if total == 0 else "",
        }


def shown(command, folder):
    """A command as it would be typed in the repository."""
    text = shlex.join(map(str, command))
    for long, short in [(str(bench.TARGET), "target"), (f"{bench.ROOT}/", ""), (f"{folder}/", ""), (folder, ".")]:
        text = text.replace(long, short)
    return text.replace(PAYLOAD, "x…x")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--only", choices=TOOLS, action="append")
    parser.add_argument("--load", choices=("qos-0", "qos-1", "schedule"), action="append")
    parser.add_argument("--short", action="store_true", help="only prove that it runs")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (1 if arguments.short else 3)
    seconds = arguments.seconds or (6 if arguments.short else 15)
    many = 200 if arguments.short else 10_000
    loads = {
        "qos-0": Load(100, "max", 0, seconds),
        "qos-1": Load(100, "max", 1, seconds),
        "schedule": Load(many, "1s", 1, 2 * seconds),
    }
    report = bench.Report("peers", arguments.short)
    for load in [loads[name] for name in arguments.load or loads]:
        seen = {}
        # All tools in each round: the machine's mood touches them alike.
        for _ in range(rounds):
            for tool in arguments.only or TOOLS:
                if found := run(tool, load):
                    seen.setdefault(tool, []).append(found)
                    cost = "no steady part" if found["cpu_us"] is None else f"{found['cpu_us']:.2f} µs a message"
                    print(f"{load.name}: {tool} {found['a_second']:,.0f} msg/s, {cost}, {found['peak_mib']:,.0f} MiB, "
                          f"{found['counted']:,} counted by mosquitto", flush=True)
                    if found["said"]:
                        print(found["said"])
        for tool, found in seen.items():
            a_second = [one["a_second"] for one in found]
            report.alone(f"{load.name}: {tool}", "msg/s", a_second, found)
            costs = [one["cpu_us"] for one in found if one["cpu_us"] is not None]
            if costs:
                report.alone(f"{load.name}: {tool}, processor time a message", "µs", costs, counted_by="the kernel")
            report.alone(f"{load.name}: {tool}, memory", "MiB", [one["peak_mib"] for one in found], counted_by="the kernel")
    report.finish()


if __name__ == "__main__":
    main()
