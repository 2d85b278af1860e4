"""Tables on the command line as the arguments of a program: columns and arrays by name, words as whole numbers."""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from zoo._programs.arguments import program_name, signature_parameters
from zoo.cli.arguments import parse_value
from zoo.data import files
from zoo.data.column_names import warn_of_header
from zoo.data.csv_files import NO_OPTIONS, CsvOptions
from zoo.errors import ZooError, unknown
from zoo.types import Program

READABLE = f"{files.READABLE}, .json"
MAX_LABELS = 5  # labels of coded words that are printed


@dataclass
class Columns:
    """Named values of the files of ``--data``.

    Attributes
    ----------
    values : dict of str to object
        Arrays and numbers by the name of the column, the array or the key; words are coded as whole numbers.
    labels : dict of str to list of str
        The words of a coded column, in the order of their codes.
    """

    values: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, paths: Sequence[str], csv: CsvOptions = NO_OPTIONS) -> Columns:
        """The columns, arrays and keys of some files; raises ZooError for a name that two of them have."""
        columns, source = cls(), {}
        for path in paths:
            for name, value in read_file(path, csv).items():
                if name in source:
                    raise ZooError(f"{name} is in {source[name]} and in {path}: rename one of them")
                source[name] = path
                columns.add(name, value)
        return columns

    def add(self, name: str, value: Any) -> None:
        """Add a value under a name; a column of words is coded by the order of first appearance."""
        if isinstance(value, np.ndarray) and value.dtype.kind not in "OUS":
            self.values[name] = value
        elif hasattr(value, "dtype") or isinstance(value, list):
            self.add_column(name, value)
        else:
            self.values[name] = value

    def add_column(self, name: str, value: Any) -> None:
        """Add a column of a table or a list, of numbers or of words."""
        import pandas as pd
        from pandas.api.types import is_numeric_dtype

        if np.ndim(value) != 1:
            raise ZooError(f"{name} holds something other than numbers in {np.ndim(value)} dimensions: code it first")
        series = pd.Series(value)
        if not is_numeric_dtype(series):
            self.values[name], self.labels[name] = code_words(name, series)
            return
        has_empty_cells = bool(series.isna().any())
        self.values[name] = series.to_numpy(dtype=float, na_value=np.nan) if has_empty_cells else series.to_numpy()

    def matrix(self, names: Sequence[str]) -> Any:
        """Columns side by side, as a DataFrame with their names; raises ZooError for columns of different lengths."""
        import pandas as pd

        columns = {}
        for name in names:
            if name not in self.values:
                raise unknown("column", name, self.values)
            columns[name] = np.asarray(self.values[name])
            if columns[name].ndim != 1:
                raise ZooError(f"{name} has shape {columns[name].shape} and is no column: pass it alone")
        if len({len(c) for c in columns.values()}) > 1:
            raise ZooError(f"columns of different lengths: {', '.join(f'{n} {len(c)}' for n, c in columns.items())}")
        return pd.DataFrame(columns)

    def describe_coding(self, used: Sequence[str]) -> list[str]:
        """One line for each column of words that is used: how it was coded."""
        lines = []
        for name in used:
            if name in self.labels:
                words = self.labels[name]
                pairs = ", ".join(f"{i} {word}" for i, word in enumerate(words[:MAX_LABELS]))
                more = ", ..." if len(words) > MAX_LABELS else ""
                lines.append(
                    f"{name}: {len(words)} words, coded as whole numbers by order of first appearance: {pairs}{more}"
                )
        return lines


