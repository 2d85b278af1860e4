"""DisentanglementReport: what ``report`` returns, with its table and figure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from inference.analysis.disentanglement import figures, tables
from inference.analysis.disentanglement.record import DisentanglementRecord, Score
from zoo.errors import unknown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class DisentanglementReport(DisentanglementRecord):
    """The result of ``report``: the fields of ``DisentanglementRecord``, with a table and a figure."""

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each score: score, interval, ceiling, floor, half-samples and rows, definition and source."""
        return tables.table_of_scores(self)

    def __getitem__(self, label: str) -> Score:
        """The score of a label of the table, as "mig" or "dci D"; raises ZooError."""
        by_label = {score.label: score for score in self.scores}
        if label not in by_label:
            raise unknown("score", label, list(by_label))
        return by_label[label]

    def figure(self, size: tuple[int, int] | None = None) -> Figure:
        """Plot scores between floors and ceilings, importances and informations, and traversals of a fit of images.

        Parameters
        ----------
        size : tuple of int, optional
            Height and width of an image; square by default.

        Returns
        -------
        matplotlib.figure.Figure
        """
        return figures.plot_report(self, size)

    def __str__(self) -> str:
        return tables.plain_text(self)

    __repr__ = __str__
