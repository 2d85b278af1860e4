"""Sequences of different lengths as one array, NaN after the end of each, and as steps; the times of tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from zoo.data.arrays import to_numbers
from zoo.data.column_names import Names, column_names, column_order
from zoo.errors import ZooError
from zoo.types import DataLike

TIME = "time"  # the column of a table that has the time of each step


def pad_sequences(name: str, sequences: Sequence[DataLike], columns: Names | None = None) -> np.ndarray:
    """One array (N, T, D) from arrays (T_n, D), or (T_n) of one column; T is the largest number of steps.

    columns: the names with which those of DataFrames are matched; unless given, those of the first. Raises ZooError for
    sequences with different numbers of columns, and for one without steps.

    >>> pad_sequences("x", [[1.0, 2.0], [3.0]])[..., 0]
    array([[ 1.,  2.],
           [ 3., nan]])
    """
    own, arrays = columns or column_names(first_table(sequences)), []
    for n, values in enumerate(sequences):
        array = np.asarray(to_numbers(f"{name}[{n}]", values), float)
        order = column_order(f"{name}[{n}]", own, column_names(values))
        array = array.reshape(-1, 1) if array.ndim == 1 else array
        arrays.append(array if order is None else array[:, order])
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


def first_table(values: DataLike) -> DataLike:
    """The first sequence of a list of them; other data is unchanged."""
    return values[0] if isinstance(values, list | tuple) and len(values) else values


class Steps(NamedTuple):
    """The steps of sequences one after the other, each sequence up to its last observed value.

    values: (S, D). starts: (N + 1,), where each sequence begins, and S. is_step: (N, T), which steps these are.
    """

    values: np.ndarray
    starts: np.ndarray
    is_step: np.ndarray

    def padded(self) -> np.ndarray:
        """The sequences as one array (N, T, D), NaN after the end of each."""
        x = np.full((*self.is_step.shape, self.values.shape[1]), np.nan)
        x[self.is_step] = self.values
        return x


def observed_steps(x: np.ndarray) -> Steps:
    """The steps of sequences (N, T, D); of one without values its first step.

    >>> observed_steps(np.array([[[1.0], [np.nan], [3.0]], [[4.0], [np.nan], [np.nan]]])).starts
    array([0, 3, 4])
    """
    T, has_value = x.shape[1], np.asarray((~np.isnan(x)).any(axis=-1))
    lengths = np.where(has_value.any(1), T - has_value[:, ::-1].argmax(axis=-1), 1)
    is_step = np.arange(T) < lengths[:, None]
    return Steps(np.ascontiguousarray(x[is_step]), np.concatenate([[0], lengths.cumsum()]), is_step)


def check_ragged(name: str, x: np.ndarray) -> None:
    """Raise ZooError for a value of sequences (N, T, D) that is missing before the end of its sequence.

    >>> check_ragged("x", np.array([[[1.0], [np.nan], [3.0]]]))
    Traceback (most recent call last):
    zoo.errors.ZooError: x: step 1 of sequence 0 is missing (NaN), and later steps depend on it: fill it in, or give \
the steps after it as a sequence of their own
    """
    is_missing = np.isnan(x)
    is_later = np.asarray((~is_missing).any(axis=-1))  # whether the step, or a later one, has a value
    is_later = np.logical_or.accumulate(is_later[:, ::-1], axis=1)[:, ::-1]
    is_wrong = is_missing.any(-1) & is_later
    if is_wrong.any():
        n, t = (int(i) for i in np.argwhere(is_wrong)[0])
        raise ZooError(
            f"{name}: step {t} of sequence {n} is missing (NaN), and later steps depend on it: fill it in, or give the "
            "steps after it as a sequence of their own"
        )


def without_time(name: str, values: DataLike) -> DataLike:
    """Sequences whose tables have no column ``time``; raises ZooError where its times do not ascend.

    >>> import pandas as pd
    >>> without_time("x", pd.DataFrame({"time": [1, 2], "y": [0.5, 0.7]})).columns.tolist()
    ['y']
    >>> without_time("x", pd.DataFrame({"time": [2, 1], "y": [0.5, 0.7]}))
    Traceback (most recent call last):
    zoo.errors.ZooError: x: the times are out of order in row 1, 1 after 2: sort the rows by time, and give each \
sequence as a table of its own
    """
    if isinstance(values, list | tuple) and any(column_names(table) for table in values):
        return [without_time(f"{name}[{n}]", table) for n, table in enumerate(values)]
    table: Any = values
    if TIME not in (column_names(table) or ()):
        return values
    times = np.asarray(table[TIME])
    is_later = times[1:] > times[:-1]  # not where one is missing
    if not is_later.all():
        row = int(is_later.argmin()) + 1
        raise ZooError(
            f"{name}: the times are out of order in row {row}, {times[row]} after {times[row - 1]}: sort the rows by "
            "time, and give each sequence as a table of its own"
        )
    return table.drop(columns=TIME) if hasattr(table, "iloc") else table.drop(TIME)
