"""What docs/scenarios.md shows is what happens."""

import re
import shlex
import subprocess

import pytest
from fleet import BINARY, ROOT

PAGE = ROOT / "docs/scenarios.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps():
    """Each command of the page with the files shown before it and the output after it."""
    files, command, found = {}, None, []
    for kind, text in BLOCK.findall(PAGE.read_text()):
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
    """What a command prints, but for how long it took."""
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
    lines = [line for line in output.splitlines() if not line.endswith(" a tick")]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("number", range(len(steps())))
def test_a_step_of_the_page_prints_what_it_shows(fleet, number):
    command, files, output = steps()[number]
    assert shown(fleet, command, files) == output
