"""Sum-product over enumerated dimensions and plates, one variable at a time.

Tensor variable elimination (Obermeyer et al. 2019, "Tensor variable elimination for plated factor graphs"), for arrays
of either backend: it needs only ``+``, ``*``, ``.sum(dim, keepdims=True)``, ``.reshape`` and a ``logsumexp``.
Dimensions are counted from the right: plates are the rightmost, enumerated sites to their left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from zoo.errors import ZooError
from zoo.types import BackendArray, BackendParams

LogSumExp: TypeAlias = Callable[[BackendArray, int], BackendArray]  # (array, dimension), which is kept with size 1


class Plate(NamedTuple):
    """A plate; two that are not nested may share a dimension, so the name distinguishes them."""

    name: str
    dim: int


class Factor(NamedTuple):
    """A log-density over enumerated dimensions, within some plates."""

    log: BackendArray
    plates: frozenset[Plate]


class Variable(NamedTuple):
    """A discrete site: its enumerated dimension, the number of its values, and its plates."""

    name: str
    dim: int
    size: int
    plates: frozenset[Plate]

    @property
    def plate_dims(self) -> list[int]:
        """The dimensions of its plates, from the left."""
        return sorted(plate.dim for plate in self.plates)


class FactorGraph(NamedTuple):
    """The factors of a program by site, its discrete variables, and the plate of the rows, if there is one."""

    factors: dict[str, Factor]
    variables: list[Variable]
    rows: Plate | None

    def add(self, logs: BackendParams) -> FactorGraph:
        """The graph with an array added to the log-density of some of the factors."""
        changed = {n: self.factors[n]._replace(log=self.factors[n].log + log) for n, log in logs.items()}
        return self._replace(factors={**self.factors, **changed})

    def log_marginal_by_row(self, logsumexp: LogSumExp) -> BackendArray:
        """log p of each row, (N,), discrete variables summed out; factors of no row are of the prior."""
        in_rows = {
            n: f
            for n, f in self.factors.items()
            if self.rows in f.plates or any(depends_on(f, v.dim) for v in self.variables)
        }
        return sum_by_row(self._replace(factors=in_rows)._eliminate(logsumexp), self.rows)

    def log_marginal(
        self, logsumexp: LogSumExp, weights: BackendArray | None = None
    ) -> tuple[BackendArray, BackendArray | None]:
        """log p of all rows, each counted ``weights`` times, and of each row; the latter None without weights."""
        factors = self._eliminate(logsumexp)
        if weights is None:
            return sum(f.log.sum() for f in factors), None
        by_row = sum_by_row(factors, self.rows)
        return (by_row * weights).sum(), by_row

    def _eliminate(self, logsumexp: LogSumExp) -> list[Factor]:
        return eliminate(list(self.factors.values()), self.variables, logsumexp)


def depends_on(factor: Factor, dim: int) -> bool:
    """Whether the factor varies along an enumerated dimension."""
    return len(factor.log.shape) >= -dim and factor.log.shape[dim] > 1


def eliminate(factors: Sequence[Factor], variables: Sequence[Variable], logsumexp: LogSumExp) -> list[Factor]:
    """Sum every variable out; the factors that remain are over plates alone.

    Raises ZooError where two variables in different plates are in one factor, so that no order works.
    """
    remaining = list(factors)
    queue = sorted(variables, key=lambda v: -len(v.plates))  # those in most plates are innermost
    while queue:
        v = queue.pop(0)
        dependent = [f for f in remaining if depends_on(f, v.dim)]
        if not dependent:
            continue  # one value only: nothing to sum
        remaining = [f for f in remaining if not depends_on(f, v.dim)]
        product = None
        for f in dependent:
            outside = f.plates - v.plates
            for u in queue:
                if depends_on(f, u.dim) and u.plates & outside:
                    raise ZooError(
                        f"{v.name} and {u.name} are in one factor and in different plates, so that there is no exact "
                        "sum: put them in one plate"
                    )
            # given v, what is in further plates is independent: a product
            log = f.log
            for plate in outside:
                log = log.sum(plate.dim, keepdims=True)
            product = log if product is None else product + log
        remaining.append(Factor(logsumexp(product, v.dim), v.plates))
    return remaining


def sum_by_row(factors: Sequence[Factor], rows: Plate | None) -> BackendArray:
    """log p of each row, (N,), from factors over plates alone; raises ZooError where one is not within the plate N."""
    if rows is None:
        raise ZooError("the program has no plate of rows, so that no row has a log p of its own")
    total: BackendArray = 0.0
    for f in factors:
        if rows not in f.plates:
            raise ZooError("a latent outside the plate N couples the rows, so that no row has a log p of its own")
        log = f.log
        for dim in range(-len(log.shape), 0):
            if dim != rows.dim:
                log = log.sum(dim, keepdims=True)
        total = total + log.reshape(-1)
    return total


def common_scale(scales: Sequence[float]) -> float:
    """The scale of minibatches, which sites that share a discrete latent have in common; raises ZooError."""
    if len(set(scales)) > 1:
        raise ZooError("sites that share a discrete latent are subsampled differently: put them in one plate")
    return scales[0]
