"""SQUAREM: two EM steps, then a leap along the curve they begin (Varadhan and Roland 2008, scheme S3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Accelerated:
    """A step for ``climb``: EM's own, but every second goes on to where the two before it point.

    ``step(params) -> (better params, objective at params)``; ``flat`` and ``whole`` carry params to a vector of free
    numbers and back. A leap to where the objective is lower, or no number, is not made, so nothing ever falls. To be
    called at what it returned last.
    """

    def __init__(
        self,
        step: Callable[[Any], tuple[Any, float]],
        flat: Callable[[Any], np.ndarray],
        whole: Callable[[np.ndarray], Any],
    ):
        self._step, self._flat, self._whole = step, flat, whole
        self._path: list[np.ndarray] = []  # where EM went since the last leap
        self._ahead: tuple[Any, float] | None = None  # the step from where the leap ended, which had to be tried

    def __call__(self, params: Any) -> tuple[Any, float]:
        better, value = self._ahead or self._step(params)
        self._ahead = None
        if not self._path:
            self._path = [self._flat(params)]
        self._path.append(self._flat(better))
        if len(self._path) < 3:
            return better, value
        leap = self._leap()
        self._path = []
        if leap is None:
            return better, value
        further = self._whole(leap)
        try:
            ahead = self._step(further)
        except np.linalg.LinAlgError:
            return better, value
        if not ahead[1] >= value:
            return better, value
        self._ahead = ahead
        return further, value

    def _leap(self) -> np.ndarray | None:
        first, second, third = self._path
        change, bend = second - first, third - 2 * second + first
        length = np.sqrt((change @ change) / max(bend @ bend, 1e-300))
        # no further than the two steps went, or straight on for ever: stay
        return first + 2 * length * change + length**2 * bend if 1 < length < 1e8 else None
