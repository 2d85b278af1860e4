"""Choice: every fit, the criteria side by side, and what each of them takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from inference.evaluation.selection.ard import Relevance
    from inference.result import Fit

CRITERIA = {"bic": -1, "icl": -1, "aic": -1, "laplace": 1, "cv": 1}  # 1: the larger, the better


@dataclass(frozen=True)
class Choice:
    """Fits of one model at several sizes, and which to take.

    letter: the size that varies. criterion: the one that ``best`` goes by. fits: by size; one that could not be had is
    left out. table: a row for each size, columns as in ``inference.choice``. notes: ``{criterion: why it is absent}``.
    ard: what Bayesian PCA keeps, or None. held_out: how many rows, by their weights, or of documents tokens, cv is the
    mean over; NaN where there is none.
    """

    letter: str
    criterion: str
    fits: dict[int, Fit]
    table: pd.DataFrame
    notes: dict[str, str]
    ard: Relevance | None
    held_out: float

    @property
    def best(self) -> Fit:
        """The fit that the criterion takes."""
        return self.fits[self.sizes[self.criterion]]

    @property
    def sizes(self) -> dict[str, int]:
        """The size each criterion takes, of those that can be had, and the number of dimensions ARD keeps."""
        found = {}
        for name in filter(self.table.columns.__contains__, CRITERIA):
            column = self.table[name].astype(float) * CRITERIA[name]
            column = column[np.isfinite(column)]
            if len(column):
                found[name] = int(column.idxmax())
        return found | ({"ard": self.ard.kept} if self.ard else {})

    @property
    def within_one_error(self) -> int | None:
        """The smallest size that cross-validation has no more than one standard error behind its best, or None.

        The standard error is that of the difference, ``cv_behind_se`` (Breiman et al. 1984 take that of the best).
        """
        if "cv" not in self.sizes:
            return None
        behind = self.table["cv"].max() - self.table["cv"]
        return int(min(self.table.index[behind <= self.table["cv_behind_se"]]))

    def figure(self) -> Figure:
        """The criteria over the sizes, a panel for each with its best marked, and the columns ARD keeps as bars."""
        from inference.evaluation.selection.figure import side_by_side

        return side_by_side(self)
