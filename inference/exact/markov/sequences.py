"""The posterior of the states of sequences of different lengths, which share one transition matrix, in NumPy."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType
from typing import NamedTuple

import numpy as np

from inference.exact.markov.paths import LEAST_TRANSITION, draw_paths, smooth


def kernels() -> ModuleType:
    """The compiled loops, loaded when they are first needed."""
    from inference.exact.markov import sequence_kernels

    return sequence_kernels


class SmoothedSequences(NamedTuple):
    """Posteriors, counted by the weights of the sequences.

    log_sums: (N,), the log of the sum over all paths of each sequence, unweighted. marginals: (S, K). pairs: (K, K),
    summed over all steps, or (N, T - 1, K, K) of each step, 0 after the end of a sequence.
    """

    log_sums: np.ndarray
    marginals: np.ndarray
    pairs: np.ndarray


class SequenceStates:
    """The states of sequences, again and again for the same lengths; arrays are allocated once.

    Logs of the observations (S, K), with the initial probabilities at the first steps, are overwritten.

    Parameters
    ----------
    starts : array of int, (N + 1,)
        Where each sequence begins among all S steps, and S.
    weights : array, (N,)
        How often each sequence counts.

    Examples
    --------
    >>> states, even = SequenceStates(np.array([0, 2]), np.ones(1)), np.log(np.full((2, 2), 0.5))
    >>> states.smooth(np.log([[0.5, 0.5], [0.9, 0.1]]), even).marginals
    array([[0.5, 0.5],
           [0.9, 0.1]])
    """

    def __init__(self, starts: np.ndarray, weights: np.ndarray):
        self.starts, self.weights = np.asarray(starts, np.int64), np.asarray(weights, float)
        self._arrays: dict[str, np.ndarray] = {}

    def smooth(self, log_states: np.ndarray, log_transition: np.ndarray) -> SmoothedSequences:
        """Compute the posterior of the states.

        Parameters
        ----------
        log_states : array, (S, K)
        log_transition : array, (K, K)

        Returns
        -------
        SmoothedSequences
            Arrays that the next call overwrites.
        """
        if (log_transition <= LEAST_TRANSITION).any():
            return self._smooth_logs(log_states, log_transition)
        filtered, marginals, later = (self._array(n, log_states.shape) for n in ("filtered", "marginals", "later"))
        largest, scales = (self._array(n, log_states.shape[:1]) for n in ("largest", "scales"))
        states, both = self._rescaled(log_states, log_transition, largest)
        kernels().smooth_steps(states, self.starts, both, self.weights, filtered, marginals, later, scales)
        pairs = both[0] * (filtered[:-1].T @ later[1:])
        return SmoothedSequences(self._log_sums(scales, largest), marginals, pairs)

    def smooth_by_step(
        self, log_states: np.ndarray, log_transitions: np.ndarray, is_step: np.ndarray
    ) -> SmoothedSequences:
        """Compute the posterior of the states, where the transitions change with time.

        Parameters
        ----------
        log_states : array, (S, K)
        log_transitions : array, (N, T - 1, K, K)
            Those after the end of a sequence have no effect.
        is_step : array of bool, (N, T)
            Which the steps are.

        Returns
        -------
        SmoothedSequences
        """
        padded = np.zeros((*is_step.shape, log_states.shape[1]))
        padded[is_step] = log_states
        K = log_states.shape[1]
        # after the end every transition has a probability that does not depend on where it starts: the sums are 1
        is_entered = is_step[:, 1:, None, None]
        smoothed = smooth(padded, np.where(is_entered, log_transitions, -np.log(K)))
        weights = self.weights[:, None, None]
        pairs = smoothed.pairs.reshape(log_transitions.shape) * is_entered * weights[..., None]
        return SmoothedSequences(smoothed.log_sum, (smoothed.marginals * weights)[is_step], pairs)

    def draw(
        self, log_states: np.ndarray, log_transition: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw one path of each sequence from the posterior.

        Parameters
        ----------
        log_states : array, (S, K)
        log_transition : array, (K, K)
        rng : numpy.random.Generator

        Returns
        -------
        log_sums : array, (N,)
            The log of the sum over all paths of each sequence.
        path : array of int, (S,)
        """
        path = np.empty(len(log_states), np.int64)
        if (log_transition <= LEAST_TRANSITION).any():
            for first, end in pairwise(self.starts):
                path[first:end] = draw_paths(log_states[first:end], log_transition[None], 1, rng)[0]
            return self._smooth_logs(log_states, log_transition).log_sums, path
        filtered = self._array("filtered", log_states.shape)
        largest, scales = (self._array(n, log_states.shape[:1]) for n in ("largest", "scales"))
        states, both = self._rescaled(log_states, log_transition, largest)
        kernels().draw_steps(states, self.starts, both, rng.random(len(path)), filtered, scales, path)
        return self._log_sums(scales, largest), path

    def _rescaled(
        self, log_states: np.ndarray, log_transition: np.ndarray, largest: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The probabilities of the observations, 1 the largest of each step, and of the transitions, both ways."""
        kernels().rescale(log_states, largest)
        transition = np.exp(log_transition)
        with np.errstate(invalid="ignore"):
            return np.exp(log_states, out=log_states), np.stack([transition, transition.T])

    def _log_sums(self, scales: np.ndarray, largest: np.ndarray) -> np.ndarray:
        """The log of the sum over all paths of each sequence."""
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(scales, out=scales)
            logs += largest
        # a step without a possible state has the largest log -inf, and no number after it
        return np.add.reduceat(np.where(np.isnan(logs), -np.inf, logs), self.starts[:-1])

    def _smooth_logs(self, log_states: np.ndarray, log_transition: np.ndarray) -> SmoothedSequences:
        """The same in log space, where a transition has no probability."""
        marginals = self._array("marginals", log_states.shape)
        log_sums, pairs = np.empty(len(self.weights)), np.zeros(log_transition.shape)
        for n, (first, end) in enumerate(pairwise(self.starts)):
            smoothed = smooth(log_states[first:end], log_transition[None])
            log_sums[n] = smoothed.log_sum
            marginals[first:end] = self.weights[n] * smoothed.marginals
            pairs += self.weights[n] * smoothed.pairs[0]
        return SmoothedSequences(log_sums, marginals, pairs)

    def _array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """An array that the next call overwrites."""
        if name not in self._arrays or self._arrays[name].shape != shape:
            self._arrays[name] = np.empty(shape)
        return self._arrays[name]
