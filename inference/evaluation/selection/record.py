"""The record of a choice: every fit, the table of criteria, and the size that each criterion selects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.selection.ard import Relevance
from inference.result import Fit

if TYPE_CHECKING:
    import pandas as pd

CRITERIA = {"bic": -1, "icl": -1, "aic": -1, "laplace": 1, "cv": 1}  # 1: larger is better, -1: smaller is better


@dataclass(frozen=True)
class ChoiceRecord:
    """Fits of one model at several sizes, with the criteria for choosing among them.

    Attributes
    ----------
    letter : str
        The size that varies, "K" or "Z".
    criterion : str
        The criterion that selects ``best``.
    fits : dict of int to Fit
        The fits by size; a size that could not be fitted is missing.
    table : DataFrame
        A row for each size, with the columns of ``inference.evaluation.selection``.
    unavailable : dict of str to str
        The criteria that cannot be computed, with the reason.
    ard : Relevance or None
        The dimensions that Bayesian PCA keeps.
    validation_size : float
        The total weight of the rows, or the number of tokens, over which cv is a mean; NaN without cv.
    """

    letter: str
    criterion: str
    fits: dict[int, Fit]
    table: pd.DataFrame
    unavailable: dict[str, str]
    ard: Relevance | None
    validation_size: float

    @property
    def best(self) -> Fit:
        """The fit that the criterion selects."""
        return self.fits[self.sizes[self.criterion]]

    @property
    def sizes(self) -> dict[str, int]:
        """The size that each available criterion selects, and the number of dimensions that ARD keeps."""
        sizes = {}
        for name in filter(self.table.columns.__contains__, CRITERIA):
            column = self.table[name].astype(float) * CRITERIA[name]
            column = column[np.isfinite(column)]
            if len(column):
                sizes[name] = int(column.idxmax())
        return sizes | ({"ard": self.ard.dimensions} if self.ard else {})

    @property
    def within_one_error(self) -> int | None:
        """The smallest size whose cross-validation score is within one standard error of the best, or None.

        The standard error is that of the difference, ``cv_behind_se`` (Breiman et al. 1984 take that of the best).
        """
        if "cv" not in self.sizes:
            return None
        difference = self.table["cv"].max() - self.table["cv"]
        return int(min(self.table.index[difference <= self.table["cv_behind_se"]]))
