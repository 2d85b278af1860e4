"""Names of the columns of tables: read off DataFrames, checked, and matched with those of a fit."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from zoo.errors import ZooError, ZooWarning
from zoo.types import DataLike

Names = tuple[str, ...]
MAX_LISTED = 8  # names of columns in a message
MIN_NUMBERED = 3  # columns called 0, 1, 2, ...: fewer could be a row of data


def column_names(values: DataLike) -> Names | None:
    """The names of the columns of a table of pandas, polars or another library, as text; None of arrays.

    >>> column_names([[1.0, 2.0]]) is None
    True
    """
    if not hasattr(values, "columns") or callable(values.columns):
        return None
    return tuple(map(str, values.columns)) or None


def is_numbering(names: Sequence[str]) -> bool:
    """Whether names are 0, 1, 2, ..., as pandas gives them to a table without names.

    >>> is_numbering(("0", "1")), is_numbering(("1", "0"))
    (True, False)
    """
    return list(names) == [str(i) for i in range(len(names))]


def column_order(site: str, own: Names | None, given: Names | None) -> list[int] | None:
    """The position in new data of each column of a fit; None where the columns are matched by position.

    Parameters
    ----------
    site : str
        The observed site, for the message.
    own, given : tuple of str or None
        The names of the columns of the fit and of the new data. Data without names, or with 0, 1, 2, ..., are matched
        by position.

    Returns
    -------
    list of int or None

    Raises
    ------
    ZooError
        For other names than those of the fit, and for names that are there twice in another order.

    Examples
    --------
    >>> column_order("x", ("a", "b"), ("b", "a"))
    [1, 0]
    """
    if own is None or given is None or own == given:
        return None
    if sorted(own) == sorted(given):
        if len(set(own)) < len(own):
            repeated = next(n for n in own if own.count(n) > 1)
            raise ZooError(f"{site}: {repeated} names two columns, which are in another order than in the fit: rename")
        return [given.index(name) for name in own]
    if is_numbering(own) or is_numbering(given):
        return None
    absent, other = [n for n in own if n not in given], [n for n in given if n not in own]
    parts = [f"without {listed(absent)}"] if absent else []
    parts += [f"with {listed(other)}, which the fit does not have"] if other else []
    raise ZooError(
        f"{site}: the columns are not those of the fit, {listed(own)}: given data {' and '.join(parts)}; choose and "
        "name the columns as in the fit"
    )


def listed(names: Sequence[str]) -> str:
    """Names in a message.

    >>> listed(["a", "b"])
    'a, b'
    """
    more = f", ... ({len(names)} in all)" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more


def warn_of_header(site: str, labels: Iterable[object]) -> None:
    """Warn of texts that are all numbers, and of a column without a name, which is the index of another table."""
    names = [label for label in labels if isinstance(label, str)]  # numbers are labels that no file has
    if names and all(map(is_number, names)) and not (is_numbering(names) and len(names) >= MIN_NUMBERED):
        warnings.warn(
            f"{site}: the names of the columns are all numbers ({listed(names)}): where they are the first row of the "
            "data, read the file without a header (zoo fit --no-header; pandas.read_csv(..., header=None))",
            ZooWarning,
            stacklevel=4,
        )
    index = [n for n in names if is_index_name(n)]
    if index:
        warnings.warn(
            f"{site}: {listed(index)} has no name in its file, as an index that was written with a table: where it is "
            "no variable, leave it out (zoo fit --columns; pandas.read_csv(..., index_col=0))",
            ZooWarning,
            stacklevel=4,
        )


def is_index_name(name: str) -> bool:
    """Whether pandas gave a column its name since the file has none.

    >>> is_index_name("Unnamed: 0"), is_index_name("age")
    (True, False)
    """
    return not name.strip() or name.startswith(("Unnamed: ", "__index_level_"))


def is_number(text: str) -> bool:
    """Whether a text is a number, as in the first row of a file without a header; pandas numbers those that repeat.

    >>> is_number("3.6"), is_number("3,6"), is_number("3.6.1"), is_number("age"), is_number("nan")
    (True, True, True, False, False)
    """
    for candidate in (text, text.rpartition(".")[0]):
        try:
            return bool(np.isfinite(float(candidate.replace(",", "."))))
        except ValueError:
            continue
    return False
