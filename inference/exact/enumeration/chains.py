"""Chains among the enumerated sites: their factors, and the sum over their paths.

A chain has all its states along one enumerated dimension, ``dim``, at every step at once. Time is the last dimension,
as in the plate of the emissions. The states one step before are along the dimension to the left, ``dim - 1``, those
two steps before along ``dim - 2``, as far as the order of the chain. A chain has two factors: of the states (initial
probabilities at the first step, 0 at the others), which the emissions join, and of the transitions, whose last
dimension has T - 1 steps, or 1 for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from zoo.types import BackendArray

TIME = -1  # dimension of the steps
IMPOSSIBLE = -1e30  # log of 0, whose sums have derivatives


class ArrayFunctions(NamedTuple):
    """What sums over discrete sites need of a backend.

    logsumexp(array, dim) keeps the dimension with size 1; forward_pass is that of ``inference.exact.markov``;
    movedim(array, sources, destinations), broadcast_to(array, shape) and concatenate(arrays, axis) are as in NumPy.
    asarray(values, like): an array of the backend, of numbers as another array has them.
    """

    logsumexp: Callable[[BackendArray, int], BackendArray]
    forward_pass: Callable[[BackendArray, BackendArray], BackendArray]
    movedim: Callable[[BackendArray, Sequence[int], Sequence[int]], BackendArray]
    broadcast_to: Callable[[BackendArray, Sequence[int]], BackendArray]
    concatenate: Callable[[Sequence[BackendArray], int], BackendArray]
    asarray: Callable[[np.ndarray, BackendArray], BackendArray]


class ChainDims(NamedTuple):
    """The dimensions of a chain: ``dim`` of its states, ``order`` of those before; K states."""

    dim: int
    order: int
    K: int


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
    states: BackendArray, chains: Sequence[ChainDims], plate_dims: Sequence[int], is_moving: bool
) -> list[int]:
    """The shape of zeros whose gradients are the posterior of the combined states of chains.

    states: the factor of the states of one of them. is_moving: of the states together with those before.
    """
    shape = [1] * num_dims(chains)
    for dim in plate_dims:
        shape[dim] = states.shape[dim]
    for chain in chains:
        for lag in range(chain.order + 1 if is_moving else 1):
            shape[chain.dim - lag] = chain.K
    if is_moving:
        shape[TIME] -= 1
    return shape


def num_dims(chains: Sequence[ChainDims]) -> int:
    """The number of dimensions of an array that has every one of some chains."""
    return max(c.order - c.dim for c in chains)


def states_last(states: BackendArray, chains: Sequence[ChainDims], functions: ArrayFunctions) -> BackendArray:
    """An array over the states of chains, as (..., T, K) with K = K_1 K_2 ... combined states."""
    order, n = max(c.order for c in chains), len(chains)
    states = _dims_last(states, [*_dims_before(chains, order), [c.dim for c in chains]], num_dims(chains), functions)
    states = functions.broadcast_to(states, (*states.shape[:-n], *(c.K for c in chains)))
    return states.reshape(*states.shape[: -n * (order + 1)], math.prod(c.K for c in chains))


def moves_last(moves: BackendArray, chains: Sequence[ChainDims], functions: ArrayFunctions) -> BackendArray:
    """An array over the transitions of chains, as (..., T - 1, K^order, K); the states just before vary fastest."""
    order, n, sizes = max(c.order for c in chains), len(chains), [c.K for c in chains]
    moves = _dims_last(moves, [*_dims_before(chains, order), [c.dim for c in chains]], num_dims(chains), functions)
    moves = functions.broadcast_to(moves, (*moves.shape[: -n * (order + 1)], *sizes * (order + 1)))
    K = math.prod(sizes)
    return moves.reshape(*moves.shape[: -n * (order + 1)], K**order, K)


def _dims_before(chains: Sequence[ChainDims], order: int) -> list[list[int | None]]:
    """The dimensions of the states before, the earliest first; None where a chain of a lower order has none."""
    return [[c.dim - lag if lag <= c.order else None for c in chains] for lag in range(order, 0, -1)]


def _dims_last(
    log: BackendArray, groups: Sequence[Sequence[int | None]], count: int, functions: ArrayFunctions
) -> BackendArray:
    """The array, of ``count`` dimensions, with time and then each group of them last; None is one of size 1."""
    log = log.reshape(*(1,) * (count - log.ndim), *log.shape)
    dims = [d for group in groups for d in group if d is not None]
    log = functions.movedim(log, (TIME, *dims), tuple(range(-1 - len(dims), 0)))
    sizes = iter(log.shape[log.ndim - len(dims) :])
    last = [1 if d is None else next(sizes) for group in groups for d in group]
    return log.reshape(*log.shape[: log.ndim - len(dims)], *last)


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
    states: BackendArray, transitions: Sequence[BackendArray], chains: Sequence[ChainDims], functions: ArrayFunctions
) -> BackendArray:
    """Log of the sum over all paths, with size 1 in the dimensions of the chains.

    Several chains with factors in common are one chain, whose states are the combinations of theirs.
    """
    total = functions.forward_pass(*combined_chain(states, transitions, chains, functions))
    own = {TIME, *(c.dim - lag for c in chains for lag in range(c.order + 1))}
    count, rest = num_dims(chains), list(total.shape)
    others = [d for d in range(-count, 0) if d not in own]
    rest = rest[len(rest) - len(others) :]
    sizes = dict(zip(others, rest, strict=True))
    return total.reshape(*(sizes.get(d, 1) for d in range(-count, 0)))


def combined_chain(
    states: BackendArray, transitions: Sequence[BackendArray], chains: Sequence[ChainDims], functions: ArrayFunctions
) -> tuple[BackendArray, BackendArray]:
    """The factors of several chains as one with K = K_1 K_2 ... states, as ``inference.exact.markov`` has them.

    A chain of order h is one of order 1 whose states are the last h states together, K^h of them, the last one varying
    fastest; before the first step every state is 0.
    """
    order = max(c.order for c in chains)
    joint: BackendArray = transitions[0]
    for transition in transitions[1:]:
        joint = joint + transition
    joint, states = moves_last(joint, chains, functions), states_last(states, chains, functions)
    if order == 1:
        return states, joint
    return last_states(states, order, functions), last_moves(joint, order, functions)


def last_states(states: BackendArray, order: int, functions: ArrayFunctions) -> BackendArray:
    """The factor of the last ``order`` states together, (*B, T, K^order), from that of the states, (*B, T, K)."""
    T, K = states.shape[-2:]
    S = K**order
    wide = functions.broadcast_to(states[..., None, :], (*states.shape[:-1], S // K, K)).reshape(*states.shape[:-1], S)
    is_start = np.where((np.arange(T)[:, None] == 0) & (np.arange(S) >= K), IMPOSSIBLE, 0.0)
    return wide + functions.asarray(is_start, states)


def last_moves(joint: BackendArray, order: int, functions: ArrayFunctions) -> BackendArray:
    """The transitions between the last ``order`` states, (*B, T - 1, S, S), from (*B, T - 1, S, K) with S = K^order."""
    S, K = joint.shape[-2:]
    before, after = np.indices((S, S))
    follows = np.where(before % (S // K) == after // K, 0.0, IMPOSSIBLE)
    wide = functions.broadcast_to(joint[..., None, :], (*joint.shape[:-1], S // K, K)).reshape(*joint.shape[:-1], S)
    return wide + functions.asarray(follows, joint)


def chain_logs(
    states: BackendArray, transitions: BackendArray, plate_dims: Sequence[int], functions: ArrayFunctions
) -> dict[str, BackendArray]:
    """The logs of a chain by name, with its plates alone before its own dimensions; ``plate_dims`` are those of all."""
    *batch, T, K = states.shape
    plates = [batch[d - TIME] for d in plate_dims if d != TIME]
    transitions = functions.broadcast_to(transitions, (*batch, *transitions.shape[-3:]))
    return {
        "states": states.reshape(*plates, T, K),
        "transitions": transitions.reshape(*plates, *transitions.shape[-3:]),
    }
