"""Sum-product over enumerated dimensions and plates, one variable at a time.

Tensor variable elimination (Obermeyer et al. 2019, "Tensor variable elimination for plated factor graphs"), for arrays
of either backend: it needs only ``+``, ``*``, ``.sum(dim, keepdims=True)``, ``.reshape`` and ``ArrayFunctions``.
Dimensions are counted from the right: plates are the rightmost, enumerated sites to their left. A chain is one
variable, which a forward pass sums over (``chains``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from inference.exact.enumeration.chains import TIME, ArrayFunctions, chain_last, sum_paths
from zoo.errors import ZooError
from zoo.types import BackendArray, BackendParams


class Plate(NamedTuple):
    """A plate; two that are not nested may share a dimension, so the name distinguishes them."""

    name: str
    dim: int


class Factor(NamedTuple):
    """A log-density over enumerated dimensions, within some plates."""

    log: BackendArray
    plates: frozenset[Plate]


class Variable(NamedTuple):
    """A discrete site: its enumerated dimension, the number of its values, and its plates.

    A chain also has the dimension to the left of its own, of the state before, and a factor of its transitions.
    """

    name: str
    dim: int
    size: int
    plates: frozenset[Plate]
    is_chain: bool = False

    @property
    def plate_dims(self) -> list[int]:
        """The dimensions of its plates, from the left; of a chain also that of the steps."""
        return sorted({*(plate.dim for plate in self.plates), *([TIME] if self.is_chain else [])})

    @property
    def transition(self) -> str:
        """The name of the factor of a chain's transitions."""
        return f"{self.name} transition"

    @property
    def factor_names(self) -> list[str]:
        """The names of its own factors."""
        return [self.name, *([self.transition] if self.is_chain else [])]

    @property
    def dims(self) -> list[int]:
        """Its enumerated dimensions."""
        return [self.dim, *([self.dim - 1] if self.is_chain else [])]


class FactorGraph(NamedTuple):
    """The factors of a program by site, its discrete variables, and the plate of the rows, if there is one."""

    factors: dict[str, Factor]
    variables: list[Variable]
    rows: Plate | None

    def add(self, logs: BackendParams) -> FactorGraph:
        """The graph with an array added to the log-density of some of the factors."""
        changed = {n: self.factors[n]._replace(log=self.factors[n].log + log) for n, log in logs.items()}
        return self._replace(factors={**self.factors, **changed})

    def of_labels(self, name: str, log: BackendArray) -> FactorGraph:
        """The graph in which a discrete site has the log-density given, and every other factor is 1."""
        factors = {n: f._replace(log=log if n == name else 0 * f.log) for n, f in self.factors.items()}
        return self._replace(factors=factors)

    def log_marginal_by_row(self, functions: ArrayFunctions) -> BackendArray:
        """log p of each row, (N,), discrete variables summed out; factors of no row are of the prior."""
        in_rows = {
            n: f
            for n, f in self.factors.items()
            if self.rows in f.plates or any(depends_on(f, v.dim) for v in self.variables)
        }
        return sum_by_row(self._replace(factors=in_rows)._eliminate(functions), self.rows)

    def log_marginal(
        self, functions: ArrayFunctions, weights: BackendArray | None = None
    ) -> tuple[BackendArray, BackendArray | None]:
        """log p of all rows, each counted ``weights`` times, and of each row; the latter None without weights."""
        factors = self._eliminate(functions)
        if weights is None:
            return sum(f.log.sum() for f in factors), None
        by_row = sum_by_row(factors, self.rows)
        return (by_row * weights).sum(), by_row

    def chain(self, v: Variable, functions: ArrayFunctions) -> tuple[BackendArray, BackendArray]:
        """The logs of a chain, as ``inference.exact.markov`` has them, the labels of single steps summed out.

        Raises ZooError where another label decides on the whole chain, which then is a mixture of chains.
        """
        order = elimination_order(self.variables)
        inner, outer = order[: order.index(v)], order[order.index(v) + 1 :]
        factors = eliminate(list(self.factors.values()), inner, functions)
        dependent = [f for f in factors if depends_on(f, v.dim)]
        for u in outer:
            if any(depends_on(f, u.dim) for f in dependent):
                raise ZooError(
                    f"{v.name} is a mixture of chains, by {u.name}, and not a chain: sample_labels draws both together"
                )
        own, transition = (self.factors[n].log for n in v.factor_names)
        product = multiply_factors(v, dependent, [])[0] if dependent else own
        return chain_last(product, transition, v.dim, functions)

    def _eliminate(self, functions: ArrayFunctions) -> list[Factor]:
        return eliminate(list(self.factors.values()), self.variables, functions)


