"""Choice: every fit, the criteria side by side, and what each of them takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from inference.choice.ard import Relevance
    from inference.result import Fit

CRITERIA = {"bic": -1, "icl": -1, "aic": -1, "laplace": 1, "cv": 1}  # 1: the larger, the better


@dataclass(frozen=True)
class Choice:
    """Fits of one model at several sizes, and which to take.

    letter: the size that varies. criterion: the one that ``best`` goes by. fits: by size; one that could not be had is
    left out. table: a row for each size, columns as in ``inference.choice``. notes: ``{criterion: why it is absent}``.
    ard: what Bayesian PCA keeps, or None.
    """

    letter: str
    criterion: str
    fits: dict[int, Fit]
    table: pd.DataFrame
    notes: dict[str, str]
    ard: Relevance | None

    @property
    def best(self) -> Fit:
        """The fit that the criterion takes."""
        return self.fits[self.sizes[self.criterion]]

    @property
    def sizes(self) -> dict[str, int]:
        """The size each criterion takes, of those that can be had, and the number of dimensions ARD keeps."""
        found = {}
        for name, sign in CRITERIA.items():
            column = self.table[name].astype(float) * sign
            column = column[np.isfinite(column)]
            if len(column):
                found[name] = int(column.idxmax())
        return found | ({"ard": self.ard.kept} if self.ard else {})

    def figure(self) -> Figure:
        """The criteria over the sizes, a panel for each with its best marked, and the columns ARD keeps as bars."""
        from inference.choice.figure import side_by_side

        return side_by_side(self)
