"""Arguments of a report of fairness: checked, with groups and target as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from zoo.checks import is_whole
from zoo.errors import ZooError


@dataclass(frozen=True)
class FairnessData:
    """Codes with a sensitive attribute and a binary target.

    Attributes
    ----------
    codes : numpy.ndarray
        Real numbers, (N, Z).
    coordinates : tuple of int
        The coordinates that carry the attribute.
    group : numpy.ndarray of int
        The group of each row, from 0 to G - 1, (N,).
    groups : tuple of str
        The values of the attribute, G of them in increasing order.
    outcome : numpy.ndarray of bool
        Whether the target has its positive value, (N,).
    sensitive, target, positive : str
        Names of the attribute and of the target, and its positive value.
    """

    codes: np.ndarray
    coordinates: tuple[int, ...]
    group: np.ndarray
    groups: tuple[str, ...]
    outcome: np.ndarray
    sensitive: str
    target: str
    positive: str

    @property
    def complement(self) -> list[int]:
        """The other coordinates."""
        return [j for j in range(self.codes.shape[1]) if j not in self.coordinates]


def check_data(
    codes: ArrayLike,
    sensitive: ArrayLike,
    target: ArrayLike,
    coordinates: Sequence[int],
    positive: object,
    min_rows: int,
) -> FairnessData:
    """The arguments as numbers; raises ZooError as ``report`` tells."""
    z = check_codes(codes)
    values, group = read_categories("sensitive", sensitive, len(z))
    classes, label = read_categories("target", target, len(z))
    if len(values) == 1:
        raise ZooError(f"sensitive has one value, {values[0]}: groups are compared, so give two values or more")
    if len(classes) != 2:
        listed = ", ".join(map(str, classes[:4]))
        raise ZooError(f"target has two values; given {len(classes)} ({listed}): give target == value for one of them")
    which = 1 if positive is None else next((i for i, value in enumerate(classes) if value == positive), None)
    if which is None:
        raise ZooError(f"positive is a value of target, {classes[0]} or {classes[1]}; given {positive!r}")
    check_sizes(values, group, classes, label, min_rows)
    name_of = lambda values, default: str(getattr(values, "name", None) or default)  # noqa: E731
    return FairnessData(
        z,
        check_coordinates(coordinates, z.shape[1]),
        group,
        tuple(map(str, values)),
        label == which,
        name_of(sensitive, "sensitive"),
        name_of(target, "target"),
        str(classes[which]),
    )


def check_codes(codes: ArrayLike) -> np.ndarray:
    """Codes (N, Z) as floats; raises ZooError for other shapes and for values that are not finite."""
    try:
        z = np.asarray(codes, float)
    except (TypeError, ValueError):
        raise ZooError("codes are a rectangular array of numbers (N, Z)") from None
    if z.ndim != 2 or not z.size:
        raise ZooError(f"codes are an array (N, Z), a row for each row of the data; given shape {z.shape}")
    if not np.isfinite(z).all():
        row, column = np.argwhere(~np.isfinite(z))[0]
        raise ZooError(f"codes are finite numbers; row {row} has {z[row, column]} in dimension {column}: leave it out")
    return z


def read_categories(argument: str, values: ArrayLike, N: int) -> tuple[list[object], np.ndarray]:
    """The values in increasing order, and their numbers by row; raises ZooError for missing values and lengths."""
    import pandas as pd

    array = np.asarray(values)
    if array.shape != (N,):
        raise ZooError(f"{argument} has a value for each of the {N} rows of codes, (N,); given shape {array.shape}")
    if missing := int(pd.isna(array).sum()):
        raise ZooError(f"{argument} has {missing} missing values: leave these rows out of codes, sensitive and target")
    try:
        classes, numbers = np.unique(array, return_inverse=True)
    except TypeError:
        raise ZooError(f"{argument} has values of one kind, numbers or words; given both") from None
    return classes.tolist(), numbers


def check_sizes(
    values: list[object], group: np.ndarray, classes: list[object], label: np.ndarray, min_rows: int
) -> None:
    """Raise ZooError for a group with too few rows, or with too few of a value of the target."""
    counts = np.bincount(2 * group + label, minlength=2 * len(values)).reshape(-1, 2)
    remedy = f"a rate needs min_rows={min_rows}: join groups, leave their rows out, or lower min_rows"
    for value, row in zip(values, counts, strict=True):
        if row.sum() < min_rows:
            raise ZooError(f"sensitive = {value} has {row.sum()} rows, and {remedy}")
    for value, row in zip(values, counts, strict=True):
        for name, count in zip(classes, row, strict=True):
            if count < min_rows:
                raise ZooError(f"sensitive = {value} has {count} rows whose target is {name}, and {remedy}")


def check_coordinates(coordinates: Sequence[int], Z: int) -> tuple[int, ...]:
    """Different numbers of dimensions, one or more but not all; raises ZooError otherwise."""
    given = tuple(coordinates) if isinstance(coordinates, Sequence | np.ndarray) else (coordinates,)
    if wrong := [j for j in given if not is_whole(j) or not 0 <= j < Z]:
        raise ZooError(f"coordinates are dimensions of the codes, 0 to {Z - 1}; given {wrong[0]!r}")
    if not 0 < len(set(given)) < Z:
        raise ZooError(f"coordinates are some of the {Z} dimensions of the codes, not none and not all; given {given}")
    return tuple(sorted({int(j) for j in given}))
