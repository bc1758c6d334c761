"""`mockfleet report` writes a run as one page, which loads nothing.

A real browser shows it in the light and the dark theme.
"""

import functools
import html
import json
import re

import pytest

from support.backends.s3 import Moto
from support.backends.server import Answer
from support.browser import look
from support.fleet import ROOT

# What stands in a fleet file or in its environment, and never in a log or a page.
SECRET, TOKEN = "hunter2-in-the-file", "s3cret-of-the-environment"


# Letters, the line of the rate that was reached, the area of what failed: in light, in dark.
INKS = (
    [(0x1A, 0x23, 0x30), (0x25, 0x63, 0xEB), (0xD6, 0x45, 0x45)],
    [(0xE6, 0xEB, 0xF2), (0x6E, 0xA0, 0xFF), (0xF0, 0x6A, 0x6A)],
)


@pytest.fixture
def report(mockfleet):
    """Runs `mockfleet report …`."""
    return functools.partial(mockfleet, "report")


@pytest.fixture
def troubled(fleet, serve):
    """A run in which one device's messages are refused, with a check that this breaks and
    secrets in the file."""
    server = serve(answer=lambda request: Answer(status=503 if "00003" in request.path else 204))
    headers = {"authorization": "Bearer ${API_TOKEN}", "x-api-key": SECRET, "X-Custom": SECRET}
    fleet.environment["API_TOKEN"] = TOKEN
    fleet.server(server.url, headers=headers).group("<b>odd & 'co'", count=5, every="200ms")
    fleet.set(checks={"fleet": ["failed == 0", "lag.p99 <= 10s"]})
    return fleet.run("--set", "groups.\"<b>odd & 'co'\".devices-per-cell=1", duration="3s", expect=1)


def test_browser_shows_the_page_in_both_themes_without_requests(fleet, troubled, report, tmp_path):
    said = report("logs")
    run = troubled.summary["run"]
    assert re.fullmatch(rf"report\.html: run {run}, .* rows, read in .* s", said.stdout)
    page = fleet.folder / "report.html"
    grounds = []
    for dark in (False, True):
        seen = look(page, tmp_path / f"dark-{dark}", dark=dark)
        # What it says.
        text = html.unescape(seen.text)
        for words in (
            "test failed",
            "seed 42",
            run,
            "no: 15 of 75 messages did not",
            "failed fleet failed == 0 15 of 75 messages",
            "passed fleet lag.p99 <= 10s",
            "503",
            "<b>odd & 'co'-00003",
            "mockfleet run fleet.toml --set 'groups.\"<b>odd & '\\''co'\\''\".devices-per-cell=1'",
            "--duration 3s --seed 42",
            'authorization = "Bearer ${API_TOKEN}"',
        ):
            assert words in text, (words, text)
        # What it shows: a ground, and on it letters, a line and the area of what failed.
        colours = seen.colours()
        ground = max(colours, key=colours.get)
        grounds.append(sum(ground))
        assert colours[ground] > 100_000 and len(colours) > 200
        for ink in INKS[dark]:
            assert colours.get(ink, 0) > 200, (ink, dark)
        charts = set(re.findall(r'<figure class="chart" id="(\w+)"', seen.html))
        assert charts == {"rate", "latency", "lag", "outcomes"}
        assert seen.requests == [], "and it asks for nothing"
    assert grounds[0] > 600 and grounds[1] < 200, "light, and dark"
    # The only addresses in it are those of the fleet file and its targets.
    assert re.findall(r'(?:src|href|action)\s*=', page.read_text()) == []


def test_a_request_of_a_page_would_be_detected(serve, tmp_path):
    """Without this, the test above could pass for a page that loads files."""
    server = serve()
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><img src='{server.url}/x.png'>")
    seen = look(page, tmp_path / "browser", height=200)
    assert seen.requests == [f"{server.url}/x.png"]


def test_secrets_are_absent_from_log_and_page(fleet, troubled, report):
    report("logs")
    (note,) = fleet.store.glob("runs/*.json")
    for file in (note, fleet.folder / "report.html"):
        text = file.read_text()
        assert "API_TOKEN" in text, "the reference is there"
        assert SECRET not in text and TOKEN not in text, file
    about = json.loads(note.read_text())
    assert about["run"] == troubled.summary["run"] and about["success"] is False
    assert about["summary"] == troubled.summary
    (group,) = about["groups"]
    assert group["plugin"].startswith("thermometer@") and len(group["sha256"]) == 64


def figures(page):
    """The data of the page's charts, by chart."""
    data = re.search(r'id="data">(.*?)</script>', page.read_text()).group(1)
    return {chart["id"]: chart["series"] for chart in json.loads(data)["charts"]}


