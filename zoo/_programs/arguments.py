"""The arguments of a call of a user's program: its arrays by name, and the call rebuilt with other arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from zoo.data.arrays import to_numbers
from zoo.errors import ZooError, unknown
from zoo.types import BackendArray, Program

Path = tuple[str | int, ...]  # of a value in the call: the name of the argument, then keys and positions


@dataclass(frozen=True)
class Arguments:
    """One call of a program.

    Attributes
    ----------
    values : dict of str to object
        The value of each argument by its name; arrays at any depth of dicts, lists and tuples.
    positional : tuple of str
        The arguments that are passed by position; ``*args`` are named ``args_0``, ``args_1``, ...
    arrays : dict of str to ndarray
        Every array, by the name of its entry: that of the argument, with ``_key`` for each level below it.
    paths : dict of str to tuple
        Where each array belongs.
    columns : dict of str to list
        The labels of the columns of arrays that were DataFrames.
    trees : dict
        The structures of parameters that are trees, which runs of the program record: see ``zoo._programs.parameters``.
    """

    values: Mapping[str, object]
    positional: tuple[str, ...]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    paths: Mapping[str, Path] = field(default_factory=dict)
    columns: Mapping[str, list[object]] = field(default_factory=dict)
    trees: dict[str, object] = field(default_factory=dict, compare=False)

    @classmethod
    def from_call(cls, program: Program, args: Sequence[object], kwargs: Mapping[str, object]) -> Arguments:
        """The arguments of ``program(*args, **kwargs)``, arrays of any library as NumPy.

        Raises ZooError for an argument that is missing or that the program does not have.
        """
        values, positional = bind_signature(program, args, kwargs)
        arrays: dict[str, np.ndarray] = {}
        paths: dict[str, Path] = {}
        columns: dict[str, list[object]] = {}
        for path, leaf in leaves(values, ()):
            array = as_array("_".join(map(str, path)), leaf)
            if array is None:
                continue
            name = entry_name(path, arrays)
            arrays[name], paths[name] = array, path
            labels: list[object] = list(getattr(leaf, "columns", ()))
            if labels and len(labels) == array.shape[-1]:
                columns[name] = labels
        return cls(values, positional, arrays, paths, columns)

    @cached_property
    def incomplete(self) -> dict[str, float]:
        """The arrays with missing values, each with one that is not missing, or 0 where all are."""
        floats = {n: a for n, a in self.arrays.items() if a.dtype.kind == "f" and np.isnan(a).any()}
        return {n: float(next(iter(a[np.isfinite(a)]), 0.0)) for n, a in floats.items()}

    def call(self, program: Program, arrays: Mapping[str, BackendArray]) -> object:
        """Call the program with its arrays replaced, by the names of their entries."""
        by_path = {self.paths[name]: value for name, value in arrays.items() if name in self.paths}
        rebuilt = {name: replace_leaves(value, (name,), by_path) for name, value in self.values.items()}
        positional = [rebuilt.pop(name) for name in self.positional]
        return program(*positional, **rebuilt)

    def without(self, names: Sequence[str]) -> Arguments:
        """The same call with None in the place of some arguments."""
        values = {n: None if n in names else v for n, v in self.values.items()}
        keep = [n for n, path in self.paths.items() if path[0] not in names]
        return Arguments(
            values,
            self.positional,
            {n: self.arrays[n] for n in keep},
            {n: self.paths[n] for n in keep},
            {n: c for n, c in self.columns.items() if n in keep},
        )


def bind_signature(
    program: Program, args: Sequence[object], kwargs: Mapping[str, object]
) -> tuple[dict[str, object], tuple[str, ...]]:
    """The arguments by name, and those that go by position."""
    name = program_name(program)
    parameters = signature_parameters(program)
    by_position = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    has_args = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    has_kwargs = any(p.kind is p.VAR_KEYWORD for p in parameters)
    if len(args) > len(by_position) and not has_args:
        expected = ", ".join(p.name for p in by_position) or "none"
        raise ZooError(f"{name} takes {len(by_position)} positional arguments ({expected}); given {len(args)}")
    values = {p.name: value for p, value in zip(by_position, args, strict=False)}
    rest = {f"args_{i}": value for i, value in enumerate(args[len(by_position) :])}
    known = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    for keyword, value in kwargs.items():
        if keyword in values:
            raise ZooError(f"{name} has two values for {keyword}: give it by position or by name")
        if keyword not in known and not has_kwargs:
            raise unknown(f"argument of {name}", keyword, known)
        values[keyword] = value
    missing = [
        p.name
        for p in parameters
        if p.default is p.empty and p.name not in values and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if missing:
        given = ", ".join(values) or "nothing"
        raise ZooError(
            f"{name} needs {', '.join(missing)}; given {given}: pass each as fit(model, ..., {missing[0]}=...)"
        )
    only = [p.name for p in by_position if p.kind is p.POSITIONAL_ONLY]
    positional = [p.name for p in by_position if p.name in values] if rest else [n for n in only if n in values]
    return {**values, **rest}, (*positional, *rest)


def innermost(program: Program) -> Program:
    """The function within the handlers of a backend, such as ``reparam`` and ``condition``."""
    while not inspect.isfunction(program) and callable(getattr(program, "fn", None)):
        program = program.fn  # type: ignore[attr-defined]
    return program


def signature_parameters(program: Program) -> list[inspect.Parameter]:
    """The parameters of a function, of a class with ``__call__`` or of a module with ``forward``."""
    program = innermost(program)
    function = getattr(program, "forward", program)
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise ZooError(f"a program is a function, or an object that is called as one; given {program!r}") from None


def positional_names(program: Program) -> list[str]:
    """The arguments that may go by position."""
    return [p.name for p in signature_parameters(program) if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def program_name(program: Program) -> str:
    """The name of a program: of a function its own, of an object that of its class."""
    program = innermost(program)
    return getattr(program, "__name__", type(program).__name__)


def leaves(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    """Every value that is no dict, list or tuple, with its path; a list of numbers is one value."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list | tuple) and not is_numeric(value):
        for i, item in enumerate(value):
            yield from leaves(item, (*path, i))
    else:
        yield path, value


