"""Counts words in doc comments, messages and pages, and checks how sentences begin."""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rust_source import Token, attribute_at, docs, tokenize

COUNTED = {
    "what": re.compile(r"\bwhat\b", re.IGNORECASE),
    "say/tell/ask/hear": re.compile(
        r"\b(say|says|said|tell|tells|told|ask|asks|asked|hear|hears|heard)\b", re.IGNORECASE
    ),
    "so many/whoever/nobody": re.compile(r"\b(so many|whoever|nobody)\b", re.IGNORECASE),
    "lie/stand/come/become": re.compile(
        r"\b(lie|lies|stand|stands|come|comes|become|becomes)\b", re.IGNORECASE
    ),
}
CODE_BLOCK = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.DOTALL | re.MULTILINE)
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
BAD_FIRST_LINE = {"what", "whoever", "where", "who", "how"}
BAD_DOC_START = {"what", "whoever", "where"}
#: Phrases of the old texts that a reader of a message cannot search for.
BAD_PHRASE = re.compile(r"\b(what of|what became of|whoever|so many)\b", re.IGNORECASE)
FIRST_LINE_WORDS = 12
#: A shorter string is a word of a format or a key, no sentence.
TEXT_WORDS = 4
CLI_TEXT_WORDS = 2


@dataclass
class Count:
    """The words of a body of text, and how many of them are of each counted kind."""

    words: int = 0
    hits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    files: dict[str, "Count"] = field(default_factory=dict)

    def add(self, text: str, file: str = "") -> None:
        """Adds a text, and counts it for its file too."""
        self.words += len(text.split())
        for kind, pattern in COUNTED.items():
            self.hits[kind] += len(pattern.findall(text))
        if file:
            self.files.setdefault(file, Count()).add(text)

    def join(self, other: "Count") -> None:
        """Adds the counts of another body of text."""
        self.words += other.words
        for kind in COUNTED:
            self.hits[kind] += other.hits[kind]
        self.files |= other.files

    def rate(self, kind: str) -> float:
        """Returns the hits per 1,000 words."""
        return 1000 * self.hits[kind] / self.words if self.words else 0.0

    def breaks(self, kind: str, limit: float) -> bool:
        """Returns whether the rate is above the limit; a text of few words counts as 1,000."""
        return 1000 * self.hits[kind] > limit * max(self.words, 1000)


def first_word(text: str) -> str:
    """Returns the first word in lower case."""
    match = re.match(r"\W*(\w+)", text)
    return match[1].lower() if match else ""


def first_line(tokens: list[Token]) -> str | None:
    """Returns the first sentence of a module's doc; nothing where it has none."""
    for kind, _, lines in docs(tokens):
        if kind == "inner":
            paragraph: list[str] = []
            for line in lines:
                if not line.strip():
                    break
                paragraph.append(line.strip())
            text = " ".join(paragraph)
            end = re.search(r"\.(?=\s|$)", text)
            return text[: end.start()] if end else text
    return None


def first_line_problem(tokens: list[Token]) -> str | None:
    """Returns the fault of a module's first line, if it has one."""
    line = first_line(tokens)
    if line is None:
        return "no module doc (`//!`)"
    if first_word(line) in BAD_FIRST_LINE:
        return f'the first line begins with "{line.split()[0]}": {shorten(line)}'
    words = len(line.split())
    if words > FIRST_LINE_WORDS:
        return f"the first line has {words} words: {shorten(line)}"
    return None


def shorten(text: str, length: int = 90) -> str:
    """Returns the text in one line of at most `length` characters."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def bad_doc_starts(tokens: list[Token]) -> list[tuple[int, str]]:
    """Returns line and text of doc comments on items that begin with a relative clause."""
    return [
        (line, shorten(" ".join(lines)))
        for kind, line, lines in docs(tokens)
        if kind == "outer" and first_word(lines[0]) in BAD_DOC_START
    ]


def doc_count(tokens: list[Token], file: str) -> Count:
    """Counts the doc comments of a file."""
    count = Count()
    for _, _, lines in docs(tokens):
        count.add("\n".join(lines), file)
    return count


def texts(tokens: list[Token], least: int) -> list[tuple[int, str]]:
    """Returns line and text of the string literals with at least so many words."""
    found = []
    for token in tokens:
        if token.kind == "string":
            text = PLACEHOLDER.sub(" ", token.text)
            if len(re.findall(r"[^\W\d_]+", text)) >= least:
                found.append((token.line, text))
    return found


def page_count(pages: Iterable[Path], root: Path) -> Count:
    """Counts the pages of the documentation without their code blocks."""
    count = Count()
    for page in pages:
        text = CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))
        count.add(text, str(page.relative_to(root)))
    return count


def rust_tests(file: Path) -> list[tuple[int, str]]:
    """Returns line and name of the test functions in a Rust file."""
    tokens = tokenize(file.read_text(encoding="utf-8"))
    found = []
    at = 0
    while at < len(tokens):
        end = attribute_at(tokens, at)
        if end == at:
            at += 1
            continue
        if tokens[end - 2].text == "test" and "cfg" not in {t.text for t in tokens[at:end]}:
            after = end
            while after < len(tokens) and tokens[after].text != "fn":
                after += 1
            if after + 1 < len(tokens):
                found.append((tokens[after + 1].line, tokens[after + 1].text))
        at = end
    return found


def python_tests(file: Path) -> list[tuple[int, str]]:
    """Returns line and name of the test functions in a Python file."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [
        (number, match[1])
        for number, line in enumerate(lines, 1)
        if (match := re.match(r"\s*(?:async )?def (test_\w+)", line))
    ]


def defined_names(tokens: list[Token]) -> list[tuple[int, str, str]]:
    """Returns line, kind (types, modules or functions) and name of each definition."""
    kinds = {
        "struct": "types",
        "enum": "types",
        "trait": "types",
        "type": "types",
        "union": "types",
        "mod": "modules",
        "fn": "functions",
    }
    return [
        (name.line, kinds[word.text], name.text)
        for word, name in itertools.pairwise(tokens)
        if word.kind == name.kind == "ident" and word.text in kinds
    ]
