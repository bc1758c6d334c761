"""Finds which Rust file imports which."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rust_source import (
    Token,
    attribute_at,
    match_end,
    tokenize,
    use_tree,
    without_tests,
)

ROOTS = ("lib.rs", "main.rs")
#: Longest chain of re-exports that is followed; a longer one is a circle of re-exports.
MAX_HOPS = 12
Names = dict[tuple[Path, Path], set[str]]


@dataclass
class Module:
    """A module of a crate: its file, its children and every path that its code names."""

    path: tuple[str, ...]
    file: Path
    parent: "Module | None" = None
    children: dict[str, "Module"] = field(default_factory=dict)
    uses: dict[str, list[str]] = field(default_factory=dict)
    public: set[str] = field(default_factory=set)
    globs: list[tuple[list[str], bool]] = field(default_factory=list)
    paths: list[tuple[list[str], str]] = field(default_factory=list)
    items: set[str] = field(default_factory=set)

    def all(self) -> Iterator["Module"]:
        """Yields this module and all below it."""
        yield self
        for child in self.children.values():
            yield from child.all()

    def root(self) -> "Module":
        """Returns the crate's root module."""
        return self.parent.root() if self.parent else self


@dataclass
class Target:
    """A resolved path: module and item of its origin, and of its first re-export before that."""

    module: Module
    item: str | None
    first: Module
    first_item: str | None


@dataclass
class Crate:
    """The files of a crate, its modules, and the arrows between files.

    `direct` ends at the file that a path names, `followed` at the one behind its re-exports;
    `declared` are the re-exports and declarations of children by their parent's file.
    """

    folder: Path
    modules: list[Module]
    direct: Names = field(default_factory=lambda: defaultdict(set))
    followed: Names = field(default_factory=lambda: defaultdict(set))
    declared: Names = field(default_factory=lambda: defaultdict(set))
    parents: dict[Path, set[Path]] = field(default_factory=lambda: defaultdict(set))
    tokens: dict[Path, list[Token]] = field(default_factory=dict)


DEFINING = {"struct", "enum", "fn", "trait", "type", "const", "static", "union", "macro_rules"}


class Reader:
    """Reads the modules of a crate from its root file."""

    def __init__(self) -> None:
        self.tokens: dict[Path, list[Token]] = {}

    def read(self, file: Path, parent: Module | None, name: str) -> Module:
        """Reads the module in `file` and its children."""
        path = (*parent.path, name) if parent else ()
        module = Module(path, file, parent)
        tokens = without_tests(tokenize(file.read_text(encoding="utf-8")))
        self.tokens[file] = tokens
        below = file.parent if file.name in ("mod.rs", *ROOTS) else file.parent / file.stem
        self.walk(module, tokens, below)
        return module

    def walk(self, module: Module, tokens: list[Token], below: Path) -> None:
        """Collects the paths, imports and children in the code of one module."""
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.kind != "ident":
                end = attribute_at(tokens, at)
                if end != at and tokens[at + 2].text == "path":
                    at = end
                else:
                    at += 1
            elif token.text == "mod" and is_ident(tokens, at + 1):
                at = self.child(module, tokens, at, below)
            elif token.text == "use" and text_at(tokens, at + 1) != "<":
                end = next((i for i in range(at, len(tokens)) if tokens[i].text == ";"), at)
                public = visibility(tokens, at)
                for names, alias in use_tree(tokens[at + 1 : end]):
                    add_use(module, names, alias, public)
                at = end + 1
            elif text_at(tokens, at + 1) == "::":
                at = add_path(module, tokens, at)
            else:
                if token.text in DEFINING and is_ident(tokens, at + 1):
                    module.items.add(tokens[at + 1].text)
                at += 1

    def child(self, module: Module, tokens: list[Token], at: int, below: Path) -> int:
        """Adds the child module declared at `at`; returns the end of the declaration."""
        name = tokens[at + 1].text
        if text_at(tokens, at + 2) == "{":
            end = match_end(tokens, at + 2)
            child = Module((*module.path, name), module.file, module)
            module.children[name] = child
            self.walk(child, tokens[at + 3 : end - 1], below / name)
            return end
        for file in (below / f"{name}.rs", below / name / "mod.rs"):
            if file.is_file():
                module.children[name] = self.read(file, module, name)
        return at + 2


def text_at(tokens: list[Token], at: int) -> str:
    """Returns the text of the token at `at`; nothing past the end."""
    return tokens[at].text if at < len(tokens) else ""


def is_ident(tokens: list[Token], at: int) -> bool:
    """Returns whether the token at `at` is an identifier."""
    return at < len(tokens) and tokens[at].kind == "ident"


