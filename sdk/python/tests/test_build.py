"""The build takes the packages of the project's environment and no others, says in a sentence why a
device cannot be built, and stamps the component with the digest of its inputs."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mockfleet import build, inputs

_SOURCES = Path(build.__file__).parents[1]

_DEVICE = """
from mockfleet import Device

class Door(Device):
    channels = ["telemetry"]
    def tick(self, tick):
        return None
"""

# Writes an empty component, and what it was called with.
_COMPONENTIZE = f"""#!{sys.executable}
import json, os, sys
if "--version" in sys.argv:
    print("componentize-py 0.0.0")
    sys.exit()
value = lambda key: [b for a, b in zip(sys.argv, sys.argv[1:]) if a == key]
packages = [sorted(os.listdir(folder)) for folder in value("-p")]
build = dict()
exec(open(value("-p")[0] + "/mockfleet_build.py").read(), build)
seen = {{"packages": packages, "lazy": build["LAZY"], "other": os.listdir(os.environ["VIRTUAL_ENV"] + "/lib/site-packages")}}
json.dump(seen, open({{seen!r}}, "w"))
open(value("-o")[0], "wb").write(b"\\0asm\\x0d\\0\\x01\\0")
"""


class Project:
    """A folder with a device and an environment whose componentize-py only looks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / ".venv/lib/python3.11/site-packages"
        self.site.mkdir(parents=True)
        program = folder / ".venv/bin/componentize-py"
        program.parent.mkdir()
        program.write_text(_COMPONENTIZE.replace("{seen!r}", repr(str(folder / "seen.json"))))
        program.chmod(0o755)

    def build(self, imports: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "device.py").write_text(imports + _DEVICE)
        return subprocess.run(
            [sys.executable, "-m", "mockfleet.build", "device.py", "-o", "door.wasm"],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(_SOURCES), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def inputs(self, imports: str = "", **environment: str) -> str:
        done = self.build(imports, **environment)
        assert done.returncode == 0, done.stdout
        section = inputs.SECTION.encode()
        return (self.folder / "door.wasm").read_bytes().rpartition(section)[2].decode()

    def reason(self, imports: str) -> str:
        done = self.build(imports)
        assert done.returncode == 1
        return done.stdout.rstrip("\n")

    def add(self, name: str, text: str = "") -> None:
        file = self.site / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)


def _other_environment(folder: Path) -> dict[str, str]:
    """An environment that offers its packages in each way that there is."""
    site = folder / "lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (site / "pick.py").write_text(f"NAME = {folder.name!r}\n")
    python3 = folder / "python3"
    python3.write_text(f"#!/bin/sh\necho '{site}'\n")
    python3.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "VIRTUAL_ENV": str(folder), "PYTHONPATH": f"{_SOURCES}{os.pathsep}{site}"}


def test_python3_that_comes_first_in_path_changes_nothing(project: Project, tmp_path: Path) -> None:
    project.add("mine.py", "A = 1\n")
    imports = "try:\n    import pick\nexcept ImportError:\n    import mine as pick\n"
    made = set()
    for name in ("one", "two"):
        made.add(project.inputs(imports, **_other_environment(tmp_path / name)))
        seen = json.loads((project.folder / "seen.json").read_text())
        assert seen["other"] == []
        stage, site = seen["packages"]
        assert "device.py" in stage and site == ["mine.py"]
    assert made == {project.inputs(imports)}
    assert "no module pick" in project.reason("import pick\n")


def test_package_of_the_environment_is_an_input(project: Project) -> None:
    without = project.inputs()
    project.add("mine/__init__.py", "A = 1\n")
    assert project.inputs() == without, "a package that is not imported is no input"
    first = project.inputs("import mine\n")
    project.add("mine/__init__.py", "A = 2\n")
    assert len({without, first, project.inputs("import mine\n")}) == 3


def test_project_without_an_environment_has_its_own_modules(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "helper.py").write_text("A = 1\n")
    assert build.site_packages(folder) is None
    site = build.site_packages(project.folder)
    assert site == project.site


@pytest.mark.parametrize(
    ("files", "imports", "needs"),
    [
        ({"orjson/__init__.py": "from .orjson import *"}, "import orjson", "orjson needs orjson.orjson"),
        (
            {"core/__init__.py": "from ._core import x", "pyd/__init__.py": "import core"},
            "import json\nimport pyd",
            "pyd needs core._core",
        ),
        (
            {
                "num/core.py": "from . import _multi",
                "num/__init__.py": "try:\n  from . import core\nexcept ImportError as e:\n"
                "  raise ImportError('IMPORTANT: read this\\nlong text') from e",
            },
            "import num",
            "num needs num._multi",
        ),
    ],
)
def test_native_code_is_named_in_one_sentence(
    project: Project, files: dict[str, str], imports: str, needs: str
) -> None:
    for name, text in files.items():
        project.add(name, text)
    for native in ("orjson/orjson.so", "core/_core.so", "num/_multi.so"):
        project.add(native)
    line = imports.count("\n") + 1
    assert project.reason(imports + "\n") == (
        f"device.py:{line}: {needs}, which is native code of this machine and does not run in a plugin; "
        "use a version in pure Python, or do without it"
    )


