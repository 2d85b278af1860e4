"""The record of a choice: every fit, the table of criteria, and the size that each criterion selects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.selection.ard import Relevance
from inference.evaluation.selection.likelihood_ratio import SIGNIFICANCE, LikelihoodRatioTest
from inference.result import Fit

if TYPE_CHECKING:
    import pandas as pd

# 1: larger is better, -1: smaller is better
CRITERIA = {"bic": -1, "sabic": -1, "caic": -1, "icl": -1, "aic": -1, "laplace": 1, "cv": 1}


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
    blrt : dict of int to LikelihoodRatioTest
        The bootstrap likelihood-ratio test of each size against the size below; {} without.
    """

    letter: str
    criterion: str
    fits: dict[int, Fit]
    table: pd.DataFrame
    unavailable: dict[str, str]
    ard: Relevance | None
    validation_size: float
    blrt: dict[int, LikelihoodRatioTest]

    @property
    def best(self) -> Fit:
        """The fit that the criterion selects."""
        return self.fits[self.sizes[self.criterion]]

    @property
    def sizes(self) -> dict[str, int]:
        """The size that each available criterion selects, with that of BLRT, and the dimensions that ARD keeps."""
        sizes = {}
        for name in filter(self.table.columns.__contains__, CRITERIA):
            column = self.table[name].astype(float) * CRITERIA[name]
            column = column[np.isfinite(column)]
            if len(column):
                sizes[name] = int(column.idxmax())
        if self.blrt:
            sizes["blrt"] = min(self.blrt) - 1
            while (test := self.blrt.get(sizes["blrt"] + 1)) and test.p_value <= SIGNIFICANCE:
                sizes["blrt"] += 1
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
