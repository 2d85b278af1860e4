"""Functions of a single draw that are invariant to the symmetries of the model, and so can be ranked.

A posterior with exchangeable components gives the components of each draw in some order, and the true values have
another. Sorting both by one rule that depends on that draw alone keeps the ranks uniform. Where an axis may be rotated,
inner products over it are invariant, W W'; of a vector along it alone the sorted absolute values, where columns may be
exchanged and change sign, or the length, where they may be rotated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from inference.summaries.quantities import entry_name, symmetric_matrices
from zoo import Card, ZooError
from zoo.types import Keywords


class Quantity(NamedTuple):
    """Draws of a reported quantity: value (draws, *shape), and a letter for each dimension of the shape."""

    value: np.ndarray
    dims: tuple[str, ...]
    is_weights: bool = False  # of components
    is_symmetric: bool = False  # a matrix in its last two dimensions

    def last(self, letter: str) -> Quantity:
        """The quantity with the axis of one letter last."""
        others = tuple(d for d in self.dims if d != letter)
        return self._replace(value=np.moveaxis(self.value, 1 + self.dims.index(letter), -1), dims=(*others, letter))


def invariants(card: Card, settings: Keywords, draws: Mapping[str, np.ndarray]) -> tuple[list[str], np.ndarray]:
    """Names of the quantities and their values, (draws, quantities), of parameters (draws, *shape)."""
    reported = card.report({n: draws[n] for n in card.parameters(settings)}, settings)
    matrices = symmetric_matrices(card, settings)
    quantities = {}
    for name, site in card.reported(settings).items():
        if name not in reported:
            continue  # a deterministic site: a function of the others
        quantity = Quantity(reported[name], site.dims, site.kind == "simplex", name in matrices)
        for letter, symmetry in card.symmetries.items():
            if letter in quantity.dims:
                name, quantity = remove_rotation(name, quantity.last(letter), symmetry, card.exchangeable)
        quantities[name] = quantity
    for components in card.exchangeable:
        order = component_order(quantities.values(), components)
        quantities = {n: q._replace(value=sort_components(order, q, components)) for n, q in quantities.items()}
    names: list[str] = []
    columns = []
    for name, quantity in quantities.items():
        value = quantity.value
        shape = value.shape[1:]
        if quantity.is_weights and shape[-1] == 1:
            continue  # always 1
        entries = [i for i in np.ndindex(*shape) if not (quantity.is_symmetric and i[-1] > i[-2])]
        names += [entry_name(name, i) for i in entries]
        columns += [value[(slice(None), *i)] for i in entries]
    return names, np.stack(columns, axis=-1)


def remove_rotation(name: str, quantity: Quantity, symmetry: str, exchangeable: Sequence[str]) -> tuple[str, Quantity]:
    """An invariant of a quantity whose last axis may be rotated, with its name."""
    *others, _ = quantity.dims
    inner = [d for d in others if d not in exchangeable]
    if len(inner) == 1:
        quantity = quantity.last(inner[0])  # (draws, components, rotated, inner)
        products = np.swapaxes(quantity.value, -1, -2) @ quantity.value
        dims = (*(d for d in others if d in exchangeable), *inner * 2)
        return f"{name} {name}'", Quantity(products, dims, is_symmetric=True)
    if inner:
        raise ZooError(f"{name} has {', '.join(inner)} beside an axis that may be rotated: it cannot be ranked")
    if symmetry == "rotation":
        return f"|{name}|", Quantity(np.sqrt((quantity.value**2).sum(-1)), tuple(others))
    return f"sorted {name}", Quantity(np.sort(np.abs(quantity.value), axis=-1), quantity.dims)


def component_order(quantities: Iterable[Quantity], components: str) -> np.ndarray:
    """The components of each draw by one ascending number of each, (draws, K); weights only if there is no other."""
    with_components = [q for q in quantities if components in q.dims]
    if not with_components:
        return np.zeros((0, 0), dtype=int)
    single = [q for q in with_components if q.dims.count(components) == 1]
    if not single:
        raise ZooError("no quantity belongs to one component: they cannot be put in order")
    value = min(single, key=lambda q: q.is_weights).last(components).value
    return value.reshape(len(value), -1, value.shape[-1])[:, 0].argsort(axis=1, kind="stable")


def sort_components(order: np.ndarray, quantity: Quantity, components: str) -> np.ndarray:
    """The values with every axis of the components in the given order."""
    value = quantity.value
    for axis, dim in enumerate(quantity.dims, start=1):
        if dim == components:
            shape = [-1 if a in (0, axis) else 1 for a in range(value.ndim)]
            shape[0] = len(order)
            value = np.take_along_axis(value, order.reshape(shape), axis)
    return value
