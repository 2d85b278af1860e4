"""ARM: augment, REINFORCE, merge; for Bernoulli sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.forms import AntitheticEstimator
from zoo.types import BackendArray


@dataclass(frozen=True)
class ARM(AntitheticEstimator):
    """(f(b) - f(c)) (u - 1/2) for each logit."""

    name: ClassVar[str] = "arm"
    citation: ClassVar[str] = "Yin and Zhou (2019), ARM: augment-REINFORCE-merge gradient, ICLR"

    def slope(self, u: BackendArray, p: BackendArray, b: BackendArray, c: BackendArray) -> BackendArray:
        """The distance of the uniform number from one half."""
        return u - 0.5


ESTIMATOR = ARM
