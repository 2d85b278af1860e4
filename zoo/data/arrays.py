"""Arrays and tables of any library as NumPy arrays of numbers; masked and empty cells are NaN."""

from __future__ import annotations

import numbers
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.column_names import listed
from zoo.errors import ZooError
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd

SMALL_FLOATS = ("bfloat16", "float8")  # of ml_dtypes, as JAX has them: exact in 64 bits
CURES = {
    "c": "complex numbers: give their real and imaginary parts as two columns",
    "m": "durations: give them as numbers of one unit, as values / numpy.timedelta64(1, 'D') in days",
    "M": "dates: give them as numbers, as (values - values.min()) / numpy.timedelta64(1, 'D') in days",
}


def to_numbers(name: str, values: DataLike) -> np.ndarray:
    """An array of truth values, whole numbers or floats.

    Parameters
    ----------
    name : str
        The site or argument, for the message.
    values : array, DataFrame, Series or nested list
        Of NumPy, JAX, torch (detached from its graph), pandas, polars, xarray. What a mask hides is missing.

    Returns
    -------
    numpy.ndarray
        With NaN for missing values.

    Raises
    ------
    ZooError
        For words, complex numbers, dates and durations, with the columns that have them, and for ragged lists.
    """
    if isinstance(values, list | tuple) and any(isinstance(v, np.ma.MaskedArray) for v in values):
        values = np.ma.array(values)
    if isinstance(values, np.ma.MaskedArray):
        return fill_masked(name, values)
    if isinstance(values, list | tuple) and any(hasattr(row, "detach") for row in values):
        values = [tensor_values(name, row) if hasattr(row, "detach") else row for row in values]
    table: Any = values
    if hasattr(table, "detach"):  # torch
        table = tensor_values(name, table)
    elif hasattr(table, "tocoo"):  # scipy
        raise ZooError(f"{name} is a sparse matrix, and this model takes all cells: give {name}.toarray()")
    elif hasattr(table, "select_dtypes"):  # a DataFrame of pandas
        return frame_numbers(name, table)
    elif hasattr(table, "to_frame") and hasattr(table, "dtypes"):  # a Series of pandas
        return frame_numbers(name, table.to_frame())[:, 0]
    elif hasattr(table, "to_numpy"):  # polars, xarray
        table = table.to_numpy()
    try:
        array = np.asarray(table)
    except (TypeError, ValueError):
        raise not_numbers(name) from None
    return plain_numbers(name, array)


def tensor_values(name: str, tensor: Any) -> np.ndarray:
    """A tensor of torch without its graph, the precisions that NumPy lacks in 64 bits; raises ZooError if sparse."""
    if str(tensor.layout) != "torch.strided":
        raise ZooError(f"{name} is a sparse tensor, and this model takes all cells: give {name}.to_dense()")
    tensor = tensor.detach().cpu()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    has_own_precision = any(kind in str(tensor.dtype) for kind in SMALL_FLOATS)
    return (tensor.double() if has_own_precision else tensor).resolve_conj().resolve_neg().numpy()


def plain_numbers(name: str, array: np.ndarray) -> np.ndarray:
    """An array whose elements are numbers, of a dtype of NumPy; raises ZooError."""
    if array.dtype.kind in "biuf":
        return array
    if array.dtype.name.startswith(SMALL_FLOATS):
        return array.astype(float)
    if array.dtype.kind == "O":
        cells = [cell_number(cell) for cell in array.ravel()]
        if all(cell is not None for cell in cells):
            return np.array(cells, dtype=float).reshape(array.shape)
    word = next((cell for cell in array.ravel() if isinstance(cell, str | bytes)), None)
    if word is not None:
        raise not_numbers(name, f" ({str(word)[:20]!r}): code words as whole numbers, as pandas.factorize does, and")
    if array.dtype.kind in CURES:
        raise ZooError(f"{name} holds {CURES[array.dtype.kind]}")
    raise not_numbers(name)


def not_numbers(name: str, detail: str = ":") -> ZooError:
    """The error for what is no array of numbers."""
    return ZooError(f"{name} holds something other than numbers{detail} give a rectangular array of numbers")


def cell_number(cell: object) -> float | None:
    """The number in a cell of an object array, NaN of an empty one; None of a word or anything else.

    >>> cell_number(True), cell_number(None), cell_number("1.5") is None
    (1.0, nan, True)
    """
    if cell is None or type(cell).__name__ in ("NAType", "NaTType") or cell is np.ma.masked:
        return np.nan
    if isinstance(cell, numbers.Real | np.bool_ | Decimal):
        return float(cell)
    return None


def fill_masked(name: str, values: np.ma.MaskedArray) -> np.ndarray:
    """A masked array with NaN for what its mask hides; whole numbers remain so where nothing is hidden."""
    mask = np.ma.getmaskarray(values)
    if not mask.any():
        return plain_numbers(name, np.asarray(values.data))
    if values.dtype.kind not in "biufO":
        return plain_numbers(name, np.asarray(values.data))  # raises
    cells = np.asarray(values.data).copy()
    if cells.dtype.kind == "O":
        cells[mask] = None
    return np.where(mask, np.nan, plain_numbers(name, cells))


def frame_numbers(name: str, frame: pd.DataFrame) -> np.ndarray:
    """A DataFrame of pandas as numbers; raises ZooError, which names the columns that are none, and the cure."""
    kinds = [getattr(dtype, "kind", "O") for dtype in frame.dtypes]
    if all(kind in "biuf" for kind in kinds) or not len(frame):
        array = frame.to_numpy()
        return array if array.dtype.kind in "biuf" else frame.to_numpy(dtype=float, na_value=np.nan)
    for kind, cure in CURES.items():
        if columns := [str(c) for c, k in zip(frame.columns, kinds, strict=True) if k == kind]:
            raise ZooError(f"{name} has columns ({listed(columns)}) that hold {cure}")
    columns: list[Any] = [frame.iloc[:, d] for d in range(frame.shape[1])]
    words = []
    for d, kind in enumerate(kinds):
        if kind in "biuf":
            columns[d] = columns[d].to_numpy(dtype=float, na_value=np.nan)
            continue
        cells = [None] if columns[d].dtype.name == "category" else [cell_number(cell) for cell in columns[d]]
        if any(cell is None for cell in cells):
            words.append(d)
        else:
            columns[d] = np.array(cells, dtype=float)
    if words:
        names = [str(frame.columns[d]) for d in words]
        cure = coding(frame.iloc[:, words[0]])
        raise ZooError(f"{name} has columns of words ({listed(names)}): drop them, or code them by zoo.columns; {cure}")
    return np.column_stack(columns)


def coding(column: pd.Series) -> str:
    """How to code a column of words as numbers."""
    words = sorted({str(cell) for cell in column if cell_number(cell) is None})
    name = repr(str(column.name))
    if words and all(is_decimal_comma(word) for word in words):
        return f"pandas.read_csv(..., decimal=',') and zoo fit --decimal , read {words[0]!r}"
    if len(words) <= 2:
        one = repr(words[-1] if words else "word")
        return f"(df[{name}] == {one}).astype(float) codes {' and '.join(map(repr, words))}"
    return f"pandas.factorize(df[{name}])[0] codes {listed([repr(w) for w in words[:3]])} and others as 0, 1, 2, ..."


def is_decimal_comma(word: str) -> bool:
    """Whether a word is a number with a decimal comma.

    >>> is_decimal_comma("0,435"), is_decimal_comma("a,b")
    (True, False)
    """
    whole, comma, decimals = word.strip().partition(",")
    return bool(comma) and whole.lstrip("+-").isdecimal() and decimals.isdecimal()
