"""GradientReport: what ``gradient_report`` returns, with its table, figure and page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from inference.evaluation.gradients import figure, page, table
from inference.evaluation.gradients.record import GradientReportRecord

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class GradientReport(GradientReportRecord):
    """The result of ``gradient_report``: the fields of ``GradientReportRecord``, with a table, a figure and a page."""

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each group of parameters and estimator.

        variance: the trace of the covariance of one gradient. per_evaluation: the variance times ``evaluations``, the
        runs of the program in one gradient; it is the variance at equal work. bias: the norm of the mean error, the
        noise of the mean taken off, with a 95% interval from bias_low to bias_high; bias_percent: of the norm of the
        gradient. p: the probability of means this far from the reference without a bias. seconds: of one gradient, in
        NumPyro where many are computed together.
        """
        return table.table_by_group(self)

    def figure(self) -> Figure:
        """Plot the variance per evaluation and the bias of each estimator.

        Returns
        -------
        Figure
            A column of panels for each group of parameters, and a line for each estimator.
        """
        return figure.plot_moments(self)

    def save(self, path: str | Path, command: str = "") -> Path:
        """Write the report as one self-contained HTML page.

        Parameters
        ----------
        path : str or Path
            The file; it is written in one step.
        command : str, optional
            The command line that made the report, which the page then shows.

        Returns
        -------
        Path

        Raises
        ------
        ZooError
            Where the file cannot be written.
        """
        return page.save_page(self, Path(path), command)

    def __str__(self) -> str:
        return table.plain_text(self)
