"""The figure of a calibration: a panel for each quantity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.calibration.bands import band, counts_below
from inference.plots.style import FIT_COLOURS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MAX_PANELS, PANELS_PER_ROW = 16, 4


def plot_ranks(
    ranks: Mapping[str, np.ndarray], table: pd.DataFrame, draws: int, error_rate: float, title: str
) -> Figure:
    """ECDF of the ranks minus the uniform ECDF, in its simultaneous band; quantities outside have another colour."""
    from matplotlib.figure import Figure

    shown = [n for n in table.sort_values("p", kind="stable").index if n in ranks][:MAX_PANELS]
    columns = min(PANELS_PER_ROW, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure((2.5 * columns + 0.5, 1.9 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    expected = np.arange(1, draws + 1) / (draws + 1)
    for axes, name in zip(panels, shown, strict=False):
        n, finding = len(ranks[name]), table.finding[name]
        low, high = band(n, draws, error_rate)
        is_calibrated = finding == "calibrated"
        colour = FIT_COLOURS[0 if is_calibrated else 1]
        axes.fill_between(expected, low / n - expected, high / n - expected, color="0.85", linewidth=0, step="mid")
        axes.axhline(0, color="0.5", linewidth=0.8)
        axes.step(expected, counts_below(ranks[name], draws) / n - expected, where="mid", color=colour)
        axes.set_title(name if is_calibrated else f"{name}: {finding.removeprefix('the draws are ')}", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=11)
    figure.supxlabel("rank of the truth among the draws, as a fraction", fontsize=9)
    figure.supylabel("ECDF less uniform", fontsize=9)
    return figure
