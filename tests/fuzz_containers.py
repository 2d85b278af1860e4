"""Containers of the fuzz: the same numbers in every data type, memory order and library that users have."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from hypothesis import strategies as st
from scipy import sparse

from tests.fuzz_tables import Draw

FLOATS = ["f8", "f4", "f2", ">f8", ">f4", "g"]
WHOLE = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4", ">u2", "?"]
BEHIND = -77.0  # a mask

Container = tuple[Any, np.ndarray | None]  # what is given, and the numbers that it stands for; None for no numbers


def fits_dtype(x: np.ndarray, dtype: str) -> bool:
    """Whether numbers can be converted to a dtype: whole ones without NaN to integers, small ones to half floats."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        finite = x[np.isfinite(x)]
        return bool((np.abs(finite) < np.finfo(kind).max / 2).all())
    if not np.isfinite(x).all() or (x != np.round(x)).any():
        return False
    low, high = (0, 1) if kind.kind == "b" else (np.iinfo(kind).min, np.iinfo(kind).max)
    return bool(((x >= low) & (x <= min(high, 2**53))).all())


def cast(x: np.ndarray, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers in a dtype, and those that they are then."""
    values = x.astype(dtype)
    return values, values.astype(float)


def orders(values: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """The same array in other memory orders."""

    def read_only() -> np.ndarray:
        copy = values.copy()
        copy.flags.writeable = False
        return copy

    return {
        "C": values.copy,
        "Fortran": lambda: np.asfortranarray(values),
        "strided": lambda: np.repeat(values, 2, axis=0)[::2],
        "reversed": lambda: values[::-1].copy()[::-1],
        "read-only": read_only,
        "unaligned": lambda: unaligned(values),
    }


def unaligned(values: np.ndarray) -> np.ndarray:
    """The same array at an odd address."""
    buffer = np.zeros(values.nbytes + 1, np.uint8)
    buffer[1:] = np.frombuffer(values.tobytes(), np.uint8)
    return buffer[1:].view(values.dtype).reshape(values.shape)


def cells(x: np.ndarray, convert: Callable[[float], Any], empty: Any = None) -> np.ndarray:
    """An object array with a converted number in each cell; ``empty`` where one is missing."""
    out = np.empty(x.shape, dtype=object)
    for index in np.ndindex(x.shape):
        out[index] = empty if np.isnan(x[index]) else convert(float(x[index]))
    return out


def frame(x: np.ndarray, dtype: Any = None) -> Any:
    """A Series or a DataFrame."""
    if x.ndim == 1:
        return pd.Series(x, dtype=dtype)
    return pd.DataFrame(x, columns=[f"c{i}" for i in range(x.shape[1])], dtype=dtype)


def objects(x: np.ndarray) -> dict[str, Callable[[], Any]]:
    """The same numbers in lists and libraries."""
    masked = np.isnan(x)
    made: dict[str, Callable[[], Any]] = {
        "list": x.tolist,
        "list with None": lambda: cells(x, float).tolist(),
        "tuple of arrays": lambda: tuple(x),
        "objects": lambda: cells(x, float),
        "masked": lambda: np.ma.array(np.where(masked, BEHIND, x), mask=masked),
        "masked, nothing missing": lambda: np.ma.array(x),
        "torch": lambda: torch.tensor(x, requires_grad=True),
        "DataArray": lambda: xr.DataArray(x),
    }
    if np.isfinite(x[~masked]).all():
        made["Decimal"] = lambda: cells(x, lambda v: Decimal(repr(v)))
        made["Fraction"] = lambda: cells(x, Fraction)
    if x.ndim <= 2:
        made["pandas"] = lambda: frame(x)
        made["nullable"] = lambda: frame(cells(x, float, pd.NA), "Float64")
        made["arrow"] = lambda: frame(cells(x, float), "float64[pyarrow]")
        made["pandas objects"] = lambda: frame(cells(x, float), object)
        made["pandas sparse"] = lambda: frame(x, pd.SparseDtype(float, np.nan))
    if x.ndim == 2 and fits_dtype(x[~masked], "i4"):
        made["nullable integers"] = lambda: frame(cells(x, int, pd.NA), "Int32")
        made["one column of integers"] = lambda: mixed_frame(x)
    return made


def mixed_frame(x: np.ndarray) -> pd.DataFrame:
    """A DataFrame whose columns have several dtypes."""
    table = frame(x)
    for column in [c for c in table if not table[c].isna().any()][::2]:
        table[column] = table[column].astype("int16") if table[column].abs().max() < 2**15 else table[column]
    return table


def container(draw: Draw, kind: str, x: np.ndarray) -> Container:
    """The data of a site as users may give it."""
    return counts(draw, x) if kind == "word" else numbers(draw, x)


def numbers(draw: Draw, x: np.ndarray) -> Container:
    """An array as users may give it."""
    form = draw(st.sampled_from(["order", "dtype", "library", "library", "no numbers"]))
    if form == "order":
        made = orders(x)
        return made[draw(st.sampled_from(sorted(made)))](), x
    if form == "dtype":
        dtypes = [d for d in (*FLOATS, *WHOLE) if fits_dtype(x, d)]
        values, stored = cast(x, draw(st.sampled_from(dtypes)))
        made = orders(values)
        return made[draw(st.sampled_from(sorted(made)))](), stored
    if form == "library":
        made = objects(x)
        return made[draw(st.sampled_from(sorted(made)))](), x
    wrong: list[Any] = [
        x.astype(str),
        cells(x, repr).tolist(),
        x.astype(complex),
        x.astype("m8[s]") if fits_dtype(x, "i4") else None,
        [[1.0, 2.0], [3.0]] if x.ndim < 3 else [[1.0, [2.0]], [3.0]],  # sequences may differ in length
        {1.0, 2.0},
        "1.0",
        object(),
    ]
    return draw(st.sampled_from(wrong)), None


def counts(draw: Draw, x: np.ndarray) -> Container:
    """Counts (N, V) of words as users may give them."""
    forms: dict[str, Callable[[], Any]] = {
        "array": lambda: draw(st.sampled_from(list(orders(x).values())))(),
        "objects": lambda: cells(x, int),
        "csr": lambda: sparse.csr_array(x),
        "csc": lambda: sparse.csc_matrix(x.astype("i4")),
        "coo": lambda: sparse.coo_array(x.astype("f4")),
        "torch": lambda: torch.tensor(x),
        "masked": lambda: np.ma.array(x),
        "pandas": lambda: frame(x),
        "nullable": lambda: frame(cells(x, int), "Int64"),
        "integers": lambda: x.astype("u2"),
        "booleans": lambda: x > 0,
        "list": x.tolist,
    }
    form = draw(st.sampled_from(sorted(forms)))
    expected = {"booleans": (x > 0).astype(float), "list": None}.get(form, x)
    return forms[form](), expected
