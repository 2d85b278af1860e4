"""Comparison: what ``compare`` returns, with its tables, figures and report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from inference.evaluation.comparison import figures, report, table
from inference.evaluation.comparison.record import ComparisonRecord

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rich.console import Group


@dataclass(frozen=True)
class Comparison(ComparisonRecord):
    """The result of ``compare``: the fields of ``ComparisonRecord``, with tables, figures and a report.

    Printed it is a short table with the verdicts.
    """

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each quantity and fit: moments, distances from the reference in its sds, R-hat and ESS."""
        return table.table_by_quantity(self)

    @cached_property
    def fits_table(self) -> pd.DataFrame:
        """A row for each fit: what made it, its worst number of each kind, and its verdict."""
        return table.table_by_fit(self)

    def figures(self) -> dict[str, Figure]:
        """Make the figures that apply to these fits.

        Returns
        -------
        dict of str to Figure
            Of "data", "objective", "marginals", "responsibilities" and "chains of <name>" those that can be drawn.
        """
        return figures.make_figures(self)

    def save(self, path: str | Path, command: str = "") -> Path:
        """Write the comparison as one self-contained HTML page.

        It has the verdicts, every number with its Monte Carlo error, the figures, the draws as a compressed CSV file,
        thinned where they are many, and what made it.

        Parameters
        ----------
        path : str or Path
            The file; it is written in one step, so that no part of a page is ever there.
        command : str, optional
            The command line that made the fits, which the page then shows beside the calls.

        Returns
        -------
        Path

        Raises
        ------
        ZooError
            Where the file cannot be written.
        """
        return report.save_report(self, Path(path), command)

    def __str__(self) -> str:
        return table.plain_text(self)

    def __rich__(self) -> Group:
        return table.rich_text(self)
