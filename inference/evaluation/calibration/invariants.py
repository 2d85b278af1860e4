"""What of a draw may be ranked: functions of that draw alone that the symmetries of the model leave as they are.

A posterior that cannot know the order of its components gives each draw in some order, and the truth has come in
another. Sorting both by one rule, which looks at that draw alone, keeps the ranks uniform. Of an axis that may be
turned, the inner products over it are what is left, W W'; of a vector along it alone its sorted sizes, where columns
may be exchanged and change sign, or its length, where they may be rotated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from inference.summaries.quantities import symmetric_matrices
from zoo import Card, ZooError


class Quantity(NamedTuple):
    """Draws of something reported: value (draws, *shape), and a letter for each dimension of the shape."""

    value: np.ndarray
    dims: tuple[str, ...]
    weights: bool = False  # of components
    symmetric: bool = False  # a matrix in its last two dimensions

    def last(self, letter: str) -> Quantity:
        """The same with the axis of one letter last."""
        others = tuple(d for d in self.dims if d != letter)
        return self._replace(value=np.moveaxis(self.value, 1 + self.dims.index(letter), -1), dims=(*others, letter))


def invariants(
    card: Card, settings: Mapping[str, Any], draws: Mapping[str, np.ndarray]
) -> tuple[list[str], np.ndarray]:
    """Names of the quantities and their values, (draws, quantities), of parameters (draws, *shape)."""
    reported = card.report({n: draws[n] for n in card.parameters(settings)}, settings)
    matrices = symmetric_matrices(card, settings)
    quantities = {}
    for name, site in card.reported(settings).items():
        one = Quantity(reported[name], site.dims, site.kind == "simplex", name in matrices)
        for letter, how in card.symmetries.items():
            if letter in one.dims:
                name, one = unturned(name, one.last(letter), how)
        quantities[name] = one
    order = ordering(quantities.values())
    names: list[str] = []
    columns = []
    for name, one in quantities.items():
        value = sorted_by(order, one)
        shape = value.shape[1:]
        if one.weights and shape[-1] == 1:
            continue  # always 1
        kept = [i for i in np.ndindex(*shape) if not (one.symmetric and i[-1] > i[-2])]
        names += [f"{name}[{','.join(map(str, i))}]" if i else name for i in kept]
        columns += [value[(slice(None), *i)] for i in kept]
    return names, np.stack(columns, axis=-1)


def unturned(name: str, one: Quantity, how: str) -> tuple[str, Quantity]:
    """A quantity whose last axis may be turned, as one that does not know how."""
    *left, _ = one.dims
    inner = [d for d in left if d != "K"]
    if len(inner) == 1:
        one = one.last(inner[0])  # (draws, K, turned, inner)
        gram = np.swapaxes(one.value, -1, -2) @ one.value
        return f"{name} {name}'", Quantity(gram, (*(d for d in left if d == "K"), *inner * 2), symmetric=True)
    if inner:
        raise ZooError(f"{name} has {', '.join(inner)} beside an axis that may be turned: it cannot be ranked")
    if how == "rotation":
        return f"|{name}|", Quantity(np.sqrt((one.value**2).sum(-1)), tuple(left))
    return f"sorted {name}", Quantity(np.sort(np.abs(one.value), axis=-1), one.dims)


def ordering(quantities: Iterable[Quantity]) -> np.ndarray:
    """The components of each draw ascending by one number of each, (draws, K); by weights if there is no other."""
    having = [one for one in quantities if "K" in one.dims]
    if not having:
        return np.zeros((0, 0), dtype=int)
    single = [one for one in having if one.dims.count("K") == 1]
    if not single:
        raise ZooError("no quantity belongs to one component: they cannot be put in order")
    by = min(single, key=lambda one: one.weights).last("K").value
    return by.reshape(len(by), -1, by.shape[-1])[:, 0].argsort(axis=1, kind="stable")


def sorted_by(order: np.ndarray, one: Quantity) -> np.ndarray:
    """The values with every axis of the letter K in the order given."""
    value = one.value
    for axis, letter in enumerate(one.dims, start=1):
        if letter == "K":
            shape = [-1 if a in (0, axis) else 1 for a in range(value.ndim)]
            shape[0] = len(order)
            value = np.take_along_axis(value, order.reshape(shape), axis)
    return value
