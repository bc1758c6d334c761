"""An author's work in each language, typed as docs/authors.md shows it.

`mockfleet new`, the project's own unit test, `build`, `try`, `run`.
"""

import json
import os
import re
import shutil
import sys

import pytest

from support.fleet import BINARY, GUESTS, ROOT
from support.log import Log
from support.process import Process
from support.sdk_project import HEADINGS, PAGE, command, commands

LANGUAGES = list(HEADINGS)
# One worker has all of them: what is built is used by several tests.
pytestmark = [pytest.mark.xdist_group("authors"), pytest.mark.timeout(600)]

each_language = pytest.mark.parametrize("language", LANGUAGES)


@each_language
def test_new_project_passes_its_own_unit_test(projects, language):
    (_, _, test, *_) = commands(language)
    said = projects(language).expect(test)
    assert re.search(r"\b(1 passed|pass 1|All 1 tests passed)\b", said)


@each_language
def test_build_prints_the_built_component(built, language):
    project, said = built(language)
    assert "mockfleet build" in commands(language)
    assert re.search(r"^sensor 0\.1\.0: \S*sensor\.wasm, [\d.]+ [KM]iB$", said, re.M), said
    shown = re.search(r"```text\nsensor 0\.1\.0: .*?\n.*?\n(.*?)```", PAGE, re.S)[1]
    assert said.endswith(shown)
    (line,) = project.expect("mockfleet build --json 2>/dev/null").splitlines()
    assert json.loads(line)["settings"] == ["base", "limit"]


@each_language
def test_same_seed_gives_the_values_shown_in_docs_authors(built, language):
    project, _ = built(language)
    said = project.expect(command(language, "mockfleet try"))
    shown = re.search(r"^ +0\.000 s: status ok\n.*?(?=^```)", PAGE, re.M | re.S)[0]
    if language in ("js", "ts"):
        # A number without decimals has none, and so the payload is shorter.
        shape = re.compile(r"(\d+) B  \{|\.0(?=[,}])")
        said, shown = shape.sub("", said), shape.sub("", shown)
    assert said.startswith(shown)


def test_try_examples_of_docs_authors_print_the_shown_output(built):
    project, _ = built("rust")
    section = re.search(r"^## Trying\n(.*?)^## ", PAGE, re.M | re.S)[1]
    (schema,) = re.findall(r"^```json\n(.*?)^```$", section, re.M | re.S)
    (project.folder / "telemetry.schema.json").write_text(schema)
    steps = re.findall(r"^```sh\n(.*?)\n```\n\n```text\n(.*?)^```$", section, re.M | re.S)
    assert len(steps) == 3
    for step, shown in steps:
        # Messages and talk in one; where a chart is shown, only the chart.
        line = f"{step} 2>/dev/null" if "--plot" in step else step
        said = project.expect(line, code=1 if "--schema" in step else 0)
        said, costs = re.fullmatch(r"(.*?)(\d+ ticks, .*)?", said, re.S).groups()
        assert said == shown
        if costs:
            words = re.compile(r"[\d.,]+ ?([KM]iB|B|µs|ms)?")
            (block,) = re.findall(r"^```text\n(3,600 ticks.*?)^```$", section, re.M | re.S)
            assert words.sub("#", costs) == words.sub("#", block)


@each_language
def test_fleet_of_a_new_project_sends_to_a_broker(built, broker, subscribe, language):
    project, _ = built(language)
    run = command(language, "mockfleet run")
    subscriber = subscribe(broker, "site/#")
    said = project.expect(f"{run} --set targets.broker.url={broker.url} --duration 2s")
    assert "sensor: 10 devices" in said
    log = Log(project.folder / "mockfleet-logs")
    assert log.outcomes() == {"acked": 20}
    subscriber.wait_for(20)
    assert log.count("plugin = 'sensor@0.1.0'") == 20


