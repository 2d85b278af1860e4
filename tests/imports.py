"""The import graph of the project from the syntax trees, imports inside functions and for type checking included."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("zoo", "guides", "inference")


class Import(NamedTuple):
    """One import of a module of ours. in_function: whether it stands inside a function."""

    importer: str
    imported: str
    in_function: bool


def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    paths = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return paths


def imports(known: Mapping[str, Path]) -> list[Import]:
    """Every import of one module of the project by another."""
    return [
        Import(name, imported, in_function)
        for name, path in known.items()
        for imported, in_function in _imports_of(ast.parse(path.read_text()), known)
        if imported != name
    ]


def _imports_of(node: ast.AST, known: Mapping[str, Path], in_function: bool = False) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            targets = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, "imports are absolute"
            targets = [f"{child.module}.{alias.name}" for alias in child.names]
        else:
            targets = []
        for target in targets:
            if target.split(".")[0] in PACKAGES:
                yield _module_of(target, known), in_function
        yield from _imports_of(child, known, in_function or isinstance(child, ast.FunctionDef | ast.Lambda))


def _module_of(target: str, known: Mapping[str, Path]) -> str:
    """The module that is imported: of ``zoo.cards.Card`` it is ``zoo.cards``."""
    while target not in known:
        target = target.rpartition(".")[0]
        assert target, "the module is one of ours"
    return target


def circles(edges: list[Import]) -> list[list[str]]:
    """The sets of modules that import each other, directly or through others (Tarjan 1972)."""
    graph: dict[str, set[str]] = {}
    for edge in edges:
        graph.setdefault(edge.importer, set()).add(edge.imported)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    components: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in graph.get(module, ()):
            if other not in index:
                visit(other)
            if other in stack:
                low[module] = min(low[module], low[other])
        if low[module] == index[module]:
            component = [stack.pop()]
            while component[-1] != module:
                component.append(stack.pop())
            if len(component) > 1:
                components.append(sorted(component))

    for module in list(graph):
        if module not in index:
            visit(module)
    return components
