"""Chains among the enumerated sites: their factors, and the sum over their paths.

A site of ``Chain`` has all its states along one enumerated dimension, ``dim``, at every step at once. Time is the last
dimension, as in the plate of the emissions. The states before are along one more dimension, to the left of ``dim``. A
chain has two factors: of the states (initial probabilities at the first step, 0 at the others), which the emissions
join, and of the transitions, whose last dimension has T - 1 steps, or 1 for all.
"""

from __future__ import annotations

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
    states, transitions = (a.reshape(*(1,) * (1 - dim - a.ndim), *a.shape) for a in (states, transitions))
    states = functions.movedim(states, (dim - 1, TIME, dim), (-3, -2, -1))[..., 0, :, :]
    return states, functions.movedim(transitions, (TIME, dim - 1, dim), (-3, -2, -1))


def pairs_last(pairs: BackendArray, dim: int, dims: Sequence[int], functions: ArrayFunctions) -> BackendArray:
    """The posterior of pairs, laid out as transitions, as (*B, T - 1, K, K), without the other enumerated ``dims``."""
    others = tuple(d for d in dims if d not in (dim, dim - 1) and -d <= pairs.ndim)
    pairs = pairs.sum(others, keepdims=True) if others else pairs
    return functions.movedim(pairs, (TIME, dim - 1, dim), (-3, -2, -1))


def sum_paths(states: BackendArray, transitions: BackendArray, dim: int, functions: ArrayFunctions) -> BackendArray:
    """Log of the sum over all paths, with size 1 in the dimensions of the chain."""
    total = functions.forward_pass(*chain_last(states, transitions, dim, functions))
    shape, num_dims = list(total.shape), total.ndim + 3
    for chain_dim in (dim - 1, dim, TIME):
        shape.insert(num_dims + chain_dim, 1)
    return total.reshape(shape)


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
