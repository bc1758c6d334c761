"""Checks folders, rooms, circles of imports and the dependencies of crates."""

import itertools
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rust_imports import ROOTS, Crate, Names
from rust_source import Token, items

PARENTS = ("mod.rs", *ROOTS)
MAX_LINES = 500
TEST_NAME = 60
DEFINITIONS = {
    "struct",
    "enum",
    "union",
    "fn",
    "trait",
    "impl",
    "const",
    "static",
    "type",
    "macro_rules",
}
#: Folders of builds and of packages; those of tools begin with a dot.
SKIPPED = {"target", "node_modules", "dist", "__pycache__"}
PREFIX = "mockfleet-"
Places = list[tuple[str, str]]


def circles(arrows: Iterable[tuple[Any, Any]]) -> list[list[Any]]:
    """Returns the strongly connected groups of two or more nodes, largest first."""
    onward: dict[Any, list[Any]] = defaultdict(list)
    for source, target in sorted(arrows):
        onward[source].append(target)
    order: dict[Any, int] = {}
    low: dict[Any, int] = {}
    stack: list[Any] = []
    found: list[list[Any]] = []

    def visit(node: Any) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for after in onward[node]:
            if after not in order:
                visit(after)
            if after in stack:
                low[node] = min(low[node], low[after])
        if low[node] == order[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for node in list(onward):
        if node not in order:
            visit(node)
    return sorted(found, key=lambda group: (-len(group), group))


def findings(crate: Crate, name: Callable[[Path], str]) -> dict[str, Places]:
    """Returns the places of each rule about the files of one crate."""
    found: dict[str, Places] = defaultdict(list)
    arrows = inner(crate)
    for group in circles(arrows):
        found["circles"].append((name(group[0]), describe(crate, group, arrows)))
    for group in parent_circles(crate):
        parents = [file for file in group if file in parent_files(crate)]
        tied = {
            pair: names
            for pair, names in crate.direct.items()
            if pair[0] in group and pair[1] in parents
        }
        found["parents"].append((name(parents[0]), f"circle of {len(group)} files"))
        found["parent-arrows"] += [
            (
                name(source),
                f"imports {', '.join(sorted(names))} from "
                f"{name(target)}, in a circle of {len(group)} files",
            )
            for (source, target), names in sorted(tied.items())
        ]
    for pair in room_pairs(crate):
        found["rooms"].append((name(crate.folder), pair))
    for folder, entries in folders(crate).items():
        found["entries"].append((name(folder), f"{len(entries)} entries"))
        for group in circles(entry_arrows(crate, folder)):
            found["folders"].append((name(folder), f"{len(group)} entries: {', '.join(group)}"))
    for file in sources(crate.folder, "rs"):
        lines = file.read_text(encoding="utf-8").count("\n")
        if lines > MAX_LINES:
            found["long"].append((name(file), f"{lines} lines"))
    for file, tokens in crate.tokens.items():
        # A plugin is an example for authors, who begin with one file.
        if file.name in ("mod.rs", "lib.rs") and not name(file).startswith("plugins/"):
            defined = definitions(tokens)
            if defined:
                found["parent-items"].append((name(file), f"{len(defined)} items, {defined[0]}"))
    return found


def inner(crate: Crate) -> Names:
    """Returns the arrows between files, re-exports followed, without those to a parent's file."""
    return {
        pair: names
        for pair, names in crate.followed.items()
        if pair[1] not in crate.parents[pair[0]]
    }


def parent_files(crate: Crate) -> set[Path]:
    """Returns the files with modules below them: mod.rs, lib.rs and `x.rs` beside a folder `x`."""
    return set().union(*crate.parents.values())


def parent_circles(crate: Crate) -> list[list[Path]]:
    """Returns the circles through a parent's file; its declarations count as arrows."""
    parents = parent_files(crate)
    return [group for group in circles({**crate.declared, **crate.direct}) if parents & set(group)]


def describe(crate: Crate, group: list[Path], arrows: Names) -> str:
    """Returns a circle in words: its files and the names that tie them."""
    short = {file: file.relative_to(crate.folder).as_posix() for file in group}
    tied = [
        f"{short[source]} -> {short[target]} ({', '.join(sorted(names))})"
        for (source, target), names in sorted(arrows.items())
        if source in short and target in short
    ]
    return f"circle of {len(group)} files ({', '.join(short.values())}): {'; '.join(tied)}"


def entry(file: Path, folder: Path) -> str:
    """Returns the entry of `folder` that `file` is or lies in; nothing for its parent's file."""
    first = file.relative_to(folder).parts
    return "" if len(first) == 1 and first[0] in PARENTS else first[0].removesuffix(".rs")


def entry_arrows(crate: Crate, folder: Path) -> dict[tuple[str, str], set[str]]:
    """Returns the arrows between the entries of a folder, with the names."""
    arrows: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (source, target), names in crate.followed.items():
        if folder in source.parents and folder in target.parents:
            pair = entry(source, folder), entry(target, folder)
            if pair[0] and pair[1] and pair[0] != pair[1]:
                arrows[pair] |= names
    return arrows


def room_pairs(crate: Crate) -> list[str]:
    """Returns the pairs of a crate's rooms with arrows both ways, and longer circles of rooms."""
    arrows = entry_arrows(crate, crate.folder)

    def some(names: set[str]) -> str:
        return ", ".join(sorted(names)[:4])

    found = [
        f"{one} -> {two} ({some(arrows[one, two])}) and {two} -> {one} ({some(arrows[two, one])})"
        for one, two in sorted(arrows)
        if one < two and (two, one) in arrows
    ]
    for group in circles(arrows):
        inside = [pair for pair in arrows if set(pair) <= set(group)]
        if not any(pair[::-1] in arrows for pair in inside):
            found.append(f"circle of rooms: {', '.join(group)}")
    return found


def folders(crate: Crate) -> dict[Path, set[str]]:
    """Returns the entries of each folder: files and folders with code, without tests."""
    found: dict[Path, set[str]] = defaultdict(set)
    for file in crate.tokens:
        if file.name not in PARENTS:
            found[file.parent].add(file.name)
        folder = file.parent
        while folder != crate.folder and crate.folder in folder.parents:
            found[folder.parent].add(folder.name)
            folder = folder.parent
    return dict(sorted(found.items()))


def definitions(tokens: list[Token]) -> list[str]:
    """Returns the items that a parent's file defines itself, as `kind name`."""
    found = []
    for kind, words in items(tokens):
        if kind in DEFINITIONS:
            at = next((i for i, word in enumerate(words) if word.text == kind), 0)
            name = next((w.text for w in words[at + 1 :] if w.kind == "ident"), "")
            found.append(f"first `{kind} {name}`")
    return found


def sources(root: Path, ending: str) -> Iterator[Path]:
    """Yields the files of a kind in a checkout, without those of builds and tools."""
    for entry in sorted(root.iterdir()):
        if entry.name in SKIPPED or entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from sources(entry, ending)
        elif entry.suffix == f".{ending}":
            yield entry


def manifest(folder: Path) -> tuple[str, set[str]]:
    """Returns the short name of a crate and its dependencies, those of tests left out."""
    data = tomllib.loads((folder / "Cargo.toml").read_text(encoding="utf-8"))
    tables = [data, *data.get("target", {}).values()]
    found = set()
    for table in tables:
        for key in ("dependencies", "build-dependencies"):
            for name, value in table.get(key, {}).items():
                found.add(value.get("package", name) if isinstance(value, dict) else name)
    return data["package"]["name"].removeprefix(PREFIX), found


def host_crates(root: Path) -> dict[str, tuple[Path, set[str]]]:
    """Returns folder and dependencies of the host's crates; nothing before there are several."""
    parts = [file.parent for file in sorted(root.glob("host/crates/*/Cargo.toml"))]
    found = {}
    for folder in [root / "host", *parts] if parts else []:
        name, needed = manifest(folder)
        found[name] = folder, needed
    return found


def order_breaches(root: Path, order: dict[str, list[str]]) -> Places:
    """Returns the dependencies of crates that the map does not allow."""
    found: Places = []
    ranks = {name: rank for rank, name in enumerate(order)}
    for name, below in order.items():
        found += [
            ("house.toml", f"{name} may use {other}, which is not above it")
            for other in below
            if ranks.get(other, len(ranks)) >= ranks[name]
        ]
    for name, (folder, needed) in host_crates(root).items():
        where = (folder / "Cargo.toml").relative_to(root).as_posix()
        if name not in order:
            found.append((where, f"house.toml has no place for the crate {name}"))
            continue
        for other in sorted(needed):
            short = other.removeprefix(PREFIX)
            if (other.startswith(PREFIX) or other == "mockfleet") and short not in order[name]:
                found.append((where, f"{name} must not depend on {short}"))
    return found


def strays(root: Path, homes: dict[str, list[str]], crates: list[Crate]) -> Places:
    """Returns the crates, and files of the home crates, that use a library outside of its home."""
    found: Places = []
    parts = host_crates(root)
    for library, places in homes.items():
        allowed = {place.split("/")[0] for place in places}
        if not parts or not allowed <= parts.keys():
            continue
        for name, (folder, needed) in parts.items():
            where = (folder / "Cargo.toml").relative_to(root).as_posix()
            if library in needed and name not in allowed:
                found.append((where, f"{library} belongs to {', '.join(places)}"))
        for crate in crates:
            home = next((n for n in allowed if parts[n][0] == crate.folder.parent), None)
            if home and home not in places:
                found += outside(root, crate, library, home, places)
    return found


def outside(root: Path, crate: Crate, library: str, name: str, places: list[str]) -> Places:
    """Returns the files of a home crate that use the library and are not in its places."""
    word = library.replace("-", "_")
    inside = [place.removeprefix(f"{name}/") for place in places if place.startswith(f"{name}/")]
    found = []
    for file, tokens in crate.tokens.items():
        below = file.relative_to(crate.folder).as_posix()
        used = any(a.text == word and b.text == "::" for a, b in itertools.pairwise(tokens))
        if used and not any(below.startswith((f"{place}/", f"{place}.rs")) for place in inside):
            found.append(
                (file.relative_to(root).as_posix(), f"{library} belongs to {', '.join(places)}")
            )
    return found
