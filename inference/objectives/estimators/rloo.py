"""RLOO: the mean of the objective at the other draws is the baseline of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.baselines import SignalInputs
from inference.objectives.forms import ScoreEstimator
from zoo.types import BackendArray


@dataclass(frozen=True)
class LeaveOneOut(ScoreEstimator):
    """(f(b_k) - mean of the other f(b_j)) d log q(b_k); for ``iwae`` it is VIMCO (Mnih and Rezende 2016)."""

    name: ClassVar[str] = "rloo"
    citation: ClassVar[str] = "Kool, van Hoof and Welling (2019), Buy 4 REINFORCE samples, get a baseline for free"
    min_particles: ClassVar[int] = 2

    def signal(self, f: BackendArray, inputs: SignalInputs) -> BackendArray:
        """The objective at each draw less the mean of the others."""
        K = len(f)
        return (f - f.mean(0)) * (K / (K - 1))

    def signal_of_weights(self, log_weights: BackendArray, inputs: SignalInputs) -> BackendArray:
        """The bound less that with the geometric mean of the others in the place of each weight."""
        arrays = inputs.functions
        K, bound = len(log_weights), arrays.log_mean_exp(log_weights)
        others = (log_weights.sum(0) - log_weights) / (K - 1)
        without = [
            arrays.log_mean_exp(arrays.stack([others[k] if j == k else log_weights[j] for j in range(K)]))
            for k in range(K)
        ]
        return bound - arrays.stack(without)


ESTIMATOR = LeaveOneOut
