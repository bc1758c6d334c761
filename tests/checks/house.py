#!/usr/bin/env python3
"""Checks how the Rust sources are laid out, named and described.

    house.py             prints the counts as a table, with the worst places below it
    house.py --verbose   lists every place
    house.py --check     prints each breach of a limit, and exits with 1 after a breach
    --root FOLDER        checks another checkout
    --under PATH         counts and lists the files below a folder only, such as host/src/cli

house.toml beside this file has the order of the crates, the homes of libraries and the
names that are no longer used.
"""

import argparse
import signal
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import layout
import prose
from rules import rules
from rust_imports import read_crate

#: How many places of each rule are listed without `--verbose`.
WORST = 5
OTHER_TEXTS = {
    "texts": "texts of the program",
    "help": "doc comments of the command line",
    "pages": "docs/ and README",
}


def crate_folders(root: Path) -> list[Path]:
    """Returns the folders of the crates that are checked."""
    found = [root / "host", *sorted(root.glob("host/crates/*"))]
    found += [root / "sdk/datafile", root / "sdk/rust"]
    found += sorted(root.glob("plugins/*"))
    return [folder for folder in found if (folder / "src").is_dir()]


def size(place: tuple[str, str]) -> int:
    """Returns the number that the problem of a place begins with."""
    return int(place[1].split()[0])


class House:
    """A checkout, read once, with the results of each rule."""

    def __init__(self, root: Path, table: dict[str, Any], under: str = "") -> None:
        self.root = root
        self.under = under
        self.table = table
        self.rules = rules()
        self.crates = {
            self.name(folder): read_crate(folder / "src") for folder in crate_folders(root)
        }
        self.docs: dict[str, prose.Count] = {}
        self.other: dict[str, prose.Count] = {}

    def name(self, path: Path) -> str:
        """Returns the path below the root."""
        return path.relative_to(self.root).as_posix()

    def is_under(self, place: tuple[str, str]) -> bool:
        """Returns whether a place is in the part of the checkout that is to be checked."""
        return place[0].startswith(self.under)

    def measure(self) -> None:
        """Applies every rule."""
        self.measure_layout()
        breaches = layout.order_breaches(self.root, self.table["order"])
        strays = layout.strays(self.root, self.table["homes"], list(self.crates.values()))
        self.rules["order"].count([*filter(self.is_under, breaches)])
        self.rules["homes"].count([*filter(self.is_under, strays)])
        self.measure_prose()
        self.measure_names()

    def measure_layout(self) -> None:
        """Applies the rules of circles and folders."""
        found: dict[str, layout.Places] = defaultdict(list)
        for crate in self.crates.values():
            for key, places in layout.findings(crate, self.name).items():
                found[key] += filter(self.is_under, places)
        for key in ("circles", "parents", "rooms", "folders", "long", "parent-items"):
            self.rules[key].count(found[key])
        self.rules["parents"].places = found["parent-arrows"]
        entries, items = self.rules["entries"], self.rules["parent-items"]
        entries.value = max(map(size, found["entries"]), default=0)
        full = [place for place in found["entries"] if size(place) > (entries.limit or 0)]
        entries.places = sorted(full, key=size, reverse=True)
        items.places.sort(key=size, reverse=True)

    def measure_prose(self) -> None:
        """Applies the rules of words and beginnings."""
        program, help_texts = prose.Count(), prose.Count()
        for folder, crate in self.crates.items():
            count = self.docs[folder] = prose.Count()
            for file, tokens in crate.tokens.items():
                name = self.name(file)
                if not name.startswith(self.under):
                    continue
                docs = prose.doc_count(tokens, name)
                count.join(docs)
                in_cli = name.startswith("host/src/cli/")
                if in_cli:
                    help_texts.join(docs)
                if folder.startswith("host"):
                    least = prose.CLI_TEXT_WORDS if in_cli else prose.TEXT_WORDS
                    for line, text in prose.texts(tokens, least):
                        program.add(text, name)
                        if prose.BAD_PHRASE.search(text):
                            self.place("phrases", f"{name}:{line}", f'"{prose.shorten(text)}"')
                problem = prose.first_line_problem(tokens)
                if problem:
                    self.place("first-lines", name, problem)
                for line, text in prose.bad_doc_starts(tokens):
                    self.place("doc-starts", f"{name}:{line}", f'"{text}"')
        pages = [*sorted((self.root / "docs").rglob("*.md")), self.root / "README.md"]
        page_texts = prose.page_count([page for page in pages if page.is_file()], self.root)
        self.docs = {name: count for name, count in self.docs.items() if count.words}
        self.other = {"texts": program, "help": help_texts, "pages": page_texts}
        for key, count in self.other.items():
            self.rate(key, "what", {key: count})
        for key, kind in zip(("docs", "say", "many", "lie"), prose.COUNTED, strict=True):
            self.rate(key, kind, self.docs)

    def rate(self, key: str, kind: str, counts: dict[str, prose.Count]) -> None:
        """Sets the value to the highest rate of the bodies of text, and lists their files."""
        rule = self.rules[key]
        rule.value = max(
            (count.hits[kind] * 1000 / max(count.words, 1000) for count in counts.values()),
            default=0,
        )
        places: list[tuple[int, str, str]] = []
        for count in counts.values():
            if rule.limit is None or count.breaks(kind, rule.limit):
                places += [
                    (file.hits[kind], name, f"{file.hits[kind]} in {file.words:,} words")
                    for name, file in count.files.items()
                    if file.hits[kind]
                ]
        places.sort(key=lambda place: (-place[0], place[1]))
        rule.places = [(name, text) for _, name, text in places]

    def place(self, key: str, where: str, problem: str) -> None:
        """Adds a place to a rule that counts its places."""
        if self.is_under((where, problem)):
            self.rules[key].count([*self.rules[key].places, (where, problem)])

    def measure_names(self) -> None:
        """Applies the rules of names to tests, types, modules and constructors."""
        for folder, crate in self.crates.items():
            old = self.table["names"][folder.split("/")[0]]
            for file, tokens in crate.tokens.items():
                for line, kind, name in prose.defined_names(tokens):
                    where = f"{self.name(file)}:{line}"
                    if kind == "functions" and name == "of":
                        self.place("of", where, "`of`")
                    elif name in old.get(kind, ()):
                        self.place("names", where, f"`{name}`")
        found: list[tuple[int, str, str]] = []
        sources: list[tuple[str, Callable[[Path], list[tuple[int, str]]]]] = [
            ("rs", prose.rust_tests),
            ("py", prose.python_tests),
        ]
        for ending, read in sources:
            for file in layout.sources(self.root, ending):
                if not self.name(file).startswith(self.under):
                    continue
                found += [
                    (len(name), f"{self.name(file)}:{line}", f"{len(name)}: {name}")
                    for line, name in read(file)
                    if len(name) > layout.TEST_NAME
                ]
        self.rules["tests"].count([place[1:] for place in sorted(found, key=lambda f: -f[0])])


