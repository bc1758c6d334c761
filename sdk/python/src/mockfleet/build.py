"""Builds a plugin from a device: `python -m mockfleet.build device.py -o door.wasm`.

The file is first imported natively, so that Python reports its errors. Then componentize-py makes
a component from a copy of it, the modules and packages in its folder, the SDK, and the packages of
the project's own `.venv` that it imports. The packages of other environments are no part of it,
whichever Python comes first in PATH."""

import argparse
import dataclasses
import json
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

from . import inputs, lazy_imports, payloads

#: The exports of the contract, under a name that no module of an author has.
_EXPORT = "mockfleet:device/behaviour@0.2.0=mockfleet_exports"

_SDK = Path(__file__).resolve().parent

#: Files that run natively only, and are not part of a plugin.
_NATIVE = shutil.ignore_patterns(
    *("build.py", "inputs.py", "lazy_imports.py", "native_check.py", "payloads.py", "testing.py"),
    *("guest", "__pycache__", "*.wit", "py.typed"),
)

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
    project = _project(file.parent)
    name, version = _name_and_version(project)
    name, version = given.name or name, given.version or version
    output: Path = (given.output or Path(f"{name}.wasm")).resolve()
    program = _componentize(project)
    with tempfile.TemporaryDirectory(prefix="mockfleet-") as folder:
        stage = Path(folder).resolve() / "stage"
        stage.mkdir()
        modules = _copy_own(file, stage)
        shutil.copytree(_SDK, stage / "mockfleet", ignore=_NATIVE)
        site = site_packages(project)
        imported, lazy = _import(file.stem, modules, stage, site)
        for glue in ("mockfleet_plugin.py", "mockfleet_exports.py"):
            shutil.copy(_SDK / "guest" / glue, stage)
        stage.joinpath("mockfleet_build.py").write_text(
            f"MODULE, NAME, VERSION = {file.stem!r}, {name!r}, {version!r}\nOWN = {modules!r}\n"
            f"LAZY = {lazy!r}\n"
        )
        made = stage.with_name("plugin.wasm")
        _compile(program, stage, site, made)
        component = made.read_bytes()
        version_of_program = _version(program)
        if version_of_program == payloads.AFFECTED:
            component = payloads.free_payloads(component)
        parts = _parts(stage, site, imported) | {"componentize-py": version_of_program.encode()}
        made.write_bytes(inputs.stamp(component, inputs.digest(parts)))
        output.parent.mkdir(parents=True, exist_ok=True)
        # A reader of the old plugin sees a complete file.
        part = output.with_suffix(".part")
        shutil.copy(made, part)
        part.replace(output)
    return 0


def _project(folder: Path) -> Path:
    """The folder with the plugin.toml: the device's, or one of the two above it."""
    places = (folder, *folder.parents[:2])
    return next((place for place in places if (place / "plugin.toml").is_file()), folder)


def _name_and_version(project: Path) -> tuple[str, str]:
    """The name and version in the project's plugin.toml."""
    if not (project / "plugin.toml").is_file():
        return "device", "0.0.0"
    plugin = tomllib.loads((project / "plugin.toml").read_text())
    return str(plugin.get("name", "device")), str(plugin.get("version", "0.0.0"))


def site_packages(project: Path) -> Path | None:
    """The packages of the project's own environment, if it has one."""
    found = sorted(project.glob(".venv/lib/python3*/site-packages")) + sorted(project.glob(".venv/Lib/site-packages"))
    return found[-1].resolve() if found else None


def _componentize(project: Path) -> str:
    """The program of the project's environment, or of the one that this Python is of."""
    places = [project / ".venv/bin/componentize-py", Path(sys.executable).parent / "componentize-py"]
    found = next((str(place) for place in places if place.exists()), None) or shutil.which("componentize-py")
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


def _import(module: str, modules: list[str], stage: Path, site: Path | None) -> tuple[list[Path], list[str]]:
    """Imports the device natively and checks it. Returns the files of packages that it imports, and
    the modules that its functions import."""
    result = stage.with_name("imported.json")
    wanted = [dataclasses.asdict(lazy) for lazy in lazy_imports.find(stage, modules)]
    result.write_text(json.dumps(wanted))
    # Without the packages and variables of the environment that runs the build.
    command = [sys.executable, "-I", "-S", "-B", str(_SDK / "native_check.py")]
    done = subprocess.run([*command, str(stage), str(site or ""), module, str(result)])
    if done.returncode != 0:
        raise SystemExit(1)
    imported = json.loads(result.read_text())
    if isinstance(imported, list):
        _fail(f"{module}.py ended the Python that imported it; a device must not exit")
    return [Path(file) for file in imported["files"]], imported["lazy"]


def _compile(program: str, stage: Path, site: Path | None, made: Path) -> None:
    """Makes the component from the stage."""
    # componentize-py adds the packages of VIRTUAL_ENV, or else those of the first python3 in
    # PATH. This environment has none.
    empty = stage.with_name("venv")
    (empty / "lib" / "site-packages").mkdir(parents=True)
    environment = {**os.environ, "PYTHONPATH": "", "VIRTUAL_ENV": str(empty)}
    command: list[str] = [program, "-q", "-d", str(_SDK / "device.wit"), "-w", "plugin"]
    command += ["--export-interface-name", _EXPORT, "componentize"]
    for folder in (stage, site):
        command += ["-p", str(folder)] if folder else []
    command += ["-o", str(made), "mockfleet_plugin"]
    done = subprocess.run(
        command, cwd=stage, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode == 0 and made.exists():
        sys.stderr.write(done.stdout)
        return
    print("\n".join(explain(done.stdout)), file=sys.stderr)
    raise SystemExit(1)


def explain(said: str) -> list[str]:
    """The reason in the output of a componentize-py that failed, without its own frames."""
    said = said.partition("\nStack backtrace:")[0].partition("\n\nCaused by:")[0].rstrip()
    frames = re.findall(r'^  File "/(\d+)/(\S+)", line (\d+), in .*\n +(.*)', said, re.M)
    own = [frame for frame in frames if frame[0] == "0" and not frame[1].startswith("mockfleet")]
    error = said.splitlines()[-1] if said else "it said nothing"
    if not own:
        return [said or error]
    _, file, line, text = own[-1]
    missing = re.fullmatch(r"ModuleNotFoundError: No module named '(.*)'", error)
    if missing:
        return [
            f"{file}:{line}: `{text}` needs {missing[1]}, which the Python of a plugin does not have: "
            "it has no network, no processes and no native libraries; do without it"
        ]
    return [f"{file}:{line}: {error} (`{text}`)", "this fails inside the plugin only, and not natively"]


def _parts(stage: Path, site: Path | None, imported: list[Path]) -> dict[str, bytes]:
    """The content of everything that the plugin is built from, by its name."""
    files = {path.relative_to(stage).as_posix(): path for path in stage.rglob("*") if path.is_file()}
    files |= {f"site-packages/{path.relative_to(site).as_posix()}": path for path in imported if site}
    files["device.wit"] = _SDK / "device.wit"
    return {name: path.read_bytes() for name, path in files.items() if "__pycache__" not in path.parts}


def _fail(text: str) -> NoReturn:
    print(f"mockfleet.build: {text}", file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main())
