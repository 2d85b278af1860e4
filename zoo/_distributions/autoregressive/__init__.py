"""A distribution of M categories of K values each, in which every one depends on those before it.

    p(z) = prod_m p(z_m | z_1, ..., z_m-1),

by one network for all m: an MLP over the embedded categories whose weights are masked, so that what it gives for
position m depends on earlier positions alone (Germain et al. 2015). The density takes one pass, a draw M of them.

Each ``in_<backend>.py`` provides

    CategoryNetwork(M, K, width, depth)   the network: (..., M) whole numbers to logits (..., M, K)
    AutoregressiveCategorical(logits_of, M, K)
                                          the distribution, given the network or another such function

Each hidden unit belongs to a position and reads units of that position and of those before it.

References
----------
Germain, M., Gregor, K., Murray, I. and Larochelle, H. (2015). MADE: masked autoencoder for distribution estimation.
International Conference on Machine Learning.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

EMBEDDING = 32  # numbers for each category


@lru_cache(maxsize=64)
def masks(M: int, width: int, depth: int) -> tuple[np.ndarray, ...]:
    """Masks (in, out) of 1 and 0 for the ``depth`` + 1 layers of the masked MLP.

    Units of a layer are spread evenly over the positions 0, ..., M - 2; the last position has no later one to serve.

    >>> [mask.shape for mask in masks(2, 3, 1)]
    [(64, 3), (3, 64)]
    """
    inputs = np.arange(M).repeat(EMBEDDING)
    hidden = np.arange(width) * max(M - 1, 1) // width
    before, layers = inputs, []
    for _ in range(depth):
        layers.append(before[:, None] <= hidden)
        before = hidden
    layers.append(before[:, None] < inputs)
    return tuple(layer.astype(float) for layer in layers)
