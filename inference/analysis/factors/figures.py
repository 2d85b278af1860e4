"""Pictures of factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

WIDTH, HEIGHT, MARGIN = 0.9, 0.32, (1.8, 1.0)  # inches a factor, inches a column, and what is around them


def heatmap(table: pd.DataFrame, axes: Axes | None = None) -> Axes:
    """The table of ``loadings`` in colour, blue below zero and red above, each cell with its number.

    Of draws it shows the means, in bold where the 94% interval does not hold zero. axes: where to draw; unless given, a
    figure is made.
    """
    from matplotlib.figure import Figure

    drawn = table.columns.nlevels > 1
    names = [n for n in table.columns.unique(0) if str(n).startswith("factor ")]
    mean = table[names].xs("mean", axis=1, level=1) if drawn else table[names]
    values = mean[names].to_numpy()
    sure = np.zeros(values.shape, bool)
    if drawn:
        low, high = (table[names].xs(word, axis=1, level=1)[names].to_numpy() for word in ("eti_3%", "eti_97%"))
        sure = (low > 0) | (high < 0)
    if axes is None:
        size = (WIDTH * len(names) + MARGIN[0], HEIGHT * len(table) + MARGIN[1])
        axes = Figure(size, layout="constrained").add_subplot()
    limit = np.abs(values).max() or 1.0
    image = axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(table)), [str(row) for row in table.index])
    axes.tick_params(length=0)
    for (d, j), value in np.ndenumerate(values):
        shade = "white" if abs(value) > 0.6 * limit else "black"
        weight = "bold" if sure[d, j] else "normal"
        axes.text(j, d, f"{value:.2f}", ha="center", va="center", color=shade, fontsize=8, fontweight=weight)
    axes.figure.colorbar(image, ax=axes, label="loading")
    return axes
