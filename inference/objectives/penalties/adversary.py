"""An adversary: a network that learns how the means of codes depend on named coordinates, which training prevents."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from inference.objectives import discriminator, learning
from inference.objectives.penalties import Arrays, Penalty, PenaltyInputs, check_number, check_weight
from inference.objectives.supports import ArrayFunctions
from zoo.checks import check_whole, is_whole
from zoo.errors import ZooError
from zoo.types import BackendArray

DECAYS = 0.5, 0.9  # of Adam, as of the discriminator of "factor"
MIN_SD = 1e-3  # added to the standard deviation of a mean over the rows, so that a constant one stays 0


@dataclass(frozen=True)
class Adversary(Penalty):
    """gamma 2 JS, the Jensen-Shannon divergence between pairs of named and other coordinates and independent pairs.

    It reads the means of q(z | x), not draws: predictors are trained on means, in which a small difference between
    groups can be seen that the noise of a draw hides. They are standardised over the batch, so that no coordinate hides
    by being short. The network D tells the means of one row from named coordinates of one row beside the others of
    another; its cross entropy L, at most ln 2 at its optimum, gives 2 JS = 2 (ln 2 - L), from 0 to 2 ln 2 nats, so that
    no step of the network can make the penalty exceed the likelihood. It takes ``steps`` steps of Adam after each step
    of the program and the guide, and is part of checkpoints. The named coordinates have no gradient from it: they keep
    what they carry, and the others lose it.

    Parameters
    ----------
    gamma : float, default 100
        The weight, from 0 up.
    coordinates : tuple of int, optional
        The named coordinates; unless given, those that the guide names, as that of ``attribute_vae`` does.
    units : int, default 128
        Units of each hidden layer of the network.
    layers : int, default 3
        Hidden layers.
    steps : int, default 3
        Steps of the network for each step of the program.
    learning_rate : float, default 1e-3
        Of the network.
    """

    name: ClassVar[str] = "adversary"
    citation: ClassVar[str] = "Edwards and Storkey (2016), Censoring representations with an adversary, ICLR"

    gamma: float = 100.0
    coordinates: tuple[int, ...] | None = None
    units: int = 128
    layers: int = 3
    steps: int = 3
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        check_weight(gamma=self.gamma)
        check_whole(1, units=self.units, layers=self.layers, steps=self.steps)
        check_number("learning_rate", self.learning_rate, lambda v: 0 < v < float("inf"), "a number above 0")
        given = self.coordinates
        if given is not None and not (
            isinstance(given, tuple) and given and all(is_whole(j) and j >= 0 for j in given)
        ):
            raise ZooError(f"coordinates are whole numbers from 0 up, as in coordinates=(0,); given {given!r}")

    def initial_state(self, num_dims: int, key: BackendArray, functions: ArrayFunctions) -> Arrays:
        """The weights of the network."""
        return discriminator.initial_weights(num_dims, self.units, self.layers, key, functions)

    def parts(self, inputs: PenaltyInputs) -> tuple[BackendArray, BackendArray]:
        """The standardised means of the named coordinates, without gradients, and of the others."""
        assert inputs.codes
        mean, blocks = inputs.codes.mean, inputs.codes.blocks
        given = self.coordinates or tuple(j for b in blocks or () for j in (b if isinstance(b, tuple) else (b,)))
        num_dims = mean.shape[-1]
        named = sorted(set(given))
        others = [j for j in range(num_dims) if j not in named]
        if not named:
            raise ZooError(f"{self.name} needs the coordinates that the others are kept free of: coordinates=(0,)")
        if named[-1] >= num_dims or not others:
            raise ZooError(f"coordinates={given!r} are some of 0 to {num_dims - 1}, the numbers of a code, and not all")
        centred = mean - mean.mean(0)
        standard = centred / ((centred**2).mean(0) ** 0.5 + MIN_SD)
        return inputs.functions.detach(standard[:, named]), standard[:, others]

    def cross_entropy(
        self, weights: Arrays, parts: tuple[BackendArray, BackendArray], offset: int, functions: ArrayFunctions
    ) -> BackendArray:
        """L in nats; the other pairs join rows that are ``offset`` apart in the batch, whose order is random."""
        named, others = parts
        offset %= len(named)
        moved = functions.concatenate([named[offset:], named[:offset]], 0)
        own, other = (
            discriminator.logits(weights, functions.concatenate([n, others], -1), self.layers, functions)
            for n in (named, moved)
        )
        return discriminator.cross_entropy(own, other, functions)

    def value(self, inputs: PenaltyInputs) -> BackendArray:
        """2 (ln 2 - L), times the weight."""
        loss = self.cross_entropy(inputs.state, self.parts(inputs), 1, inputs.functions)
        return 2 * self.gamma * (math.log(2) - loss)

    def next_state(self, inputs: PenaltyInputs) -> Arrays:
        """Some steps of the network on the means of the step, each with other pairs."""
        state, parts, functions = inputs.state, self.parts(inputs), inputs.functions
        for offset in range(1, self.steps + 1):

            def loss(weights: Arrays, offset: int = offset) -> BackendArray:
                return self.cross_entropy(weights, parts, offset, functions)

            slopes = functions.slopes(loss, learning.values_of(state))
            state = learning.step(state, slopes, self.learning_rate, DECAYS)
        return state


PENALTY = Adversary
