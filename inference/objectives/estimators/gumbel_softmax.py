"""Gumbel-softmax, or the Concrete distribution: relaxed draws, forward and backward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.forms import GumbelEstimator
from inference.objectives.supports import Support
from zoo.types import BackendArray


@dataclass(frozen=True)
class GumbelSoftmax(GumbelEstimator):
    """sigmoid(z / temperature), or its softmax, in the place of the draw: the program sees numbers between 0 and 1."""

    name: ClassVar[str] = "gumbel_softmax"
    citation: ClassVar[str] = "Jang, Gu and Poole (2017); Maddison, Mnih and Teh (2017), ICLR"

    def value(self, support: Support, logits: BackendArray, z: BackendArray, temperature: BackendArray) -> BackendArray:
        """The relaxed value."""
        return support.soft(z, temperature)


ESTIMATOR = GumbelSoftmax
