"""Figures of a codebook: the codes of images as grids of colours, and how often each codeword occurs."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.latents.codebook import codebook, codes, codewords
from inference.analysis.latents.coding import reconstruct
from inference.analysis.latents.images import DPI, image_size
from inference.analysis.latents.inputs import num_pixels, pixel_site, read_rows
from inference.plots.style import FIT_COLOURS, figure_style
from inference.record import FitRecord
from zoo.types import DataLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_NUMBERS = 49  # positions of a grid in which numbers can be read
DARK = 0.5  # luminance below which a number is white


def code_grids(fit: FitRecord, data: DataLike = None, count: int = 8, size: tuple[int, int] | None = None) -> Figure:
    """Images, the codeword at each of their positions, and what the decoder makes of them.

    A square number of positions is shown as a grid, which it is with convolutions; another as one line. Similar
    codewords have similar colours: their first three principal components are red, green and blue.

    Parameters
    ----------
    fit : Fit
        Fit of ``vq_vae``, to images.
    data : optional
        Rows as in ``inference.latents.codes``; the fit's data by default.
    count : int, default 8
        Number of images, evenly spaced over the rows.
    size : tuple of int, optional
        Height and width of an image; square by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    height, width, _ = image_size(num_pixels(fit), size)
    table = read_rows(fit, data, count)
    z, colours = codes(fit, table), codeword_colours(fit)
    images, decoded = table[pixel_site(fit)], reconstruct(fit, table)
    limits = {"vmin": float(np.nanmin(images)), "vmax": float(np.nanmax(images)), "cmap": "gray"}
    M = z.shape[1]
    grid = (isqrt(M), isqrt(M)) if isqrt(M) ** 2 == M else (1, M)
    with rc_context(figure_style()):
        figure = Figure((1.4 * len(z) + 0.3, 4.3), layout="constrained", dpi=DPI)
        axes = figure.subplots(3, len(z), squeeze=False)
        for (top, middle, bottom), image, code, mean in zip(axes.T, images, z, decoded, strict=True):
            top.imshow(image.reshape(height, width), **limits)
            middle.imshow(colours[code].reshape(*grid, 3))
            bottom.imshow(mean.reshape(height, width), **limits)
            if M <= MAX_NUMBERS:
                for (row, column), k in np.ndenumerate(code.reshape(grid)):
                    colour = "white" if colours[k].mean() < DARK else "black"
                    middle.text(column, row, k, color=colour, fontsize=min(9, 36 / grid[1]), ha="center", va="center")
        for row, name in zip(axes, ("image", "codewords", "decoded"), strict=True):
            row[0].set_ylabel(name)
        for panel in axes.flat:
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set_visible(False)
    return figure


def codebook_use(fit: FitRecord, data: DataLike = None) -> Figure:
    """The frequency of each codeword over all rows, in decreasing order, beside that of equal use.

    Parameters
    ----------
    fit : Fit
        Fit of ``vq_vae``.
    data : optional
        Rows as in ``inference.latents.codes``; the fit's data by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    use = codebook(fit, data)
    K = len(use.counts)
    with rc_context(figure_style()):
        figure = Figure((5.6, 3.2), layout="constrained", dpi=DPI)
        axes = figure.add_subplot()
        frequency = np.sort(use.counts)[::-1] / use.counts.sum()
        axes.bar(np.arange(1, K + 1), frequency, width=0.8, color=FIT_COLOURS[0])
        axes.axhline(1 / K, color="0.4", linestyle=":", label="equal use")
        used = int((use.counts > 0).sum())
        axes.set(
            xlabel="codewords, most frequent first",
            ylabel="fraction of all positions",
            title=f"{used} of {K} codewords used, perplexity {use.perplexity:.1f}",
            xlim=(0.3, K + 0.7),
        )
        axes.legend()
    return figure


def codeword_colours(fit: FitRecord) -> np.ndarray:
    """A colour of each codeword, (K, 3): similar codewords have similar ones; raises ZooError without a codebook."""
    vectors = codewords(fit)
    centred = vectors - vectors.mean(0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][:3]
    components = np.zeros((len(vectors), 3))
    components[:, : len(directions)] = centred @ directions.T
    ranks = components.argsort(0, kind="stable").argsort(0, kind="stable")  # so that no codeword is far from all others
    return 0.1 + 0.85 * ranks / max(len(vectors) - 1, 1)
