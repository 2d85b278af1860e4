"""beta-TCVAE: another weight for each of the three terms of the KL divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from inference.objectives.aggregate import CodeDensities, code_densities, log_normal, stratified_weights
from inference.objectives.penalties import Codes, Penalty, PenaltyInputs, check_weight
from inference.objectives.supports import ArrayFunctions
from zoo.errors import unknown
from zoo.types import BackendArray

WEIGHTS = ("weighted", "stratified")


@dataclass(frozen=True)
class BetaTC(Penalty):
    """(alpha - 1) MI + (beta - 1) TC + (gamma - 1) DW: the three terms of the KL divergence by minibatches.

    The log of q(z) is estimated from the codes of the batch, log sum_m w_m q(z | x_m), and likewise for each q(z_j).

    Parameters
    ----------
    beta : float, default 6
        The weight of the total correlation TC, from 0 up.
    alpha, gamma : float, default 1
        Those of the index-code mutual information MI and of the dimension-wise KL.
    weights : {"weighted", "stratified"}, default "weighted"
        "weighted": 1/(N B) for each of the B rows, whose estimate of TC is too high by about (Z - 1) log N nats; this
        number has no gradient, and is part of the trace. "stratified": 1/N for the own row of a draw, and the rest
        alike for the other rows of the batch, so that the mean over batches of the estimate of q(z) is q(z). Its log
        is too low where few rows of a batch are near a draw, for q(z) more than for each q(z_j), and training may lower
        TC by such codes instead of independent ones: take it with batches in which codes overlap.
    """

    name: ClassVar[str] = "beta_tc"
    citation: ClassVar[str] = "Chen et al. (2018), Isolating sources of disentanglement in VAEs, NeurIPS"
    uses_draws: ClassVar[bool] = True

    beta: float = 6.0
    alpha: float = 1.0
    gamma: float = 1.0
    weights: str = "weighted"

    def __post_init__(self) -> None:
        check_weight(beta=self.beta, alpha=self.alpha, gamma=self.gamma)
        if self.weights not in WEIGHTS:
            raise unknown("weights", self.weights, WEIGHTS)

    def densities(self, codes: Codes, functions: ArrayFunctions) -> CodeDensities:
        """The log densities of q(z | x), q(z) and q(z_j) at the draws of a batch."""
        mean, sd, draws, N = codes[:4]
        B = len(mean)
        if self.weights == "stratified":
            log_weights = functions.array(stratified_weights(np.arange(B), B, N))
        else:
            log_weights = -math.log(N * B)
        given_row = log_normal(draws, mean, sd, functions).sum(-1)
        return code_densities(draws, mean, sd, log_weights, given_row, functions)

    def value(self, inputs: PenaltyInputs) -> BackendArray:
        """What the terms count beyond once; the dimension-wise KL is the KL divergence less the two others."""
        assert inputs.codes
        densities = self.densities(inputs.codes, inputs.functions)
        information, correlation = densities.mutual_information.mean(), densities.total_correlation.mean()
        dimension_wise = inputs.kl - information - correlation
        weighted = (self.alpha - 1) * information, (self.beta - 1) * correlation, (self.gamma - 1) * dimension_wise
        return sum(weighted)


PENALTY = BetaTC
