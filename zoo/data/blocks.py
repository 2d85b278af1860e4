"""Blocks of rows, by which a table larger than memory is read from disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

BLOCK = 1 << 16  # numbers in a block, about what the cache of one core holds


class ArrayRows(Protocol):
    """An array (N, ...), or an object indexed as one."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> np.ndarray: ...


def blocks(values: ArrayRows) -> Iterator[tuple[int, np.ndarray]]:
    """The index of the first row and the rows of each block of an array (N, ...), or of an object indexed as one."""
    rows = max(1, BLOCK // max(1, values[:1].size))
    return ((i, values[i : i + rows]) for i in range(0, len(values), rows))


def weighted_blocks(values: ArrayRows, weights: np.ndarray | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rows and the weights of each block of an array (N, ...), without the rows of weight 0.

    weights: (N,); None where every row counts once.
    """
    for start, block in blocks(values):
        if weights is None:
            yield block, np.ones(len(block))
            continue
        w = weights[start : start + len(block)]
        is_counted = w > 0
        if is_counted.all():
            yield block, w
        elif is_counted.any():
            yield block[is_counted], w[is_counted]
