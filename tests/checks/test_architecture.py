"""ARCHITECTURE.md names files and functions that exist, and answers a newcomer's questions."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
FOLDERS = ("host", "sdk", "plugins", "wit", "tests", "fuzz", "docs", "examples")
PATH = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[^`\s]*)`")
MIN_QUESTIONS = 40


def table(heading):
    """Returns the cells of each row of the first table below a heading."""
    section = TEXT.split(f"{heading}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_path_exists():
    paths = PATH.findall(TEXT)
    assert len(paths) > MIN_QUESTIONS
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_source_file_is_named_from_the_root():
    spans = re.findall(r"`([^`\s]+\.(?:rs|py|js|toml|wit|json))`", TEXT)
    assert [span for span in spans if not span.startswith(FOLDERS)] == []


def test_every_question_has_one_file():
    rows = [row for row in table("## Where is …?") if not row[0].startswith("**")]
    questions = [row[0] for row in rows]
    assert len(questions) >= MIN_QUESTIONS
    assert len(set(questions)) == len(questions)
    for question, answer in rows:
        assert question.endswith("?"), question
        (path,) = PATH.findall(answer)
        assert answer == f"`{path}`", question
        assert (ROOT / path).is_file(), question


def test_every_step_names_a_function_of_its_file():
    rows = table("## One message, from schedule to Parquet")
    assert [row[0] for row in rows] == [
        str(number) for number in range(1, len(rows) + 1)
    ]
    for step, file, function, _ in rows:
        source = (ROOT / file.strip("`")).read_text(encoding="utf-8")
        assert re.search(rf"\bfn {function.strip('`')}\b", source), (
            f"step {step}: {function}"
        )


def test_every_crate_is_listed():
    crates = {f"`host/crates/{path.name}`" for path in (ROOT / "host/crates").iterdir()}
    assert crates <= {row[0] for row in table("## Crates")}