@dataclass(frozen=True)
class Call:
    """The arguments of a program on the command line: by position, by name, and the columns each came from."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    sources: dict[str, list[str]]


def map_arguments(program: Program, columns: Columns, given: Mapping[str, str]) -> Call:
    """The arguments of a program: as they are given, else the column or array of the same name.

    Parameters
    ----------
    program : callable
    columns : Columns
    given : dict of str to str
        Texts of the command line by argument: ``col1,col2``, a column, or a plain value.

    Returns
    -------
    Call

    Raises
    ------
    ZooError
        For an argument that the program does not have, an unknown column, and an argument without a value; the
        message lists columns and arguments.
    """
    parameters = signature_parameters(program)
    named = {p.name: p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    values: dict[str, Any] = {}
    sources: dict[str, list[str]] = {}
    for name, text in given.items():
        if name not in named and not takes_any:
            raise unknown(f"argument of {program_name(program)}", name, named)
        values[name], sources[name] = parse_argument(name, text, columns, named.get(name))
    for name in columns.values if takes_any else named:
        if name in columns.values and name not in values:
            values[name], sources[name] = columns.values[name], [name]
    missing = [n for n, p in named.items() if p.default is p.empty and n not in values and not is_size(p)]
    if missing:
        listed = ", ".join(columns.values) or "none (--data names a file)"
        raise ZooError(
            f"{program_name(program)} needs {', '.join(missing)}: give {missing[0]}=COLUMN, {missing[0]}=COL1,COL2 or "
            f"{missing[0]}=VALUE; columns: {listed}; arguments: {', '.join(named)}"
        )
    only = [n for n, p in named.items() if p.kind is p.POSITIONAL_ONLY and n in values]
    return Call(tuple(values.pop(n) for n in only), values, sources)


def is_size(parameter: inspect.Parameter) -> bool:
    """Whether an argument is a size that is read off the data: keyword-only, of one capital letter."""
    name = parameter.name
    return parameter.kind is parameter.KEYWORD_ONLY and len(name) == 1 and name.isupper()


def parse_argument(
    name: str, text: str, columns: Columns, parameter: inspect.Parameter | None
) -> tuple[Any, list[str]]:
    """The value that a text stands for, and the columns that it names; ``age,`` is a matrix of one column."""
    parts = [part.strip() for part in text.removesuffix(",").split(",")]
    if text in columns.values:
        return columns.values[text], [text]
    if "," in text:
        numbers = [parse_value(part) for part in parts]
        if all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
            return np.array(numbers), []
        return columns.matrix(parts), parts
    value = parse_value(text)
    takes_words = parameter is not None and isinstance(parameter.default, str)
    if isinstance(value, str) and not takes_words:
        if columns.values and difflib.get_close_matches(text, list(columns.values), n=1):
            raise unknown("column", text, columns.values)
        raise ZooError(
            f"{name}={text} is neither a column nor a number; columns: {', '.join(columns.values) or 'none'}"
        )
    return value, []


def read_file(path: str, csv: CsvOptions = NO_OPTIONS) -> dict[str, Any]:
    """The columns, arrays or keys of one file, by name; raises ZooError."""
    suffix = Path(path).suffix.lower()
    if suffix == ".json":
        return read_json(path)
    if suffix not in (*files.CSV_SUFFIXES, ".parquet", ".npy", ".npz"):
        raise ZooError(f"cannot read {path!r}; readable: {READABLE}")
    data = files.read(path, csv if suffix in files.CSV_SUFFIXES else NO_OPTIONS)
    if isinstance(data, np.ndarray):
        return {Path(path).stem: np.asarray(data)}
    if isinstance(data, dict):
        return {n: v.item() if v.ndim == 0 else v for n, v in data.items()}
    warn_of_header(path, list(map(str, data.columns)))
    return {str(column): data[column] for column in data.columns}


def read_json(path: str) -> dict[str, Any]:
    """A JSON object as values by key, or a list of objects as a table; raises ZooError."""
    try:
        data = json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise ZooError(f"no file {path!r}; readable: {READABLE}") from None
    except ValueError as error:
        raise ZooError(f"{path!r} cannot be read: {str(error).splitlines()[0]}") from error
    if isinstance(data, list) and data and all(isinstance(row, dict) for row in data):
        import pandas as pd

        frame = pd.DataFrame(data)
        return {str(column): frame[column] for column in frame.columns}
    if not isinstance(data, dict):
        raise ZooError(f"{path!r} holds a {type(data).__name__}: it must have an object, argument by argument")
    return {name: as_json_array(path, name, value) for name, value in data.items()}


def as_json_array(path: str, name: str, value: Any) -> Any:
    """A list of JSON as an array, null as a missing value; other values unchanged."""
    if not isinstance(value, list):
        return value
    try:
        array = np.asarray(value)
        if array.dtype.kind in "US":
            return value
        return array.astype(float) if array.dtype.kind == "O" else array
    except (TypeError, ValueError):
        if any(isinstance(v, str) for v in value):
            return value
        raise ZooError(f"{path!r} has rows of different lengths in {name}: pad them with null") from None


def code_words(name: str, series: Any) -> tuple[np.ndarray, list[str]]:
    """The codes of a column of words, by order of first appearance, and the words; raises ZooError for empty cells."""
    import pandas as pd

    if series.isna().any():
        raise ZooError(f"column {name} has {int(series.isna().sum())} empty cells among its words: fill or drop them")
    if series.dtype.kind == "M":
        raise ZooError(f"column {name} has dates: write them as numbers, as days since the first")
    codes, words = pd.factorize(series)
    return codes.astype(np.int64), [str(w) for w in words]
