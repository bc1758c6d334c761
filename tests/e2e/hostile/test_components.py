"""Components that need gigabytes to compile are refused, and the host stays up."""

import re
import subprocess

import pytest

from support.components import many_instances, nested
from support.fleet import BINARY, environment
from support.wait import PATIENCE

# Each takes up to 2 GiB for a moment: one at a time.
pytestmark = pytest.mark.xdist_group("memory")

COMPONENTS = {"instances": many_instances(9, 12), "nested": nested(20_000)}


@pytest.fixture(params=COMPONENTS)
def component(request, tmp_path):
    file = tmp_path / f"{request.param}.wasm"
    file.write_bytes(COMPONENTS[request.param])
    return file


def most_memory(*arguments, folder):
    """Runs mockfleet. Returns its end and the most memory of its own process in MiB. A parent sees
    the largest of its children, and so this has one child."""
    script = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "sys.stdout.write(done.stderr)\n"
        "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\n"
        "sys.exit(done.returncode)"
    )
    command = ["python3", "-c", script, BINARY, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment(), timeout=PATIENCE * 4
    )
    return done.returncode, done.stdout, int(done.stderr) // 1024


@pytest.mark.parametrize("command", ["describe", "check", "bundle"])
def test_component_is_refused_in_words(component, command, fleet):
    fleet.server("http://127.0.0.1:9").group("odd", component)
    fleet.write()
    file = component if command == "describe" else fleet.file.name
    code, said, memory = most_memory(command, file, folder=fleet.folder)
    assert code == 2, said
    assert re.search(rf"plugin .*{component.name} is (refused|no WebAssembly component): ", said)
    assert "panicked" not in said
    # That of the child that compiles, which has 2 GiB of addresses, is in it.
    assert memory < 2_100, memory
