"""Sum-product over enumerated dimensions and plates, one variable at a time.

Tensor variable elimination (Obermeyer et al. 2019, "Tensor variable elimination for plated factor graphs"), for arrays
of either backend: it needs only ``+``, ``*``, ``.sum(dim, keepdims=True)``, ``.reshape`` and ``ArrayFunctions``.
Dimensions are counted from the right: plates are the rightmost, enumerated sites to their left. A chain is one
variable, which a forward pass sums over (``chains``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from inference.exact.enumeration.chains import (
    TIME,
    ArrayFunctions,
    ChainDims,
    combined_chain,
    sum_paths,
    zeros_shape,
)
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

    A chain also has the dimensions to the left of its own, of the ``order`` states before, and a factor of its
    transitions. loop: of a site within a loop over time, which loop, and steps the sites of its steps where each has a
    name of its own.
    """

    name: str
    dim: int
    size: int
    plates: frozenset[Plate]
    order: int = 0
    loop: str = ""
    steps: tuple[str, ...] = ()

    @property
    def is_chain(self) -> bool:
        """Whether it is a chain."""
        return self.order > 0

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
        return [self.dim - lag for lag in range(self.order + 1)]

    def is_moved_by(self, factor: Factor) -> bool:
        """Whether a factor depends on states before."""
        return any(depends_on(factor, dim) for dim in self.dims[1:])


class FactorGraph(NamedTuple):
    """The factors of a program by site, its discrete variables, and the plate of the rows, if there is one.

    has_loops: whether there are loops over time in the program, so that time, the last dimension of every factor, is no
    dimension of the program's. steps: the sites of the steps of a factor of a loop that has them apart.
    """

    factors: dict[str, Factor]
    variables: list[Variable]
    rows: Plate | None
    has_loops: bool = False
    steps: Mapping[str, tuple[str, ...]] = MappingProxyType({})

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

    def chain(self, v: Variable, functions: ArrayFunctions) -> tuple[BackendArray, BackendArray, list[Variable]]:
        """The logs of a chain, as ``inference.exact.markov`` has them, and the chains whose states are combined in it.

        These are the chains that have factors in common with ``v``, in the order of the program. The labels of single
        steps are summed out. Raises ZooError where another label decides on the whole chain, which then is a mixture of
        chains.
        """
        factors, group = self._chain_group(v, functions)
        dependent = [f for f in factors if any(is_linking(f, u) for u in group)]
        for u in self.variables:
            if u not in group and any(is_linking(f, u) for f in dependent):
                raise ZooError(
                    f"{v.name} is a mixture of chains, by {u.name}, and not a chain: sample_labels draws both together"
                )
        product, transitions = multiply_factors(group, dependent, [])
        if product is None:  # one state, on which no factor depends: those of its steps
            steps = [f.log for f in factors if v.plates <= f.plates and any(p.dim == TIME for p in f.plates)]
            product = sum(steps, self.factors[v.name].log)
        transitions = transitions or [self.factors[u.transition].log for u in group]
        return *combined_chain(product, transitions, [chain_dims(u) for u in group], functions), group

    def combined_chains(self, v: Variable, functions: ArrayFunctions) -> list[Variable]:
        """A chain and those that have factors in common with it, in the order of the program."""
        return self._chain_group(v, functions)[1]

    def chain_zeros(self, group: Sequence[Variable], is_moving: bool) -> list[int]:
        """The shape of zeros on the states of combined chains, or on their transitions."""
        v = group[0]
        return zeros_shape(self.factors[v.name].log, [chain_dims(u) for u in group], v.plate_dims, is_moving)

    def _chain_group(self, v: Variable, functions: ArrayFunctions) -> tuple[list[Factor], list[Variable]]:
        """The factors without the labels of single steps, and the chains that these couple with ``v``."""
        order = elimination_order(self.variables)
        inner = [u for u in order[: order.index(v)] if not u.is_chain]
        factors = eliminate(list(self.factors.values()), inner, functions)
        coupled = combined_with(v, factors, [u for u in self.variables if u.is_chain and u != v])
        return factors, [u for u in self.variables if u == v or u in coupled]

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
        group = [v, *combined_with(v, remaining, queue)]
        queue = [u for u in queue if u not in group]
        is_dependent = [any(is_linking(f, u) for u in group) for f in remaining]
        dependent = [f for f, is_one in zip(remaining, is_dependent, strict=True) if is_one]
        if not dependent:
            continue  # one value only: nothing to sum
        remaining = [f for f, is_one in zip(remaining, is_dependent, strict=True) if not is_one]
        product, transitions = multiply_factors(group, dependent, queue)
        if not transitions:
            remaining.append(Factor(functions.logsumexp(product, v.dim), v.plates))
        else:
            plates = frozenset(p for p in v.plates if p.dim != TIME)
            remaining.append(Factor(sum_paths(product, transitions, [chain_dims(u) for u in group], functions), plates))
    return remaining


