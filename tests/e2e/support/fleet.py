"""Writes a fleet file, runs mockfleet on it, and reads its summary and log."""

import json
import os
from pathlib import Path

import tomli_w

from support.log import Log
from support.process import Process
from support.wait import wait_until

ROOT = Path(__file__).resolve().parents[3]
GUESTS = ROOT / "tests/guests/dist"
PLUGINS = ROOT / "plugins"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINARY = TARGET / os.environ.get("MOCKFLEET_PROFILE", "quick") / "mockfleet"


def environment(**more):
    """The environment of this process without the credentials and settings of a real AWS account
    and without the user's own folders."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # Plugins are compiled once for all tests.
    return kept | {"XDG_CACHE_HOME": str(TARGET.absolute() / "e2e-cache")} | more


def keys(values):
    """`connect_rate=1` as the fleet file writes it: `connect-rate = 1`."""
    return {name.replace("_", "-"): value for name, value in values.items()}


class Fleet:
    """A fleet file that is written at its use, and the processes that use it."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "fleet.toml"
        self.store = folder / "logs"
        self.environment = environment(XDG_STATE_HOME=str(folder / "state"))
        self.processes = []
        self.content = {
            "name": "test",
            "seed": 42,
            "targets": {},
            "groups": [],
            "log": {"store": "logs"},
        }

    def broker(self, url, *, name="broker", channels=("telemetry",), topics=None, **more):
        """A target that speaks MQTT. Each of `channels` gets the topic
        `{group}/{device}/CHANNEL`; `topics` has other channels as they are."""
        made = {channel: {"topic": "{group}/{device}/" + channel} for channel in channels}
        self.content["targets"][name] = {
            "url": url,
            **keys(more),
            "channels": made | (topics or {}),
        }
        return self

    def server(self, url, *, name="server", channels=None, **more):
        """A target that speaks HTTP."""
        made = channels or {"telemetry": {"path": "/{group}/{device}"}}
        self.content["targets"][name] = {"url": url, **keys(more), "channels": made}
        return self

    def group(self, name="thermometer", plugin="builtin:thermometer", *, count=10, **more):
        """A group. `every` is a second by default, and all devices start together, so that each has
        the same number of ticks in the same time."""
        group = {"name": name, "plugin": str(plugin), "count": count, "start": "together"}
        if len(self.content["targets"]) > 1:
            group["target"] = next(iter(self.content["targets"]))
        if "rate" not in more:
            group["every"] = "1s"
        self.content["groups"].append(group | keys(more))
        return self

    def guest(self, name="guest", plugin="rogue", **more):
        """A group of one of the plugins in tests/guests."""
        return self.group(name, GUESTS / f"{plugin}.wasm", **more)

    def set(self, **more):
        """Keys at the top of the file; tables are added to."""
        for key, value in keys(more).items():
            if isinstance(value, dict):
                self.content.setdefault(key, {}).update(keys(value))
            else:
                self.content[key] = value
        return self

    def write(self):
        self.file.write_text(tomli_w.dumps(self.content))

    def mockfleet(self, *arguments, limit_files=None, limit_files_hard=None):
        """Starts mockfleet in the fleet's folder. `limit_files` is the number of files that it may
        open; it may raise it to `limit_files_hard` itself."""
        command = [BINARY, *arguments]
        if limit_files:
            hard = limit_files_hard or limit_files
            limits = f"ulimit -S -n {limit_files} && ulimit -H -n {hard}"
            command = ["sh", "-c", f'{limits} && exec "$@"', "sh", *command]
        process = Process(command, folder=self.folder, environment=self.environment)
        self.processes.append(process)
        return process

    def start(self, *arguments, **limits):
        """Starts a run and does not wait for its end."""
        self.write()
        return self.mockfleet("run", self.file.name, "--json", *arguments, **limits)

    def start_and_wait_for(self, files, *arguments):
        """Starts a run and waits until `files` returns the first files of its log."""
        process = self.start(*arguments)
        wait_until(files, "the first file of the log")
        return process

    def end(self, process, *, expect=0):
        """Waits for the end of a run that was started."""
        return Run(process.expect(expect), self.store)

    def run(self, *arguments, duration="2s", expect=0):
        """Runs the fleet to its end."""
        return self.end(self.start("--duration", duration, *arguments), expect=expect)

    def backfill(self, start, end, *arguments, expect=0):
        """Runs the fleet through a range of time."""
        self.write()
        command = ["backfill", self.file.name, "--from", start, "--to", end, "--json"]
        return self.end(self.mockfleet(*command, *arguments), expect=expect)

    def close(self):
        for process in self.processes:
            process.kill()


class Run:
    """A finished run: its output and its log."""

    def __init__(self, process, store):
        self.process = process
        self.stderr = process.stderr
        objects = [json.loads(line) for line in process.out]
        assert objects, process.report()
        *self.progress, self.summary = objects
        assert self.summary["event"] == "summary", process.report()
        self.store = store

    @property
    def log(self):
        """The log of this run."""
        return Log(self.store, run=self.summary["run"])

    def counted(self, outcome=None):
        """The number of messages, or of those with one outcome, by the summary."""
        return self.summary[outcome or "messages"]

    def notices(self, text):
        """The summary's notices that contain the text, with their counts."""
        return [n for n in self.summary["notices"] if text in n["text"]]