@each_language
def test_project_bundle_runs_in_an_empty_folder(built, broker, subscribe, language):
    project, _ = built(language)
    assert "plugins/sensor.wasm  (sensor 0.1.0)" in project.expect(
        command(language, "mockfleet bundle")
    )
    shown = project.expect("mockfleet inspect sensor.bundle")
    assert "10 devices, each every 1s" in shown
    # In compiled languages, the bytes of two builds are the same.
    inputs = re.findall(r"^inputs +[0-9a-f]{64}  plugins/sensor\.wasm$", shown, re.M)
    assert len(inputs) == (0 if language in ("rust", "c", "zig") else 1)
    subscriber = subscribe(broker, "site/#")
    # What it was made of is not there any more.
    there = [project.folder / name for name in ("fleet.toml", "sensor.wasm")]
    there = [file for file in there if file.exists()]
    for file in there:
        file.rename(file.with_suffix(".away"))
    run = command(language, "mkdir")
    said = project.type(f"{run} --set targets.broker.url={broker.url} --duration 2s").stdout
    for file in there:
        file.with_suffix(".away").rename(file)
    assert "yes: the backend confirmed all 20 messages" in said
    elsewhere = project.folder.parent / "elsewhere"
    assert [entry.name for entry in elsewhere.iterdir()] == ["mockfleet-logs"]
    assert Log(elsewhere / "mockfleet-logs").outcomes() == {"acked": 20}
    subscriber.wait_for(20)


@each_language
def test_error_in_a_tick_is_reported_with_device_tick_and_line(built, broker, language):
    project, _ = built(language)
    number = 1 + next(
        place
        for place, line in enumerate(project.source.read_text().splitlines())
        if "404" in line
    )
    said = {
        "rust": rf"tick trapped: .*; it said: panicked at src/lib\.rs:{number}:\d+: no more paper",
        # The line after the one with the condition.
        "python": rf"tick failed: IndexError: list index out of range \(device\.py:{number + 1}, in tick: return \[\]\[7\]\)",
        "js": rf"tick failed: TypeError: .* \(device\.js:{number}, in tick\)",
        "ts": rf"tick failed: TypeError: .* \(device\.ts:{number}, in tick\)",
        "c": rf"tick trapped: .*; it said: Assertion failed: self->limit != -404 \(device\.c: tick: {number}\)",
        "zig": r"tick failed: NoPaper",
    }[language]
    tried = project.type("mockfleet try . --config '{\"limit\": -404}' --ticks 2").stdout
    assert re.search(rf"0\.000 s: .*{said} \(its tick 0\)", tried), tried
    more = "--set groups.sensor.config.limit=-404 --set groups.sensor.count=1"
    url = f"--set targets.broker.url={broker.url}"
    run = command(language, "mockfleet run")
    ran = project.type(f"{run} {more} {url} --log failed --duration 1s").stdout
    assert re.search(rf"device sensor-0+ \(plugin sensor 0\.1\.0\): {said} \(its tick 0\)", ran), ran
    kind = "stopped" if language in ("rust", "c") else "failed"
    log = Log(project.folder / "failed")
    assert log.count(f"kind = '{kind}' AND contains(detail, '(its tick 0)')", "events") == 1


# What a tick does at a limit of the slip, beside the error: the line of a channel, and words of
# standard error.
ANSWERS = {
    ("python", -405): "tick failed: it returned a dict; return self.message(\"telemetry\", value) to send",
    ("js", -405): "telemetry      3 B  abc",
    ("js", -406): "RangeError: Maximum call stack size exceeded (device.js:",
    ("ts", -405): "telemetry      3 B  abc",
}


@pytest.mark.parametrize(("language", "limit"), ANSWERS)
def test_answer_of_another_type_is_sent_or_explained(built, language, limit):
    project, _ = built(language)
    tried = project.type(f"mockfleet try . --config '{{\"limit\": {limit}}}' --ticks 2")
    words = ANSWERS[language, limit]
    # The second tick too: the first one has not ended the cell.
    assert tried.stdout.count(words) == 2, tried.stdout
    assert tried.returncode == ("tick failed" in words or "Error" in words)


@each_language
def test_settings_outside_the_schema_are_refused_with_their_key(built, language):
    project, _ = built(language)
    said = project.expect("mockfleet try . --config '{\"bse\": 3, \"limit\": \"x\"}'", code=2)
    assert "bse" in said and "limit" in said
    assert "base" in project.expect("mockfleet describe .")


