"""Figures of factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

CELL_WIDTH, CELL_HEIGHT, MARGINS = 0.9, 0.32, (1.8, 1.0)  # inches


def heatmap(table: pd.DataFrame, axes: Axes | None = None) -> Axes:
    """Heatmap of a table of loadings, blue below zero and red above; each cell shows its number.

    Parameters
    ----------
    table : pandas.DataFrame
        Result of ``loadings``. For draws the posterior means are shown, in bold where the 94% interval excludes zero.
    axes : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in; ``axes.figure`` is the figure.
    """
    from matplotlib.figure import Figure

    has_draws = table.columns.nlevels > 1
    names = [n for n in table.columns.unique(0) if str(n).startswith("factor ")]
    means = table[names].xs("mean", axis=1, level=1) if has_draws else table[names]
    values = means[names].to_numpy()
    excludes_zero = np.zeros(values.shape, bool)
    if has_draws:
        low, high = (table[names].xs(end, axis=1, level=1)[names].to_numpy() for end in ("eti_3%", "eti_97%"))
        excludes_zero = (low > 0) | (high < 0)
    if axes is None:
        size = (CELL_WIDTH * len(names) + MARGINS[0], CELL_HEIGHT * len(table) + MARGINS[1])
        axes = Figure(size, layout="constrained").add_subplot()
    limit = np.abs(values).max() or 1.0
    image = axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(table)), [str(row) for row in table.index])
    axes.tick_params(length=0)
    for (d, j), value in np.ndenumerate(values):
        colour = "white" if abs(value) > 0.6 * limit else "black"
        weight = "bold" if excludes_zero[d, j] else "normal"
        axes.text(j, d, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8, fontweight=weight)
    axes.figure.colorbar(image, ax=axes, label="loading")
    return axes
