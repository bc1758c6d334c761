"""A bundle is one file that runs in an empty folder.

It is read from the disk and from addresses, and refused when it was cut, altered, or is not the
pinned one.
"""

import hashlib
import json
import re
import zipfile

import pytest

from support.backends.s3 import Moto
from support.backends.server import Answer
from support.docs import all_blocks
from support.fleet import BINARY, PLUGINS, environment
from support.log import Log
from support.process import Process, refused
from support.wait import free_port


@pytest.fixture
def packed(fleet, broker):
    """A fleet with a plugin, a data file and a setting of the environment, packed; the rest
    of its folder is gone."""
    fleet.broker(broker.url, qos=1, username="${LOGIN}", password="${PASSWORD}")
    fleet.group(count=5)
    (fleet.folder / "data").mkdir()
    (fleet.folder / "data/weather.csv").write_text("time,temperature\n0,20.5\n1,21.5\n")
    fleet.group(
        "weather",
        "builtin:scenario",
        count=5,
        config={
            "fields": {
                "t": {"kind": "replay", "file": "weather", "column": "temperature", "every": "1s"}
            },
            "messages": {"telemetry": {"json": {"t": "{{ t }}"}}},
        },
        data={"weather": "data/weather.csv"},
    )
    fleet.environment |= {"LOGIN": "me", "PASSWORD": "a word of ours"}
    fleet.write()
    bundling = fleet.mockfleet("bundle", "fleet.toml", "-o", "../w.bundle")
    assert bundling.finish() == 0, bundling.report()
    for entry in ("fleet.toml", "data/weather.csv"):
        (fleet.folder / entry).unlink()
    (fleet.folder / "data").rmdir()
    return fleet.folder.parent / "w.bundle"


