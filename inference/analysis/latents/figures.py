"""Figures of an autoencoder: its images, its codes and its training. Each function returns a matplotlib Figure.

Images are square unless ``size=(height, width)`` is given. The smallest pixel of the fit's data is black, the largest
white. All functions raise ZooError where rows are no images, or an argument does not fit the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from inference.analysis.latents.charts import codes, training
from inference.analysis.latents.codebook_charts import code_grids, codebook_use
from inference.analysis.latents.coding import reconstruct
from inference.analysis.latents.generation import interpolate, sample, traverse
from inference.analysis.latents.group_figures import group_interpolations, kl_by_latent, partial_reconstructions
from inference.analysis.latents.images import image_size, image_table
from inference.analysis.latents.inputs import code_site, num_pixels, picture_size, pixel_range, pixel_site, read_rows
from inference.record import FitRecord
from zoo.errors import ZooError
from zoo.types import DataLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "code_grids",
    "codebook_use",
    "codes",
    "grid",
    "group_interpolations",
    "interpolations",
    "kl_by_latent",
    "partial_reconstructions",
    "reconstructions",
    "samples",
    "training",
    "traversals",
]


def grid(
    images: np.ndarray,
    columns: int | None = None,
    size: Sequence[int] | None = None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Images in a grid; the last line may be short.

    Parameters
    ----------
    images : numpy.ndarray
        Shape (count, D).
    columns : int, optional
        Images in a line; by default the grid is about square.
    size : sequence of int, optional
        Height and width of an image, or these and 3 colours; by default the shape of the model, or a grey square.
    limits : tuple of float, optional
        Values of black and of white; the smallest and the largest pixel by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ZooError
        If the rows are no images of this size.
    """
    images = np.asarray(images, float)
    if images.ndim != 2 or not images.size:
        raise ZooError(f"a grid is made of images (count, D), a row of pixels each; given shape {images.shape}")
    columns = columns or ceil(sqrt(len(images)))
    lines, D = -(-len(images) // columns), images.shape[1]
    padded = np.full((lines * columns, D), np.nan)
    padded[: len(images)] = images
    return image_table(padded.reshape(lines, columns, D), size, limits)


def samples(
    fit: FitRecord,
    shape: tuple[int, int] = (8, 8),
    seed: int = 0,
    mean: bool = True,
    y: ArrayLike | None = None,
    size: Sequence[int] | None = None,
    temperature: float = 1.0,
) -> Figure:
    """A grid of new images from the model.

    Parameters
    ----------
    fit : Fit
        Fit of images.
    shape : tuple of int, default (8, 8)
        Lines and columns of the grid.
    seed, mean, y, temperature
        As in ``inference.latents.sample``.
    size : sequence of int, optional
        Height and width of an image, or these and 3 colours; by default the shape of the model, or a grey square.

    Returns
    -------
    matplotlib.figure.Figure
    """
    image_size(num_pixels(fit), picture_size(fit, size))  # an error comes before the images are drawn
    images = sample(fit, shape[0] * shape[1], seed, mean, y, temperature)
    return grid(images, shape[1], picture_size(fit, size), pixel_range(fit))


def reconstructions(
    fit: FitRecord, data: DataLike = None, count: int = 12, size: Sequence[int] | None = None
) -> Figure:
    """Images above their reconstructions.

    Parameters
    ----------
    fit : Fit
        Fit of images, with an encoder.
    data : optional
        Rows as in ``inference.latents.encode``; the fit's data by default.
    count : int, default 12
        Number of images, evenly spaced over the rows.
    size : sequence of int, optional
        Height and width of an image, or these and 3 colours; by default the shape of the model, or a grey square.

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = read_rows(fit, data, count)
    images = np.stack([table[pixel_site(fit)], reconstruct(fit, table)])
    return image_table(images, picture_size(fit, size), pixel_range(fit), rows=["image", "decoded"])


def interpolations(
    fit: FitRecord,
    pairs: Iterable[tuple[DataLike, DataLike]],
    steps: int = 9,
    size: Sequence[int] | None = None,
    groups: str | Sequence[str] | None = None,
) -> Figure:
    """A line of images for each pair of images: the interpolation, between the two images themselves.

    Parameters
    ----------
    fit : Fit
        Fit of images, with an encoder.
    pairs : iterable of pairs
        Pairs of rows, as in ``inference.latents.interpolate``.
    steps : int, default 9
        Number of images of an interpolation.
    size : sequence of int, optional
        Height and width of an image, or these and 3 colours; by default the shape of the model, or a grey square.
    groups : str or sequence of str, optional
        As in ``inference.latents.interpolate``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    lines = []
    for a, b in pairs:
        ends = [read_rows(fit, end)[pixel_site(fit)] for end in (a, b)]
        lines.append(np.concatenate([ends[0], interpolate(fit, a, b, steps, groups), ends[1]]))
    if not lines:
        raise ZooError("an interpolation goes from one image to another: give pairs of them, as in [(0, 1)]")
    return image_table(
        np.stack(lines), picture_size(fit, size), pixel_range(fit), columns=["image", *[""] * steps, "image"]
    )


def traversals(
    fit: FitRecord,
    row: DataLike = None,
    dims: Sequence[int] | None = None,
    span: float = 3.0,
    steps: int = 9,
    size: Sequence[int] | None = None,
    group: str | None = None,
) -> Figure:
    """A line of images for each dimension of the code, which varies from left to right.

    Parameters
    ----------
    fit : Fit
        Fit of images, with an encoder.
    row, dims, span, steps, group
        As in ``inference.latents.traverse``.
    size : sequence of int, optional
        Height and width of an image, or these and 3 colours; by default the shape of the model, or a grey square.

    Returns
    -------
    matplotlib.figure.Figure
    """
    images = traverse(fit, row, dims, span, steps, group=group)
    values = [f"{value:+.3g}" for value in np.linspace(-span, span, steps)]
    names = [f"{code_site(fit, group)}[{dim}]" for dim in images]
    return image_table(
        np.stack(list(images.values())), picture_size(fit, size), pixel_range(fit), rows=names, columns=values
    )
