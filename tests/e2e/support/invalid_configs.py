"""Lists the faults of a fleet file with the messages that report them."""

from dataclasses import dataclass

GOOD = """\
name = "test"
seed = 1

[targets.broker]
url = "@URL@"
qos = 1

[targets.broker.channels]
telemetry = { topic = "{device}/telemetry" }

[[groups]]
name = "thermometer"
plugin = "builtin:thermometer"
count = 3
every = "100ms"
config = { base = 20.0 }

[log]
store = "logs"
"""


@dataclass
class Fault:
    """A fault: `old` in the good file is replaced by `new`. The message names the line with `at`
    (of `new` by default) and matches `says`."""

    name: str
    old: str
    new: str
    says: str
    at: str | None = None

    def text(self):
        assert GOOD.count(self.old) == 1, self.old
        return GOOD.replace(self.old, self.new)

    def line(self):
        at = self.at or next(line for line in self.new.splitlines() if line)
        lines = self.text().splitlines()
        numbers = [n for n, line in enumerate(lines, 1) if at in line]
        # Of two injected faults that exclude one another, the second is named.
        assert len(numbers) == 1 or at == "[[groups.faults]]"
        return numbers[-1]


PLUGIN = 'plugin = "builtin:thermometer"'
CONFIG = "config = { base = 20.0 }"
CHANNEL = 'telemetry = { topic = "{device}/telemetry" }'

def injected(name, keys, says, at):
    """A group whose injected faults have these keys."""
    tables = "".join(f"\n[[groups.faults]]\n{table}\n" for table in keys.split(" | "))
    return Fault(name, CONFIG, CONFIG + tables.replace("; ", "\n"), says, at)