def pin(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_bundle_runs_in_an_empty_folder(fleet, mockfleet, packed):
    assert [entry.name for entry in fleet.folder.iterdir() if entry.name != "state"] == []
    good = mockfleet("check", "../w.bundle")
    assert "../w.bundle: good: 10 devices in 2 groups" in good.stdout
    ran = mockfleet("run", "../w.bundle", "--duration", "2s", "--json")
    assert json.loads(ran.out[-1])["acked"] == 20
    assert "reads of the environment: LOGIN, PASSWORD" in ran.stderr
    log = Log(fleet.store)
    assert log.outcomes() == {"acked": 20}
    assert log.count("payload LIKE '%20.5%' AND \"group\" = 'weather'") > 0
    # And whoever looks at the log later can run it again.
    mockfleet("report", "logs", "-o", "report.html")
    page = (fleet.folder / "report.html").read_text()
    assert "mockfleet run ../w.bundle" in page and "a word of ours" not in page


def test_docs_bundles_matches_the_output(fleet, mockfleet):
    blocks = [text for _, text in all_blocks("docs/bundles.md")]
    toml, csv, commands, packed, inspected, *_ = blocks
    (fleet.folder / "warehouse.toml").write_text(toml)
    data = fleet.folder.parent / "data"
    data.mkdir()
    (data / "rain.csv").write_text(csv)
    fleet.environment["BROKER_PASSWORD"] = "secret"
    bundle, inspect, run = commands.splitlines()
    for command, shown in ((bundle, packed), (inspect, inspected)):
        said = mockfleet(*command.split()[1:]).stdout
        # What another compiler makes of the plugin has other bytes.
        of_bytes = re.compile(r" *[\d.]+ [KM]?i?B\b|\b[0-9a-f]{16,64}\b")
        assert of_bytes.sub("#", said) == of_bytes.sub("#", shown.strip())
    assert run.endswith("mockfleet run warehouse.bundle")
    mockfleet("check", "warehouse.bundle")


def test_inspect_shows_the_content_and_runs_nothing(fleet, mockfleet, packed):
    shown = mockfleet("inspect", "../w.bundle").stdout
    for words in (
        "for mockfleet:device@0.2.0",
        f"sha256       {pin(packed)}",
        "data/weather.csv",
        "plugins/scenario.wasm  (scenario 0.1.0)",
        "group        weather: 5 devices, each every 1s, to mqtt://127.0.0.1:",
        "environment  LOGIN, PASSWORD",
        "Each part is what the manifest says.",
    ):
        assert words in shown, shown
    # Elsewhere the environment may lack what it asks for: that is said, and all the rest.
    fleet.environment.pop("PASSWORD")
    shown = json.loads(mockfleet("inspect", "../w.bundle", "--json").stdout)
    assert "PASSWORD" in shown["problems"][0]
    with zipfile.ZipFile(packed) as archive:
        for part in shown["manifest"]["parts"]:
            assert hashlib.sha256(archive.read(part["path"])).hexdigest() == part["sha256"]
        assert b"a word of ours" not in b"".join(map(archive.read, archive.namelist()))


def test_same_input_gives_the_same_bytes_in_any_folder(tmp_path):
    made = []
    for name in ("here", "there/deeper"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "w.csv").write_text("t,v\n0,1\n")
        (folder / "thermometer.wasm").write_bytes((PLUGINS / "dist/thermometer.wasm").read_bytes())
        file = folder / "f.toml"
        file.write_text(
            '[targets.b]\nurl = "mqtt://127.0.0.1"\n[targets.b.channels]\n'
            'telemetry = { topic = "x" }\n[[groups]]\nname = "a"\n'
            'plugin = "thermometer.wasm"\ncount = 1\nevery = "1s"\ndata = { w = "w.csv" }\n'
        )
        bundling = Process([BINARY, "bundle", "f.toml"], folder=folder, environment=environment())
        assert bundling.finish() == 0, bundling.report()
        made.append((folder / "f.bundle").read_bytes())
    assert made[0] == made[1]


def test_unpacked_bundle_is_a_folder_that_runs(fleet, mockfleet, packed):
    unpacked = fleet.folder / "unpacked"
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(unpacked)
    mockfleet("check", "unpacked/fleet.toml")


def altered(packed, change):
    """The bundle with its entries changed by `change`, a function of name and content."""
    with zipfile.ZipFile(packed) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in entries:
            archive.writestr(name, change(name, content))


def test_truncated_or_altered_bundle_is_refused(fleet, mockfleet, packed):
    whole = packed.read_bytes()
    packed.write_bytes(whole[: len(whole) // 2])
    for command in ("run", "check", "inspect"):
        said = mockfleet(command, "../w.bundle", expect=2)
        refused(said, "../w.bundle", "cut short or damaged", "take it from its source again")
    packed.write_bytes(whole)
    altered(packed, lambda name, content: content.replace(b"20.5", b"99.9"))
    said = mockfleet("run", "../w.bundle", expect=2)
    refused(said, "../w.bundle", "part data/weather.csv is not what the manifest says")
    assert not fleet.store.exists()


def test_invalid_bundle_and_unpackable_fleet_are_refused(fleet, mockfleet, broker, tmp_path):
    fleet.broker(broker.url).group(plugin="nowhere.wasm", data={"w": "no.csv"}).write()
    said = mockfleet("bundle", "fleet.toml", expect=2)
    assert len(said.err) == 2 and "nowhere.wasm" in said.err[0] and "no.csv" in said.err[1]
    fleet.content["groups"] = []
    fleet.group(config={"bse": 1}).write()
    assert '"bse"' in mockfleet("bundle", "fleet.toml", expect=2).stderr
    fleet.content["groups"] = []
    fleet.group().write()
    said = mockfleet("bundle", "fleet.toml", "-o", "fleet.toml", expect=2)
    refused(said, "--output", "fleet.toml is there and no bundle, and is not written over")
    said = mockfleet("bundle", "fleet.toml", "-o", "no/where.bundle", expect=2)
    refused(said, "--output", "no/where.bundle cannot be written")
    refused(mockfleet("inspect", "fleet.toml", expect=2), "fleet.toml", "this is no bundle")
    refused(mockfleet("inspect", "no.bundle", expect=2), "no.bundle", "cannot be read")
    # A secret that stands in the file goes along, and that is said.
    fleet.content["targets"]["broker"]["username"] = "me"
    fleet.content["targets"]["broker"]["password"] = "open"
    fleet.write()
    said = mockfleet("bundle", "fleet.toml")
    assert re.search(r"warning: fleet\.toml:\d+: the file has a secret", said.stderr)
    left = {entry.name for entry in fleet.folder.iterdir()} - {"state"}
    assert left == {"fleet.toml", "fleet.bundle"}


@pytest.fixture
def shop(packed, serve, authority, fleet):
    """An HTTPS server that serves the bundle, also behind a login and behind a redirect."""

    def answer(request):
        if request.path == "/moved":
            return Answer(302, headers={"location": "/w.bundle"})
        if request.path == "/plain":
            return Answer(302, headers={"location": f"http://127.0.0.1:{free_port()}/w.bundle"})
        if request.path.startswith("/closed"):
            if request.headers.get("authorization") != "Basic bWU6cHc=":  # me:pw
                return Answer(401)
            return Answer(200, packed.read_bytes())
        if request.path.startswith("/w.bundle"):
            return Answer(200, packed.read_bytes())
        return Answer(404)

    server = serve(answer=answer, tls=authority.server())
    fleet.environment["SSL_CERT_FILE"] = str(authority.file)
    # What these tests fetch is kept here, and nowhere else.
    fleet.environment["XDG_CACHE_HOME"] = str(fleet.folder / "state/cache")
    return server


def test_bundle_is_fetched_and_pinned(fleet, mockfleet, packed, shop):
    url = f"{shop.url}/w.bundle"
    said = mockfleet("check", url)
    assert "good: 10 devices" in said.stdout
    (digest,) = re.findall(r"#sha256=([0-9a-f]{64}) after the address pins", said.stderr)
    assert digest == pin(packed)
    pinned = f"{url}?ticket=secret#sha256={digest}"
    # Kept by its digest: the network is not asked again, nor has it to be there.
    asked = len(shop.requests)
    ran = mockfleet("run", pinned, "--duration", "1s", "--json")
    assert json.loads(ran.out[-1])["acked"] == 10
    assert len(shop.requests) == asked
    note = json.loads(next(fleet.store.glob("runs/*.json")).read_text())
    assert note["file"]["name"] == f"{url}#sha256={digest}"
    assert "secret" not in ran.stderr + json.dumps(note)
    # What is kept and was altered is fetched again.
    (kept,) = (fleet.folder / "state/cache/mockfleet/fetched").iterdir()
    kept.write_bytes(b"PK\x03\x04 something else")
    mockfleet("inspect", pinned)
    assert len(shop.requests) == asked + 1
    other = "0" * 64
    said = mockfleet("run", f"{url}#sha256={other}", expect=2)
    refused(said, url, f"has the sha256 {digest}, and the address pins {other}")


def test_failed_fetch_is_reported_with_its_cause(fleet, mockfleet, shop):
    closed = shop.url.replace("https://", "https://me:pw@") + "/closed"
    mockfleet("inspect", closed)
    mockfleet("inspect", f"{shop.url}/moved")
    nobody = f"https://127.0.0.1:{free_port()}/w.bundle"
    for address, place, words in (
        (f"{shop.url}/closed", f"{shop.url}/closed", "HTTP 401 Unauthorized"),
        (f"{shop.url}/closed", f"{shop.url}/closed", "it wants a login; give one"),
        (f"{shop.url}/none", f"{shop.url}/none", "nothing is there; check the address"),
        (f"{shop.url}/plain", f"{shop.url}/plain", "/plain redirects to http://127.0.0.1:"),
        (nobody, nobody, "cannot be reached: Connection refused"),
        ("https://no.such.host.invalid/w", "https://no.such.host.invalid/w", "cannot be reached"),
        (f"{shop.url}/w.bundle#v1", "FILE", "#v1 pins nothing; wanted is #sha256="),
        ("http://127.0.0.1/w.bundle", "FILE", "not encrypted"),
        ("ftp://127.0.0.1/w.bundle", "FILE", "https:// or s3://"),
    ):
        said = mockfleet("run", address, expect=2)
        refused(said, place, words)
        assert "pw" not in said.stderr
    assert not fleet.store.exists()


def test_fetched_fleet_file_reads_no_local_files(fleet, mockfleet, shop, serve, tmp_path):
    text = b"""[targets.b]\nurl = "mqtt://127.0.0.1"\n[targets.b.channels]\ntelemetry = { topic = "x" }
[[groups]]\nname = "a"\nplugin = "builtin:thermometer"\ncount = 1\nevery = "1s"\n"""
    files = {"/good": text, "/reads": text + b'data = { p = "/etc/passwd" }\n', "/odd": b"\xff\xfe"}
    plain = serve(answer=lambda request: Answer(200, files[request.path]))
    at = {path: f"{plain.url}{path}" for path in files}
    pinned = {path: f"{at[path]}#sha256={hashlib.sha256(files[path]).hexdigest()}" for path in files}
    mockfleet("check", pinned["/good"])
    said = mockfleet("check", pinned["/reads"], expect=2)
    assert f"{at['/reads']}:10" in said.err[0] and "/etc/passwd is no part of" in said.err[0]
    refused(mockfleet("check", pinned["/odd"], expect=2), at["/odd"], "neither a bundle nor")


def test_bundle_is_read_from_a_bucket(fleet, mockfleet, packed, tmp_path, closing):
    store = closing(Moto(tmp_path / "store").start())
    store.client().upload_file(str(packed), store.bucket, "fleets/w.bundle")
    fleet.environment["XDG_CACHE_HOME"] = str(fleet.folder / "state/cache")
    address = f"s3://{store.bucket}/fleets/w.bundle"
    said = mockfleet("inspect", address, expect=2)
    refused(said, address, "AWS_ACCESS_KEY_ID")
    fleet.environment |= store.environment()
    shown = mockfleet("inspect", f"{address}#sha256={pin(packed)}").stdout
    assert shown.startswith(f"{address}: packed by mockfleet")
    ran = mockfleet("run", address, "--duration", "1s", "--json")
    assert json.loads(ran.out[-1])["acked"] == 10
    refused(mockfleet("run", address[:-1], expect=2), address[:-1], "no such bucket or object")


def test_bundle_is_accepted_by_the_other_commands(fleet, mockfleet, packed):
    mockfleet("try", "../w.bundle", "--group", "weather", "--ticks", "2")
    mockfleet("estimate", "../w.bundle")
    mockfleet("backfill", "../w.bundle", "--from", "2026-01-01", "--to", "2026-01-01T00:01:00Z")
