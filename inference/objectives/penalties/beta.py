"""beta-VAE: another weight of the KL divergence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.penalties import Penalty, PenaltyInputs, Schedule, check_number, value_at
from zoo.types import BackendArray


@dataclass(frozen=True)
class Beta(Penalty):
    """(beta - 1) KL, so that the KL divergence counts beta times.

    Parameters
    ----------
    beta : float or callable, default 4
        The weight, from 0 up, or a function from the fraction of training that is done to it.
    """

    name: ClassVar[str] = "beta"
    citation: ClassVar[str] = "Higgins et al. (2017), beta-VAE: learning basic visual concepts, ICLR"
    reads_codes: ClassVar[bool] = False

    beta: Schedule = 4.0

    def __post_init__(self) -> None:
        check_number(
            "beta", self.beta, lambda v: 0 <= v < float("inf"), "a number from 0 up, or a function of the fraction"
        )

    def value(self, inputs: PenaltyInputs) -> BackendArray:
        """What the KL divergence counts beyond once."""
        return (value_at(self.beta, inputs.fraction) - 1) * inputs.kl


PENALTY = Beta
