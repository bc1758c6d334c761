"""Makes projects with `mockfleet new` and the toolchains of the tests."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from support.fleet import BINARY, ROOT, environment

PAGE = (ROOT / "docs/authors.md").read_text()
NODE = ROOT / "tests/node/node_modules"

HEADINGS = {
    "rust": "Rust",
    "python": "Python",
    "js": "JavaScript",
    "ts": "TypeScript",
    "c": "C",
    "zig": "Zig",
}
SOURCE = {
    "rust": "src/lib.rs",
    "python": "device.py",
    "js": "device.js",
    "ts": "device.ts",
    "c": "device.c",
    "zig": "device.zig",
}

# A line of the template, and what is put before it: something that goes wrong in a tick
# once the device is told the limit -404.
MISTAKES = {
    "rust": (
        "        let reading = Reading",
        '        assert!(self.limit != -404.0, "no more paper");\n',
    ),
    "python": (
        "        return Turn(\n",
        "        if self.limit == -404:\n            return [][7]\n"
        # Imported in a function, and of a wrong type.
        "        if self.limit == -405:\n            import statistics\n"
        "            return {'mean': statistics.mean([1, 3])}  # type: ignore[dict-item]\n",
    ),
    "js": (
        "    return {\n",
        "    if (this.limit === -404) null.paper;\n"
        "    if (this.limit === -405) return this.message('telemetry', Uint8Array.from([97, 98, 99]));\n"
        "    const deeper = (n) => deeper(n + 1) + 1;\n"
        "    if (this.limit === -406) deeper(0);\n",
    ),
    "ts": (
        "    return {\n",
        "    if (this.limit === -404) (null as unknown as Sensor).tick(_tick);\n"
        "    if (this.limit === -405) return this.message('telemetry', Uint8Array.from([97, 98, 99]));\n",
    ),
    "c": (
        "    double temperature =",
        "    assert(self->limit != -404);\n",
    ),
    "zig": (
        "        const temperature =",
        "        if (self.limit == -404) return error.NoPaper;\n",
    ),
}


def commands(language):
    """The commands of the page for a language, without those that install its tools."""
    (block,) = re.findall(rf"^### {HEADINGS[language]}\n\n```sh\n(.*?)^```$", PAGE, re.M | re.S)
    return [line for line in block.splitlines() if not line.endswith("# once")]


def command(language, begin):
    """The page's command for a language with this beginning."""
    (line,) = [line for line in commands(language) if line.startswith(begin)]
    return line


class Project:
    """A folder made by `mockfleet new`. The page's commands run in `folder`."""

    def __init__(self, language, folder):
        self.language = language
        self.folder = folder / "sensor"
        self.environment = environment(XDG_STATE_HOME=str(folder / "state"))
        path = f"{BINARY.parent}{os.pathsep}{os.environ['PATH']}"
        self.environment["PATH"] = path
        (new, *_) = commands(language)
        self.made = self.type(new, folder)
        tools = {
            "rust": self.rust,
            "python": self.python,
            "js": self.node,
            "ts": self.node,
            "c": self.ziglang,
            "zig": self.ziglang,
        }
        tools[language]()

    def rust(self):
        # What all crates of the tests are built with is there already.
        shared = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "plugins/target"))
        (self.folder / "target").symlink_to(shared.absolute(), target_is_directory=True)
        # And by the toolchain of this repository, whatever the machine's own is.
        pinned = tomllib.loads((ROOT / "rust-toolchain.toml").read_text())["toolchain"]
        self.environment["RUSTUP_TOOLCHAIN"] = pinned["channel"]

    def ziglang(self):
        # The tests' own packages include ziglang. Its cache is below XDG_CACHE_HOME, which all
        # tests share: the C library is compiled once.
        (self.folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)

    def python(self):
        (self.folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
        sdk = self.folder.parent / "sdk"
        # As requirements.txt says, but without a look at a registry.
        install = ["-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation"]
        install += ["--disable-pip-version-check", "--target", sdk, ".mockfleet/sdk/python"]
        subprocess.run([sys.executable, *install], cwd=self.folder, check=True)
        self.environment["PYTHONPATH"] = str(sdk)

    def node(self):
        modules = self.folder / "node_modules"
        (modules / ".bin").mkdir(parents=True)
        for package in NODE.iterdir():
            if not package.name.startswith("."):
                (modules / package.name).symlink_to(package)
        (modules / "mockfleet").symlink_to(self.folder / ".mockfleet/sdk/js")
        build = modules / "mockfleet/src/build.js"
        build.chmod(0o755)
        (modules / ".bin/mockfleet-build").symlink_to(build)
        (modules / ".bin/tsc").symlink_to(NODE / ".bin/tsc")

    def type(self, command, folder=None):
        """Runs a line in a shell. Its output is one text, in order."""
        return subprocess.run(
            ["sh", "-c", command],
            cwd=folder or self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def expect(self, command, code=0):
        """Runs a line, which must end with this exit code, and returns its output."""
        done = self.type(command)
        assert done.returncode == code, f"$ {command}\n({done.returncode})\n{done.stdout}"
        return done.stdout

    @property
    def source(self):
        return self.folder / SOURCE[self.language]

    def edit(self, old, new):
        text = self.source.read_text()
        assert old in text
        self.source.write_text(text.replace(old, new, 1))

    def slip(self):
        """Adds the mistake to the device."""
        before, mistake = MISTAKES[self.language]
        self.edit(before, mistake + before)
        if self.language == "c":
            self.edit("#include <mockfleet.h>", "#include <assert.h>\n#include <mockfleet.h>")

    def copy(self, folder):
        """The same project in another folder, to be changed."""
        other = Project.__new__(Project)
        other.language, other.environment = self.language, self.environment
        other.folder = folder / "sensor"
        shutil.copytree(self.folder, other.folder, symlinks=True)
        return other