def depends_on(factor: Factor, dim: int) -> bool:
    """Whether the factor varies along an enumerated dimension."""
    return len(factor.log.shape) >= -dim and factor.log.shape[dim] > 1


def elimination_order(variables: Sequence[Variable]) -> list[Variable]:
    """Those in most plates first, as they are innermost; a chain after what is in the plate of its steps."""
    return sorted(variables, key=lambda v: (-len(v.plate_dims), v.is_chain))


def eliminate(factors: Sequence[Factor], variables: Sequence[Variable], functions: ArrayFunctions) -> list[Factor]:
    """Sum every variable out; the factors that remain are over plates alone.

    Raises ZooError where two variables in different plates are in one factor, so that no order works.
    """
    remaining = list(factors)
    queue = elimination_order(variables)
    while queue:
        v = queue.pop(0)
        dependent = [f for f in remaining if depends_on(f, v.dim)]
        if not dependent:
            continue  # one value only: nothing to sum
        remaining = [f for f in remaining if not depends_on(f, v.dim)]
        product, transition = multiply_factors(v, dependent, queue)
        if transition is None:
            remaining.append(Factor(functions.logsumexp(product, v.dim), v.plates))
        else:
            plates = frozenset(p for p in v.plates if p.dim != TIME)
            remaining.append(Factor(sum_paths(product, transition, v.dim, functions), plates))
    return remaining


def multiply_factors(
    v: Variable, dependent: Sequence[Factor], queue: Sequence[Variable]
) -> tuple[BackendArray, BackendArray | None]:
    """The product of the factors that depend on a variable, and of a chain that of its transitions.

    queue: the variables that are still to be summed out.
    """
    product, transition = None, None
    for f in dependent:
        check_order(v, f, queue)
        if v.is_chain and depends_on(f, v.dim - 1):
            transition = f.log
            continue
        # given v, what is in further plates is independent: a product
        log = f.log
        for plate in f.plates - v.plates:
            if plate.dim not in v.plate_dims:
                log = log.sum(plate.dim, keepdims=True)
        product = log if product is None else product + log
    if transition is not None:
        check_steps(v, dependent)
    return product, transition


def check_order(v: Variable, f: Factor, queue: Sequence[Variable]) -> None:
    """Raise ZooError where a factor of ``v`` has a variable in other plates that is still to be summed out."""
    outside = f.plates - v.plates
    for u in queue:
        if not depends_on(f, u.dim):
            continue
        if u.plates & outside:
            raise ZooError(
                f"{v.name} and {u.name} are in one factor and in different plates, so that there is no exact "
                "sum: put them in one plate"
            )
        if u.is_chain and v.is_chain:
            raise ZooError(
                f"{v.name} and {u.name} are chains with emissions in common, whose sum is over pairs of states: write "
                "them as one chain of pairs"
            )
        if u.is_chain and depends_on(f, u.dim - 1) and TIME in v.plate_dims:
            raise ZooError(f"{v.name} changes with time, and the transitions of {u.name} depend on it: observe it")


def check_steps(v: Variable, dependent: Sequence[Factor]) -> None:
    """Raise ZooError where a factor depends on a chain as a whole, and not step by step."""
    T = max(f.log.shape[TIME] for f in dependent if not depends_on(f, v.dim - 1))
    if any(f.log.shape[TIME] != T for f in dependent if not depends_on(f, v.dim - 1)):
        raise ZooError(
            f"a site depends on {v.name}, a chain of {T} steps, and not step by step: put what depends on it in a "
            f"plate of the {T} steps, at dimension -1"
        )


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
