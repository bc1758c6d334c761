"""Opens a local page in Chromium and returns its text, picture and requests."""

import json
import re
import subprocess
from dataclasses import dataclass

from PIL import Image

from support.wait import PATIENCE

# Nothing but the page: no first-run pages, no updates, no services of the browser's maker.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # What it asks its maker for all the same gets nowhere.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--hide-scrollbars",
    "--virtual-time-budget=2000",
)


@dataclass
class Seen:
    """A page as the browser shows it."""

    # Its HTML after its scripts ran.
    html: str
    picture: Image.Image
    # URLs that the page asked for; what the browser wants for itself is not in it.
    requests: list

    def colours(self):
        """The colours of the picture with their numbers of pixels."""
        return {colour: n for n, colour in self.picture.getcolors(maxcolors=1 << 24)}

    @property
    def text(self):
        """The readable text, without tags and scripts."""
        body = re.sub(r"<(script|style).*?</\1>", " ", self.html, flags=re.DOTALL)
        return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", body))


def look(page, folder, *, dark=False, width=1200, height=2400):
    """Opens a file in chromium."""
    folder.mkdir(parents=True, exist_ok=True)
    log, picture = folder / "net.json", folder / "page.png"
    command = [
        "chromium",
        *FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        f"--window-size={width},{height}",
        f"--log-net-log={log}",
        f"--screenshot={picture}",
        "--dump-dom",
        page.absolute().as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE * 3, check=True)
    picture = Image.open(picture).convert("RGB")
    return Seen(done.stdout.decode(), picture, requests(log.read_text()))


def requests(log):
    """The URLs of a net log that the page requested. The list of a browser that was killed may be
    unclosed."""
    try:
        events = json.loads(log)["events"]
    except json.JSONDecodeError:
        events = json.loads(log.rstrip().rstrip(",") + "]}")["events"]
    asked = (event["params"] for event in events if "initiator" in event.get("params", {}))
    return sorted({params["url"] for params in asked if params["initiator"] != "not an origin"})
