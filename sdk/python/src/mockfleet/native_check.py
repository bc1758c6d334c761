"""Imports a device natively, before it is compiled, with only what its plugin will have: the staged
modules, the packages of the project's environment, and Python's own library.

`mockfleet.build` runs it in a Python of its own, isolated from the packages of other environments.
An import of native code fails as it does inside a plugin."""

import importlib
import importlib.util
import json
import os
import re
import sys
import traceback
from collections.abc import Sequence
from importlib.machinery import ExtensionFileLoader, ModuleSpec, PathFinder
from typing import Any

#: Why a plugin has no other packages.
_HAS = "a plugin has the modules beside the device and the packages of the project's .venv, and no others"


class _Refuse:
    """Refuses native code outside of Python's own library."""

    def __init__(self, folders: Sequence[str]) -> None:
        self.folders = tuple(folder + os.sep for folder in folders)
        self.refused: list[str] = []

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, ExtensionFileLoader):
            if (spec.origin or "").startswith(self.folders):
                self.refused.append(name)
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def main(stage: str, site: str, module: str, result: str) -> int:
    """Checks the device, and writes to `result` the files of packages that it imports, and the
    modules that its functions import."""
    sys.path[:0] = [stage]
    sys.path += [site] if site else []
    sys.dont_write_bytecode = True
    refuse = _Refuse([folder for folder in (stage, site) if folder])
    sys.meta_path.insert(0, refuse)
    from mockfleet.device_slot import check_device, find_device  # of the stage

    try:
        imported = importlib.import_module(module)
    except BaseException as error:  # A module may also exit.
        print("\n".join(explain(error, stage, site, refuse.refused)), file=sys.stderr)
        return 1
    try:
        check_device(find_device(imported))
    except Exception as error:
        print(f"{module}.py is no device: {error}", file=sys.stderr)
        return 1
    lazy = _import_lazily(result, stage, site, refuse)
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    inside = sorted({file for file in files if file and site and file.startswith(site + os.sep)})
    with open(result, "w") as out:
        json.dump({"files": inside, "lazy": lazy}, out)
    return 0


def _import_lazily(result: str, stage: str, site: str, refuse: "_Refuse") -> list[str]:
    """Imports what functions import. Returns the modules that are there. Warns of others."""
    with open(result) as given:
        wanted = json.load(given)
    found: list[str] = []
    for lazy in wanted:
        try:
            found += _import_one(lazy["module"], lazy["names"])
        except BaseException as error:  # A module may also exit.
            if not lazy["is_optional"]:
                place = f"{lazy['file']}:{lazy['line']}"
                why = explain(error, stage, site, refuse.refused)[-1].partition(": ")[2]
                print(f"{place}: {why}; a call that gets here fails", file=sys.stderr)
    return list(dict.fromkeys(found))


def _import_one(module: str, names: Sequence[str]) -> list[str]:
    """Imports a module, and those of the names that are modules in it."""
    imported = importlib.import_module(module)
    found = [module]
    for name in names:
        below = f"{module}.{name}"
        if not hasattr(imported, name) and importlib.util.find_spec(below) is not None:
            importlib.import_module(below)
        if below in sys.modules:
            found.append(below)
    return found


def explain(error: BaseException, stage: str, site: str, refused: Sequence[str]) -> list[str]:
    """Describes why a device cannot be imported, with the author's file and line."""
    if isinstance(error, SyntaxError) and error.filename:
        file = _shorten(error.filename, stage, site)
        lines = [f"{file}:{error.lineno}: {type(error).__name__}: {error.msg}"]
        return lines + [f"    {error.text.strip()}"] if error.text else lines
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename, stage)]
    place = f"{_shorten(own[-1].filename, stage, site)}:{own[-1].lineno}" if own else "the device"
    if isinstance(error, ImportError):
        package = _package(frames, site) or (error.name or "").partition(".")[0]
        native = _native(error, refused)
        if native:
            needs = f"{package} needs {native}" if package else native
            return [
                f"{place}: {needs}, which is native code of this machine and does not run in a plugin; "
                "use a version in pure Python, or do without it"
            ]
        if isinstance(error, ModuleNotFoundError) and error.name:
            missing = error.name
            of = "" if package in ("", missing.partition(".")[0]) else f", which {package} needs"
            return [f"{place}: there is no module {missing}{of}; {_HAS}"]
        return [f"{place}: {error}"]
    lines = ["Traceback (most recent call last):"]
    for frame in frames:
        if _is_own(frame.filename, stage) or (site and frame.filename.startswith(site + os.sep)):
            lines.append(f"  {_shorten(frame.filename, stage, site)}:{frame.lineno}, in {frame.name}")
            lines += [f"    {frame.line}"] if frame.line else []
    text = "".join(traceback.format_exception_only(error)).rstrip("\n")
    lines += text.split("\n")
    why = f"; {refused[-1]} is native code, which does not run in a plugin" if refused else ""
    return [*lines, f"{place}: this fails while the file is imported{why}"]


def _native(error: BaseException | None, refused: Sequence[str]) -> str:
    """The refused module that is the reason for an error."""
    while error is not None:
        if isinstance(error, ImportError):
            # `from package import native` names the package.
            part = re.match(r"cannot import name '(\w+)'", str(error))
            for name in (error.name, f"{error.name}.{part[1]}" if part else None):
                if name in refused:
                    return name or ""
        error = error.__cause__ or error.__context__
    return ""


def _package(frames: Sequence[traceback.FrameSummary], site: str) -> str:
    """The first package of the project's environment among the frames."""
    for frame in frames:
        if site and frame.filename.startswith(site + os.sep):
            return frame.filename[len(site) + 1 :].split(os.sep)[0].removesuffix(".py")
    return ""


def _is_own(file: str, stage: str) -> bool:
    """Whether a file is the author's."""
    sdk = os.path.join(stage, "mockfleet") + os.sep
    return file.startswith(stage + os.sep) and not file.startswith(sdk)


def _shorten(file: str, stage: str, site: str) -> str:
    """The path of a file below the folder that it was imported from."""
    for folder in (stage, site):
        if folder and file.startswith(folder + os.sep):
            return file[len(folder) + 1 :]
    return file


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
