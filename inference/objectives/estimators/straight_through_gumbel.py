"""Straight-through Gumbel-softmax: the draw forward, the gradient of the relaxed draw backward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.forms import GumbelEstimator
from inference.objectives.supports import Support
from zoo.types import BackendArray


@dataclass(frozen=True)
class StraightThroughGumbel(GumbelEstimator):
    """The hard value of z for the program, with the derivative of its relaxation."""

    name: ClassVar[str] = "straight_through_gumbel"
    citation: ClassVar[str] = "Jang, Gu and Poole (2017), Categorical reparameterization with Gumbel-softmax, ICLR"

    def value(self, support: Support, logits: BackendArray, z: BackendArray, temperature: BackendArray) -> BackendArray:
        """The draw, with the derivative of the relaxed value."""
        soft, detach = support.soft(z, temperature), support.functions.detach
        return detach(support.hard(z)) + (soft - detach(soft))


ESTIMATOR = StraightThroughGumbel
