"""The figure of a choice: a panel for each criterion, in nats behind its best size.

Half of BIC, SABIC, CAIC, AIC and ICL, and the sum over held-out rows, are log-likelihoods, as the evidence is; a size
that is a nat or two behind is as good as the best. The bootstrap test has its p-values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.selection.ard import KEPT_LENGTH
from inference.evaluation.selection.likelihood_ratio import SIGNIFICANCE
from inference.evaluation.selection.record import CRITERIA, ChoiceRecord
from inference.plots.style import FIT_COLOURS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS_PER_ROW = 3
TITLES = {
    "bic": "BIC",
    "sabic": "SABIC",
    "caic": "CAIC",
    "icl": "ICL",
    "aic": "AIC",
    "laplace": "Laplace evidence",
    "cv": "cross-validation",
    "blrt": "bootstrap test",
    "ard": "ARD",
}


def plot_criteria(c: ChoiceRecord) -> Figure:
    """The available criteria with the best size circled, and the columns of ARD as bars."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    shown = list(c.sizes)
    columns = min(PANELS_PER_ROW, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure((3.1 * columns + 0.4, 2.3 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    curves = {name: nats_behind(c, name) for name in shown if name in CRITERIA}
    top = max(2.0, *(curve.max() for curve in curves.values()))
    for axes, name in zip(panels, shown, strict=False):
        if name == "ard":
            plot_lengths(axes, c)
        elif name == "blrt":
            plot_p_values(axes, c)
        else:
            plot_criterion(axes, c, name, curves[name])
            axes.set_ylim(-0.4, 2 * top)
        axes.set_title(f"{TITLES[name]}: {c.letter} = {c.sizes[name]}", fontsize=10)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(c.best.model.card.title, fontsize=11)
    return figure


def nats_behind(c: ChoiceRecord, name: str) -> pd.Series:
    """How many nats each size is behind the best, by one criterion."""
    column = c.table[name].astype(float).sort_index()
    column = column[np.isfinite(column)] * CRITERIA[name] * nats_per_unit(c, name)
    return column.max() - column


def nats_per_unit(c: ChoiceRecord, name: str) -> float:
    """How many nats of total log-likelihood one unit of the criterion is."""
    if name == "cv":  # nats a row, or a token
        return c.validation_size
    return 1.0 if name == "laplace" else 0.5


def plot_criterion(axes: Axes, c: ChoiceRecord, name: str, curve: pd.Series) -> None:
    """One criterion over the sizes; cross-validation with the standard errors of the differences."""
    colour = FIT_COLOURS[list(CRITERIA).index(name)]
    axes.plot(curve.index, curve, marker="o", markersize=4, color=colour)
    if name == "cv":
        se = c.table["cv_behind_se"][curve.index].astype(float) * nats_per_unit(c, name)
        axes.errorbar(curve.index, curve, se, color=colour, capsize=2, linewidth=1)
    axes.plot(c.sizes[name], 0.0, "o", markersize=11, fillstyle="none", color=colour, clip_on=False)
    axes.set_yscale("symlog", linthresh=1.0)
    axes.set_ylabel("nats behind the best", fontsize=8)
    axes.set_xlabel(c.letter, fontsize=9)


def plot_lengths(axes: Axes, c: ChoiceRecord) -> None:
    """The length of each column of W relative to the noise; a column that was switched off has no bar."""
    assert c.ard is not None
    lengths = c.ard.lengths
    axes.bar(np.arange(1, len(lengths) + 1), np.maximum(lengths, KEPT_LENGTH / 10), color=FIT_COLOURS[5])
    axes.axhline(KEPT_LENGTH, color="0.5", linestyle="--", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylim(bottom=KEPT_LENGTH / 10)
    axes.set_ylabel("squared length / sigma2", fontsize=8)
    axes.set_xlabel("column of W, the longest first", fontsize=9)


def plot_p_values(axes: Axes, c: ChoiceRecord) -> None:
    """The p-value of each size against the size below, with the level of the test."""
    axes.plot(list(c.blrt), [test.p_value for test in c.blrt.values()], marker="o", markersize=4, color=FIT_COLOURS[5])
    axes.axhline(SIGNIFICANCE, color="0.5", linestyle="--", linewidth=0.8)
    axes.set_ylim(0, 1)
    axes.set_ylabel("p against the size below", fontsize=8)
    axes.set_xlabel(c.letter, fontsize=9)