def is_numeric(value: Sequence[object]) -> bool:
    """Whether a list is an array of numbers: of several, or of several rows."""
    if not isinstance(value, list) or not value or any(isinstance(v, str | Mapping) or v is None for v in value):
        return False
    if any(hasattr(v, "shape") and getattr(v, "shape", ()) != () for v in value):
        return False
    try:
        return np.asarray(value).dtype.kind in "biuf"
    except ValueError:
        return False


def entry_name(path: Path, names: Mapping[str, object]) -> str:
    """A name of its own for the array at a path."""
    name = "_".join(map(str, path))
    while name in names:
        name += "_"
    return name


def as_array(name: str, value: object) -> np.ndarray | None:
    """An array or table of any library as NumPy, or None for any other value; a masked value is NaN.

    Whole numbers remain whole numbers, of 64 bits: torch takes an array of ``uint8`` for a mask. Raises ZooError for a
    table with columns of words.
    """
    if value is None or isinstance(value, bool | int | float | complex | str | bytes | np.generic) or callable(value):
        return None
    is_array = isinstance(value, np.ndarray) or any(hasattr(value, n) for n in ("detach", "to_numpy", "__array__"))
    if not is_array and not (isinstance(value, list) and is_numeric(value)):
        return None
    array = to_numbers(name, value)
    return array.astype(np.int64) if array.dtype.kind in "iu" else array


def replace_leaves(value: Any, path: Path, by_path: Mapping[Path, BackendArray]) -> object:
    """A nested value with the leaves at some paths replaced."""
    if path in by_path:
        return by_path[path]
    if isinstance(value, Mapping):
        return {k: replace_leaves(v, (*path, k), by_path) for k, v in value.items()}
    if isinstance(value, list | tuple) and not is_numeric(value):
        items: list[Any] = [replace_leaves(v, (*path, i), by_path) for i, v in enumerate(value)]
        kind: Any = type(value)
        return kind(*items) if hasattr(value, "_fields") else kind(items)
    return value


def split_call(
    program: Program, args: Sequence[object], kwargs: Mapping[str, object], is_option: Callable[[str], bool]
) -> tuple[tuple[object, ...], dict[str, object], dict[str, object]]:
    """Positional and keyword arguments of the program, and the keywords that are options of an engine.

    A single positional dict whose keys are arguments of the program, and ``data=dict(...)``, give arguments by name.
    """
    names = {p.name for p in signature_parameters(program)}
    options = {n: v for n, v in kwargs.items() if is_option(n)}
    rest = {n: v for n, v in kwargs.items() if n not in options}
    data = rest.pop("data", None) if "data" not in names or isinstance(rest.get("data"), Mapping) else None
    if len(args) == 1 and isinstance(args[0], Mapping) and args[0] and set(args[0]) <= names:
        data, args = args[0], ()
    if data is not None and not isinstance(data, Mapping):
        raise ZooError(
            f"data=dict(...) has the arguments of {program_name(program)} by name; given {type(data).__name__}"
        )
    return tuple(args), {**rest, **(data or {})}, options
