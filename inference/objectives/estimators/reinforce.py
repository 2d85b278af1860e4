"""REINFORCE: the score of each draw times the objective there, less a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.baselines import BASELINES, RunningMean, SignalInputs, Sizes
from inference.objectives.forms import ScoreEstimator
from inference.objectives.supports import ArrayFunctions
from zoo.errors import unknown
from zoo.types import BackendArray

Arrays = dict[str, BackendArray]


@dataclass(frozen=True)
class Reinforce(ScoreEstimator):
    """(f(b) - baseline) d log q(b).

    Parameters
    ----------
    baseline : float, {"running_mean", "network"} or None, default None
        What is subtracted from f: a number in nats per row, the mean over earlier steps, or a network of the row's data
        that learns to predict f (NVIL: Mnih and Gregor 2014).
    normalise : bool, default False
        Whether the signal is divided by the standard deviation of f over earlier steps, where that is above 1 (Mnih and
        Gregor 2014). The estimate then has the direction of the gradient, but a shorter length.

    Raises
    ------
    ZooError
        For an unknown baseline.
    """

    name: ClassVar[str] = "reinforce"
    citation: ClassVar[str] = "Williams (1992), Simple statistical gradient-following algorithms, Machine Learning 8"

    baseline: float | str | None = None
    normalise: bool = False

    def __post_init__(self) -> None:
        is_number = isinstance(self.baseline, int | float) and not isinstance(self.baseline, bool)
        if not (self.baseline is None or is_number or self.baseline in BASELINES):
            raise unknown("baseline", self.baseline, ["a number", *BASELINES])

    @property
    def memory(self) -> RunningMean | None:
        """What follows the objective from step to step."""
        default = BASELINES["running_mean"] if self.normalise else None
        return BASELINES.get(self.baseline, default) if isinstance(self.baseline, str) else default

    @property
    def uses_data(self) -> bool:
        """Whether the baseline is a network."""
        return self.baseline == "network"

    def initial_state(self, sizes: Sizes, key: BackendArray, functions: ArrayFunctions) -> Arrays:
        """That of the baseline."""
        return self.memory.initial_state(sizes, key, functions) if self.memory else {}

    def signal(self, f: BackendArray, inputs: SignalInputs) -> BackendArray:
        """The objective less the baseline."""
        memory = self.memory
        f = f - (memory.value(inputs) if memory and isinstance(self.baseline, str) else self.baseline or 0.0)
        return f / inputs.functions.maximum(memory.sd(inputs), 1.0) if memory and self.normalise else f

    def update(self, f: BackendArray, inputs: SignalInputs) -> Arrays:
        """That of the baseline."""
        return self.memory.update(f, inputs) if self.memory else inputs.state


ESTIMATOR = Reinforce
