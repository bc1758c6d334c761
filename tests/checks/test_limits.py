"""Numbers of the table in docs/limits.md equal the constants of the code."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/limits.md").read_text(encoding="utf-8")
HEADING = "## Input from outside"
UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))

#: The constants of each row, by the bounded thing.
CONSTANTS = {
    "size of the component": ["files/src/bounded_read.rs MAX_COMPONENT"],
    "memory of compiling it": ["plugin/src/compile/child.rs MAX_MEMORY"],
    "time of compiling it": ["plugin/src/compile/child.rs MAX_SECONDS s"],
    "memory of a cell on the host, beside its own": [
        "plugin/src/load/compile_component.rs MAX_HOST_MEMORY"
    ],
    "start-up and `describe`": [
        "plugin/src/load/probe.rs DESCRIBE_DEADLINE s",
        "plugin/src/load/probe.rs PROBE_MEMORY",
    ],
    "instances, tables and memories of a cell": [
        "plugin/src/guest/limits.rs MAX_INSTANCES count"
    ],
    "resource handles of a cell": ["plugin/src/guest/limits.rs MAX_HANDLES count"],
    "one read of a data file": ["plugin/src/guest/host_context.rs MAX_READ_BYTES"],
    "values that cells of a group share": [
        "plugin/src/guest/host_context.rs MAX_SHARED_BYTES"
    ],
    "random bytes of one call": ["plugin/src/guest/random.rs MAX_RANDOM_BYTES"],
    "a printed line": ["plugin/src/guest/guest_output.rs MAX_LINE_BYTES"],
    "all that one call returns": ["config/src/sections/groups.rs DEFAULT_TURN_SIZE"],
    "messages of a turn, and a message": [
        "config/src/sections/groups.rs DEFAULT_MESSAGES count",
        "config/src/sections/groups.rs DEFAULT_MESSAGE_SIZE",
    ],
    "a name: channel, status, media type": ["plugin/src/guest/turn_limits.rs MAX_NAME_BYTES"],
    "properties of a message": [
        "plugin/src/guest/turn_limits.rs MAX_PROPERTIES count",
        "plugin/src/guest/turn_limits.rs MAX_PROPERTY_BYTES",
    ],
    "the text of an error": ["plugin/src/guest/turn_limits.rs MAX_ERROR_BYTES"],
    "channels, and statuses, of a description": [
        "plugin/src/guest/turn_limits.rs MAX_DESCRIBED_NAMES count"
    ],
    "delayed receipts of a device": [
        "engine/src/worker/calls/pending_calls.rs MAX_DELAYED count"
    ],
    "its config-schema": [
        "engine/src/prepare/schema/json_schema.rs MAX_SCHEMA_BYTES",
        "engine/src/prepare/schema/schema_budget.rs MAX_VALUES count",
        "engine/src/prepare/schema/schema_budget.rs MAX_REFERENCES count",
    ],
    "compiling a schema": [
        "engine/src/prepare/schema/schema_budget.rs MAX_COMPILE_STEPS count",
        "engine/src/prepare/schema/schema_budget.rs MAX_STACK_USED",
    ],
    "a check of settings or of a payload with a schema": [
        "engine/src/prepare/schema/schema_budget.rs MAX_STEPS count",
        "engine/src/prepare/schema/schema_budget.rs MAX_COPIES count",
    ],
    "a regular expression in a schema": [
        "engine/src/prepare/schema/schema_budget.rs MAX_PATTERN_BYTES",
        "engine/src/prepare/schema/schema_budget.rs MAX_BACKTRACKS count",
    ],
    "its size, and all its parts unpacked": [
        "files/src/bounded_read.rs MAX_BUNDLE",
        "bundle/src/open.rs LARGEST",
    ],
    "its manifest": ["bundle/src/open.rs LARGEST_MANIFEST"],
    "the file that is fetched": ["../src/fetch/download.rs LARGEST"],
    "silence of its server": ["../src/fetch/https.rs SILENCE s"],
    "a fleet file: its size": ["files/src/bounded_read.rs MAX_TEXT"],
    "devices": ["config/src/sections/groups.rs MAX_DEVICES count"],
    "channels of all targets": ["engine/src/prepare/groups.rs MAX_ROUTES count"],
    "stages of a group": ["config/src/sections/stages.rs MAX_STAGES count"],
    "faults of a group": ["config/src/sections/faults/read.rs MAX_FAULTS count"],
    "known names that an unknown one is compared with": [
        "config/src/document/suggest.rs MAX_COMPARED count"
    ],
    "topics, client ids, user names, passwords": [
        "config/src/sections/brought_in/destination.rs MAX_TEXT count"
    ],
    "a data file: its size": ["files/src/bounded_read.rs MAX_DATA_FILE"],
    "a record of a recording or of received rows": [
        "tables/src/csv.rs MAX_RECORD",
        "tables/src/json.rs MAX_RECORD",
    ],
    "names in the spool: run, machine, table, hour": [
        "sendlog/src/format/identity.rs MAX_HOST_LENGTH count"
    ],
    "manifest of a generation": ["sendlog/src/spool/files.rs MAX_MANIFEST_BYTES"],
    "header of a run": ["sendlog/src/spool/folder.rs MAX_HEADER_BYTES"],
    "a record": ["sendlog/src/format/frame.rs MAX_RECORD_LENGTH"],
    "metadata of a run": ["sendlog/src/store/store_reader.rs MAX_SMALL_FILE"],
    "causes, fault kinds and channels of the report": [
        "sendlog/src/read/timeline/accumulator.rs MAX_CAUSES count",
        "sendlog/src/read/timeline/accumulator.rs MAX_FAULT_KINDS count",
        "sendlog/src/read/timeline/accumulator.rs MAX_CHANNELS count",
    ],
    "CONNACK": ["transport/src/mqtt/connect.rs MAX_CONNACK_BYTES count"],
    "a message": ["config/src/sections/targets.rs DEFAULT_MAX_DOWNLINK"],
    "a packet that is no message": [
        "transport/src/mqtt/session/packet_buffer.rs MAX_OTHER_BYTES"
    ],
    "messages that wait for devices of a connection": [
        "transport/src/flow/backlog.rs MAX_WAITING_BYTES"
    ],
    "acknowledgements that it does not read": [
        "transport/src/mqtt/session/receive.rs MAX_REPLY_BYTES"
    ],
    "all messages on their way, in both directions": [
        "engine/src/prepare/memory_limit.rs DEFAULT_IN_FLIGHT"
    ],
    "a packet": ["transport/src/mqtt/session/receive.rs MAX_PACKET_BYTES count"],
    "wait before the next connection": ["transport/src/connect/backoff.rs MAX_WAIT s"],
    "kinds of warnings": ["metrics/src/counters/warnings.rs MAX_KINDS count"],
    "a response": ["transport/src/http/request.rs MAX_RESPONSE_BYTES"],
    "redirects in a row": ["transport/src/http/request.rs MAX_REDIRECTS count"],
    "values in messages": ["config/src/document/node.rs MIN_SECRET count"],
    "size of a file": ["plugin/src/compile/cache.rs MAX_FILE_BYTES"],
}


def rows():
    """Returns the bound of each bounded thing. Things with one name have their source before it."""
    section = TEXT.split(f"{HEADING}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    found, source = {}, ""
    for line in lines[2:]:
        first, thing, bound, _ = (cell.strip() for cell in line.strip("|").split("|"))
        source = first or source
        name = f"{source}: {thing}" if thing == "its size" else thing
        assert name not in found, name
        found[name] = bound
    return found


def value(file, constant):
    """Returns the number of a constant in Rust."""
    source = (ROOT / "host/crates" / file).read_text(encoding="utf-8")
    (text,) = re.findall(rf"^(?:pub(?:\(crate\))? )?const {constant}: [^=]+= ([^;]+);", source, re.M)
    text = text.replace("u16::MAX as usize", "65_535")
    text = re.sub(r"Duration::from_secs\((.+)\)", r"\1", text)
    for name in set(re.findall(r"[A-Z][A-Z_]+", text)):
        text = text.replace(name, str(value(file, name)))
    assert re.fullmatch(r"[\d_ <*/+()-]+", text), f"{constant}: {text}"
    return int(eval(text.replace("/", "//")))  # noqa: S307 # Digits and operators only.


def shown(number, unit):
    """Returns a number as the document has it."""
    if unit:
        return f"{number:,}" if unit == "count" else f"{number:,} {unit}"
    for size, name in UNITS:
        if number >= size and number % size == 0:
            return f"{number // size:,} {name}"
    raise AssertionError(number)


def test_each_number_is_that_of_the_code():
    bounds = rows()
    for thing, constants in CONSTANTS.items():
        for constant in constants:
            file, name, *unit = constant.split()
            text = shown(value(file, name), unit[0] if unit else "")
            assert re.search(rf"(?<!\d)(?<!\d,){re.escape(text)}(?!,?\d)", bounds[thing]), (
                f"{thing}: {name} is {text}, and the document has {bounds[thing]}"
            )


def test_each_number_has_a_constant():
    numbers = {thing for thing, bound in rows().items() if re.search(r"\d", bound)}
    assert numbers == set(CONSTANTS)
