"""docs/scenarios.md is true."""

import json
import re
import shlex
import subprocess

import pytest

from support.docs import all_blocks
from support.fleet import BINARY, ROOT

PAGE = ROOT / "docs/scenarios.md"


def steps():
    """Each command of the page with the files shown before it and the output after it."""
    files, command, found = {}, None, []
    for kind, text in all_blocks(PAGE):
        match kind:
            case "toml":
                files = {"fleet.toml": text}
            case "csv":
                files["rain.csv"] = text
            case "sh":
                command = text.strip()
            case "text" if command:
                found.append((command, dict(files), text))
                command = None
    return found


def shown(fleet, command, files):
    """The output of a command without its costs, which are printed last."""
    for name, text in files.items():
        (fleet.folder / name).write_text(text)
    program, *arguments = shlex.split(command)
    assert program == "mockfleet"
    # Both in one pipe: lines stay in the order in which they were printed.
    output = subprocess.run(
        [BINARY, *arguments],
        cwd=fleet.folder,
        env=fleet.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ).stdout
    return re.sub(r"^\d+ ticks?, \d+ messages?, .*", "", output, flags=re.M | re.S)


@pytest.mark.parametrize("number", range(len(steps())))
def test_step_of_docs_scenarios_prints_the_shown_output(fleet, number):
    command, files, output = steps()[number]
    assert shown(fleet, command, files) == output


def generators():
    """Kind and example of each row of the page's table."""
    return re.findall(r"^\| `([a-z]+)` \| `(\{ kind .*? \})` \|", PAGE.read_text(), re.MULTILINE)


def test_each_generator_example_gives_values(fleet, printed_schema):
    kinds = [
        form["properties"]["kind"]["const"]
        for form in printed_schema["$defs"]["builtin-scenario-Spec"]["oneOf"]
    ]
    assert [kind for kind, _ in generators()] and sorted(kinds) == sorted(
        kind for kind, _ in generators()
    )
    fields = "\n".join(f"{kind} = {example}" for kind, example in generators())
    shape = ", ".join(f'{kind} = "{{{{ {kind} }}}}"' for kind, _ in generators())
    (fleet.folder / "rain.csv").write_text("minute,mm\n0,0.1\n10,2.5\n")
    fleet.file.write_text(
        f"""
[targets.broker]
url = "mqtt://127.0.0.1:1883"
channels.telemetry.topic = "x"
[[groups]]
name = "all"
plugin = "builtin:scenario"
count = 1
every = "1s"
data = {{ rain = "rain.csv" }}
[groups.config]
variables.setpoint = 5
messages.telemetry.json = {{ {shape} }}
[groups.config.fields]
{fields}
"""
    )
    process = fleet.mockfleet("try", "fleet.toml", "--ticks", "3", "--json")
    assert process.finish() == 0, process.report()
    payloads = [json.loads(json.loads(line)["payload"]) for line in process.out]
    assert len(payloads) == 3, process.report()
    assert all(set(payload) == set(kinds) for payload in payloads)


@pytest.fixture
def printed_schema(fleet):
    process = fleet.mockfleet("schema")
    assert process.finish() == 0, process.report()
    return json.loads(process.stdout)


def test_pictures_of_docs_scenarios_exist():
    for picture in re.findall(r"\]\((generators/\w+\.svg)\)", PAGE.read_text()):
        assert (PAGE.parent / picture).read_text().startswith("<svg"), picture
