"""Rows in blocks of one size, so that memory does not grow with the rows and NumPyro compiles few sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from inference.amortised.records import Normals

Table = Mapping[str, np.ndarray]


def count_rows(table: Table) -> int:
    """The number of rows of a table.

    >>> count_rows({"x": np.zeros((3, 2))})
    3
    """
    return len(next(iter(table.values())))


def split_rows(table: Table, size: int) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """The rows of each block and its table, filled up to ``size`` rows."""
    N = count_rows(table)
    for first in range(0, N, size):
        rows = slice(first, min(first + size, N))
        yield rows, {n: fill_rows(v[rows], size) for n, v in table.items()}


def fill_rows(values: np.ndarray, size: int, axis: int = 0) -> np.ndarray:
    """``size`` rows along an axis: those given, then the first of them until there are enough.

    >>> fill_rows(np.array([1, 2]), 4)
    array([1, 2, 1, 1])
    """
    missing = size - values.shape[axis]
    return np.concatenate([values, np.repeat(np.take(values, [0], axis), missing, axis)], axis) if missing else values


def take_normals(normals: Normals | None, rows: slice, size: int) -> Normals | None:
    """The normals (E, N, ...) of some rows, filled up to ``size`` rows; None remains None."""
    return normals and {
        n: (fill_rows(mean[:, rows], size, 1), fill_rows(sd[:, rows], size, 1)) for n, (mean, sd) in normals.items()
    }


def join_blocks(results: Sequence[Any], N: int, axis: int = 0) -> Any:
    """Results of the blocks, alike in structure, as one result of N rows: arrays are joined along an axis.

    >>> join_blocks([{"a": np.zeros(2)}, {"a": np.ones(2)}], 3)
    {'a': array([0., 0., 1.])}
    """
    first = results[0]
    if isinstance(first, dict):
        return {name: join_blocks([r[name] for r in results], N, axis) for name in first}
    if isinstance(first, tuple):
        fields = (join_blocks(r, N, axis) for r in zip(*results, strict=True))
        return type(first)(*fields) if hasattr(first, "_fields") else tuple(fields)
    return np.concatenate(results, axis)[(slice(None),) * axis + (slice(N),)]
