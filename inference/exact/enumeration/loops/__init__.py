"""Discrete sites within loops over time: ``scan`` in NumPyro, ``markov`` in Pyro.

A step of a loop depends on the values of its discrete sites and on those of the steps before, as many as the order of
the loop. The sites of one name at all steps are one variable: a chain, if later steps depend on it, else a label of
each step. The log density of a site, at every value of these states, has two parts: at the first step, which depends on
no earlier state, and at the later ones. What depends on earlier states is a factor of the transitions of a chain, and
the rest a factor of the states, so that a loop is summed out like a site of ``Chain``.

In a program time may be in any dimension, or in none. The factors of a program with loops have time as one more
dimension, the last one, so that the dimensions of plates and variables are one to the left of those of the program.

Each ``in_<backend>.py`` reads the loops of a program as ``Loop``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from inference.exact.enumeration.chains import TIME, ArrayFunctions
from inference.exact.enumeration.elimination import Factor, FactorGraph, Plate, Variable, depends_on
from zoo.errors import ZooError
from zoo.types import BackendArray

MAX_ORDER = 3  # steps that a chain may remember


class LoopSite(NamedTuple):
    """The log density of a site at the steps of a loop.

    first: at the first step, (*values, *plates, 1). later: at the others, (*values before, *values, *plates, T - 1), or
    1 where all are equal. plates: of the program. steps: the names of the steps' sites, where each has one of its own.
    """

    name: str
    first: BackendArray
    later: BackendArray
    plates: frozenset[Plate]
    steps: tuple[str, ...] = ()


class Loop(NamedTuple):
    """A loop: its discrete variables, as the program has their dimensions, its sites and the number of steps.

    scales: of the sites. time_dim: the dimension of the program along which values of the steps leave the loop, None
    where they lie along none.
    """

    name: str
    num_steps: int
    variables: list[Variable]
    sites: list[LoopSite]
    scales: list[float]
    time_dim: int | None = None


def loop_factors(loop: Loop, functions: ArrayFunctions) -> dict[str, Factor]:
    """The factors of a loop by name, with time as the last dimension."""
    chains = {v.name: v for v in map(with_time, loop.variables) if v.is_chain}
    steps = Plate(f"{loop.name} steps", TIME)
    factors = {}
    for site in loop.sites:
        plates = frozenset(map(to_the_left, site.plates))
        later = Factor(site.later, plates | {steps})
        own = chains.get(site.name)
        is_moved = any(v.is_moved_by(later) for v in chains.values())
        zero = functions.asarray(np.zeros(1), site.first)
        of_states = zero if is_moved else site.later
        log = at_every_step(site.first, of_states, loop.num_steps, functions)
        factors[site.name] = Factor(log, plates | {steps})
        if is_moved:
            factors[f"{site.name} transition"] = later
        elif own is not None:  # states that do not depend on those before
            none = functions.broadcast_to(zero, (own.size, own.size, *(1,) * (-own.dim - 1)))
            factors[own.transition] = later._replace(log=none)
    for v in chains.values():  # a chain is not in a plate of its steps
        for name in v.factor_names:
            factors[name] = factors[name]._replace(plates=factors[name].plates - {steps})
    return factors


def join_loops(
    factors: dict[str, Factor],
    variables: Sequence[Variable],
    rows: Plate | None,
    loops: Sequence[Loop],
    functions: ArrayFunctions,
) -> FactorGraph:
    """The graph of the factors of a program outside of loops, and of its loops."""
    if not loops:
        return FactorGraph(factors, list(variables), rows)
    factors = {n: factor_with_time(f, loops, functions) for n, f in factors.items()}
    for loop in loops:
        factors |= loop_factors(loop, functions)
    steps = {s.name: s.steps for loop in loops for s in loop.sites if s.steps}
    return FactorGraph(factors, [with_time(v) for v in variables], rows and to_the_left(rows), True, steps)


def find_rows(plates: Iterable[Iterable[Plate]], loops: Sequence[Loop]) -> Plate | None:
    """The plate of the rows among those of sites outside of loops and in loops, None where there is none."""
    in_loops = (site.plates for loop in loops for site in loop.sites)
    return next((p for of_site in (*plates, *in_loops) for p in of_site if p.name == "N"), None)


def at_every_step(first: BackendArray, later: BackendArray, num_steps: int, functions: ArrayFunctions) -> BackendArray:
    """The first step and the later ones along the last dimension; later ones of size 1 are repeated."""
    if num_steps == 1:
        return first
    parts = [first, functions.broadcast_to(later, (*later.shape[:-1], num_steps - 1))]
    shape = np.broadcast_shapes(*(tuple(a.shape[:-1]) for a in parts))
    return functions.concatenate([functions.broadcast_to(a, (*shape, a.shape[-1])) for a in parts], -1)


def to_the_left(plate: Plate) -> Plate:
    """A plate of the program in factors with time as the last dimension."""
    return plate._replace(dim=plate.dim - 1)


def with_time(v: Variable) -> Variable:
    """A variable of the program in factors with time as the last dimension."""
    plates = frozenset(map(to_the_left, v.plates))
    if v.loop and not v.is_chain:
        plates |= {Plate(f"{v.loop} steps", TIME)}
    return v._replace(dim=v.dim - 1, plates=plates)


def factor_with_time(factor: Factor, loops: Sequence[Loop], functions: ArrayFunctions) -> Factor:
    """A factor of a site outside of loops with time as the last dimension.

    A site that depends on states which left a loop has the steps along a dimension of the program.
    """
    log, plates = factor.log.reshape(*factor.log.shape, 1), {to_the_left(p) for p in factor.plates}
    for loop in loops:
        if not any(depends_on(factor, d) for v in loop.variables for d in v.dims):
            continue
        if loop.time_dim is None:
            raise ZooError(
                f"a site outside of the loop of {loop.name} depends on its values: put it in the loop, in their step"
            )
        dim = loop.time_dim - 1
        if log.ndim >= -dim:
            log = functions.movedim(log, (dim, TIME), (TIME, dim))
            plates = {p._replace(dim=TIME) if p.dim == dim else p for p in plates}
            plates |= {Plate(f"{loop.name} steps", TIME)}
    return Factor(log, frozenset(plates))
