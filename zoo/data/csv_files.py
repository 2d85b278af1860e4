"""CSV files: the dialect is read off the file, rows of another length than the header are refused."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import ZooError

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
NUM_SNIFFED = 200  # rows that decide on the separator and the decimal mark
ESCAPED = {"\\t": "\t", "tab": "\t"}  # the words for a separator that a shell does not pass on
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class CsvOptions:
    """How a CSV file is written.

    Attributes
    ----------
    sep : str, optional
        The character between fields; by default comma, semicolon, tab or bar, whichever the rows agree on.
    decimal : {".", ","}, optional
        The decimal mark; by default a comma where it is no separator and numbers have one, else a point.
    encoding : str, optional
        By default UTF-8, or UTF-16 where the file begins with its mark.
    has_header : bool, default True
        Whether the first row has the names of the columns.
    na : tuple of str
        Texts that stand for a missing value, beside the empty cell, ``NA``, ``nan`` and the like.
    """

    sep: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    has_header: bool = True
    na: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sep = ESCAPED.get(self.sep or "", self.sep)
        object.__setattr__(self, "sep", sep)
        if sep is not None and len(sep) != 1:
            raise ZooError(f"--sep is one character, as in --sep ';', or tab; given {sep!r}")
        if self.decimal not in (None, ".", ","):
            raise ZooError(f"--decimal is . or ,; given {self.decimal!r}")
        if self.decimal == "," == sep:
            raise ZooError("--sep and --decimal are both a comma: numbers could not be told from fields")


NO_OPTIONS = CsvOptions()


def read_csv(path: Path, options: CsvOptions = NO_OPTIONS) -> pd.DataFrame:
    """Read a CSV file.

    Parameters
    ----------
    path : Path
    options : CsvOptions, optional

    Returns
    -------
    pandas.DataFrame
        Named by the header; without one the columns are numbered from 0.

    Raises
    ------
    ZooError
        For another encoding, a separator that the rows do not agree on, and rows with more or fewer fields than the
        header.
    """
    import pandas as pd

    encoding = options.encoding or find_encoding(path)
    try:
        sample = [row for _, row in zip(range(NUM_SNIFFED), lines_of(path, encoding), strict=False)]
        sep = options.sep or find_separator(sample, options.decimal)
        decimal = options.decimal or find_decimal(sample, sep)
        check_fields(path, encoding, sep, options.has_header)
        return pd.read_csv(
            path,
            sep=sep,
            decimal=decimal,
            encoding=encoding,
            header=0 if options.has_header else None,
            index_col=False,
            na_values=list(options.na) or None,
        )
    except LookupError as error:
        raise ZooError(f"--encoding names no encoding: {encoding!r}; as in utf-8, latin-1, cp1252, utf-16") from error
    except UnicodeError as error:
        raise ZooError(
            f"{str(path)!r} is not {encoding}: name its encoding, as in --encoding cp1252 (Windows, Excel) or latin-1"
        ) from error


def find_encoding(path: Path) -> str:
    """UTF-8, unless the file begins with the mark of another encoding."""
    with open(path, "rb") as file:
        head = file.read(4)
    return next((name for mark, name in BYTE_ORDER_MARKS.items() if head.startswith(mark)), "utf-8")


def lines_of(path: Path, encoding: str) -> Iterator[str]:
    """The lines of a text file that are not blank."""
    with open(path, encoding=encoding) as file:
        yield from (line for line in file if line.strip())


def find_separator(lines: list[str], decimal: str | None) -> str:
    """The separator that gives every row the same number of fields, the largest of these numbers; a comma if none.

    Where the header has a separator that the rows have too, it is that one, so that rows of other lengths are reported
    as such.

    >>> find_separator(["a;b", "1,5;2"], None), find_separator(["a,b", "1,2,3"], None)
    (';', ',')
    """
    counts = {sep: field_counts(lines, sep) for sep in SEPARATORS if sep != decimal}
    regular = {sep: c[0] for sep, c in counts.items() if len(set(c)) == 1 and c[0] > 1}
    if regular:
        return max(regular, key=lambda sep: (regular[sep], sep == ";"))  # of "a;b" over "1,5;2,5" the semicolon
    split = {sep: min(c[0], max(c[1:], default=1)) for sep, c in counts.items() if c}
    best = max(split, key=lambda sep: split[sep]) if split else ","
    return best if split.get(best, 1) > 1 else next(iter(counts))


def field_counts(lines: list[str], sep: str) -> list[int]:
    """The number of fields of each row."""
    return [len(row) for row in csv.reader(lines, delimiter=sep, skipinitialspace=True)]


def find_decimal(lines: list[str], sep: str) -> str:
    """A comma where fields are numbers with one and none has a point, else a point.

    >>> find_decimal(["a;b", "0,435;2"], ";"), find_decimal(["a;b", "0.435;2"], ";")
    (',', '.')
    """
    if sep == ",":
        return "."
    cells = [cell.strip() for row in csv.reader(lines, delimiter=sep) for cell in row]
    has_comma = any(re.fullmatch(r"[-+]?\d*,\d+([eE][-+]?\d+)?", cell) for cell in cells)
    has_point = any(re.fullmatch(r"[-+]?\d*\.\d+([eE][-+]?\d+)?", cell) for cell in cells)
    return "," if has_comma and not has_point else "."


def check_fields(path: Path, encoding: str, sep: str, has_header: bool) -> None:
    """Raise ZooError for the first row with another number of fields than the first one of the file."""
    with open(path, encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=sep)
        expected = next((len(row) for row in reader if row), 0)
        number = 0
        for row in reader:
            if not row:  # blank lines are no rows
                continue
            number += 1
            if len(row) != expected:
                raise ZooError(fields_message(path, sep, row, number, expected, has_header))


def fields_message(path: Path, sep: str, row: list[str], number: int, expected: int, has_header: bool) -> str:
    """Why a row does not fit its header, and the cure."""
    first = "the header" if has_header else "the first row"
    text = f"{str(path)!r}: row {number} has {len(row)} fields, and {first} {expected}, by {SEPARATORS.get(sep, sep)}"
    if len(row) < expected:
        return f"{text}: complete the row, with an empty field for a missing value"
    if not row[-1].strip() and len(row) == expected + 1:
        return f"{text}: take the separator at the end of the rows away, or add it to {first}"
    if expected == 1 and len(row) == 2 and sep == ",":
        return f"{text}: if these are decimal commas, give --decimal ,"
    return f"{text}: name each column in {first}, or name the separator with --sep"