BROKEN = {
    "rust": ("impl Behaviour for Sensor {", "impl Behaviour for Sensr {", r"cannot find type `Sensr`"),
    "python": ("def tick(self, tick: Tick)", "def tick(self, tick: Tick", r"^device\.py:\d+: SyntaxError: .*\n    def tick"),
    "js": ("tick(tick) {", "tick(tick) {{", r"^device\.js:\d+:\d+: SyntaxError: .*\n    \S"),
    "ts": ("tick(_tick: Tick)", "tick(_tick: Tick", r"^device\.ts:\d+:\d+: SyntaxError: .*\n    \S"),
    "c": ("mf_status(turn,", "mf_statsu(turn,", r"device\.c:\d+:\d+: error: .*'mf_statsu'"),
    "zig": ("turn.status(", "turn.statsu(", r"device\.zig:\d+:\d+: error: .*'statsu'"),
}


@each_language
def test_compile_error_is_shown_as_the_compiler_prints_it(projects, tmp_path, language):
    project = projects(language).copy(tmp_path)
    old, new, words = BROKEN[language]
    project.edit(old, new)
    said = project.expect("mockfleet build", code=2)
    assert re.search(words, said, re.M), said
    # Of the tools inside of the SDKs: the sentence, the line, and nothing else.
    is_own = language not in ("python", "js", "ts")
    assert is_own or len(said.splitlines()) == 4, said
    (last,) = said.splitlines()[-1:]
    assert re.fullmatch(
        r"plugin\.toml: build: `.*` ended with exit code \d+; its output is above", last
    )


IMPORTS = {
    "python": (
        "import pydantic",
        r"device\.py:1: pydantic needs pydantic_core\._pydantic_core, which is native code .*",
    ),
    "js": ('import "node:fs";', r"device\.js:1: node:fs is a module of Node\.js, .*; do without it"),
}


@pytest.mark.parametrize("language", IMPORTS)
def test_import_that_cannot_work_is_one_sentence(projects, tmp_path, language):
    project = projects(language).copy(tmp_path)
    line, words = IMPORTS[language]
    project.source.write_text(f"{line}\n{project.source.read_text()}")
    _, *said, last = project.expect("mockfleet build", code=2).splitlines()
    assert len(said) == 1 and re.fullmatch(words, said[0]), said
    assert last.endswith("ended with exit code 1; its output is above")


@pytest.mark.parametrize("language", ["python", "js"])
def test_inputs_of_two_builds_are_the_same(projects, tmp_path, language):
    project = projects(language).copy(tmp_path)
    inputs, path = [], project.environment["PATH"]
    for name in ("one", "two"):
        # Another python3 comes first, with packages that no plugin may have.
        other = tmp_path / name
        (other / "site").mkdir(parents=True)
        (other / "site/pick.py").write_text(f"NAME = {name!r}\n")
        (other / "python3").write_text(f"#!/bin/sh\n[ $1 != -c ] && exec {sys.executable} $@\necho {other}/site\n")
        (other / "python3").chmod(0o755)
        project.environment = {**project.environment, "PATH": f"{other}{os.pathsep}{path}"}
        if language == "python" and name == "one":
            kind = "try:\n    from pick import NAME\nexcept ImportError:\n    NAME = 'own'\n"
            text = project.source.read_text().replace('["telemetry"]', '["telemetry", NAME]')
            project.source.write_text(kind + text)
        (line,) = project.expect("mockfleet build --json 2>/dev/null").splitlines()
        built = json.loads(line)
        assert built["channels"] == (["telemetry", "own"] if language == "python" else ["telemetry"])
        inputs.append(built["inputs"])
    assert len(set(inputs)) == 1 and re.fullmatch("[0-9a-f]{64}", inputs[0])
    assert f"inputs     {inputs[0]}" in project.expect("mockfleet describe .")
    project.source.write_text(project.source.read_text().replace("telemetry", "telemetrie"))
    (line,) = project.expect("mockfleet build --json 2>/dev/null").splitlines()
    assert json.loads(line)["inputs"] != inputs[0]


