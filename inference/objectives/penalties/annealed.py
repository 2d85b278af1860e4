"""Controlled capacity: the KL divergence is drawn to a number of nats that rises in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.penalties import Penalty, PenaltyInputs, Schedule, check_number, check_weight
from zoo.types import BackendArray


@dataclass(frozen=True)
class Annealed(Penalty):
    """gamma |KL - C| in the place of the KL divergence, in the mean over the rows of a batch.

    Parameters
    ----------
    gamma : float, default 100
        The weight, from 0 up; at 0 only the reconstruction is left. The paper has 1000.
    capacity : float or callable, default 25
        C in nats per row at the end of its rise, or a function from the fraction of training that is done to C.
    rise : float, default 0.5
        The fraction of training over which C rises linearly from 0.
    """

    name: ClassVar[str] = "annealed"
    citation: ClassVar[str] = "Burgess et al. (2018), Understanding disentangling in beta-VAE, arXiv:1804.03599"
    reads_codes: ClassVar[bool] = False

    gamma: float = 100.0
    capacity: Schedule = 25.0
    rise: float = 0.5

    def __post_init__(self) -> None:
        check_weight(gamma=self.gamma)
        allowed = "a number of nats from 0 up, or a function of the fraction of training"
        check_number("capacity", self.capacity, lambda v: 0 <= v < float("inf"), allowed)
        check_number("rise", self.rise, lambda v: 0 <= v <= 1, "a fraction of training from 0 to 1")

    @property
    def depends_on_fraction(self) -> bool:
        """As in the base class."""
        return bool(self.rise) or super().depends_on_fraction

    def capacity_at(self, inputs: PenaltyInputs) -> BackendArray:
        """C in nats per row."""
        if callable(self.capacity):
            return self.capacity(inputs.fraction)
        if not self.rise:
            return self.capacity
        # of the fraction a float in one backend and an array in the other
        done = inputs.kl * 0 + inputs.fraction
        return self.capacity * inputs.functions.where(done < self.rise, done / self.rise, 1.0)

    def value(self, inputs: PenaltyInputs) -> BackendArray:
        """The distance from the capacity, less the KL divergence that it replaces."""
        return self.gamma * abs(inputs.kl - self.capacity_at(inputs)) - inputs.kl


PENALTY = Annealed
