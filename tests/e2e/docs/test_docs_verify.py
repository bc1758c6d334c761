"""docs/verify.md and docs/replay.md are true, from the first command to the last."""

import re
import subprocess

import duckdb
import pytest

from support.backends.postgres import PASSWORD, Postgres
from support.docs import all_blocks, code_blocks
from support.fleet import BINARY

# What differs from run to run: ids, moments, and numbers that depend on the machine.
DIFFERS = [
    (r"[0-9A-HJKMNP-TV-Z]{26}", "RUN"),
    (r"\d{4}-\d\d-\d\d[ T][\d:.]+", "MOMENT"),
    (r"\d+(\.\d+)? (µs|ms|s)\b", "TIME"),
    (r"\d+(\.\d+)? (B|KiB)\b", "SIZE"),
    (r"[\d.]+/s", "RATE"),
    (r"\d+ bytes a row", "BYTES"),
    (r"\b\d+ workers? (was|were) busy \d+ %", "BUSY"),
    (r"\d+ in events", "EVENTS"),
    (r"─+", "─"),
    (r" +", " "),
]


def masked(text):
    for pattern, word in DIFFERS:
        text = re.sub(pattern, word, text)
    return text


class Page:
    """A page whose blocks run in a folder, in a reader's shell."""

    def __init__(self, fleet, broker):
        self.fleet, self.broker = fleet, broker

    def sh(self, text):
        text = text.replace("127.0.0.1:1883", f"127.0.0.1:{self.broker.port}")
        # The subscriber is there before the next line: its file is, and it heard a word.
        text = text.replace("-p 1883", f"-p {self.broker.port}")
        text = text.replace(
            "received.jsonl &\n",
            "received.jsonl &\n"
            f"until mosquitto_pub -p {self.broker.port} -t site/x -n && [ -s received.jsonl ]; do sleep 0.05; done\n",
        ).replace("kill %1\n", "kill %1; sed -i '/site.x\"/d' received.jsonl\n")
        return subprocess.run(
            ["bash", "-m", "-c", text],
            cwd=self.fleet.folder,
            env=self.fleet.environment | {"PATH": f"{BINARY.parent}:{self.fleet.environment['PATH']}"},
            capture_output=True,
            text=True,
        )

    def follow(self, page, until=None):
        """Runs the blocks; returns the output of each command with the output that the page shows."""
        said, found = None, []
        for kind, text in all_blocks(f"docs/{page}"):
            match kind:
                case "toml":
                    text = text.replace("127.0.0.1:1883", f"127.0.0.1:{self.broker.port}")
                    self.fleet.file.write_text(text)
                case "csv":
                    (self.fleet.folder / "trace.csv").write_text(text)
                case "sh" if "postgres://" not in text:
                    said = self.sh(text)
                    found.append((text, said, None))
                case "text" if said:
                    found[-1] = (*found[-1][:2], text)
        return found


def shown(found):
    return [(said, text) for _, said, text in found if text]


@pytest.fixture
def page(fleet, broker):
    return Page(fleet, broker)


def lines(text):
    return [line.strip() for line in masked(text).splitlines() if line.strip()]


def test_docs_verify_leads_to_the_three_lost_messages(page):
    found = page.follow("verify.md")
    codes = [said.returncode for _, said, _ in found]
    assert codes == [0, 1, 1, 0], [said.stderr for _, said, _ in found]
    (first, clean), (second, spoilt) = shown(found)
    assert lines(first.stdout)[-len(lines(clean)) :] == lines(clean)
    # In between are the messages, which differ with who came first.
    about = lines(second.stdout)
    assert [line for line in about if line in lines(spoilt)] == lines(spoilt), second.stdout


def test_docs_replay_replays_a_log_and_a_file(page):
    found = page.follow("replay.md")
    assert [said.returncode for _, said, _ in found] == [0] * 4, [s.stderr for _, s, _ in found]
    assert "plant: 10 devices, 300 messages" in found[1][1].stdout
    assert "yes: the backend confirmed all 300 messages" in found[1][1].stdout
    assert "check missing == 0         passed (0 of 300)" in found[2][1].stdout
    assert "yes: the backend confirmed all 3 messages" in found[3][1].stdout


def test_docs_verify_reads_the_database(page, tmp_path_factory, closing):
    server = closing(Postgres(tmp_path_factory.mktemp("postgres")))
    found = page.follow("verify.md")
    assert found
    (table,) = code_blocks("docs/verify.md", "sql")
    server.sql("CREATE DATABASE iot")
    server.database = "iot"
    server.sql(table)
    rows = page.fleet.folder / "rows.csv"
    files = page.fleet.folder / "mockfleet-logs/sends/*/*/*.parquet"
    duckdb.sql(
        "COPY (SELECT device_id AS device, payload AS body, sent_at AS received_at "
        f"FROM read_parquet('{files}')) TO '{rows}' (HEADER)"
    )
    server.copy("telemetry", rows)
    (command,) = [text for text in code_blocks("docs/verify.md", "sh") if "postgres://" in text]
    command = command.replace("127.0.0.1:5432", f"127.0.0.1:{server.port}")
    page.fleet.environment |= {"PGPASSWORD": PASSWORD}
    said = page.sh(command)
    assert said.returncode == 0, said.stderr + said.stdout
    assert "check missing == 0 passed (0 of 300)" in masked(said.stdout)
