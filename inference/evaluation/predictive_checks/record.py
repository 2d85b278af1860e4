"""What a predictive check gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.leave_one_out.pit import LooPIT
from inference.plots.style import FIT_COLOURS, figure_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SURPRISING = 0.05  # two-sided p, over the number of statistics
MAX_PANELS = 12


@dataclass(frozen=True, eq=False)
class PredictiveCheck:
    """Statistics of the data and of data drawn from a model.

    Attributes
    ----------
    table : DataFrame
        A row for each statistic: ``observed``; ``mean``, ``5%`` and ``95%`` of the data drawn; ``p``, the share of them
        at or above the observed value, ties counted half. Under the prior p is uniform for data from the model; under
        the posterior, which has seen the data, it is nearer to one half.
    draws : dict of str to array, (count,)
        The statistics of the data drawn.
    is_prior : bool
    pit : LooPIT or None
        Where each value lies in its predictive distribution given the other rows, where it was asked for; its figure is
        ``pit.plot()``.
    """

    table: pd.DataFrame
    draws: dict[str, np.ndarray] = field(repr=False)
    is_prior: bool
    pit: LooPIT | None = None

    @property
    def surprising(self) -> list[str]:
        """The statistics whose two-sided p is below 5 percent after Bonferroni's correction for their number."""
        p = self.table["p"].to_numpy()
        is_far = 2 * np.minimum(p, 1 - p) < SURPRISING / max(len(p), 1)
        return [str(n) for n in self.table.index[is_far]]

    def __str__(self) -> str:
        of = "prior" if self.is_prior else "posterior"
        verdict = f"Data drawn from the {of} looks like the data in every statistic."
        if self.surprising:
            verdict = f"Data drawn from the {of} differs from the data in: {', '.join(self.surprising)}."
        transforms = [] if self.pit is None else [str(self.pit)]
        return "\n\n".join([self.table.round(3).to_string(), verdict, *transforms])

    def plot(self) -> Figure:
        """Draw each statistic of the data drawn as a histogram, with the observed value; at most twelve."""
        from matplotlib import rc_context
        from matplotlib.figure import Figure

        shown = list(self.table.index[:MAX_PANELS])
        across = min(4, len(shown))
        down = -(-len(shown) // across)
        with rc_context(figure_style()):
            figure = Figure((2.4 * across + 0.3, 1.9 * down + 0.4), layout="constrained")
            panels = figure.subplots(down, across, squeeze=False).ravel()
            for axes in panels[len(shown) :]:
                axes.set_axis_off()
            for axes, name in zip(panels, shown, strict=False):
                values = self.draws[name][np.isfinite(self.draws[name])]
                axes.hist(values, bins=30, color=FIT_COLOURS[0], alpha=0.6)
                axes.axvline(self.table.loc[name, "observed"], color=FIT_COLOURS[1], linewidth=2)
                axes.set_title(f"{name}, p = {self.table.loc[name, 'p']:.2f}")
                axes.set_yticks([])
        return figure