def test_package_with_a_version_in_pure_python_is_taken(project: Project) -> None:
    project.add("fast/_speed.so")
    project.add("fast/__init__.py", "try:\n    from . import _speed\nexcept ImportError:\n    _speed = None\n")
    project.inputs("import fast\n")
    # Another error is not blamed on it.
    assert "there is no module gone" in project.reason("import fast\nimport gone\n")


def test_imports_of_functions_are_done_at_the_build(project: Project) -> None:
    project.add("mine.py", "A = 1\n")
    project.add("pack/__init__.py")
    project.add("pack/deep.py")
    (project.folder / "helper.py").write_text("def late():\n    import textwrap\n")
    lines = (
        "from typing import TYPE_CHECKING",
        "import json",
        "def tick():",
        "    import statistics, mine",
        "    from pack import deep",
        "    import importlib; importlib.import_module('fractions')",
        "    datetime.strptime('', ''); 'a'.encode('utf-16')",
        "    from helper import late",
        "    try: import gone",
        "    except ImportError: pass",
        "    if TYPE_CHECKING: import tokenize",
        "    import gone_too",
    )
    done = project.build("\n".join(lines))
    assert done.returncode == 0, done.stdout
    seen = json.loads((project.folder / "seen.json").read_text())
    assert seen["lazy"] == [
        *("statistics", "mine", "pack", "pack.deep", "importlib", "fractions", "_strptime"),
        *("encodings.utf_16", "helper", "textwrap"),
    ]
    (warning,) = done.stdout.splitlines()
    assert warning.startswith("device.py:12: there is no module gone_too; a plugin has")
    assert warning.endswith("; a call that gets here fails")


def test_mistake_is_said_with_file_and_line(project: Project) -> None:
    has = "a plugin has the modules beside the device and the packages of the project's .venv, and no others"
    assert project.reason("import os\nimport gone.deep\n") == f"device.py:2: there is no module gone; {has}"
    project.add("mine.py", "import gone\n")
    assert project.reason("import mine\n") == f"device.py:1: there is no module gone, which mine needs; {has}"
    syntax = project.reason("import os\ndef f(:\n")
    assert syntax == "device.py:2: SyntaxError: invalid syntax\n    def f(:"
    raised = project.reason("import os\n[][7]\n").splitlines()
    assert raised[-2:] == ["IndexError: list index out of range", "device.py:2: this fails while the file is imported"]
    assert "importlib" not in "".join(raised)
    (project.folder / "helper.py").write_text("\nimport gone\n")
    assert project.reason("import helper\n").startswith("helper.py:2: there is no module gone")
    second = "from mockfleet import Device\nclass Gate(Device):\n    def tick(self, tick): ...\n"
    assert project.reason(second).startswith("device.py is no device: a plugin has one class that derives from Device")


def test_error_inside_the_plugin_is_said_without_frames_of_rust() -> None:
    said = """AssertionError: Traceback (most recent call last):
  File "/0/mockfleet_plugin.py", line 4, in <module>
    from mockfleet_exports import DEVICE
  File "/0/device.py", line 3, in <module>
    import ssl
  File "/python/ssl.py", line 100, in <module>
    import _ssl             # if we can't import it, let the error propagate
ModuleNotFoundError: No module named '_ssl'


Caused by:
    ModuleNotFoundError: No module named '_ssl'

Stack backtrace:
   0: <anyhow::Error>::msg::<alloc::string::String>
"""
    (line,) = build.explain(said)
    assert line.startswith("device.py:3: `import ssl` needs _ssl, which the Python of a plugin does not have")
    other = said.replace("ModuleNotFoundError: No module named '_ssl'", "ValueError: too late")
    assert build.explain(other)[0] == "device.py:3: ValueError: too late (`import ssl`)"
    assert build.explain("no such file\n\nStack backtrace:\n 0: x") == ["no such file"]


def test_digest_is_that_of_a_list_of_sha256sum() -> None:
    parts = {"b.py": b"2", "a.py": b"1"}
    lines = [f"{hashlib.sha256(parts[name]).hexdigest()}  {name}\n" for name in ("a.py", "b.py")]
    assert inputs.digest(parts) == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert inputs.stamp(b"component", "ab") == b"component\0\x13\x10mockfleet-inputsab"
