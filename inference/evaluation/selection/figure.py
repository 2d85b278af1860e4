"""The picture of a choice: a small panel for each criterion, all in nats behind the best, so that they can be compared.

Half of BIC, AIC and ICL, and the sum over the rows held out, are log-likelihoods as the evidence is; a size behind by
a nat or two is as good as the best.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.selection.ard import KEPT
from inference.evaluation.selection.result import CRITERIA
from inference.plots.style import FIT_COLOURS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from inference.evaluation.selection.result import Choice

COLUMNS = 3
NAMES = {
    "bic": "BIC",
    "icl": "ICL",
    "aic": "AIC",
    "laplace": "Laplace evidence",
    "cv": "cross-validation",
    "ard": "ARD",
}


def side_by_side(c: Choice) -> Figure:
    """The criteria that can be had, the best size ringed, and as bars what ARD left of each column."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    shown = list(c.sizes)
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure((3.1 * columns + 0.4, 2.3 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    curves = {name: behind(c, name) for name in shown if name in CRITERIA}
    top = max(2.0, *(curve.max() for curve in curves.values()))
    for axes, name in zip(panels, shown, strict=False):
        if name == "ard":
            bars(axes, c)
        else:
            line(axes, c, name, curves[name])
            axes.set_ylim(-0.4, 2 * top)
        axes.set_title(f"{NAMES[name]} takes {c.letter} = {c.sizes[name]}", fontsize=10)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(c.best.model.card.title, fontsize=11)
    return figure


def behind(c: Choice, name: str) -> pd.Series:
    """How many nats each size is behind the best of one criterion."""
    column = c.table[name].astype(float).sort_index()
    column = column[np.isfinite(column)] * CRITERIA[name] * unit(c, name)
    return column.max() - column


def unit(c: Choice, name: str) -> float:
    """How many nats one of the criterion is."""
    if name == "cv":  # of a row, or a token
        return c.held_out
    return 1.0 if name == "laplace" else 0.5


def line(axes: Axes, c: Choice, name: str, curve: pd.Series) -> None:
    """One criterion over the sizes; of cross-validation with the standard errors of these differences."""
    shade = FIT_COLOURS[list(CRITERIA).index(name)]
    axes.plot(curve.index, curve, marker="o", markersize=4, color=shade)
    if name == "cv":
        se = c.table["cv_behind_se"][curve.index].astype(float) * unit(c, name)
        axes.errorbar(curve.index, curve, se, color=shade, capsize=2, linewidth=1)
    axes.plot(c.sizes[name], 0.0, "o", markersize=11, fillstyle="none", color=shade, clip_on=False)
    axes.set_yscale("symlog", linthresh=1.0)
    axes.set_ylabel("nats behind the best", fontsize=8)
    axes.set_xlabel(c.letter, fontsize=9)


def bars(axes: Axes, c: Choice) -> None:
    """The length of each column of W beside the noise; one that was switched off has no bar."""
    assert c.ard is not None
    lengths = c.ard.lengths
    axes.bar(np.arange(1, len(lengths) + 1), np.maximum(lengths, KEPT / 10), color=FIT_COLOURS[5])
    axes.axhline(KEPT, color="0.5", linestyle="--", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylim(bottom=KEPT / 10)
    axes.set_ylabel("squared length / sigma2", fontsize=8)
    axes.set_xlabel("column of W, the longest first", fontsize=9)
