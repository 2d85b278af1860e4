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
        self.check_alone(v)
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
        product = multiply_factors([v], dependent, [])[0] if dependent else own
        return chain_last(product, transition, v.dim, functions)

    def check_alone(self, v: Variable) -> None:
        """Raise ZooError where a chain has emissions in common with others: by itself it is no chain."""
        others = combined_with(v, list(self.factors.values()), [u for u in self.variables if u.name != v.name])
        if others:
            names = ", ".join(u.name for u in others)
            raise ZooError(
                f"{v.name} has emissions in common with {names}, and given the data its path is no chain by itself: "
                "smoothed has the probabilities of its states"
            )

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
        dependent = [f for f in remaining if any(depends_on(f, u.dim) for u in group)]
        if not dependent:
            continue  # one value only: nothing to sum
        remaining = [f for f in remaining if not any(depends_on(f, u.dim) for u in group)]
        product, transitions = multiply_factors(group, dependent, queue)
        if not transitions:
            remaining.append(Factor(functions.logsumexp(product, v.dim), v.plates))
        else:
            plates = frozenset(p for p in v.plates if p.dim != TIME)
            dims = [u.dim for u in group if any(depends_on(t, u.dim - 1) for t in transitions)]
            logs = [t.log for u in group for t in transitions if depends_on(t, u.dim - 1)]
            remaining.append(Factor(sum_paths(product, logs, dims, functions), plates))
    return remaining


def combined_with(v: Variable, factors: Sequence[Factor], queue: Sequence[Variable]) -> list[Variable]:
    """The chains that share a factor of the steps with a chain, or with one another: a factorial chain."""
    group = [v] if v.is_chain else []
    for _ in queue:
        for u in queue:
            is_linked = any(depends_on(f, u.dim) and any(depends_on(f, g.dim) for g in group) for f in factors)
            if u.is_chain and u not in group and is_linked:
                group.append(u)
    return group[1:]


def multiply_factors(
    group: Sequence[Variable], dependent: Sequence[Factor], queue: Sequence[Variable]
) -> tuple[BackendArray, list[Factor]]:
    """The product of the factors that depend on a variable, or on several chains, and the factors of transitions.

    queue: the variables that are still to be summed out.
    """
    v, product, transitions = group[0], None, []
    check_plates(group)
    for f in dependent:
        check_order(v, f, queue)
        moving = [u for u in group if u.is_chain and depends_on(f, u.dim - 1)]
        if moving:
            for u in group:
                if u not in moving and depends_on(f, u.dim):
                    raise ZooError(changes_with_time(u, moving[0]))
            transitions.append(f)
            continue
        # given v, what is in further plates is independent: a product
        log = f.log
        for plate in f.plates - v.plates:
            if plate.dim not in v.plate_dims:
                log = log.sum(plate.dim, keepdims=True)
        product = log if product is None else product + log
    if transitions:
        check_steps(v, [f for f in dependent if not any(f is t for t in transitions)])
    return product, transitions


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
        if u.is_chain and depends_on(f, u.dim - 1) and TIME in v.plate_dims:
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
