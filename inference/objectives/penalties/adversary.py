"""An adversary: a network predicts named coordinates from the means of the others, which training prevents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from inference.objectives import codes_network, learning
from inference.objectives.penalties import Arrays, Codes, Penalty, PenaltyInputs, check_number, check_weight
from inference.objectives.supports import ArrayFunctions
from zoo.checks import check_whole, is_whole
from zoo.errors import ZooError
from zoo.types import BackendArray

DECAYS = 0.5, 0.9  # of Adam, as of the discriminator of "factor"
MIN_SD = 1e-3  # added to the standard deviation of a mean over the rows, so that a constant one stays 0
EDGE = 2.0  # standard deviations from the mean, between which bins are of equal width


@dataclass(frozen=True)
class Adversary(Penalty):
    """gamma I: the mutual information of named coordinates, in bins, and the others, as far as a network finds it.

    For each named coordinate a network predicts the bin of its mean from the means of the other coordinates; I is the
    entropy of the bins less its cross entropy, summed over the named coordinates: a lower bound in nats, and at most
    that entropy, so that the penalty cannot exceed it at any state of the network. It reads the means of q(z | x), not
    draws: predictors are trained on means, which show a small difference between groups that the noise of a draw hides.
    All means are standardised over the batch, so that no coordinate is overlooked for being small. Beside them the
    network reads sines and cosines of each, at frequencies that double from 1 (Tancik et al. 2020): a network of smooth
    functions overlooks groups that differ by a hundredth of a standard deviation, as between levels of a category, and
    trees find them. The named coordinates have no gradient from it: they keep what they carry, and the others lose it.
    The network takes ``steps`` steps of Adam after each step of the program and the guide, and is part of checkpoints.

    Parameters
    ----------
    gamma : float, default 6
        The weight, from 0 up.
    coordinates : tuple of int, optional
        The named coordinates; unless given, those that the guide names, as that of ``attribute_vae`` does.
    bins : int, default 2
        Of each named coordinate: parts of equal width of its mean less to its mean plus 2 standard deviations, the
        outer two open. For a coordinate that carries classes their number, so that the others are kept free of the
        class alone, and not of what else the coordinate carries; for one that carries a number, 10.
    octaves : int, default 7
        Frequencies of the sines and cosines, from 0 up: 1, 2, 4, ..., of which 7 tell 0.05 standard deviations apart.
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

    gamma: float = 6.0
    coordinates: tuple[int, ...] | None = None
    bins: int = 2
    octaves: int = 7
    units: int = 128
    layers: int = 3
    steps: int = 3
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        check_weight(gamma=self.gamma)
        check_whole(1, units=self.units, layers=self.layers, steps=self.steps)
        check_whole(2, bins=self.bins)
        check_whole(0, octaves=self.octaves)
        check_number("learning_rate", self.learning_rate, lambda v: 0 < v < float("inf"), "a number above 0")
        given = self.coordinates
        if given is not None and not (
            isinstance(given, tuple) and given and all(is_whole(j) and j >= 0 for j in given)
        ):
            raise ZooError(f"coordinates are whole numbers from 0 up, as in coordinates=(0,); given {given!r}")

    def initial_state(self, num_dims: int, key: BackendArray, functions: ArrayFunctions) -> Arrays:
        """The weights of the network, with inputs and bins of every coordinate, of which it uses some."""
        sizes = num_dims * (1 + 2 * self.octaves), self.units, self.layers, num_dims * self.bins
        return codes_network.initial_weights(*sizes, key, functions)

    def is_named(self, codes: Codes) -> np.ndarray:
        """1 for a named coordinate and 0 for another, (Z,); raises ZooError where there are none of one kind."""
        blocks, num_dims = codes.blocks or (), codes.mean.shape[-1]
        given = self.coordinates or tuple(j for b in blocks for j in (b if isinstance(b, tuple) else (b,)))
        if not given:
            raise ZooError(f"{self.name} needs the coordinates that the others are kept free of: coordinates=(0,)")
        if max(given) >= num_dims or len(set(given)) == num_dims:
            raise ZooError(f"coordinates={given!r} are some of 0 to {num_dims - 1}, the numbers of a code, and not all")
        return np.isin(np.arange(num_dims), given) * 1.0

    def inputs_and_bins(self, inputs: PenaltyInputs) -> tuple[BackendArray, BackendArray]:
        """What the network reads, (B, Z (1 + 2 octaves)), and 1 at the bin of each named mean, (B, Z, bins).

        Bins of the others, and what is read of the named ones, do not vary over the rows.
        """
        assert inputs.codes
        mean, functions = inputs.codes.mean, inputs.functions
        named = functions.array(self.is_named(inputs.codes))
        centred = mean - mean.mean(0)
        standard = centred / ((centred**2).mean(0) ** 0.5 + MIN_SD)
        edges = functions.array(np.linspace(-EDGE, EDGE, self.bins + 1)[1:-1])
        values = functions.detach(standard)[..., None]
        ones = 1 + 0 * values
        is_above = functions.where(values > edges, ones, 0 * ones)
        # in the bin between two edges a value is above the one and not above the other
        is_in = functions.concatenate([ones, is_above], -1) - functions.concatenate([is_above, 0 * ones], -1)
        return self.features(standard * (1 - named), functions), is_in * named[:, None]

    def features(self, z: BackendArray, functions: ArrayFunctions) -> BackendArray:
        """Numbers (B, Z) with their sines and cosines, (B, Z (1 + 2 octaves))."""
        angles = [2.0**k * z for k in range(self.octaves)]
        waves = [functions.sin(angle + phase) for angle in angles for phase in (0.0, np.pi / 2)]
        return functions.concatenate([z, *waves], -1)

    def cross_entropy(
        self, weights: Arrays, features: BackendArray, is_in: BackendArray, functions: ArrayFunctions
    ) -> BackendArray:
        """The mean of - log p(bin), in nats, summed over the named coordinates."""
        logits = codes_network.outputs(weights, features, self.layers, functions).reshape(is_in.shape)
        return -(functions.log_softmax(logits) * is_in).mean(0).sum()

    def value(self, inputs: PenaltyInputs) -> BackendArray:
        """The entropy of the bins less the cross entropy, times the weight."""
        features, is_in = self.inputs_and_bins(inputs)
        shares = is_in.mean(0)
        entropy = -(shares * inputs.functions.log(shares + (shares == 0))).sum()
        return self.gamma * (entropy - self.cross_entropy(inputs.state, features, is_in, inputs.functions))

    def next_state(self, inputs: PenaltyInputs) -> Arrays:
        """Some steps of the network on the means of the step."""
        state, functions = inputs.state, inputs.functions
        features, is_in = self.inputs_and_bins(inputs)
        for _ in range(self.steps):
            slopes = functions.slopes(
                lambda weights: self.cross_entropy(weights, features, is_in, functions), learning.values_of(state)
            )
            state = learning.step(state, slopes, self.learning_rate, DECAYS)
        return state


PENALTY = Adversary
