"""Straight-through: the draw forward, the gradient of its mean backward; for Bernoulli sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.estimators import Estimator


@dataclass(frozen=True)
class StraightThrough(Estimator):
    """The derivative of the objective by the draw in the place of its difference, times that of the mean.

    It is biased unless the objective is linear in each number.
    """

    name: ClassVar[str] = "straight_through"
    citation: ClassVar[str] = "Bengio, Leonard and Courville (2013), arXiv:1308.3432"
    is_unbiased: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("binary",)


ESTIMATOR = StraightThrough
