"""Builds a plugin from a device: `python -m mockfleet.build device.py -o door.wasm`.

The file is first imported natively, so that Python reports its errors. Then componentize-py makes
a component from a copy of it, the modules and packages in its folder, and the SDK."""

import argparse
import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from . import payloads
from .device_slot import check_device, find_device, traceback_lines

#: The exports of the contract, under a name that no module of an author has.
_EXPORT = "mockfleet:device/behaviour@0.2.0=mockfleet_exports"

_SDK = Path(__file__).resolve().parent

#: Files that run natively only, and are not part of a plugin.
_NATIVE = shutil.ignore_patterns("build.py", "payloads.py", "testing.py", "guest", "__pycache__", "*.wit", "py.typed")

_TESTS = re.compile(r"(test_.*|.*_test|conftest)\.py")


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds the plugin of the command line."""
    parser = argparse.ArgumentParser(prog="python -m mockfleet.build", description=__doc__)
    parser.add_argument("file", type=Path, help="the file with the device, device.py")
    parser.add_argument("-o", "--output", type=Path, help="the plugin to write [default: NAME.wasm]")
    parser.add_argument("--name", help="the plugin's name [default: that of plugin.toml]")
    parser.add_argument("--version", help="the plugin's version [default: that of plugin.toml]")
    given = parser.parse_args(arguments)
    file: Path = given.file.resolve()
    if not file.is_file():
        _fail(f"there is no file {given.file}")
    name, version = _name_and_version(file.parent)
    name, version = given.name or name, given.version or version
    output: Path = (given.output or Path(f"{name}.wasm")).resolve()
    program = _componentize()
    with tempfile.TemporaryDirectory(prefix="mockfleet-") as folder:
        stage = Path(folder)
        modules = _copy_own(file, stage)
        _import(file.stem, stage)
        shutil.copytree(_SDK, stage / "mockfleet", ignore=_NATIVE)
        for glue in ("mockfleet_plugin.py", "mockfleet_exports.py"):
            shutil.copy(_SDK / "guest" / glue, stage)
        stage.joinpath("mockfleet_build.py").write_text(
            f"MODULE, NAME, VERSION = {file.stem!r}, {name!r}, {version!r}\nOWN = {modules!r}\n"
        )
        made = stage / "plugin.wasm"
        command: list[str] = [program, "-q", "-d", str(_SDK / "device.wit"), "-w", "plugin"]
        command += ["--export-interface-name", _EXPORT]
        command += ["componentize", "-p", str(stage), "-o", str(made), "mockfleet_plugin"]
        done = subprocess.run(command, cwd=stage, env={**os.environ, "PYTHONPATH": ""})
        if done.returncode != 0 or not made.exists():
            _fail(f"componentize-py ended with {done.returncode}; what it said stands above")
        if _version(program) == payloads.AFFECTED:
            made.write_bytes(payloads.free_payloads(made.read_bytes()))
        output.parent.mkdir(parents=True, exist_ok=True)
        # A reader of the old plugin sees a complete file.
        part = output.with_suffix(".part")
        shutil.copy(made, part)
        part.replace(output)
    return 0


def _name_and_version(folder: Path) -> tuple[str, str]:
    """The name and version in the plugin.toml of the device's folder or one above it."""
    for place in (folder, *folder.parents[:2]):
        if (place / "plugin.toml").is_file():
            plugin = tomllib.loads((place / "plugin.toml").read_text())
            return str(plugin.get("name", "device")), str(plugin.get("version", "0.0.0"))
    return "device", "0.0.0"


def _componentize() -> str:
    """The program, of the same environment as this Python."""
    beside = Path(sys.executable).parent / "componentize-py"
    found = str(beside) if beside.exists() else shutil.which("componentize-py")
    if found is None:
        _fail(f"componentize-py is missing; `{sys.executable} -m pip install componentize-py==0.25.1` installs it")
    return found


def _version(program: str) -> str:
    done = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def _copy_own(file: Path, stage: Path) -> list[str]:
    """Copies the device's file and the modules in its folder. Returns their names."""
    modules = []
    for entry in sorted(file.parent.iterdir()):
        if entry.suffix == ".py" and not _TESTS.fullmatch(entry.name):
            shutil.copy(entry, stage)
            modules.append(entry.stem)
        elif (entry / "__init__.py").is_file() and entry.name not in ("tests", "mockfleet"):
            shutil.copytree(entry, stage / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
            below = sorted((stage / entry.name).rglob("*.py"))
            names = [path.relative_to(stage).with_suffix("").parts for path in below]
            modules += [".".join(parts).removesuffix(".__init__") for parts in names]
    return modules


def _import(module: str, stage: Path) -> None:
    """Imports the device natively and checks it."""
    sys.path.insert(0, str(stage))
    sys.dont_write_bytecode = True
    try:
        check_device(find_device(importlib.import_module(module)))
    except BaseException as error:  # A module may also exit.
        for line in traceback_lines(error):
            print(line, file=sys.stderr)
        _fail(f"{module}.py is no device")


def _fail(text: str) -> NoReturn:
    print(f"mockfleet.build: {text}", file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main())
