"""Pictures of an autoencoder: its images, its codes, its training. Each function gives a matplotlib Figure.

Images are rows of pixels, and square unless ``size=(height, width)`` says otherwise; black is the least and white the
greatest pixel of the fit's data. Raises ZooError where rows are no images.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.analysis.latents.codes import columns_of, encode, pixels, reconstruct, rows_of
from inference.analysis.latents.tiles import DPI, board, image_size
from inference.analysis.latents.walks import interpolate, sample, traverse
from zoo.errors import ZooError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from inference.result import Fit

LOOKED = 4000  # rows at most: more codes would hide each other
FEW = 12  # labels at most that are classes, each of a colour and a name
BOUND, HELD_OUT = "#0072B2", "#D55E00"  # told apart by the colour-blind: Okabe and Ito (2008)


def grid(
    images: np.ndarray,
    columns: int | None = None,
    size: tuple[int, int] | None = None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Images (count, D), ``columns`` to a line: as many as make a square, unless given; the last line may be short.

    limits: what is black and what is white, the least and the greatest of the pixels unless given.
    """
    images = np.asarray(images, float)
    if images.ndim != 2 or not images.size:
        raise ZooError(f"a grid is made of images (count, D), a row of pixels each; given shape {images.shape}")
    columns = columns or ceil(sqrt(len(images)))
    lines, D = -(-len(images) // columns), images.shape[1]
    filled = np.full((lines * columns, D), np.nan)
    filled[: len(images)] = images
    return board(filled.reshape(lines, columns, D), size, limits)


def samples(
    fit: Fit,
    shape: tuple[int, int] = (8, 8),
    seed: int = 0,
    mean: bool = True,
    y: Any = None,
    size: tuple[int, int] | None = None,
) -> Figure:
    """``shape`` (lines, columns) of images that the program draws, as ``sample`` gives them."""
    image_size(columns_of(fit), size)  # said before any are drawn
    return grid(sample(fit, shape[0] * shape[1], seed, mean, y), shape[1], size, limits_of(fit))


def reconstructions(fit: Fit, data: Any = None, count: int = 12, size: tuple[int, int] | None = None) -> Figure:
    """Images above what the decoder makes of their codes: ``count`` of them evenly spaced over the data."""
    table = rows_of(fit, data, count)
    images = np.stack([table[pixels(fit)], reconstruct(fit, table)])
    return board(images, size, limits_of(fit), rows=["image", "decoded"])


def interpolations(
    fit: Fit, pairs: Iterable[tuple[Any, Any]], steps: int = 9, size: tuple[int, int] | None = None
) -> Figure:
    """A strip for each pair of images, as ``interpolate`` takes them, with the two themselves at its ends."""
    strips = []
    for a, b in pairs:
        ends = [rows_of(fit, end)[pixels(fit)] for end in (a, b)]
        strips.append(np.concatenate([ends[0], interpolate(fit, a, b, steps), ends[1]]))
    if not strips:
        raise ZooError("an interpolation goes from one image to another: give pairs of them, as in [(0, 1)]")
    return board(np.stack(strips), size, limits_of(fit), columns=["image", *[""] * steps, "image"])


def traversals(
    fit: Fit,
    row: Any = None,
    dims: Sequence[int] | None = None,
    span: float = 3.0,
    steps: int = 9,
    size: tuple[int, int] | None = None,
) -> Figure:
    """What each dimension of the code does: a line of images for each, as ``traverse`` gives them."""
    walked = traverse(fit, row, dims, span, steps)
    values = [f"{value:+.3g}" for value in np.linspace(-span, span, steps)]
    names = [f"z[{dim}]" for dim in walked]
    return board(np.stack(list(walked.values())), size, limits_of(fit), rows=names, columns=values)


def codes(fit: Fit, data: Any = None, labels: Any = None) -> Figure:
    """The map of the codes' means: both dimensions where Z is 2, the two principal directions where it is more, and the
    mean against the standard deviation where it is 1. ``labels`` (N,), one for each row, colour it.

    Raises ZooError for labels of another number than rows.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    table = rows_of(fit, data)
    rows = len(table[pixels(fit)])
    shown = np.arange(rows)[:: -(-rows // LOOKED)]
    if labels is not None and len(labels) != rows:
        raise ZooError(f"{len(labels)} labels for {rows} rows: give one for each")
    mean, sd = encode(fit, {name: values[shown] for name, values in table.items()})
    flat, words = plane(mean, sd)
    figure = Figure((5.6, 4.8), layout="constrained", dpi=DPI)
    axes = figure.add_subplot()
    style = {"s": 10, "alpha": 0.8, "linewidth": 0}
    if labels is None:
        axes.scatter(*flat.T, color=BOUND, **style)
    elif len(classes := np.unique(kinds := np.asarray(labels)[shown])) <= FEW:
        hues = colormaps["tab10" if len(classes) <= 10 else "tab20"].colors  # type: ignore[attr-defined]
        for kind, hue in zip(classes, hues, strict=False):
            axes.scatter(
                *flat[kinds == kind].T, color=hue, label=f"{kind:g}" if kinds.dtype.kind in "iuf" else kind, **style
            )
        figure.legend(loc="outside right upper", frameon=False, markerscale=2, fontsize=8)
    else:
        figure.colorbar(axes.scatter(*flat.T, c=kinds, cmap="viridis", **style), label="label")
    axes.set(xlabel=words[0], ylabel=words[1])
    axes.spines[["top", "right"]].set_visible(False)
    if mean.shape[1] > 1:
        axes.set_aspect("equal", adjustable="datalim")
    return figure


def plane(mean: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Codes (N, Z) on a plane (N, 2), and the words for its axes."""
    if mean.shape[1] == 1:
        return np.hstack([mean, sd]), ["z", "standard deviation of z"]
    if mean.shape[1] == 2:
        return mean, ["z[0]", "z[1]"]
    spread = mean - mean.mean(0)
    lengths, directions = np.linalg.svd(spread, full_matrices=False)[1:]
    share = lengths**2 / max((lengths**2).sum(), np.finfo(float).tiny)
    return spread @ directions[:2].T, [
        f"principal direction {i + 1} ({share[i]:.0%} of the codes' variance)" for i in (0, 1)
    ]


def training(fit: Fit) -> Figure:
    """How training went, in nats per row: the bound, with that of the rows held out; reconstruction and KL.

    Raises ZooError for a fit that was not trained by epochs.
    """
    from matplotlib.figure import Figure

    epochs = fit.diagnostics.get("epochs") or {}
    if not len(epochs.get("step", ())):
        raise ZooError(f"no record of epochs in a fit by {fit.engine}: svi keeps one")
    at, when = epochs["epoch"], "epoch"
    figure = Figure((9, 3.2), layout="constrained", dpi=DPI)
    left, middle, right = figure.subplots(1, 3)
    line = {"marker": "o" if len(at) < 20 else None, "markersize": 3}
    left.plot(at, epochs["bound_nats_per_row"], color=BOUND, label="trained on", **line)
    if "held_out_elbo_nats_per_row" in epochs:
        left.plot(at, epochs["held_out_elbo_nats_per_row"], color=HELD_OUT, label="held out", **line)
        left.legend(frameon=False, fontsize=8)
    middle.plot(at, epochs["reconstruction_nats_per_row"], color=BOUND, **line)
    right.plot(at, epochs["kl_nats_per_row"], color=BOUND, **line)
    beta = np.asarray(epochs["beta"])
    if (beta != 1).any():
        twin = right.twinx()
        twin.plot(at, beta, color="0.6", linestyle=":")
        twin.set_ylabel("what it counts (beta)", fontsize=8)
        twin.set_ylim(bottom=0)
        twin.spines["top"].set_visible(False)
    for axes, name in ((left, "bound"), (middle, "reconstruction"), (right, "KL divergence")):
        axes.set(title=name, xlabel=when)
        axes.spines[["top"] if axes is right and (beta != 1).any() else ["top", "right"]].set_visible(False)
        axes.ticklabel_format(axis="y", useOffset=False)
    left.set_ylabel("nats per row")
    return figure


def limits_of(fit: Fit) -> tuple[float, float]:
    """The least and the greatest pixel of some of the rows of the fit."""
    table = rows_of(fit, None, LOOKED)
    seen = table[pixels(fit)]
    return float(np.nanmin(seen)), float(np.nanmax(seen))
