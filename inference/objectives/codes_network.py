"""A network with leaky rectifiers, as a penalty learns it: a discriminator of two kinds of codes, or a classifier."""

from __future__ import annotations

from itertools import pairwise

from inference.objectives import learning
from inference.objectives.supports import ArrayFunctions
from zoo.types import BackendArray

Arrays = dict[str, BackendArray]
SLOPE = 0.2  # of the rectifier below 0


def initial_weights(
    num_inputs: int, units: int, layers: int, num_outputs: int, key: BackendArray, functions: ArrayFunctions
) -> Arrays:
    """Weights that are normal with variance 2 / inputs, and biases of 0, as the state before the first step."""
    sizes, weights = [num_inputs, *[units] * layers, num_outputs], {}
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        weights[f"weight{i}"] = functions.normal(key, i, (inputs, outputs)) * (2 / inputs) ** 0.5
        weights[f"bias{i}"] = functions.zeros((outputs,))
    return learning.start(weights, functions.zeros)


def outputs(weights: Arrays, z: BackendArray, layers: int, functions: ArrayFunctions) -> BackendArray:
    """The outputs for each code, (B, num_outputs)."""
    for i in range(layers):
        z = z @ weights[f"weight{i}"] + weights[f"bias{i}"]
        z = functions.maximum(z, SLOPE * z)
    return z @ weights[f"weight{layers}"] + weights[f"bias{layers}"]
