"""Rows of pixels as images, and figures of several images."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import ZooError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = (1, 3)
SMALLEST_SIDE = 4  # pixels: a row of nine columns is rather a table than an image
IMAGE_DOTS, DPI = 64, 100  # approximate dots of the longer side of an image, and dots per inch
GAP = 2  # dots between images
LEFT_MARGIN, TOP_MARGIN, OTHER_MARGIN = 0.9, 0.35, 0.1  # inches, where rows or columns have labels; at least, if left
LETTER_WIDTH = 0.07  # inches, of a label's letters
MISSING_COLOUR = "#E69F00"  # unlike any shade of grey


def image_size(D: int, size: Sequence[int] | None = None) -> tuple[int, int, int]:
    """Height, width and colours of an image of D numbers; raises ZooError where D does not fit.

    size: height and width, of grey images, or these and the number of colours; a grey square by default.

    >>> image_size(64), image_size(560, (28, 20)), image_size(48, (4, 4, 3))
    ((8, 8, 1), (28, 20, 1), (4, 4, 3))
    """
    side = isqrt(D)
    if size is None and (side * side != D or side < SMALLEST_SIDE):
        remedy = "give their size (height 28 and width 20, say), or take rows from Fit.simulate"
        raise ZooError(f"rows of {D} columns are no square images: {remedy}")
    height, width, colours = (*(size or (side, side)), 1)[:3]
    if colours not in COLOURS:
        raise ZooError(f"images are grey or have {COLOURS[1]} colours; given a size with {colours}")
    if height * width * colours != D:
        of_colours = f" of {colours} colours" if colours > 1 else ""
        raise ZooError(f"size is {height} by {width}, {height * width * colours} pixels{of_colours}, but rows have {D}")
    return height, width, colours


def tile_images(images: np.ndarray, size: Sequence[int], limits: tuple[float, float]) -> np.ndarray:
    """Images (R, C, D) side by side as one image (height, width, 4), with white gaps; the lower limit is black.

    size: as in ``image_size``; the colours of a pixel follow each other.
    """
    from matplotlib import colormaps
    from matplotlib.colors import Normalize, to_rgba

    (R, C, D), (height, width, colours) = images.shape, image_size(images.shape[-1], size)
    zoom = max(1, IMAGE_DOTS // max(height, width))
    low, high = limits
    grey = colormaps["gray"].with_extremes(bad=MISSING_COLOUR)
    shades = grey(Normalize(low, high if high > low else low + 1, clip=True)(np.ma.masked_invalid(images)))
    if colours > 1:  # a pixel has one shade for each colour; where one is missing it is marked
        by_colour = shades.reshape(R, C, -1, colours, 4)
        is_missing = np.isnan(images).reshape(R, C, -1, colours).any(-1)
        shades = np.concatenate([by_colour[..., 0], np.ones((R, C, D // colours, 1))], axis=-1)
        shades[is_missing] = to_rgba(MISSING_COLOUR)
    shades[np.isnan(images).all(-1)] = 1.0
    shades = shades.reshape(R, C, height, width, 4).repeat(zoom, 2).repeat(zoom, 3)
    gaps = ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0))
    padded = np.pad(shades, gaps, constant_values=1.0).swapaxes(1, 2)
    return padded.reshape(R * (height * zoom + GAP), C * (width * zoom + GAP), 4)[:-GAP, :-GAP]


def image_table(
    images: np.ndarray,
    size: Sequence[int] | None = None,
    limits: tuple[float, float] | None = None,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Figure:
    """A figure of a table of images.

    Parameters
    ----------
    images : numpy.ndarray
        Shape (R, C, D). A missing pixel (NaN) is orange; an image of missing pixels only is left blank.
    size : sequence of int, optional
        Height and width of an image, or these and the number of colours, 3; a grey square by default.
    limits : tuple of float, optional
        Values of black and of white; the smallest and the largest pixel by default.
    rows, columns : sequence of str, optional
        Labels of the R rows and of the C columns.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ZooError
        If D pixels do not make an image of this size.
    """
    from matplotlib.figure import Figure

    images = np.asarray(images, float)
    size = image_size(images.shape[-1], size)
    present = images[~np.isnan(images)]
    default_limits = (float(present.min()), float(present.max())) if present.size else (0.0, 1.0)
    pixels = tile_images(images, size, limits or default_limits)
    inches = np.array(pixels.shape[1::-1]) / DPI
    longest = max((len(line) for label in rows for line in label.splitlines()), default=0)
    left = max(LEFT_MARGIN, OTHER_MARGIN + LETTER_WIDTH * longest) if rows else 0.0
    top = TOP_MARGIN if columns else 0.0
    end = OTHER_MARGIN if rows or columns else 0.0
    total = inches + np.array([left + end, top + end])
    figure = Figure(tuple(total), dpi=DPI)
    axes = figure.add_axes((left / total[0], end / total[1], inches[0] / total[0], inches[1] / total[1]))
    axes.imshow(pixels, interpolation="nearest")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=8, top=False, bottom=False, labeltop=True, labelbottom=False)
    for axis, labels, dimension in ((axes.yaxis, rows, 0), (axes.xaxis, columns, 1)):
        step = (pixels.shape[dimension] + GAP) / images.shape[dimension]
        axis.set_ticks([step * (i + 0.5) - GAP / 2 for i in range(len(labels))], list(labels))
    return figure
