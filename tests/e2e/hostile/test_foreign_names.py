"""Names from others stay on their line of the output, with line ends and escapes shown."""

import json
import zipfile

import pytest

EVIL = "x\nwarning: y\x1b[2J\u202e"
SHOWN = r"x\nwarning: y\u{1b}[2J\u{202e}"


def no_line_of_others(said):
    """Checks that no line begins with a text of others, and that no terminal obeys one."""
    for line in said.stdout.splitlines() + said.stderr.splitlines():
        assert not line.startswith("warning: y"), said.report()
    assert "\x1b" not in said.stdout + said.stderr
    assert "\u202e" not in said.stdout + said.stderr


def test_run_and_file_names_of_a_log(fleet, serve, logs):
    fleet.server(serve().url).group(count=2, every="50ms")
    run = fleet.run(duration="1s")
    (file,) = fleet.store.glob("sends/*/*/*.parquet")
    own = run.summary["run"]
    evil = EVIL.encode().ljust(len(own), b"z")[: len(own)]
    file.write_bytes(file.read_bytes().replace(own.encode(), evil))
    (file.parent / f"{EVIL}.parquet").write_text("no Parquet")
    said = logs("stats", "logs")
    no_line_of_others(said)
    assert r"x\nwarning: y\u{1b}[2J" in said.stdout, said.report()
    (warning,) = [line for line in said.stderr.splitlines() if "is not counted" in line]
    assert SHOWN in warning, said.report()
    no_line_of_others(logs("digest", "logs"))
    no_line_of_others(logs("prune", "logs", "--older-than", "1h"))


def test_spool_names_of_a_log(fleet, serve, logs):
    fleet.server(serve().url).group(count=2, every="50ms")
    fleet.run(duration="1s")
    spool = fleet.store / ".spool"
    spool.mkdir(exist_ok=True)
    (spool / EVIL).symlink_to("/nowhere")
    said = logs("recover", "logs", expect=1)
    no_line_of_others(said)
    assert SHOWN in said.stderr, said.report()


@pytest.mark.parametrize("command", ["inspect", "check"])
def test_names_in_the_manifest_of_a_bundle(fleet, mockfleet, command):
    fleet.server("http://127.0.0.1:9").group(count=1)
    fleet.write()
    mockfleet("bundle", "fleet.toml", "-o", "w.bundle")
    file = fleet.folder / "w.bundle"
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(entries["manifest.json"])
    manifest["mockfleet"] = EVIL
    for part in manifest["parts"]:
        if "plugin" in part:
            part["plugin"] = EVIL
    entries["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    said = mockfleet(command, "w.bundle")
    no_line_of_others(said)
    assert SHOWN in said.stdout + said.stderr, said.report()
