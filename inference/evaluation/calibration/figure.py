"""The picture of a calibration: one small panel for each quantity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.calibration.bands import band, below
from inference.plots.style import FIT_COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from inference.evaluation.calibration.result import Calibration

PANELS, COLUMNS = 16, 4


def differences(c: Calibration) -> Figure:
    """ECDF of the ranks less the uniform one, in its simultaneous band; what leaves it is in another colour."""
    from matplotlib.figure import Figure

    shown = list(c.table.sort_values("p", kind="stable").index)[:PANELS]
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure((2.5 * columns + 0.5, 1.9 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    expected = np.arange(1, c.draws + 1) / (c.draws + 1)
    for axes, name in zip(panels, shown, strict=False):
        n = len(c.ranks[name])
        low, high = band(n, c.draws, c.chance)
        right = c.table.finding[name] == "calibrated"
        axes.fill_between(expected, low / n - expected, high / n - expected, color="0.85", linewidth=0, step="mid")
        axes.axhline(0, color="0.5", linewidth=0.8)
        axes.step(
            expected, below(c.ranks[name], c.draws) / n - expected, where="mid", color=FIT_COLOURS[0 if right else 1]
        )
        axes.set_title(name if right else f"{name}: {c.table.finding[name].removeprefix('the draws are ')}", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(c.what, fontsize=11)
    figure.supxlabel("rank of the truth among the draws, as a fraction", fontsize=9)
    figure.supylabel("ECDF less uniform", fontsize=9)
    return figure
