"""Networks between a square image and a square grid of vectors, one for each position.

Each ``in_<backend>.py`` provides

    GridEncoder(D, M, width, Z)   rows of D pixels to M vectors of Z numbers, (..., M Z)
    GridDecoder(Z, M, width, D)   the way back, to D numbers
    encoder(network, D, width, depth, M, Z), decoder(network, Z, M, width, depth, D)
                                  the Module and its args for the word "convolutional"; for "mlp" the MLP of
                                  ``zoo._networks``, without a grid

Each halving of the side is a convolution with stride 2; a further convolution and, at each position by itself, a layer
of ``width`` tanh units follow. The decoder mirrors the encoder. Images and grids are in row-major order.
"""

from __future__ import annotations

from math import isqrt

from zoo._networks import CHANNELS
from zoo.errors import ZooError


def halvings(D: int, M: int) -> int:
    """How often the side of an image of D pixels is halved for a grid of M positions; raises ZooError for others.

    >>> halvings(784, 49), halvings(64, 16)
    (2, 1)
    """
    side, grid = isqrt(D), isqrt(M)
    for count in range(1, len(CHANNELS) + 1):
        if side * side == D and grid * grid == M and grid * 2**count == side:
            return count
    possible = [(side >> count) ** 2 for count in range(1, len(CHANNELS) + 1) if side % 2**count == 0]
    if side * side != D or not D or not possible:
        raise ZooError(
            f"D={D} pixels: a convolutional network wants square images of an even side (D=64, 784, 1024); give such, "
            "or take network='mlp'"
        )
    raise ZooError(
        f"M={M}: a convolutional network of {side} x {side} images has a grid of M={' or '.join(map(str, possible))} "
        "positions; set one, or take network='mlp'"
    )
