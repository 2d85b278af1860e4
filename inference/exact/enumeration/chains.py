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


def chain_last(
    states: BackendArray, transitions: BackendArray, dim: int, functions: ArrayFunctions
) -> tuple[BackendArray, BackendArray]:
    """Factors of a chain as ``inference.exact.markov`` has them: (*B, T, K) and (*B, T - 1, K, K) or (*B, 1, K, K)."""
    return combined_chain(states, [transitions], [dim], functions)


def pairs_last(pairs: BackendArray, dim: int, dims: Sequence[int], functions: ArrayFunctions) -> BackendArray:
    """The posterior of pairs, laid out as transitions, as (*B, T - 1, K, K), without the other enumerated ``dims``."""
    others = tuple(d for d in dims if d not in (dim, dim - 1) and -d <= pairs.ndim)
    pairs = pairs.sum(others, keepdims=True) if others else pairs
    return functions.movedim(pairs, (TIME, dim - 1, dim), (-3, -2, -1))


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
    """The factors of several chains as one with K_1 K_2 ... states, as ``inference.exact.markov`` has them."""
    num_dims, n = 1 - min(dims), len(dims)
    before = [d - 1 for d in dims]
    states, *transitions = (a.reshape(*(1,) * (num_dims - a.ndim), *a.shape) for a in (states, *transitions))
    steps = states.shape[TIME]
    joint = transitions[0]
    for transition in transitions[1:]:
        joint = joint + transition
    states = functions.movedim(states, (*before, TIME, *dims), tuple(range(-2 * n - 1, 0)))
    joint = functions.movedim(joint, (TIME, *before, *dims), tuple(range(-2 * n - 1, 0)))
    K = math.prod(joint.shape[-n:])
    leading = states.shape[: -2 * n - 1], joint.shape[: -2 * n - 1]
    return states.reshape(*leading[0], steps, K), joint.reshape(*leading[1], joint.shape[-2 * n - 1], K, K)


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
