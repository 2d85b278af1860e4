"""FactorVAE: the total correlation by a discriminator between codes and codes with permuted numbers, or blocks of them.

With blocks it is FFVAE's (Creager et al. 2019): a named coordinate is a block, the others together are one more, and
the penalty is KL(q(z) || q(z_others) prod_j q(z_j)), which keeps the others free of what the named ones carry, and
leaves the dependence among themselves as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives import codes_network, learning
from inference.objectives.penalties import Arrays, Blocks, Penalty, PenaltyInputs, check_number, check_weight
from inference.objectives.supports import ArrayFunctions
from zoo.checks import check_whole, is_whole
from zoo.errors import ZooError
from zoo.types import BackendArray

DECAYS = 0.5, 0.9  # of Adam, as in the paper


@dataclass(frozen=True)
class Factor(Penalty):
    """gamma E log D(z) / (1 - D(z)), where D tells draws of q(z) from those of prod_j q(z_j).

    At its optimum the logit of D is log q(z) / prod_j q(z_j), whose mean is the total correlation. D is a network with
    leaky rectifiers, trained by one step of Adam after each step of the program and the guide, on codes drawn anew: the
    numbers of half of them are permuted over the batch, each by itself, or in blocks. It is part of checkpoints.

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
    blocks : tuple, optional
        The coordinates that are permuted by themselves, as in ``blocks=(0,)``; a tuple among them, as in
        ``blocks=((0, 1), 2)``, is permuted together, and so are all coordinates that are not named. Unless given, those
        that the guide names, as that of ``attribute_vae`` does, and with neither every coordinate by itself.
    """

    name: ClassVar[str] = "factor"
    citation: ClassVar[str] = "Kim and Mnih (2018), Disentangling by factorising, ICML"
    uses_draws: ClassVar[bool] = True

    gamma: float = 10.0
    units: int = 200
    layers: int = 3
    learning_rate: float = 1e-4
    blocks: Blocks | None = None

    def __post_init__(self) -> None:
        check_weight(gamma=self.gamma)
        check_whole(1, units=self.units, layers=self.layers)
        check_number("learning_rate", self.learning_rate, lambda v: 0 < v < float("inf"), "a number above 0")
        if self.blocks is not None:
            check_blocks(self.blocks)

    def initial_state(self, num_dims: int, key: BackendArray, functions: ArrayFunctions) -> Arrays:
        """The weights of the discriminator."""
        return codes_network.initial_weights(num_dims, self.units, self.layers, 1, key, functions)

    def logits(self, weights: Arrays, z: BackendArray, functions: ArrayFunctions) -> BackendArray:
        """The logit of the probability that each code is a draw of q(z), (B,)."""
        return codes_network.outputs(weights, z, self.layers, functions)[:, 0]

    def permute(
        self, z: BackendArray, named: Blocks | None, key: BackendArray, functions: ArrayFunctions
    ) -> BackendArray:
        """Codes (B, Z) with each block in an order of its own; ``named`` are the blocks of the guide."""
        given = named if self.blocks is None else self.blocks
        if given is None:
            return functions.shuffle_columns(key, 1, z)
        blocks = complete_blocks(given, z.shape[-1])
        parts = [functions.shuffle_rows(key, i, z[:, list(block)]) for i, block in enumerate(blocks, 1)]
        order = sorted(range(z.shape[-1]), key=[j for block in blocks for j in block].__getitem__)
        return functions.concatenate(parts, -1)[:, order]

    def value(self, inputs: PenaltyInputs) -> BackendArray:
        """The mean logit of the codes of the batch."""
        assert inputs.codes
        return self.gamma * self.logits(inputs.state, inputs.codes.draws, inputs.functions).mean()

    def next_state(self, inputs: PenaltyInputs) -> Arrays:
        """One step of the discriminator, on the draws of the step and on permuted draws."""
        assert inputs.codes
        (mean, sd, draws, *_), functions = inputs.codes, inputs.functions
        others = mean + sd * functions.normal(inputs.key, 0, tuple(mean.shape))
        permuted = self.permute(others, inputs.codes.blocks, inputs.key, functions)

        def loss(weights: Arrays) -> BackendArray:
            own, other = self.logits(weights, draws, functions), self.logits(weights, permuted, functions)
            return (functions.softplus(-own).mean() + functions.softplus(other).mean()) / 2

        slopes = functions.slopes(loss, learning.values_of(inputs.state))
        return learning.step(inputs.state, slopes, self.learning_rate, DECAYS)


def check_blocks(blocks: object) -> None:
    """Raise ZooError unless blocks are a tuple of whole numbers and tuples of them, each named once."""
    allowed = "blocks are coordinates from 0 up, each once, as in blocks=(0,) or blocks=((0, 1), 2)"
    listed = [b if isinstance(b, tuple) else (b,) for b in blocks] if isinstance(blocks, tuple) else []
    numbers = [j for block in listed for j in block]
    is_allowed = all(is_whole(j) and j >= 0 for j in numbers) and len(set(numbers)) == len(numbers)
    if not (numbers and all(listed) and is_allowed):
        raise ZooError(f"{allowed}; given {blocks!r}")


def complete_blocks(blocks: Blocks, num_dims: int) -> list[tuple[int, ...]]:
    """Every block as a tuple, the last of the coordinates that are in no other.

    Raises ZooError for a coordinate that codes of ``num_dims`` numbers do not have, and where there is one block alone.

    Examples
    --------
    >>> complete_blocks((0, (2, 3)), 5)
    [(0,), (2, 3), (1, 4)]
    """
    complete = [b if isinstance(b, tuple) else (b,) for b in blocks]
    numbers = {j for block in complete for j in block}
    if max(numbers) >= num_dims:
        raise ZooError(f"blocks={blocks!r} name coordinate {max(numbers)}, and codes have 0 to {num_dims - 1}")
    others = tuple(j for j in range(num_dims) if j not in numbers)
    complete = [*complete, others] if others else complete
    if len(complete) < 2:
        raise ZooError(f"blocks={blocks!r} are one block of all {num_dims} coordinates: name some of them")
    return complete


PENALTY = Factor
