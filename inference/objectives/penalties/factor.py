"""FactorVAE: the total correlation by a discriminator between codes and codes with permuted numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from inference.objectives import learning
from inference.objectives.penalties import Arrays, Penalty, PenaltyInputs, check_number, check_weight
from inference.objectives.supports import ArrayFunctions
from zoo.checks import check_whole
from zoo.types import BackendArray

SLOPE = 0.2  # of the rectifier below 0
DECAYS = 0.5, 0.9  # of Adam, as in the paper


@dataclass(frozen=True)
class Factor(Penalty):
    """gamma E log D(z) / (1 - D(z)), where D tells draws of q(z) from those of prod_j q(z_j).

    At its optimum the logit of D is log q(z) / prod_j q(z_j), whose mean is the total correlation. D is a network with
    leaky rectifiers, trained by one step of Adam after each step of the program and the guide, on codes drawn anew: the
    numbers of half of them are permuted over the batch, each by itself. It is part of checkpoints.

    Parameters
    ----------
    gamma : float, default 10
        The weight, from 0 up.
    units : int, default 200
        Units of each hidden layer. The paper has 1000.
    layers : int, default 3
        Hidden layers. The paper has 5 of them, and 6 layers with the last.
    learning_rate : float, default 1e-4
        Of the discriminator.
    """

    name: ClassVar[str] = "factor"
    citation: ClassVar[str] = "Kim and Mnih (2018), Disentangling by factorising, ICML"
    uses_draws: ClassVar[bool] = True

    gamma: float = 10.0
    units: int = 200
    layers: int = 3
    learning_rate: float = 1e-4

    def __post_init__(self) -> None:
        check_weight(gamma=self.gamma)
        check_whole(1, units=self.units, layers=self.layers)
        check_number("learning_rate", self.learning_rate, lambda v: 0 < v < float("inf"), "a number above 0")

    def initial_state(self, num_dims: int, key: BackendArray, functions: ArrayFunctions) -> Arrays:
        """The weights of the discriminator, normal with variance 2 / inputs, and biases of 0."""
        sizes, weights = [num_dims, *[self.units] * self.layers, 1], {}
        for i, (inputs, outputs) in enumerate(pairwise(sizes)):
            weights[f"weight{i}"] = functions.normal(key, i, (inputs, outputs)) * (2 / inputs) ** 0.5
            weights[f"bias{i}"] = functions.zeros((outputs,))
        return learning.start(weights, functions.zeros)

    def logits(self, weights: Arrays, z: BackendArray, functions: ArrayFunctions) -> BackendArray:
        """The logit of the probability that each code is a draw of q(z), (B,)."""
        for i in range(self.layers):
            z = z @ weights[f"weight{i}"] + weights[f"bias{i}"]
            z = functions.maximum(z, SLOPE * z)
        return (z @ weights[f"weight{self.layers}"] + weights[f"bias{self.layers}"])[:, 0]

    def value(self, inputs: PenaltyInputs) -> BackendArray:
        """The mean logit of the codes of the batch."""
        assert inputs.codes
        return self.gamma * self.logits(inputs.state, inputs.codes.draws, inputs.functions).mean()

    def next_state(self, inputs: PenaltyInputs) -> Arrays:
        """One step of the discriminator, on the draws of the step and on permuted draws."""
        assert inputs.codes
        (mean, sd, draws, _), functions = inputs.codes, inputs.functions
        others = mean + sd * functions.normal(inputs.key, 0, tuple(mean.shape))
        permuted = functions.shuffle_columns(inputs.key, 1, others)

        def loss(weights: Arrays) -> BackendArray:
            own, other = self.logits(weights, draws, functions), self.logits(weights, permuted, functions)
            return (functions.softplus(-own).mean() + functions.softplus(other).mean()) / 2

        slopes = functions.slopes(loss, learning.values_of(inputs.state))
        return learning.step(inputs.state, slopes, self.learning_rate, DECAYS)


PENALTY = Factor