def test_missing_tool_is_reported_with_its_install_command(projects, tmp_path):
    project = projects("js").copy(tmp_path)
    (project.folder / "node_modules/esbuild").unlink()
    said = project.expect("mockfleet build", code=2)
    shown = re.search(r"^plugin\.toml: the packages of .*?\n.*?\n", PAGE, re.M)[0]
    assert said == shown
    old = project.folder / "plugin.toml"
    old.write_text(old.read_text().replace('least = "18"', 'least = "180.1"'))
    said = project.expect("mockfleet build", code=2)
    assert re.search(r"Node\.js 180\.1 or newer: \d+\.\d+\.\d+ is there, which is too old", said)
    assert said.count("this") == 2


@pytest.mark.parametrize("language", ["c", "zig"])
def test_project_without_ziglang_is_told_how_to_get_it(projects, tmp_path, language):
    project = projects(language).copy(tmp_path)
    (project.folder / ".venv").unlink()
    assert project.expect("mockfleet build", code=2) == (
        "plugin.toml: the packages of requirements.txt 0.17.1 or newer: missing"
        " (`.venv/bin/python -m ziglang version` fails); this installs it:\n"
        "  python3 -m venv .venv && .venv/bin/pip install -r requirements.txt\n"
    )


def test_two_builds_in_c_have_the_same_bytes(built, tmp_path):
    project, _ = built("c")
    other = project.copy(tmp_path)
    shutil.rmtree(other.folder / "build")
    other.expect("mockfleet build")
    first, second = ((each.folder / "sensor.wasm").read_bytes() for each in (project, other))
    assert first == second


def test_module_that_does_not_fit_is_refused_in_words(projects, tmp_path):
    project = projects("c").copy(tmp_path)
    toml = project.folder / "plugin.toml"
    text = toml.read_text()

    def build(command, **keys):
        changed = re.sub("^build = .*$", lambda _: f"build = {json.dumps(command)}", text, flags=re.M)
        for key, value in keys.items():
            changed = re.sub(f"^{key} = .*$", f'{key} = "{value}"', changed, flags=re.M)
        toml.write_text(changed)
        return project.expect("mockfleet build", code=2).splitlines()[-1]

    compiler = ".venv/bin/python -m ziglang cc -target wasm32-wasi -mexec-model=reactor -O1 -s"
    refused = "plugin.toml: module: build/sensor.wasm is no module of the contract: "
    source = project.folder / "other.c"
    # It exports none of the functions of the contract.
    source.write_text("int other(void) { return 1; }\n")
    said = build(f"{compiler} other.c -o build/sensor.wasm")
    assert said.startswith(refused) and "mockfleet:device/behaviour@0.2.0" in said, said
    assert said.endswith("; docs/other-languages.md has the steps")
    # It imports a function that nothing defines.
    source.write_text(
        '__attribute__((import_module("env"), import_name("beep"))) void beep(void);\n'
        '__attribute__((export_name("other"))) void other(void) { beep(); }\n'
    )
    said = build(f"{compiler} other.c -o build/sensor.wasm")
    assert said.startswith(refused) and "env" in said, said
    # The command writes a component, or something else, or nothing.
    (project.folder / "component.wasm").write_bytes(b"\0asm\x0d\0\1\0")
    said = build("cp component.wasm build/sensor.wasm")
    assert "build/sensor.wasm is a component already; name it as `output`" in said
    said = build("echo x > build/sensor.wasm")
    assert "build/sensor.wasm does not begin with the bytes of WebAssembly" in said
    said = build("rm build/sensor.wasm")
    assert "the build wrote no build/sensor.wasm" in said
    # The contract is no contract.
    source.write_text("package a:b; world other {}")
    said = build("true", wit="other.c")
    assert "wit: the contract has no world `plugin`" in said
    said = build("true", wit="nowhere.wit")
    assert said.endswith("wit in plugin.toml: there is no nowhere.wit; name the file with the contract")
    # The core module itself is no plugin.
    module = project.folder / "bare.wasm"
    module.write_bytes(b"\0asm\1\0\0\0")
    said = project.expect(f"mockfleet describe {module.name}", code=2)
    assert "is a core WebAssembly module, not a component; name it as `module` in plugin.toml" in said


