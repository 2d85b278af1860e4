"""Modularity: whether each code carries information about one factor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from inference.analysis.disentanglement.metrics import Metric, MetricValues
from inference.analysis.disentanglement.rows import CodesAndFactors


class Modularity(Metric):
    """1 - the mean over codes of the squared informations about other factors than the first, relative to the first.

    It compares informations with each other, however small they are. The information in bins of unrelated codes is
    above 0 by chance, so that the floor is far above 0.
    """

    name: ClassVar[str] = "modularity"
    scores: ClassVar[Mapping[str, str]] = {
        "modularity": "squared mutual informations of a code, how little of them is about other factors than the first"
    }
    citation: ClassVar[str] = "Ridgeway and Mozer (2018)"
    takes_continuous: ClassVar[bool] = True
    num_resamples: ClassVar[int] = 100

    def values(self, rows: CodesAndFactors) -> MetricValues:
        squares = rows.binned_information**2
        largest = squares.max(1)
        rest = squares.sum(1) - largest
        deviation = np.divide(rest, largest * (rows.K - 1), out=np.ones(rows.Z), where=largest > 0)
        return MetricValues({"modularity": float(1 - deviation.mean())}, rows.binned_information)


METRIC = Modularity()
