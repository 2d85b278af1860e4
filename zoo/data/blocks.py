"""Blocks of rows, by which a table larger than memory is read from disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from zoo.data.intensities import Intensities

BLOCK = 1 << 16  # numbers in a block, about what the cache of one core holds


def blocks(values: np.ndarray | Intensities) -> Iterator[tuple[int, np.ndarray]]:
    """The index of the first row and the rows of each block of an array (N, ...) or of intensities."""
    rows = max(1, BLOCK // max(1, values[:1].size))
    return ((i, values[i : i + rows]) for i in range(0, len(values), rows))
