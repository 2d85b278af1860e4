"""REINFORCE: the score of each draw times the objective there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.estimators import ScoreEstimator
from zoo.types import BackendArray


@dataclass(frozen=True)
class Reinforce(ScoreEstimator):
    """f(b) d log q(b), with a constant baseline.

    Parameters
    ----------
    baseline : float, default 0
        What is subtracted from f, in nats per row.
    """

    name: ClassVar[str] = "reinforce"
    citation: ClassVar[str] = "Williams (1992), Simple statistical gradient-following algorithms, Machine Learning 8"

    baseline: float = 0.0

    def signal(self, f: BackendArray) -> BackendArray:
        """The objective less the baseline."""
        return f - self.baseline


ESTIMATOR = Reinforce