FAULTS = [
    # Faults that are injected
    injected("a fault that is none", 'kind = "lost"', r'"lost" is no fault.*half-open', '"lost"'),
    injected("a share of what", 'kind = "drop"', r"lacks .*probability", "[[groups.faults]]"),
    injected(
        "more than all messages",
        'kind = "drop"; probability = "101%"',
        r"101%.*more than all",
        "probability",
    ),
    injected(
        "faults that leave no message",
        'kind = "delay"; delay = "1s"; probability = "60%" | kind = "reorder"; probability = "41%"',
        r"delay and reorder exclude one another, and touch 101% of the messages",
        "[[groups.faults]]",
    ),
    injected(
        "a window that ends before it begins",
        'kind = "drop"; probability = "1%"; from = "10s"; until = "5s"',
        r"ends before it begins: from is 10s, until is 5s",
        "until",
    ),
    injected(
        "a channel that is not there",
        'kind = "drop"; probability = "1%"; channel = "telemtry"',
        r'no channel "telemtry"; did you mean "telemetry"',
        "channel =",
    ),
    injected(
        "links that break in two ways at once",
        'kind = "reconnect-storm"; at = "5s"; duration = "5s" | kind = "half-open"; at = "9s"; duration = "5s"',
        r"half-open and reconnect-storm \(fleet.toml:\d+\) contradict each other: both have the link at 9s",
        "[[groups.faults]]",
    ),
    injected(
        "a cut link without moments", 'kind = "reconnect-storm"; duration = "1s"', r"lacks .*at = ", "[[groups.faults]]"
    ),
    # Keys
    Fault("an unknown key", "every =", "evry =", r'unknown key "evry" .*did you mean "every"\?'),
    Fault("an unknown key of a target", "qos = 1", "quos = 1", r'"quos".*did you mean "qos"\?'),
    Fault("an unknown key of a channel", "{ topic =", "{ tpoic =", r'"tpoic".*"topic"'),
    Fault("an unknown key of the log", "store =", "stor =", r'"stor".*did you mean "store"\?'),
    Fault("an unknown table", "[log]", "[logs]", r'"logs".*did you mean "log"\?'),
    Fault("an unknown setting of HTTP", "qos = 1", 'timeout = "1s"', r'unknown key "timeout"'),
    Fault("a missing name", 'name = "thermometer"\n', "", r"lacks .*name", "[[groups]]"),
    Fault("a missing plugin key", PLUGIN + "\n", "", r"lacks .*plugin", "[[groups]]"),
    Fault("a missing count", "count = 3\n", "", r"lacks .*count", "[[groups]]"),
    Fault("a missing schedule", 'every = "100ms"\n', "", r"lacks .*every", "[[groups]]"),
    Fault("a missing url", 'url = "@URL@"\n', "", r"lacks .*url", "[targets.broker]"),
    Fault("a missing topic", CHANNEL, "telemetry = { }", r"lacks .*topic"),
    Fault(
        "a schedule given twice", "count = 3", 'count = 3\nrate = "5/s"', r"rate.*every", "rate ="
    ),
    # Types, units, ranges
    *(
        Fault(name, "seed = 1", f"seed = 1\nclock.{key}", says, "clock.")
        for name, key, says in [
            ("a clock that stands still", "speed = 0", r"no time pass"),
            ("a clock that runs backwards", "speed = -2", r"no time pass"),
            ("a speed in words", 'speed = "fast"', r'"fast".*"max"'),
            ("a speed of wonder", "speed = 2000000", r"out of range"),
            ("a clock without a zone", 'start = "2026-01-01T00:00:00"', r"zone"),
            ("a clock before its time", 'start = "1950-01-01"', r"before 1970"),
            ("an unknown key of the clock", "spede = 2", r'"spede".*"speed"'),
        ]
    ),
    Fault("text for a number", "count = 3", 'count = "ten"', r"whole number"),
    Fault("a number in quotes", "count = 3", 'count = "3"', r"whole number.*write 3 without quotes$"),
    Fault(
        "a path with backslashes",
        CONFIG,
        r'''data = { w = "C:\Users\me\weather.csv" }''',
        r"single quotes, which keep it: 'C:\\Users\\me\\weather\.csv'$",
    ),
    Fault(
        "a path with a tab in it",
        CONFIG,
        r'''data = { w = "C:\temp\three.csv" }''',
        r"has a tab or a line break in it.*single quotes",
    ),
    Fault("a number for a text", 'name = "test"', "name = 7", r"text"),
    Fault("a text for a table", CONFIG, 'config = "base"', r"table"),
    Fault("a duration without unit", 'every = "100ms"', "every = 5", r"duration.*\"500ms\""),
    Fault("a unit that is none", 'every = "100ms"', 'every = "5 parsecs"', r"5 parsecs"),
    Fault("a rate without period", 'every = "100ms"', 'rate = "60"', r"rate.*\"60/min\""),
    Fault("a rate of nothing", 'every = "100ms"', 'rate = "0/s"', r"0/s"),
    Fault("a share beyond half", "count = 3", 'count = 3\njitter = "60%"', r"50%", "jitter"),
    Fault(
        "a share without percent", "count = 3", 'count = 3\njitter = "0.1"', r"percent", "jitter"
    ),
    Fault(
        "a size without unit",
        'store = "logs"',
        'store = "logs"\nroll = { size = "5" }',
        r"MiB",
        "roll",
    ),
    Fault("a QoS that is none", "qos = 1", "qos = 3", r"0, 1 or 2"),
    Fault("a count of zero", "count = 3", "count = 0", r"0 is out of range"),
    Fault("a negative count", "count = 3", "count = -1", r"-1 is out of range"),
    Fault("more devices than fit", "count = 3", "count = 1_000_000_000", r"out of range"),
    Fault(
        "no devices in a cell", "count = 3", "count = 3\ndevices-per-cell = 0", r"range", "per-cell"
    ),
    Fault(
        "a start that is none",
        "count = 3",
        'count = 3\nstart = "late"',
        r"spread.*together",
        "start",
    ),
    Fault(
        "a payload that is none",
        'store = "logs"',
        'store = "logs"\npayload = "half"',
        r"full.*none",
        "payload",
    ),
    Fault("a negative seed", "seed = 1", "seed = -1", r"seed"),
    # Names
    Fault(
        "an unknown target",
        "count = 3",
        'count = 3\ntarget = "brokr"',
        r'"brokr".*"broker"',
        "brokr",
    ),
    Fault(
        "a channel that the target lacks",
        CHANNEL,
        'other = { topic = "x" }',
        r'"telemetry"',
        "[targets.broker.channels]",
    ),
    Fault(
        "a channel of another name",
        "telemetry = {",
        "telemtry = {",
        r'channel "telemetry"',
        "[targets.broker.channels]",
    ),
    Fault(
        "no channels",
        f"[targets.broker.channels]\n{CHANNEL}\n",
        "",
        r"no channels",
        "[targets.broker]",
    ),
    Fault(
        "an unknown placeholder",
        '"{device}/telemetry"',
        '"{devise}/telemetry"',
        r"\{devise\}.*\{device\}",
    ),
    Fault("a wildcard in a topic", '"{device}/telemetry"', '"a/+/b"', r"\+"),
    Fault("a name that breaks topics", 'name = "thermometer"', 'name = "a/b"', r'"a/b"'),
    Fault(
        "one id for all devices",
        "count = 3",
        'count = 3\ndevice-id = "x"',
        r"\{index\}",
        "device-id",
    ),
    # Addresses
    Fault("an unknown scheme", "@URL@", "amqp://127.0.0.1", r'"amqp".*mqtt, mqtts, http and https'),
    Fault("no URL at all", "@URL@", "127.0.0.1:1883", r"no URL"),
    Fault(
        "an IPv6 address without brackets",
        "@URL@",
        "mqtt://::1:1883",
        r"an IPv6 address has brackets around it in a URL; write mqtt://\[::1\]:1883$",
    ),
    Fault("a WebSocket", "@URL@", "wss://127.0.0.1", r"WebSockets is not spoken; use the broker's"),
    Fault("a login in the URL", "@URL@", "mqtt://me:hunter2@127.0.0.1", r"username and password"),
    Fault("a password without a name", "qos = 1", 'password = "x"', r"username"),
    Fault("certificates without TLS", "qos = 1", "tls = { }", r"mqtts://"),
    # Plugins
    Fault("a missing plugin", PLUGIN, 'plugin = "nowhere.wasm"', r"nowhere\.wasm cannot be read"),
    Fault(
        "an unknown built-in plugin",
        PLUGIN,
        'plugin = "builtin:toaster"',
        r'"toaster".*thermometer, vehicle, meter',
    ),
    Fault(
        "a plugin that is no WebAssembly",
        PLUGIN,
        'plugin = "text.wasm"',
        r"text\.wasm is no WebAssembly component",
    ),
    Fault(
        "a plugin that is damaged",
        PLUGIN,
        'plugin = "damaged.wasm"',
        r"damaged\.wasm is no WebAssembly component",
    ),
    Fault(
        "a core module for a component",
        PLUGIN,
        'plugin = "module.wasm"',
        r"core WebAssembly module.*wasm32-wasip2",
    ),
    Fault(
        "a component of something else",
        PLUGIN,
        'plugin = "stranger.wasm"',
        r"does not export mockfleet:device/behaviour",
    ),
    Fault(
        "a plugin of another version",
        PLUGIN,
        'plugin = "@GUESTS@/other-version.wasm"',
        r"mockfleet:device@0\.3\.0.*@0\.1\.0 and mockfleet:device@0\.2\.0; run it with a later",
    ),
    Fault(
        "a plugin that imports what is not given",
        PLUGIN,
        'plugin = "imports.wasm"',
        r"imports wasi:http/outgoing-handler@0\.2\.0",
    ),
    # Settings
    Fault("a setting that the schema does not know", CONFIG, "config = { bse = 1.0 }", r"bse"),
    Fault("a setting of the wrong type", CONFIG, 'config = { base = "warm" }', r"base.*warm"),
    Fault("a setting out of its range", CONFIG, "config = { base = 5000.0 }", r"base.*1000"),
    Fault(
        "settings that create refuses",
        CONFIG,
        "config = { size = 10 }",
        r"device thermometer-00000 .*config\.size is 10.*2 more of its group",
    ),
    Fault(
        "settings that create refuses for one device",
        f'{PLUGIN}\ncount = 3\nevery = "100ms"\n{CONFIG}',
        'plugin = "@GUESTS@/rejects_config.wasm"\ncount = 3\nevery = "100ms"\nconfig = { refuse_index = 2 }',
        r"device thermometer-00002 .*config\.refuse_index is 2",
        "refuse_index",
    ),
    # The log
    Fault(
        "a store that cannot be written",
        'store = "logs"',
        'store = "a-file/logs"',
        r"a-file.*cannot be written",
    ),
    Fault("a store of an unknown scheme", 'store = "logs"', 'store = "gs://bucket"', r'"gs"'),
    Fault("a bucket without a name", 'store = "logs"', 'store = "s3://"', r"bucket"),
    Fault(
        "a bucket without credentials",
        'store = "logs"',
        'store = "s3://bucket/prefix"',
        r"AWS_ACCESS_KEY_ID",
    ),
    # The environment
    Fault(
        "a variable that is not set",
        'name = "test"',
        'name = "${NOT_SET_ANYWHERE}"',
        r"NOT_SET_ANYWHERE.*export",
    ),
    # TOML
    Fault("no TOML", "qos = 1", "qos = = 1", r"TOML"),
    Fault(
        "a key given twice", "qos = 1", "qos = 1\nqos = 2", r"TOML.*qos|TOML.*duplicate", "qos = 2"
    ),
]