def row(*cells: object) -> None:
    """Prints one row of a Markdown table."""
    print(f"| {' | '.join(map(str, cells))} |")


def show(house: House, verbose: bool) -> None:
    """Prints the counts as Markdown."""
    row("rule", "count", "limit")
    row(*["---"] * 3)
    for rule in house.rules.values():
        limit = "" if rule.limit is None else f"{rule.limit:g}"
        row(
            rule.heading,
            f"{rule.value:.3g} {rule.unit}".rstrip(),
            f"{limit}, broken" if rule.is_broken() else limit,
        )
    print()
    row("text", "words", *prose.COUNTED)
    row(*["---"] * (2 + len(prose.COUNTED)))
    whole = prose.Count()
    for count in house.docs.values():
        whole.join(count)
    bodies = {f"doc comments of {name}": count for name, count in house.docs.items()}
    bodies["all doc comments"] = whole
    bodies |= {OTHER_TEXTS[key]: count for key, count in house.other.items()}
    for name, count in bodies.items():
        row(name, count.words, *(f"{count.rate(kind):.1f}" for kind in prose.COUNTED))
    for rule in house.rules.values():
        if rule.places:
            print(f"\n### {rule.heading}: {rule.reason}")
            shown = rule.places if verbose else rule.places[:WORST]
            for where, problem in shown:
                print(f"- {where}: {problem}")
            if len(shown) < len(rule.places):
                print(f"- and {len(rule.places) - len(shown)} more (`--verbose`)")


def main() -> int:
    """Runs the check; returns the exit code."""
    # A reader such as `head` may close the pipe early.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=here.parents[1])
    parser.add_argument("--check", action="store_true", help="exit with 1 where a limit is broken")
    parser.add_argument("--verbose", action="store_true", help="list every place")
    parser.add_argument("--under", default="", metavar="PATH", help="only files below PATH")
    arguments = parser.parse_args()
    table = tomllib.loads((here / "house.toml").read_text(encoding="utf-8"))
    house = House(arguments.root.resolve(), table, arguments.under)
    house.measure()
    if not arguments.check:
        show(house, arguments.verbose)
        return 0
    broken = [rule for rule in house.rules.values() if rule.is_broken()]
    for rule in broken:
        print(f"{rule.heading}: {rule.value:.3g}, limit {rule.limit:g} ({rule.reason})")
        for where, problem in rule.places:
            print(f"  {where}: {problem}; {rule.way_out}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
