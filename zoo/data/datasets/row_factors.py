"""Factors of a data set: what made each row, or the class that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Factors:
    """The factors of N rows.

    Attributes
    ----------
    names : tuple of str
        K names.
    index : numpy.ndarray of int
        The number of each factor's value, from 0 up in the order of the values, (N, K).
    values : numpy.ndarray of float
        The values, in the units of each factor, (N, K); of a category its number.
    """

    names: tuple[str, ...]
    index: np.ndarray
    values: np.ndarray

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of values of each factor."""
        return tuple(len(np.unique(column)) for column in self.index.T)

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {size}" for name, size in zip(self.names, self.sizes, strict=True))
        return f"Factors({len(self)} rows; {sizes})"


def label_factor(labels: np.ndarray) -> Factors:
    """The classes of rows, (N,), as their one factor.

    >>> label_factor(np.array([3, 5, 3]))
    Factors(3 rows; label: 2)
    """
    index = np.unique(labels, return_inverse=True)[1]
    return Factors(("label",), index[:, None], labels[:, None].astype(float))
