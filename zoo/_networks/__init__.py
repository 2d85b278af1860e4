"""Neural networks, whose weights are ``param`` statements: learned, and the same arrays in every backend.

Each ``in_<backend>.py`` provides

    network(name, Module, *args)   a function from arrays to arrays: ``Module(*args)``, of flax nnx or of torch.nn
    MLP(inputs, widths, outputs, activation="tanh")
                                   layers of tanh units, as in Burda et al. (2016), or of others in ACTIVATIONS; the
                                   last is linear
    ConvolutionalEncoder(D, width, outputs), ConvolutionalDecoder(inputs, width, D)   for square images, rows of pixels
    encoder(network, D, width, depth, outputs), decoder(network, inputs, width, depth, D)
                                   the Module and its args for the word "mlp" or "convolutional"

    PooledEncoder(D, width, outputs)
                                   the same numbers wherever a shape is in the image, up to its edges: log(1 + v) of the
                                   sum and of the maximum v over all positions of each of 16 rectified convolutions of 5
                                   by 5 pixels, and an MLP of these 32 numbers with a layer of ``width``

Each weight is a param statement of its own, ``<name>.<path>``, as ``decoder.layers.0.weight``, in one layout: of a
linear layer (in, out), of a convolution (height, width, in, out); vectors unchanged. New weights are initialised as
the library's own layers are. Modules accept any leading dimensions, and have weights alone: no running averages, no
dropout.

Convolutions halve the side of an image twice; to double it back each pixel is repeated before a convolution (Odena,
Dumoulin and Olah 2016), which is the same operation in both libraries; transposed convolutions are not.
"""

from __future__ import annotations

from math import isqrt

from zoo.checks import check_whole
from zoo.errors import ZooError, unknown
from zoo.types import Keywords

ACTIVATIONS = ("tanh", "relu", "leaky_relu")
LEAKY_SLOPE = 0.3  # below 0, as in Dong, Mnih and Tucker (2020)
POOLED_CHANNELS, POOLED_SIDE = 16, 5  # of the one convolution of a pooled encoder
CHANNELS = (32, 64)  # of the image at half its side, and at a quarter


def square_side(D: int) -> int:
    """The side of a square image of D pixels; raises ZooError where there is none.

    >>> square_side(100)
    10
    """
    side = isqrt(D)
    if side * side != D or not D:
        raise ZooError(f"D={D} pixels: a pooled network wants square images (D=64, 100, 1024); take network='mlp'")
    return side


def side_of(D: int) -> int:
    """The side of a square image of D pixels; raises ZooError unless it is a multiple of 4.

    >>> side_of(784)
    28
    """
    side = isqrt(D)
    if side * side != D or side % 4 or not D:
        raise ZooError(
            f"D={D} pixels: a convolutional network wants square images whose side is a multiple of 4 "
            "(D=64, 784, 1024); give such, or take network='mlp'"
        )
    return side


def unsupported_module(module: object) -> ZooError:
    """The error for a module that holds more than weights."""
    return ZooError(f"{module} holds something other than weights (running averages, dropout): a network has weights")


def check_network(settings: Keywords, D: int) -> None:
    """Raise ZooError for Z, width, depth, activation or a number of pixels D that no network here can have."""
    for keyword, least in (("Z", 1), ("width", 1), ("depth", 0)):
        check_whole(least, **{keyword: settings.get(keyword, least)})
    activation = settings.get("activation", ACTIVATIONS[0])
    if activation not in ACTIVATIONS:
        raise unknown("activation", activation, ACTIVATIONS)
    if settings.get("network") == "convolutional":
        side_of(D)
    if settings.get("network") == "pooled" and settings.get("likelihood") != "mixed":
        square_side(D)
