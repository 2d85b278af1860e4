"""Sum-product over enumerated dimensions and plates, one variable at a time.

Tensor variable elimination (Obermeyer et al. 2019, "Tensor variable elimination for plated factor graphs"), for arrays
of either backend: it needs only ``+``, ``*``, ``.sum(dim, keepdims=True)``, ``.reshape`` and ``ArrayFunctions``.
Dimensions are counted from the right: plates are the rightmost, enumerated sites to their left. A chain is one
variable, which a forward pass sums over (``chains``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from inference.exact.enumeration.chains import TIME, ArrayFunctions, combined_chain, sum_paths, zeros_shape
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

    def chain(self, v: Variable, functions: ArrayFunctions) -> tuple[BackendArray, BackendArray, list[Variable]]:
        """The logs of a chain, as ``inference.exact.markov`` has them, and the chains whose states are combined in it.

        These are the chains that have emissions in common with ``v``, in the order of the program. The labels of single
        steps are summed out. Raises ZooError where another label decides on the whole chain, which then is a mixture of
        chains.
        """
        factors, group = self._chain_group(v, functions)
        dependent = [f for f in factors if any(depends_on(f, u.dim) for u in group)]
        for u in self.variables:
            if u not in group and any(depends_on(f, u.dim) for f in dependent):
                raise ZooError(
                    f"{v.name} is a mixture of chains, by {u.name}, and not a chain: sample_labels draws both together"
                )
        product = multiply_factors(group, dependent, [])[0] if dependent else self.factors[v.name].log
        transitions = [self.factors[u.transition].log for u in group]
        return *combined_chain(product, transitions, [u.dim for u in group], functions), group

    def combined_chains(self, v: Variable, functions: ArrayFunctions) -> list[Variable]:
        """A chain and those that have emissions in common with it, in the order of the program."""
        return self._chain_group(v, functions)[1]

    def chain_zeros(self, group: Sequence[Variable], is_pairs: bool) -> list[int]:
        """The shape of zeros on the states of combined chains, or on their transitions."""
        v = group[0]
        sizes, dims = [u.size for u in group], [u.dim for u in group]
        return zeros_shape(self.factors[v.name].log, sizes, dims, v.plate_dims, is_pairs)

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
            remaining.append(Factor(sum_paths(product, [t.log for t in transitions], dims, functions), plates))
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
