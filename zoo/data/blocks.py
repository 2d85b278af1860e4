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
