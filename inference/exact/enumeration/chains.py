"""Chains among the enumerated sites: their factors, and the sum over their paths.

A site of ``Chain`` has all its states along one enumerated dimension, ``dim``, at every step at once. Time is the last
dimension, as in the plate of the emissions. The states before are along one more dimension, to the left of ``dim``. A
chain has two factors: of the states (initial probabilities at the first step, 0 at the others), which the emissions
join, and of the transitions, whose last dimension has T - 1 steps, or 1 for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from zoo.types import BackendArray

TIME = -1  # dimension of the steps


class ArrayFunctions(NamedTuple):
    """What sums over discrete sites need of a backend.

    logsumexp(array, dim) keeps the dimension with size 1; forward_pass is that of ``inference.exact.markov``;
    movedim(array, sources, destinations) and broadcast_to(array, shape) are as in NumPy.
    """

    logsumexp: Callable[[BackendArray, int], BackendArray]
    forward_pass: Callable[[BackendArray, BackendArray], BackendArray]
    movedim: Callable[[BackendArray, Sequence[int], Sequence[int]], BackendArray]
    broadcast_to: Callable[[BackendArray, Sequence[int]], BackendArray]


def states_factor(
    log_states: BackendArray, dim: int, batch_shape: Sequence[int], functions: ArrayFunctions
) -> BackendArray:
    """The factor of the states of a chain, from (..., T, K); ``batch_shape``, (..., T), has the plates of the site."""
    K = log_states.shape[-1]
    log = functions.broadcast_to(log_states, (*batch_shape, K))
    return functions.movedim(log, (-1,), (0,)).reshape(K, *(1,) * (-dim - 1 - len(batch_shape)), *batch_shape)


def transitions_factor(log_transitions: BackendArray, dim: int, functions: ArrayFunctions) -> BackendArray:
    """The factor of the transitions of a chain, from (..., T - 1, K, K) or (..., 1, K, K)."""
    *batch_shape, K, _ = log_transitions.shape
    log = functions.movedim(log_transitions, (-2, -1), (0, 1))
    return log.reshape(K, K, *(1,) * (-dim - 1 - len(batch_shape)), *batch_shape)


def zeros_shape(
    states: BackendArray, sizes: Sequence[int], dims: Sequence[int], plate_dims: Sequence[int], is_pairs: bool
) -> list[int]:
    """The shape of zeros whose gradients are the posterior of the combined states of chains, or of their pairs.

    states: the factor of the states of one of them.
    """
    shape = [1] * (1 - min(dims))
    for dim in plate_dims:
        shape[dim] = states.shape[dim]
    for size, dim in zip(sizes, dims, strict=True):
        shape[dim] = size
        if is_pairs:
            shape[dim - 1] = size
    if is_pairs:
        shape[TIME] -= 1
    return shape


def states_last(states: BackendArray, dims: Sequence[int], functions: ArrayFunctions) -> BackendArray:
    """An array over the states of chains, as (..., T, K) with K combined states."""
    n = len(dims)
    states = functions.movedim(states, (TIME, *dims), tuple(range(-n - 1, 0)))
    return states.reshape(*states.shape[:-n], math.prod(states.shape[-n:]))


def pairs_last(pairs: BackendArray, dims: Sequence[int], functions: ArrayFunctions) -> BackendArray:
    """An array over the transitions of chains, as (..., T - 1, K, K) with K combined states."""
    n = len(dims)
    pairs = functions.movedim(pairs, (TIME, *(d - 1 for d in dims), *dims), tuple(range(-2 * n - 1, 0)))
    K = math.prod(pairs.shape[-n:])
    return pairs.reshape(*pairs.shape[: -2 * n], K, K)


def split_states(states: BackendArray, sizes: Sequence[int]) -> list[BackendArray]:
    """The states of each chain, from those of the combination.

    >>> split_states(5, [2, 3])
    [1, 2]
    """
    parts = []
    for size in reversed(sizes):
        parts.append(states % size)
        states = states // size
    return parts[::-1]


def sum_paths(
    states: BackendArray, transitions: Sequence[BackendArray], dims: Sequence[int], functions: ArrayFunctions
) -> BackendArray:
    """Log of the sum over all paths, with size 1 in the dimensions of the chains.

    Several chains with emissions in common are one chain, whose states are the combinations of theirs. ``transitions``
    has a factor, and ``dims`` the dimension, of each.
    """
    total = functions.forward_pass(*combined_chain(states, transitions, dims, functions))
    own = {TIME, *dims, *(d - 1 for d in dims)}
    num_dims, rest = 1 - min(dims), list(total.shape)
    others = [d for d in range(-num_dims, 0) if d not in own]
    rest = rest[len(rest) - len(others) :]
    sizes = dict(zip(others, rest, strict=True))
    return total.reshape(*(sizes.get(d, 1) for d in range(-num_dims, 0)))


def combined_chain(
    states: BackendArray, transitions: Sequence[BackendArray], dims: Sequence[int], functions: ArrayFunctions
) -> tuple[BackendArray, BackendArray]:
    """The factors of chains as one with K_1 K_2 ... states, as ``inference.exact.markov`` has them."""
    num_dims = 1 - min(dims)
    states, *transitions = (a.reshape(*(1,) * (num_dims - a.ndim), *a.shape) for a in (states, *transitions))
    joint = transitions[0]
    for transition in transitions[1:]:
        joint = joint + transition
    before = tuple(d - 1 for d in dims)
    states = states_last(states, (*before, *dims), functions)  # the states before have size 1
    return states, pairs_last(joint, dims, functions)


def chain_logs(
    states: BackendArray, transitions: BackendArray, num_plates: int, functions: ArrayFunctions
) -> dict[str, BackendArray]:
    """The logs of a chain by name, with the dimensions of its plates alone before those of the chain."""
    plates = states.shape[-2 - num_plates : -2]
    return {
        "states": states.reshape(*plates, *states.shape[-2:]),
        "transitions": functions.broadcast_to(
            transitions.reshape(*transitions.shape[-3 - num_plates :]), (*plates, *transitions.shape[-3:])
        ),
    }
