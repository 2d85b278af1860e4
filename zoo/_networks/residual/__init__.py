"""Residual networks of a very deep VAE, over square grids, channels last (Child 2021; Vahdat and Kautz 2020).

Each ``in_<backend>.py`` provides, for the groups of one side of the grid,

    TopDown(side, count, width, bottleneck, channels, total)
        of the activations h (..., s, s, width) of a smaller side, or None at the top, those at this side, and ``count``
        groups (prior, merge): ``loc, scale, h, active = prior(h)``, where active is gelu of the h before, and
        ``h = merge(h, z)``; it is called with h and the precision of the activations
    BottomUp(side, count, depth, width, bottleneck, channels, total)
        of the activations of a larger side, those at this side after ``depth`` blocks, and ``count`` posteriors:
        ``loc, scale = posterior(active)``
    Pointwise(inputs, outputs)     one linear layer at every position
    activation_dtype(bfloat16)     the precision of activations: bfloat16, or that of everything else
    full(x)                        activations in the precision of everything else
    positive(raw, least=MIN_SCALE) a scale from ``least`` up: softplus in units in which 0 gives 1, linear in large raw
    space_to_depth(x, side, colours), depth_to_space(x, times)
        rows of square images (..., D) to a grid (..., side, side, features) whose positions are squares of pixels, and
        a grid to pixels (..., P, features) whose positions are squares of ``times`` x ``times`` pixels

A block is gelu, 1x1, gelu, kxk, gelu, kxk, gelu, 1x1 convolutions, with a bottleneck of channels between. k is 3, or 1
where the side is at most 2. The last convolution of a block is divided by the root of the total number of groups, so
that the sum over all blocks has the scale of one; that of a prior starts at 0, so that priors start as Normal(0, 1).

In bfloat16 the blocks compute with 16 bits; their weights, and the locations and scales that they give, have the
precision of the fit.

The weights of the blocks of one side are one array, whose first dimension is the block: there are a hundred arrays
rather than thousands, which the optimiser passes and the compiler reads.
"""

from math import sqrt

MIN_SCALE = 1e-2  # of latents, in units of the prior at the start: smaller ones make the bound infinite in 32 bits
LN_2 = 0.6931471805599453


def kernel_side(side: int) -> int:
    """The side of the inner convolutions of a block."""
    return 3 if side > 2 else 1


def bound(inputs: int, gain: float) -> float:
    """The bound of the uniform distribution of new weights, whose variance is gain^2 over the number of inputs."""
    return gain * sqrt(3 / inputs)
