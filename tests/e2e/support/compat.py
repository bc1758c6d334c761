"""Runs a bundle of tests/compat and returns its output as a text to compare."""

import json
import subprocess
import zipfile

from support.fleet import BINARY, ROOT, environment
from support.log import Log

COMPAT = ROOT / "tests/compat"

FROM, TO = "2026-01-01T00:00:00Z", "2026-01-01T00:02:00Z"

#: Of the table `sends`, what a device says; later versions may add columns. The digest is of
#: all rows: these show where they begin to differ.
ROWS = """
    SELECT epoch_us(scheduled_at), device_id, seq, channel, device_status, coalesce(payload, '')
    FROM sends ORDER BY seq, device_id LIMIT 20
"""


def said(given, folder):
    """Runs a bundle, or the fleet file of an unpacked one, in a folder of its own: the digest of
    its log, its first rows, and the answers of its first device to a command."""
    folder.mkdir()

    def mockfleet(*arguments):
        command = [BINARY, *map(str, arguments)]
        own = environment(XDG_STATE_HOME=str(folder / "state"))
        done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True)
        assert done.returncode == 0, f"$ {command}\n({done.returncode})\n{done.stdout}{done.stderr}"
        return done.stdout

    mockfleet("backfill", given, "--from", FROM, "--to", TO, "--log", "logs")
    digest, _, rows = mockfleet("logs", "digest", "logs").split()[:3]
    lines = [f"digest {digest} of {rows} rows"]
    lines += [line("row", *row) for row in Log(folder / "logs").rows(ROWS)]
    receive = ["--receive", '2500ms:command={"limit": 5}'] if "command" in fleet_file(given) else []
    for text in mockfleet("try", given, "--ticks", "5", "--json", *receive).splitlines():
        message = json.loads(text)
        if "payload" in message:
            at, channel, payload = (message[key] for key in ("seconds", "channel", "payload"))
            lines.append(line("try", float(at), channel, payload))
    return "\n".join(lines) + "\n"


def line(what, *values):
    return " ".join([what, *(json.dumps(value, ensure_ascii=False) for value in values)])


def fleet_file(given):
    """The text of a bundle's fleet file, or of a fleet file."""
    if given.suffix != ".bundle":
        return given.read_text()
    with zipfile.ZipFile(given) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        return archive.read(manifest["fleet"]).decode()
