"""SQUAREM: two EM steps, then an extrapolation along their curve (Varadhan and Roland 2008, scheme S3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

State = TypeVar("State")


class SquaremStep(Generic[State]):
    """An EM step that extrapolates after every second one.

    An extrapolation to where the objective is lower, or not a number, is not made, so the objective never falls. Each
    call is to be given the state that the last one returned.

    step: EM's own, ``step(state) -> (next state, objective at state)``. to_vector, from_vector: a state to a vector of
    unconstrained values, and back.
    """

    def __init__(
        self,
        step: Callable[[State], tuple[State, float]],
        to_vector: Callable[[State], np.ndarray],
        from_vector: Callable[[np.ndarray], State],
    ):
        self._step, self._to_vector, self._from_vector = step, to_vector, from_vector
        self._path: list[np.ndarray] = []  # the states since the last extrapolation
        self._next: tuple[State, float] | None = None  # the step from the extrapolation, which its trial computed

    def __call__(self, state: State) -> tuple[State, float]:
        next_state, value = self._next or self._step(state)
        self._next = None
        if not self._path:
            self._path = [self._to_vector(state)]
        self._path.append(self._to_vector(next_state))
        if len(self._path) < 3:
            return next_state, value
        vector = self._extrapolate()
        self._path = []
        if vector is None:
            return next_state, value
        try:
            with np.errstate(all="ignore"):  # far away numbers may overflow
                extrapolated = self._from_vector(vector)
                trial = self._step(extrapolated)
        except np.linalg.LinAlgError:
            return next_state, value
        if not trial[1] >= value:
            return next_state, value
        self._next = trial
        return extrapolated, value

    def _extrapolate(self) -> np.ndarray | None:
        """The end of the extrapolation, or None where it is no longer than the two steps, or without bound."""
        first, second, third = self._path
        change, curvature = second - first, third - 2 * second + first
        length = np.sqrt((change @ change) / max(curvature @ curvature, 1e-300))
        return first + 2 * length * change + length**2 * curvature if 1 < length < 1e8 else None
