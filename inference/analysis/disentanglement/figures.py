"""The figure of a report on disentanglement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.disentanglement.record import TRAVERSAL_SPAN, TRAVERSAL_STEPS, DisentanglementRecord
from inference.analysis.disentanglement.tables import label
from inference.analysis.latents.images import image_size, tile_images
from inference.plots.style import FIT_COLOURS, figure_style
from zoo.errors import ZooError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MATRICES = {"dci": "importance (DCI)", "infomec": "information / entropy", "mig": "information, 20 bins"}
MAX_MATRICES = 2
SCORE_WIDTH, SCORE_HEIGHT, CELL_WIDTH, CELL_HEIGHT, IMAGE = 4.2, 0.27, 0.58, 0.36, 0.42  # inches
MIN_WIDTH = 2.0  # of a heatmap, for its title
DEAD_COLOUR = "0.85"


def plot_report(r: DisentanglementRecord, size: tuple[int, int] | None = None) -> Figure:
    """Scores at the left, then the importances and informations of each dimension, then its traversal."""
    import matplotlib
    from matplotlib.figure import Figure

    names = [name for name in MATRICES if name in r.matrices][:MAX_MATRICES]
    images = traversal_images(r, size)
    height = max(SCORE_HEIGHT * len(r.scores), (IMAGE if images else CELL_HEIGHT) * r.num_dimensions)
    widths = [SCORE_WIDTH, *[max(MIN_WIDTH, CELL_WIDTH * len(r.factors) + 0.7)] * len(names)]
    if images:
        pixels_high, pixels_wide, _ = next(iter(images.values())).shape
        widths.append(height / r.num_dimensions * pixels_wide / pixels_high)
    with matplotlib.rc_context(figure_style()):
        figure = Figure((sum(widths) + 0.4, height + 1.0), layout="constrained")
        panels = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
        plot_scores(panels[0], r)
        for axes, name in zip(panels[1:], names, strict=False):
            plot_matrix(axes, r, name)
        if images:
            plot_traversals(panels[-1], r, images)
        for axes in panels[2 if names else 1 :]:
            axes.tick_params(labelleft=not names)
        return figure


def plot_scores(axes: Axes, r: DisentanglementRecord) -> None:
    """Each score with its interval, on a bar from its floor to its ceiling."""
    for i, s in enumerate(r.scores):
        if np.isfinite([s.floor, s.ceiling]).all():
            axes.barh(i, s.ceiling - s.floor, left=s.floor, height=0.6, color="0.88")
        if np.isfinite(s.value):
            low, high = s.interval if s.num_resamples else (s.value, s.value)
            axes.plot([low, high], [i, i], color=FIT_COLOURS[0], linewidth=2)
            axes.plot(s.value, i, "o", color=FIT_COLOURS[0], markersize=5)
    axes.set_yticks(range(len(r.scores)), [label(r, s) for s in r.scores])
    axes.set_ylim(len(r.scores) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_title("scores; grey: from floor to ceiling", loc="left")


def plot_matrix(axes: Axes, r: DisentanglementRecord, name: str) -> None:
    """A heatmap of dimensions and factors, with the numbers; dead dimensions are grey."""
    from matplotlib import colormaps

    matrix = r.matrices[name]
    colours = colormaps["Blues"].with_extremes(bad=DEAD_COLOUR)
    axes.imshow(np.ma.masked_invalid(matrix), cmap=colours, vmin=0.0, vmax=1.0, aspect="auto")
    for (j, k), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            colour = "white" if value > 0.6 else "black"
            axes.text(k, j, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8)
        elif k == (len(r.factors) - 1) // 2:
            axes.text(k, j, "dead", ha="center", va="center", color="0.4", fontsize=8)
    rotation = 30 if max(map(len, r.factors)) > 6 else 0
    axes.set_xticks(range(len(r.factors)), r.factors, rotation=rotation, ha="right" if rotation else "center")
    label_dimensions(axes, r)
    title = "importance (forest)" if r.fast and name == "dci" else MATRICES[name]
    axes.set_title(title, loc="left")


def plot_traversals(axes: Axes, r: DisentanglementRecord, images: dict[int, np.ndarray]) -> None:
    """A line of images for each dimension, in the rows of the heatmaps, ticks below the first and the last."""
    half = 0.5 - 0.5 / TRAVERSAL_STEPS
    for j, line in images.items():
        axes.imshow(line, extent=(-0.5, 0.5, j + 0.47, j - 0.47), aspect="auto", interpolation="nearest")
    axes.set_xlim(-0.5, 0.5)
    axes.set_xticks([-half, 0.0, half], [f"{end:g}" for end in (-TRAVERSAL_SPAN, 0, TRAVERSAL_SPAN)])
    label_dimensions(axes, r)
    axes.set_title("traversals", loc="left")


def label_dimensions(axes: Axes, r: DisentanglementRecord) -> None:
    """One tick for each dimension, the first at the top."""
    axes.set_yticks(range(r.num_dimensions), [f"z[{j}]" for j in range(r.num_dimensions)])
    axes.set_ylim(r.num_dimensions - 0.5, -0.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def traversal_images(r: DisentanglementRecord, size: tuple[int, int] | None) -> dict[int, np.ndarray] | None:
    """The images of each traversal side by side; None where there are none, or rows are no square images."""
    if not r.traversals:
        return None
    lines = dict(r.traversals)
    values = np.stack(list(lines.values()))
    try:
        shape = image_size(values.shape[-1], size)
    except ZooError:
        if size is not None:
            raise
        return None
    limits = (float(values.min()), float(values.max()))
    return {j: tile_images(line[None], shape, limits) for j, line in lines.items()}
