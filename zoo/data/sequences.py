"""Sequences of different lengths as one array, NaN after the end of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.data.arrays import to_numbers
from zoo.errors import ZooError
from zoo.types import DataLike


def pad_sequences(name: str, sequences: Sequence[DataLike]) -> np.ndarray:
    """One array (N, T, D) from arrays (T_n, D), or (T_n) of one column; T is the largest number of steps.

    Raises ZooError for sequences with different numbers of columns, and for one without steps.

    >>> pad_sequences("x", [[1.0, 2.0], [3.0]])[..., 0]
    array([[ 1.,  2.],
           [ 3., nan]])
    """
    arrays = [np.asarray(to_numbers(f"{name}[{n}]", values), float) for n, values in enumerate(sequences)]
    arrays = [a.reshape(-1, 1) if a.ndim == 1 else a for a in arrays]
    for n, array in enumerate(arrays):
        if array.ndim != 2 or array.shape[1:] != arrays[0].shape[1:]:
            raise ZooError(
                f"{name}[{n}] has the shape {array.shape} and {name}[0] {arrays[0].shape}: a list of sequences has "
                "arrays of steps and columns, with as many columns in each"
            )
        if not array.size:
            raise ZooError(f"{name}[{n}] has no steps: leave the sequence out")
    padded = np.full((len(arrays), max(map(len, arrays)), arrays[0].shape[1]), np.nan)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded
