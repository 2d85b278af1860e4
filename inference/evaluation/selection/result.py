"""Choice: what ``choose`` returns, with its figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.evaluation.selection.figure import plot_criteria
from inference.evaluation.selection.record import ChoiceRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Choice(ChoiceRecord):
    """The result of ``choose``: the fields of ``ChoiceRecord``, with a figure."""

    def figure(self) -> Figure:
        """Plot the criteria over the sizes.

        Returns
        -------
        Figure
            A panel for each criterion with its best size marked, and the columns that ARD keeps as bars.
        """
        return plot_criteria(self)
