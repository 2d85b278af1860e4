"""Paths of chains and their filtered probabilities, in NumPy for both backends; shapes as in the package.

Where no path of a chain has a weight, its states are -1, its marginals 0, and its filtered probabilities NaN.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import NamedTuple

import numpy as np

from zoo.checks import is_whole
from zoo.errors import ZooError

LEAST_TRANSITION = -230.0  # the log of 1e-100: to it sums of rescaled probabilities are exact


def kernels() -> ModuleType:
    """The compiled loops, loaded when they are first needed."""
    from inference.exact.markov import kernels

    return kernels


class Smoothed(NamedTuple):
    """The log of the sum over all paths, (*B), the marginals (*B, T, K), and the pairs, as the transitions."""

    log_sum: np.ndarray
    marginals: np.ndarray
    pairs: np.ndarray


class BestPaths(NamedTuple):
    """The best paths, (*B, M, T), and their log weights (*B, M), the best first."""

    states: np.ndarray
    log_weights: np.ndarray


def smooth(log_states: np.ndarray, log_transitions: np.ndarray) -> Smoothed:
    """Compute the marginals and pairs of chains.

    Parameters
    ----------
    log_states : array, (*B, T, K)
    log_transitions : array, (*B, T - 1, K, K) or (*B, 1, K, K)

    Returns
    -------
    Smoothed
        Pairs of steps that share one transition are summed.

    Examples
    --------
    >>> even = np.log(np.full((1, 2, 2), 0.5))
    >>> smooth(np.array([[0.0, 0.0], [0.0, -np.inf], [0.0, 0.0]]), even).marginals
    array([[0.5, 0.5],
           [1. , 0. ],
           [0.5, 0.5]])
    """
    chains = Chains(log_states, log_transitions)
    marginals = np.empty_like(chains.log_states)
    pairs = np.zeros((len(marginals), *chains.log_transitions.shape[1:]))
    log_transitions = chains.log_transitions
    is_rescaled = (log_transitions > LEAST_TRANSITION).all((1, 2, 3))
    totals = kernels().smooth(*chains.arrays, np.exp(log_transitions), is_rescaled, marginals, pairs)
    for b in np.flatnonzero(~np.isfinite(totals)):
        marginals[b] = pairs[b] = 0.0 if totals[b] == -np.inf else np.nan
    return Smoothed(chains.by_batch(totals), chains.by_batch(marginals), chains.by_batch(pairs))


def filter_states(log_states: np.ndarray, log_transitions: np.ndarray) -> np.ndarray:
    """Compute the probabilities of the states given the steps up to each.

    Parameters
    ----------
    log_states : array, (*B, T, K)
    log_transitions : array, (*B, T - 1, K, K) or (*B, 1, K, K)

    Returns
    -------
    array, (*B, T, K)
    """
    chains = Chains(log_states, log_transitions)
    filtered, _ = chains.filtered()
    return chains.by_batch(np.exp(filtered))


def best_paths(log_states: np.ndarray, log_transitions: np.ndarray, num_paths: int = 1) -> BestPaths:
    """Find the paths with the largest weights.

    Parameters
    ----------
    log_states : array, (*B, T, K)
    log_transitions : array, (*B, T - 1, K, K) or (*B, 1, K, K)
    num_paths : int, default 1
        How many, at most K^T.

    Returns
    -------
    BestPaths
        Of paths with equal weights, the first by their last states.

    Raises
    ------
    ZooError
        Where there are fewer paths.

    Examples
    --------
    >>> log_states = np.log(np.array([[0.9, 0.1], [0.2, 0.8]]))
    >>> best_paths(log_states, np.zeros((1, 2, 2)), num_paths=2).states
    array([[0, 1],
           [0, 0]])
    """
    chains = Chains(log_states, log_transitions)
    B, T, K = chains.log_states.shape
    if not is_whole(num_paths) or num_paths < 1 or (num_paths > 1 and np.log(num_paths) > T * np.log(K) + 1e-9):
        raise ZooError(f"num_paths={num_paths!r}: a chain of T={T} steps among K={K} states has from 1 to K^T paths")
    states, logs = np.full((B, num_paths, T), -1), np.full((B, num_paths), -np.inf)
    kernels().best_paths(*chains.arrays, states, logs)
    return BestPaths(chains.by_batch(states), chains.by_batch(logs))


def draw_paths(
    log_states: np.ndarray, log_transitions: np.ndarray, num_paths: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw paths by their weights, from the last step to the first.

    Parameters
    ----------
    log_states : array, (*B, T, K)
    log_transitions : array, (*B, T - 1, K, K) or (*B, 1, K, K)
    num_paths : int
    rng : numpy.random.Generator

    Returns
    -------
    array of int, (*B, num_paths, T)
    """
    chains = Chains(log_states, log_transitions)
    filtered, totals = chains.filtered()
    B, T, _ = filtered.shape
    states = np.empty((B, num_paths, T), int)
    kernels().draw_paths(filtered, chains.log_transitions, rng.random(states.shape), states)
    states[~np.isfinite(totals)] = -1
    return chains.by_batch(states)


class Chains:
    """Chains in the layout of the kernels: one dimension before those of the chain, shared transitions once."""

    def __init__(self, log_states: np.ndarray, log_transitions: np.ndarray):
        self.batch = np.broadcast_shapes(log_states.shape[:-2], log_transitions.shape[:-3])
        states = np.broadcast_to(log_states, (*self.batch, *log_states.shape[-2:]))
        is_shared = int(np.prod(log_transitions.shape[:-3])) == 1
        batch_shape = (1,) if is_shared else self.batch
        transitions = log_transitions.reshape(1, *log_transitions.shape[-3:]) if is_shared else log_transitions
        transitions = np.broadcast_to(transitions, (*batch_shape, *transitions.shape[-3:]))
        self.log_states, self.log_transitions = (
            # of one type, for which the loops are compiled: writeable too
            np.require(a, float, ["C", "W"]).reshape(math.prod(a.shape[:-num_dims]), *a.shape[-num_dims:])
            for a, num_dims in ((states, 2), (transitions, 3))
        )

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """The arguments of the kernels."""
        return self.log_states, self.log_transitions

    def filtered(self) -> tuple[np.ndarray, np.ndarray]:
        """log p(z_t | steps up to t), and the log sums."""
        filtered = np.full_like(self.log_states, np.nan)
        return filtered, kernels().filter_chains(*self.arrays, filtered)

    def by_batch(self, array: np.ndarray) -> np.ndarray:
        """An array with the dimensions before the chains in the place of the first."""
        return array.reshape((*self.batch, *array.shape[1:]))