def test_component_of_another_contract_is_refused(projects, tmp_path):
    project = projects("python").copy(tmp_path)
    file = project.folder / "plugin.toml"
    text = re.sub("^build = .*$", 'build = "true"', file.read_text(), flags=re.M)
    for output, said in (
        (GUESTS / "other-version.wasm", "this mockfleet runs mockfleet:device@0.1.0 and"),
        (GUESTS / "rogue.wasm", 'name: here it is "sensor", and the component says "rogue"'),
        ("device.py", "it does not begin with the bytes of WebAssembly"),
        ("nowhere.wasm", "the build wrote no nowhere.wasm"),
    ):
        file.write_text(re.sub("^output = .*$", f'output = "{output}"', text, flags=re.M))
        assert said in project.expect("mockfleet build", code=2)
    file.write_text(text.replace("output = ", "outptu = "))
    said = project.expect("mockfleet build", code=2)
    assert 'unknown key "outptu" in plugin.toml; did you mean "output"?' in said


def test_invalid_project_name_leaves_no_files(tmp_path):
    def new(*arguments):
        process = Process([BINARY, "new", *arguments], folder=tmp_path)
        assert process.finish() == 2, process.report()
        return process.stderr

    (tmp_path / "taken").mkdir()
    assert "taken exists already" in new("taken", "--lang", "js")
    for name in ("Sensor", "my sensor", "../up/there/1st", "fn", "--", "a" * 65):
        assert new("--lang", "rust", "--", name)
    assert "[possible values: rust, python, js, ts, c, zig]" in new("sensor", "--lang", "cobol")
    assert "nowhere/sensor cannot be written" in new("nowhere/sensor", "--lang", "js")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_watch_rebuilds_on_each_change_and_survives_mistakes(projects, tmp_path, closing):
    project = projects("js").copy(tmp_path)

    class Watching(Process):
        close = Process.kill

    watching = closing(
        Watching(
            [BINARY, "build", "--watch", "--json"],
            folder=project.folder,
            environment=project.environment,
        )
    )
    watching.wait_for_line('"channels":\\["telemetry"\\]', of="out")
    project.edit('["telemetry"]', '["telemetry", "alarm"]')
    watching.wait_for_line('"channels":\\["telemetry","alarm"\\]', of="out")
    project.edit("tick(tick) {", "tick(tick) {{")
    watching.wait_for_line("its output is above")
    project.edit("tick(tick) {{", "tick(tick) {")
    project.edit('["telemetry", "alarm"]', '["alarm"]')
    watching.wait_for_line('"channels":\\["alarm"\\]', of="out")


def test_python_project_passes_a_strict_type_check(projects, tmp_path):
    project = projects("python").copy(tmp_path)
    check = f".venv/bin/python -m mypy --strict --cache-dir {tmp_path} device.py test_device.py"
    sdk = project.folder / ".mockfleet/sdk/python/src"
    assert "Success" in project.expect(f"MYPYPATH={sdk} {check}")
    project.edit("self.config.limit", "self.config.limt")
    assert '"Settings" has no attribute "limt"' in project.expect(f"MYPYPATH={sdk} {check}", 1)


def test_tool_versions_of_tests_match_the_templates():
    there = json.loads((ROOT / "tests/node/package.json").read_text())["devDependencies"]
    template = json.loads((ROOT / "sdk/templates/ts/package.json").read_text())
    assert there == template["devDependencies"]
    lists = [ROOT / "tests" / name for name in ("requirements.txt", "requirements-fast.txt")]
    pinned = [line for file in lists for line in file.read_text().splitlines()]
    for language in ("python", "c", "zig"):
        template = ROOT / "sdk/templates" / language / "requirements.txt"
        for line in template.read_text().splitlines():
            if "==" in line:
                assert line in pinned
