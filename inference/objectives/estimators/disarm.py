"""DisARM: ARM with the uniform number integrated out given the two draws; for Bernoulli sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.forms import AntitheticEstimator
from zoo.types import BackendArray


@dataclass(frozen=True)
class DisARM(AntitheticEstimator):
    """(f(b) - f(c)) / 2 (-1)^c 1[b != c] max(p, 1 - p) for each logit."""

    name: ClassVar[str] = "disarm"
    citation: ClassVar[str] = "Dong, Mnih and Tucker (2020), DisARM: an antithetic gradient estimator, NeurIPS"

    def slope(self, u: BackendArray, p: BackendArray, b: BackendArray, c: BackendArray) -> BackendArray:
        """The mean of that of ARM over the uniform numbers that give these draws."""
        larger = (1 + abs(2 * p - 1)) / 2  # of p and 1 - p
        return 0.5 * (1 - 2 * c) * abs(b - c) * larger


ESTIMATOR = DisARM
