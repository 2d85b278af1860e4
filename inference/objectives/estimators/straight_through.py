"""Straight-through: the draw forward, the gradient of its mean backward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.forms import RelaxedEstimator
from inference.objectives.supports import Support
from zoo.types import BackendArray


@dataclass(frozen=True)
class StraightThrough(RelaxedEstimator):
    """The derivative of the objective by the draw in the place of its difference, times that of the mean.

    It is biased unless the objective is linear in each number.
    """

    name: ClassVar[str] = "straight_through"
    citation: ClassVar[str] = "Bengio, Leonard and Courville (2013), arXiv:1308.3432"

    def value(self, support: Support, logits: BackendArray, z: BackendArray, temperature: BackendArray) -> BackendArray:
        """The draw, with the derivative of the mean."""
        mean, detach = support.mean(logits), support.functions.detach
        return detach(support.hard(z)) + (mean - detach(mean))


ESTIMATOR = StraightThrough
