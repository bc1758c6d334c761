"""Finds the modules that functions import, so that a plugin has them.

A plugin has the modules that were imported when it was built, and no files to import others from.
The imports of functions, which run later, are therefore done at the build too."""

import ast
import codecs
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LazyImport:
    """An import inside a function."""

    #: The module, as `import` names it.
    module: str
    #: Names that are imported from the module; each may be a module itself.
    names: tuple[str, ...]
    file: str
    line: int
    #: Whether the code handles that the module is missing.
    is_optional: bool


def find(stage: Path, modules: list[str]) -> list[LazyImport]:
    """The imports inside of functions in the author's modules."""
    found = []
    for module in modules:
        path = stage.joinpath(*module.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        package = module if path.is_dir() else module.rpartition(".")[0]
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue  # The import of the device reports it, if it needs the file.
        finder = _Finder(file.relative_to(stage).as_posix(), package)
        finder.visit(tree)
        found += finder.found
    return found


class _Finder(ast.NodeVisitor):
    """Collects the imports of one file."""

    def __init__(self, file: str, package: str) -> None:
        self.file = file
        self.package = package
        self.found: list[LazyImport] = []
        self._functions = 0
        self._handlers = 0

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    visit_AsyncFunctionDef = visit_FunctionDef
    visit_Lambda = visit_FunctionDef

    def visit_Try(self, node: ast.Try) -> None:
        self._handlers += 1
        for part in node.body:
            self.visit(part)
        self._handlers -= 1
        for other in (*node.handlers, *node.orelse, *node.finalbody):
            self.visit(other)

    def visit_If(self, node: ast.If) -> None:
        # The imports of `if TYPE_CHECKING:` never run.
        if "TYPE_CHECKING" not in ast.dump(node.test):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        relative = "." * node.level + (node.module or "")
        try:
            module = importlib.util.resolve_name(relative, self.package or None)
        except ImportError:
            return
        self._add(node, module, tuple(alias.name for alias in node.names))

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = list(_texts(node))
        if name in ("import_module", "__import__") and texts and not texts[0].startswith("."):
            self._add(node, texts[0])
        elif name == "strptime":
            # The library imports it at the first call.
            self._add(node, "_strptime")
        elif name in ("encode", "decode", "str", "bytes", "bytearray"):
            for text in texts:
                self._codec(node, text)

    def _codec(self, node: ast.Call, name: str) -> None:
        """Adds the module of a codec, which the library imports at its first use."""
        try:
            codec = codecs.lookup(name).name
        except (LookupError, ValueError):
            return
        self._add(node, f"encodings.{codec.replace('-', '_')}", optional=True)

    def _add(
        self, node: ast.stmt | ast.expr, module: str, names: tuple[str, ...] = (), *, optional: bool = False
    ) -> None:
        if self._functions:
            optional = optional or self._handlers > 0
            self.found.append(LazyImport(module, names, self.file, node.lineno, optional))


def _texts(call: ast.Call) -> Iterator[str]:
    """The texts among the arguments of a call."""
    for value in (*call.args, *(keyword.value for keyword in call.keywords)):
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value
