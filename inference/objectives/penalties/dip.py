"""DIP-VAE: the covariance of the codes over the rows is drawn to the identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from inference.objectives.penalties import Penalty, PenaltyInputs, check_weight
from zoo.errors import unknown
from zoo.types import BackendArray

VARIANTS = ("I", "II")


@dataclass(frozen=True)
class DIP(Penalty):
    """lambda_od sum_{i != j} C_ij^2 + lambda_d sum_i (C_ii - 1)^2, for a prior of independent standard normals.

    Parameters
    ----------
    variant : {"I", "II"}, default "II"
        Of which C is the covariance over the rows of the batch, with divisor B: "I" of the means of q(z | x); "II" of
        z, which adds the mean variance of q(z | x) to the diagonal.
    lambda_od : float, default 10
        The weight of the elements off the diagonal, from 0 up.
    lambda_d : float, optional
        That of the diagonal; as in the paper 10 lambda_od for "I", and lambda_od for "II", unless given.
    """

    name: ClassVar[str] = "dip"
    citation: ClassVar[str] = "Kumar, Sattigeri and Balakrishnan (2018), Variational inference of DIPs, ICLR"

    variant: str = "II"
    lambda_od: float = 10.0
    lambda_d: float | None = None

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise unknown("variant", self.variant, VARIANTS)
        check_weight(lambda_od=self.lambda_od, **({} if self.lambda_d is None else {"lambda_d": self.lambda_d}))

    def value(self, inputs: PenaltyInputs) -> BackendArray:
        """The weighted distance of the covariance from the identity."""
        assert inputs.codes
        mean, sd = inputs.codes.mean, inputs.codes.sd
        B, Z = mean.shape
        centred = mean - mean.mean(0)
        covariance = centred.T @ centred / B
        variance = (centred**2).mean(0)
        if self.variant == "II":
            variance = variance + (sd**2).mean(0)
        lambda_d = self.lambda_d
        if lambda_d is None:
            lambda_d = self.lambda_od * (10 if self.variant == "I" else 1)
        off_diagonal = covariance * inputs.functions.array(1 - np.eye(Z))
        return self.lambda_od * (off_diagonal**2).sum() + lambda_d * ((variance - 1) ** 2).sum()


PENALTY = DIP