def visibility(tokens: list[Token], at: int) -> bool:
    """Returns whether `pub` of any reach precedes the token at `at`."""
    before = at - 1
    if before >= 0 and tokens[before].text == ")":
        while before >= 0 and tokens[before].text != "(":
            before -= 1
        before -= 1
    return before >= 0 and tokens[before].text == "pub"


def add_use(module: Module, names: list[str], alias: str, public: bool) -> None:
    """Adds one import of a module."""
    if alias == "*":
        module.globs.append((names[:-1], public))
        return
    if alias != "_":
        module.uses[alias] = names
    if public:
        module.public.add(alias)
    module.paths.append((names, "reexport" if public else "use"))


def add_path(module: Module, tokens: list[Token], at: int) -> int:
    """Adds the path at `at` where it may begin at a module; returns its end."""
    starts = at == 0 or tokens[at - 1].text not in ("::", ".")
    names = [tokens[at].text]
    # `pub(in crate::run)` names a reach and imports nothing.
    reach = at > 1 and tokens[at - 1].text == "in" and tokens[at - 2].text == "("
    at += 1
    while text_at(tokens, at) == "::" and is_ident(tokens, at + 1):
        names.append(tokens[at + 1].text)
        at += 2
    # The crate's root names an exported macro, in whichever file it is.
    is_call = text_at(tokens, at) == "!" and text_at(tokens, at + 1) != "="
    macro = is_call and len(names) == 2 and names[0] == "crate"
    if starts and not reach and not macro and len(names) > 1:
        module.paths.append((names, "path"))
    return at


def resolve(module: Module, names: list[str], hops: int = 0) -> Target | None:
    """Resolves a path as written in `module`; returns nothing for other crates' and local names."""
    at, here = 1, module
    if names[0] == "crate":
        here = module.root()
    elif names[0] in ("self", "super"):
        here = module if names[0] == "self" else module.parent or module
        while at < len(names) and names[at] == "super":
            here, at = here.parent or here, at + 1
    elif names[0] in module.children:
        at = 0
    elif names[0] in module.uses and hops < MAX_HOPS and module.uses[names[0]] != names:
        alias = resolve(module, module.uses[names[0]], hops + 1)
        # Only modules lead on; the path of an item counts once, where it is imported.
        if not alias or alias.item:
            return None
        here = alias.module
    else:
        return None
    while at < len(names) and names[at] in here.children:
        here, at = here.children[names[at]], at + 1
    if at == len(names):
        return Target(here, None, here, None)
    item = names[at]
    end = Target(here, item, here, item)
    imported = item in here.uses or item not in here.items
    if here is not module and imported and hops < MAX_HOPS:
        behind = follow(here, item, names[at + 1 :], hops)
        if behind:
            end = Target(behind.module, behind.item, here, item)
    return end


def follow(module: Module, item: str, rest: list[str], hops: int) -> Target | None:
    """Returns the origin of an item that `module` imports, by its name or by a glob."""
    if item in module.uses:
        return resolve(module, [*module.uses[item], *rest], hops + 1)
    for names, _ in module.globs:
        source = resolve(module, names, hops + 1)
        if source and not source.item and source.module is not module:
            if item in source.module.items:
                return Target(source.module, item, source.module, item)
            behind = follow(source.module, item, rest, hops + 1) if hops < MAX_HOPS else None
            if behind:
                return behind
    return None


def read_crate(folder: Path) -> Crate:
    """Reads the crate with its sources in `folder` and all arrows between its files."""
    reader = Reader()
    modules: list[Module] = []
    for name in ROOTS:
        if (folder / name).is_file():
            modules.extend(reader.read(folder / name, None, name).all())
    crate = Crate(folder, modules, tokens=reader.tokens)
    for module in modules:
        above = module.parent
        if above and above.file != module.file:
            crate.declared[above.file, module.file].add("mod " + module.path[-1])
        while above:
            if above.file != module.file:
                crate.parents[module.file].add(above.file)
            above = above.parent
    for module in modules:
        add_arrows(crate, module)
    return crate


def add_arrows(crate: Crate, module: Module) -> None:
    """Adds the arrows of one module's imports, paths and globs."""
    globs = [([*names, "*"], "reexport" if public else "use") for names, public in module.globs]
    for names, kind in module.paths + globs:
        target = resolve(module, names)
        # A module by itself is a way to names, which count where they are used.
        if not target or not target.item:
            continue
        here, origin, first = module.file, target.module.file, target.first.file
        if kind == "reexport" and here in crate.parents[origin]:
            crate.declared[here, origin].add(f"pub use {target.item}")
            continue
        if first != here:
            crate.direct[here, first].add(target.first_item or "")
        if origin != here:
            crate.followed[here, origin].add(target.item)
