"""The closed-form step of hidden Markov models, a ``backend.ClosedFormStep`` in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.engines.em.chain import LEAST_PROBABILITY, ChainForm
from inference.exact.markov import SequenceStates, SmoothedSequences
from zoo.data.sequences import observed_steps
from zoo.errors import DensityError
from zoo.types import BackendArray, BackendParams


class ChainStep:
    """Steps of one model at one data set.

    form: of the model. x: (N, T, D) of the backend, NaN where missing. weights: (N,), of the sequences. arrays: the
    backend, for its conversions of arrays.
    """

    def __init__(self, form: ChainForm, x: BackendArray, weights: BackendArray, arrays: Any):
        self.form, self._arrays = form, arrays
        self._weights = self._to_numpy(weights)
        self.set_data(x)

    @property
    def weights(self) -> np.ndarray:
        """The weights of the sequences, (N,)."""
        return self._weights

    @weights.setter
    def weights(self, weights: BackendArray) -> None:
        self._weights = self._to_numpy(weights)
        self._states = SequenceStates(self._starts, self._weights)

    def set_data(self, x: BackendArray) -> None:
        steps = observed_steps(np.asarray(self._to_numpy(x), float))
        self._starts, self._is_step = steps.starts, steps.is_step
        self._states = SequenceStates(self._starts, self._weights)
        self._emissions = self.form.emissions(steps, np.repeat(self._weights, np.diff(self._starts)))
        self._transitions = self.form.transitions(steps) if self.form.transitions else None

    def step(self, params: BackendParams) -> tuple[BackendParams, float]:
        before = self._arrays.to_numpy(params)
        smoothed = self._posterior(before, self._log_states(before))
        first = smoothed.marginals[self._starts[:-1]].sum(0)
        better = self._maximise(first, smoothed.pairs, smoothed.marginals, before)
        return self._arrays.to_backend(better), float(self._weights @ smoothed.log_sums)

    def from_labels(self, labels: np.ndarray, K: int) -> BackendParams:
        states, first = labels[self._is_step], self._starts[:-1]
        weights = np.repeat(self._weights, np.diff(self._starts))
        posterior = np.eye(K)[states] * weights[:, None]
        is_later = np.ones(len(states), bool)
        is_later[first] = False
        later = np.flatnonzero(is_later)
        if self._transitions is None:
            pairs = np.ones((K, K))  # one more of each, so that everything is possible
            np.add.at(pairs, (states[later - 1], states[later]), weights[later])
        else:
            one_hot = np.eye(K)[labels] * self._is_step[..., None]
            pairs = self._weights[:, None, None, None] * one_hot[:, :-1, :, None] * one_hot[:, 1:, None, :]
        return self._arrays.to_backend(self._maximise(1 + posterior[first].sum(0), pairs, posterior, None))

    def entropy(self, params: BackendParams) -> float:
        # log p(x) is the sum of the expected complete-data log joint and the entropy of the states
        before = self._arrays.to_numpy(params)
        log_states = self._log_states(before)
        smoothed = self._posterior(before, log_states.copy())
        expected = times_log(smoothed.marginals, log_states) + times_log(smoothed.pairs, self._log_transitions(before))
        return float(self._weights @ smoothed.log_sums) - expected

    def _log_states(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        """log p(x_s | z_s = k), with the initial probabilities at the first steps, (S, K)."""
        log_states = self._emissions.log_density(params)
        log_states[self._starts[:-1]] += log_of(params["pi"])
        return log_states

    def _log_transitions(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        """The logs of the transitions, (K, K), or of each step, (N, T - 1, K, K)."""
        return log_of(params["A"]) if self._transitions is None else self._transitions.log_probabilities(params)

    def _posterior(self, params: Mapping[str, np.ndarray], log_states: np.ndarray) -> SmoothedSequences:
        """The posterior of the states; raises DensityError where a sequence is impossible. Overwrites the logs."""
        log_transitions = self._log_transitions(params)
        if self._transitions is None:
            smoothed = self._states.smooth(log_states, log_transitions)
        else:
            smoothed = self._states.smooth_by_step(log_states, log_transitions, self._is_step)
        is_impossible = smoothed.log_sums == -np.inf
        if is_impossible.any():
            raise DensityError(self._impossible_step(int(is_impossible.argmax()), params))
        return smoothed

    def _impossible_step(self, n: int, params: Mapping[str, np.ndarray]) -> str:
        """The message for a sequence that no path of states can have."""
        is_possible = (self._emissions.log_density(params)[self._starts[n] : self._starts[n + 1]] > -np.inf).any(1)
        remedy = "start from parameters that allow it, or correct it"
        if is_possible.all():
            return (
                f"sequence {n} has probability 0: with the transitions of A no path of states has its values; {remedy}"
            )
        return f"step {is_possible.argmin()} of sequence {n} has probability 0 in every state: {remedy}"

    def _maximise(
        self, first: np.ndarray, pairs: np.ndarray, posterior: np.ndarray, before: Mapping[str, np.ndarray] | None
    ) -> dict[str, np.ndarray]:
        """The M-step from the expected first states (K,), transitions and states of the steps (S, K).

        pairs: (K, K), or of each step, (N, T - 1, K, K).
        """
        initial = first + self.form.initial_counts
        if self._transitions is not None:
            A = self._transitions.maximise(pairs, before)
            return {"pi": initial / initial.sum(), "A": A, **self._emissions.maximise(posterior, before)}
        counts = np.maximum(pairs + self.form.transition_counts, 0.0)  # a sparse prior takes from the counts
        total = counts.sum(1, keepdims=True)
        A = np.divide(counts, total, where=total > 0, out=np.full_like(counts, 1 / len(counts)))
        if before is not None:
            A = np.where(total > 0, A, before["A"])  # a state that is never left says nothing of its transitions
            A = np.where(before["A"] > 0, np.maximum(A, LEAST_PROBABILITY), 0.0)
        return {"pi": initial / initial.sum(), "A": A, **self._emissions.maximise(posterior, before)}

    def _to_numpy(self, array: BackendArray) -> np.ndarray:
        return self._arrays.to_numpy({"": array})[""]


def log_of(p: np.ndarray) -> np.ndarray:
    """Logs of probabilities, -inf of 0."""
    with np.errstate(divide="ignore"):
        return np.log(p)


def times_log(weight: np.ndarray, log: np.ndarray) -> float:
    """The sum of the products, where 0 times -inf is 0."""
    return float((weight * np.where(weight > 0, log, 0.0)).sum())