def test_page_figures_match_the_rows(fleet, troubled, report):
    report("logs", "-o", "page.html")
    page = fleet.folder / "page.html"
    log, charts = troubled.log, figures(page)
    width = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text()).group(1))["width"]
    # All moments but the last are full: their rates are messages by moment.
    wanted = log.rows(
        f"""SELECT (epoch_us(scheduled_at) - (SELECT min(first) FROM (
                SELECT epoch_us(scheduled_at) AS first FROM sends UNION ALL
                SELECT epoch_us("at") FROM events))) // {width} AS moment,
            count(*), count(*) FILTER (outcome = 'acked'), count(*) FILTER (outcome = 'failed'),
            max(latency_us) FROM sends GROUP BY moment ORDER BY moment"""
    )
    asked, (failed, acked) = charts["rate"][0], charts["outcomes"]
    assert len(wanted) >= 5
    for moment, due, confirmed, lost, slowest in wanted[:-1]:
        per_second = 1e6 / width
        assert asked[moment] == pytest.approx(due * per_second, abs=0.1)
        assert acked[moment] == pytest.approx(confirmed * per_second, abs=0.1)
        assert failed[moment] == pytest.approx(lost * per_second, abs=0.1)
        # p99 of a handful is the largest, to two digits.
        p99 = charts["latency"][0][moment]
        assert p99 == pytest.approx(slowest, rel=0.01) if slowest else p99 is None


def test_page_of_a_killed_run_says_that_it_has_no_end(fleet, broker, report):
    fleet.broker(broker.url, qos=1).group(count=5, every="50ms").set(seed=7)
    process = fleet.start("--duration", "1h")
    process.wait_for_line('"event":"progress"', of="out")
    process.kill()
    refused = report("logs", expect=2)
    assert "there is no run in logs" in refused.stderr and "logs recover" in refused.stderr
    recovered = fleet.mockfleet("logs", "recover", "logs")
    assert recovered.finish() == 0
    report("logs")
    text = html.unescape((fleet.folder / "report.html").read_text())
    assert "without an end" in text and "the run was killed, or is still active" in text
    assert "mockfleet run fleet.toml --duration 1h --seed 7" in text


def test_report_shows_the_last_run_unless_another_is_named(fleet, broker, report):
    fleet.broker(broker.url).group(count=2, every="100ms")
    first, second = (fleet.run(duration="500ms").summary["run"] for _ in range(2))
    assert second in report("logs", "-o", "-").stdout
    assert f"run {first}" in report("logs", "--run", first).stdout
    process = report("logs", "--run", first[:-1] + "x", expect=2)
    assert process.err[0].startswith("--run: there is no run ")
    process = report("logs", "-o", "nowhere/x.html", expect=2)
    assert process.err[0].startswith("--output: nowhere/x.html cannot be written: ")
    assert report("elsewhere", expect=2).err[0].startswith("LOG: ")
    # A log without notes, such as an older one, has a page all the same.
    for note in fleet.store.glob("runs/*"):
        note.unlink()
    assert "no verdict" in report("logs", "-o", "-").stdout


def test_run_note_is_deleted_with_the_last_rows_of_its_run(fleet, broker, report):
    fleet.broker(broker.url).group(count=2, every="100ms")
    run = fleet.run(duration="300ms").summary["run"]
    (note,) = fleet.store.glob(f"runs/*-{run}.json")
    stranger = note.with_name("mine.json")
    stranger.write_text("{}")
    prune = ["logs", "prune", "--older-than", "0s", "--yes", "logs"]
    assert fleet.mockfleet(*prune).finish() == 0
    assert note.exists(), "the hour of its rows is not over"
    # The same rows, of days long gone.
    for table in ("sends", "events"):
        (day,) = fleet.store.glob(f"{table}/dt=*")
        day.rename(day.with_name("dt=2026-01-17"))
    assert fleet.mockfleet(*prune).finish() == 0
    assert not note.exists() and stranger.exists()


def test_page_of_a_bucket_equals_the_page_of_the_folder(fleet, broker, report, tmp_path):
    bucket = Moto(tmp_path / "s3")
    try:
        bucket.start()
        fleet.environment |= bucket.environment()
        fleet.broker(broker.url, qos=1).group(count=3, every="100ms")
        url = f"s3://{bucket.bucket}/logs"
        run = fleet.run("--log", url, duration="1s").summary["run"]
        report(url)
    finally:
        bucket.close()
    text = html.unescape((fleet.folder / "report.html").read_text())
    assert run in text and "passed" in text and "yes: the backend confirmed all 30 messages" in text


def test_pictures_of_docs_verdicts_are_in_the_repository():
    page = (ROOT / "docs/verdicts.md").read_text()
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", page):
        assert (ROOT / "docs" / picture).stat().st_size > 10_000