def chain_dims(v: Variable) -> ChainDims:
    """The dimensions of a chain."""
    return ChainDims(v.dim, v.order, v.size)


def combined_with(v: Variable, factors: Sequence[Factor], queue: Sequence[Variable]) -> list[Variable]:
    """The chains that share a factor of the steps with a chain, or with one another: a factorial chain."""
    group = [v] if v.is_chain else []
    for _ in queue:
        for u in queue:
            is_linked = any(is_linking(f, u) and any(is_linking(f, g) for g in group) for f in factors)
            if u.is_chain and u not in group and is_linked:
                group.append(u)
    return group[1:]


def is_linking(f: Factor, v: Variable) -> bool:
    """Whether a factor depends on a variable, or on its states before."""
    return any(depends_on(f, dim) for dim in v.dims)


def multiply_factors(
    group: Sequence[Variable], dependent: Sequence[Factor], queue: Sequence[Variable]
) -> tuple[BackendArray, list[BackendArray]]:
    """The product of the factors that depend on a variable, or on several chains, and the logs of transitions.

    queue: the variables that are still to be summed out.
    """
    v, product, transitions = group[0], None, []
    check_plates(group)
    for f in dependent:
        check_order(v, f, queue)
        moving = [u for u in group if u.is_moved_by(f)]
        if moving:
            for u in group:
                if u not in moving and not u.loop and depends_on(f, u.dim):
                    raise ZooError(changes_with_time(u, moving[0]))
            transitions.append(without_further_plates(f, v))
            continue
        log = without_further_plates(f, v)
        product = log if product is None else product + log
    if transitions:
        check_steps(v, [f for f in dependent if not any(u.is_moved_by(f) for u in group)])
    return product, transitions


def without_further_plates(f: Factor, v: Variable) -> BackendArray:
    """The log of a factor; what is in further plates than a variable is independent given it: a product."""
    log = f.log
    for plate in f.plates - v.plates:
        if plate.dim not in v.plate_dims:
            log = log.sum(plate.dim, keepdims=True)
    return log


def check_plates(group: Sequence[Variable]) -> None:
    """Raise ZooError where chains with emissions in common are in different plates."""
    for u in group[1:]:
        if u.plates != group[0].plates:
            raise ZooError(
                f"{group[0].name} and {u.name} are chains with emissions in common and in different plates, so that "
                "there is no exact sum: put them in one plate"
            )


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
        if u.is_moved_by(f) and TIME in v.plate_dims:
            raise ZooError(changes_with_time(v, u))


def changes_with_time(v: Variable, u: Variable) -> str:
    """The message for transitions that depend on a variable of the steps."""
    return f"{v.name} changes with time, and the transitions of {u.name} depend on it: observe it"


def check_steps(v: Variable, dependent: Sequence[Factor]) -> None:
    """Raise ZooError where a factor depends on a chain as a whole, and not step by step."""
    T = max(f.log.shape[TIME] for f in dependent)
    if any(f.log.shape[TIME] != T for f in dependent):
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
