"""Rows of pixels laid out as images, and the board of images that pictures are made of."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALLEST = 4  # pixels on a side: a table of nine columns is no image of three by three
TILE, DPI = 64, 100  # dots on the longer side of an image, about, and dots an inch
GAP = 2  # of its dots, about, between images
LEFT, TOP, END = 0.9, 0.35, 0.1  # inches for words beside and above the board, and where there are none
NOBODY_SAW = "#E69F00"  # a missing pixel: no shade of grey


def image_size(D: int, size: tuple[int, int] | None = None) -> tuple[int, int]:
    """Height and width of an image of D pixels: ``size``, or a square. Raises ZooError where there is no such image.

    >>> image_size(64), image_size(560, (28, 20))
    ((8, 8), (28, 20))
    """
    side = isqrt(D)
    if size is None and (side * side != D or side < SMALLEST):
        how = "give their size (height 28 and width 20, say), or take rows from Fit.simulate"
        raise ZooError(f"rows of {D} columns are no square images: {how}")
    height, width = size or (side, side)
    if height * width != D:
        raise ZooError(f"size is {height} by {width}, {height * width} pixels, but rows have {D}")
    return height, width


def tiled(images: np.ndarray, size: tuple[int, int], limits: tuple[float, float]) -> np.ndarray:
    """Images (R, C, D) side by side as one picture (height, width, 4), white between them; black is the lower limit."""
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    (R, C, _), (height, width) = images.shape, size
    zoom = max(1, TILE // max(size))
    low, high = limits
    grey = colormaps["gray"].with_extremes(bad=NOBODY_SAW)
    shades = grey(Normalize(low, high if high > low else low + 1, clip=True)(np.ma.masked_invalid(images)))
    shades[np.isnan(images).all(-1)] = 1.0
    shades = shades.reshape(R, C, height, width, 4).repeat(zoom, 2).repeat(zoom, 3)
    around = ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0))
    padded = np.pad(shades, around, constant_values=1.0).swapaxes(1, 2)
    return padded.reshape(R * (height * zoom + GAP), C * (width * zoom + GAP), 4)[:-GAP, :-GAP]


def board(
    images: np.ndarray,
    size: tuple[int, int] | None = None,
    limits: tuple[float, float] | None = None,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Figure:
    """A figure of images (R, C, D), each pixel as many dots as any other; ``rows`` and ``columns`` are words beside and
    above them.

    size: (height, width) of an image, square unless given. limits: what is black and what is white, the least and the
    greatest of the pixels unless given. A missing pixel is orange, and where all are there is no image. Raises ZooError
    as ``image_size``.
    """
    from matplotlib.figure import Figure

    images = np.asarray(images, float)
    size = image_size(images.shape[-1], size)
    seen = images[~np.isnan(images)]
    picture = tiled(images, size, limits or ((float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)))
    inches = np.array(picture.shape[1::-1]) / DPI
    left, top = (LEFT if rows else 0.0), (TOP if columns else 0.0)
    end = END if rows or columns else 0.0
    whole = inches + np.array([left + end, top + end])
    figure = Figure(tuple(whole), dpi=DPI)
    axes: Any = figure.add_axes((left / whole[0], end / whole[1], inches[0] / whole[0], inches[1] / whole[1]))
    axes.imshow(picture, interpolation="nearest")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=8, top=False, bottom=False, labeltop=True, labelbottom=False)
    for axis, words, step in ((axes.yaxis, rows, 0), (axes.xaxis, columns, 1)):
        width = (picture.shape[step] + GAP) / images.shape[step]
        axis.set_ticks([width * (i + 0.5) - GAP / 2 for i in range(len(words))], list(words))
    return figure
