"""Sum-product over enumerated dimensions and plates, one variable at a time.

Tensor variable elimination (Obermeyer et al. 2019, "Tensor variable elimination for plated factor graphs"),
for arrays of either backend: it needs only ``+``, ``.sum(dim, keepdims=True)`` and the ``logsumexp`` given.
Dimensions are counted from the right: plates nearest, enumerated sites to their left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from zoo.errors import ZooError


class Plate(NamedTuple):
    """A plate; two that are not nested may share a dimension, so the name tells them apart."""

    name: str
    dim: int


class Factor(NamedTuple):
    """A log-density over enumerated dimensions, within some plates."""

    log: Any
    plates: frozenset[Plate]


class Variable(NamedTuple):
    """A discrete site: its enumerated dimension, how many values it has, and the plates it lives in."""

    name: str
    dim: int
    size: int
    plates: frozenset[Plate]


def touches(factor: Factor, dim: int) -> bool:
    """Whether the factor varies along an enumerated dimension."""
    return len(factor.log.shape) >= -dim and factor.log.shape[dim] > 1


def eliminate(
    factors: Sequence[Factor], variables: Sequence[Variable], logsumexp: Callable[[Any, int], Any]
) -> list[Factor]:
    """Sum every variable out; what is left are factors over plates alone.

    Raises ZooError where two variables in different plates meet in one factor, so that no order works.
    """
    left = list(factors)
    waiting = sorted(variables, key=lambda v: -len(v.plates))  # those in most plates are innermost
    while waiting:
        v = waiting.pop(0)
        mine = [f for f in left if touches(f, v.dim)]
        if not mine:
            continue  # one value only: nothing to sum
        left = [f for f in left if not touches(f, v.dim)]
        product = None
        for f in mine:
            outside = f.plates - v.plates
            for u in waiting:
                if touches(f, u.dim) and u.plates & outside:
                    raise ZooError(f"{v.name} and {u.name} meet across plates: no exact sum; put them in one plate")
            # given v, what lies in further plates is independent: a product
            log = f.log
            for plate in outside:
                log = log.sum(plate.dim, keepdims=True)
            product = log if product is None else product + log
        left.append(Factor(logsumexp(product, v.dim), v.plates))
    return left


def by_row(left: Sequence[Factor], rows: Plate | None) -> Any:
    """log p of each row, (N,), from factors over plates alone. Raises ZooError where one is not within the plate N."""
    total: Any = 0.0
    for f in left:
        if rows is None or rows not in f.plates:
            raise ZooError("a latent outside the plate N ties the rows together: they have no log p each")
        log = f.log
        for dim in range(-len(log.shape), 0):
            if dim != rows.dim:
                log = log.sum(dim, keepdims=True)
        total = total + log.reshape(-1)
    return total


def total(left: Sequence[Factor], rows: Plate | None, weights: Any = None) -> tuple[Any, Any]:
    """log p of all rows, each counted ``weights`` times, and that of each; (log p, None) where no weights are given."""
    if weights is None:
        return sum(f.log.sum() for f in left), None
    each = by_row(left, rows)
    return (each * weights).sum(), each
