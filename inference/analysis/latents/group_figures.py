"""Figures of the groups of latents of a hierarchy: what each holds, and how much."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

from inference.amortised import local_latents
from inference.analysis.latents import partial
from inference.analysis.latents.generation import as_names, interpolate
from inference.analysis.latents.images import DPI, image_table
from inference.analysis.latents.inputs import (
    code_site,
    code_sites,
    latent_layers,
    picture_size,
    pixel_range,
    pixel_site,
    read_rows,
)
from inference.plots.style import FIT_COLOURS
from inference.record import FitRecord
from zoo.errors import ZooError
from zoo.sites import Site
from zoo.types import DataLike, Keywords

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_LINES = 12  # of an interpolation for each group, unless groups are named
INACTIVE_COLOUR, INACTIVE_TEXT = "0.75", "0.55"
BAR_INCHES, MIN_HEIGHT = 0.2, 1.8


def partial_reconstructions(
    fit: FitRecord,
    data: DataLike = None,
    count: int = 8,
    levels: int | Sequence[int] | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    size: Sequence[int] | None = None,
) -> Figure:
    """A line for each image: decoded with more and more groups of its code from the left, then the image itself.

    Parameters
    ----------
    fit : Fit
        Fit of images, with an encoder and several groups of latents.
    data : optional
        Rows as in ``inference.latents.encode``; the fit's data by default.
    count : int, default 8
        Number of images, evenly spaced over the rows.
    levels, temperature, seed
        As in ``inference.latents.partial_reconstructions``.
    size : sequence of int, optional
        Height and width of an image, or these and 3 colours; by default the shape of the model, or a grey square.

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = read_rows(fit, data, count)
    decoded = partial.partial_reconstructions(fit, table, levels, temperature, seed)
    names = latent_layers(fit)
    labels = [f"to {names[level - 1]}" if level else "prior" for level in decoded]
    images = np.stack([*decoded.values(), table[pixel_site(fit)]], axis=1)
    return image_table(images, picture_size(fit, size), pixel_range(fit), columns=[*labels, "image"])


def group_interpolations(
    fit: FitRecord,
    a: DataLike,
    b: DataLike,
    groups: Sequence[str] | None = None,
    steps: int = 9,
    size: Sequence[int] | None = None,
) -> Figure:
    """From one image to another: all groups of the code in the first line, and each by itself in the others.

    The line of a group shows what the program reads of that group, with all others at the code of the first image. In
    ``deep_latent_gaussian`` and other chains p(x | z1) p(z1 | z2) ... the pixels depend on z1 alone, so that the lines
    of the groups above are constant; ``partial_reconstructions`` shows what those groups determine. In
    ``very_deep_vae`` every group has a path to the pixels.

    Parameters
    ----------
    fit : Fit
        Fit of images, with an encoder.
    a, b : array, int or table
        First and last row, as in ``inference.latents.interpolate``.
    groups : sequence of str, optional
        Groups with a line; by default all, or the twelve with the largest KL divergence where there are more.
    steps : int, default 9
        Number of images of a line.
    size : sequence of int, optional
        Height and width of an image, or these and 3 colours; by default the shape of the model, or a grey square.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = code_sites(fit) if groups is None else [code_site(fit, name) for name in as_names(groups)]
    if groups is None and len(names) > MAX_LINES:
        kl = fit.diagnostics.get("kl_by_latent", {})
        names = sorted(sorted(names, key=lambda n: -kl.get(n, 0.0))[:MAX_LINES], key=names.index)
    lines = [interpolate(fit, a, b, steps), *(interpolate(fit, a, b, steps, name) for name in names)]
    columns = ["first", *[""] * (steps - 2), "last"]
    return image_table(
        np.stack(lines), picture_size(fit, size), pixel_range(fit), rows=["all", *names], columns=columns
    )


def kl_by_latent(fit: FitRecord) -> Figure:
    """A bar for the KL divergence of each group of latents in nats per row, the top layer first.

    Groups that are not active are grey. A label has the resolution of the group, where its numbers are those of a grid.

    Parameters
    ----------
    fit : Fit
        Fit by ``svi`` with an encoder.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ZooError
        For a fit without the KL divergence of its latents.
    """
    from matplotlib.figure import Figure

    kl = fit.diagnostics.get("kl_by_latent")
    if not kl:
        raise ZooError(f"no KL divergence of latents in a fit by {fit.engine}: only svi with an encoder has it")
    lines = local_latents(fit.model.card, fit.keywords)
    active, in_rows = fit.diagnostics["active_latents"], [n for n in kl if n in lines]
    labels = [group_label(n, lines[n], fit.keywords) if n in lines else n for n in kl]
    figure = Figure((5.6, max(MIN_HEIGHT, 0.8 + BAR_INCHES * len(kl))), layout="constrained", dpi=DPI)
    axes = figure.add_subplot()
    colours = [FIT_COLOURS[0] if n in active else INACTIVE_COLOUR for n in kl]
    bars = axes.barh(range(len(kl)), list(kl.values()), color=colours, height=0.8)
    axes.bar_label(bars, [f"{value:.2f}" for value in kl.values()], padding=3, fontsize=7)
    axes.set_yticks(range(len(kl)), labels, fontsize=8)
    for name, label in zip(kl, axes.get_yticklabels(), strict=True):
        label.set_color("black" if name in active else INACTIVE_TEXT)
    axes.set_ylim(len(kl) - 0.4, -0.6)  # the top layer is at the top
    axes.margins(x=0.12)
    axes.set_xlabel("KL divergence in nats per row")
    axes.set_title(f"{sum(kl.values()):.2f} nats, {len(active)} of {len(in_rows)} latents active", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def group_label(name: str, site: Site, keywords: Keywords) -> str:
    """The name of a group with the resolution of its grid, where ``channels`` numbers at each place make one.

    >>> group_label("z3", Site.parse("real [N 64]"), {"channels": 4}), group_label("z3", Site.parse("real [N 6]"), {})
    ('z3  4×4', 'z3')
    """
    sizes = site.shape({**keywords, "N": 1})[1:]
    channels = keywords.get("channels")
    if len(sizes) != 1 or not channels or sizes[0] % channels:
        return name
    side = isqrt(sizes[0] // channels)
    return f"{name}  {side}×{side}" if side * side * channels == sizes[0] else name
