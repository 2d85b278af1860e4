"""The posterior of the states of sequences of different lengths, which share one transition matrix, in NumPy."""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import numpy as np

from inference.exact.markov.paths import LEAST_TRANSITION, smooth


def kernels() -> ModuleType:
    """The compiled loops, loaded when they are first needed."""
    from inference.exact.markov import sequence_kernels

    return sequence_kernels


class SmoothedSequences(NamedTuple):
    """Posteriors, counted by the weights of the sequences.

    log_sums: (N,), the log of the sum over all paths of each sequence, unweighted. marginals: (S, K). pairs: (K, K),
    summed over all steps.
    """

    log_sums: np.ndarray
    marginals: np.ndarray
    pairs: np.ndarray


class SequenceSmoother:
    """Computes posteriors again and again for sequences of the same lengths; arrays are allocated once.

    Parameters
    ----------
    starts : array of int, (N + 1,)
        Where each sequence begins among all S steps, and S.
    weights : array, (N,)
        How often each sequence counts.

    Examples
    --------
    >>> smoother = SequenceSmoother(np.array([0, 2]), np.ones(1))
    >>> smoother(np.log([[0.5, 0.5], [0.9, 0.1]]), np.log([[0.5, 0.5], [0.5, 0.5]])).marginals
    array([[0.5, 0.5],
           [0.9, 0.1]])
    """

    def __init__(self, starts: np.ndarray, weights: np.ndarray):
        self.starts, self.weights = np.asarray(starts, np.int64), np.asarray(weights, float)
        self._arrays: dict[str, np.ndarray] = {}

    def __call__(self, log_states: np.ndarray, log_transition: np.ndarray) -> SmoothedSequences:
        """The posterior given logs (S, K), the initial ones among them, which are overwritten, and (K, K)."""
        if (log_transition <= LEAST_TRANSITION).any():
            return self._smooth_logs(log_states, log_transition)
        S, K = log_states.shape
        filtered, marginals, later = (self._array(n, (S, K)) for n in ("filtered", "marginals", "later"))
        largest, scales = self._array("largest", (S,)), self._array("scales", (S,))
        kernels().rescale(log_states, largest)
        with np.errstate(invalid="ignore"):
            states = np.exp(log_states, out=log_states)
        transition = np.exp(log_transition)
        both = np.stack([transition, transition.T])
        kernels().smooth_steps(states, self.starts, both, self.weights, filtered, marginals, later, scales)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(scales, out=scales)
            logs += largest
        # a step without a possible state has the largest log -inf, and no number after it
        log_sums = np.add.reduceat(np.where(np.isnan(logs), -np.inf, logs), self.starts[:-1])
        return SmoothedSequences(log_sums, marginals, transition * (filtered[:-1].T @ later[1:]))

    def _smooth_logs(self, log_states: np.ndarray, log_transition: np.ndarray) -> SmoothedSequences:
        """The same in log space, where a transition has no probability."""
        marginals = self._array("marginals", log_states.shape)
        log_sums, pairs = np.empty(len(self.weights)), np.zeros(log_transition.shape)
        for n, (first, end) in enumerate(zip(self.starts[:-1], self.starts[1:], strict=True)):
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
