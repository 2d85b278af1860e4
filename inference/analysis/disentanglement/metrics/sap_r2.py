"""SAP by squared correlations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from inference.analysis.disentanglement.metrics import Metric, MetricValues, gap_of_top_two
from inference.analysis.disentanglement.rows import CodesAndFactors


class CorrelationGap(Metric):
    """Separated attribute predictability, for factors that are numbers: the R² of a line on one code.

    Words have the numbers of their alphabetical order.
    """

    name: ClassVar[str] = "sap_r2"
    scores: ClassVar[Mapping[str, str]] = {
        "sap_r2": "difference of the two largest squared correlations of a code with a factor as a number"
    }
    citation: ClassVar[str] = "Kumar, Sattigeri and Balakrishnan (2018)"
    takes_continuous: ClassVar[bool] = True
    num_resamples: ClassVar[int] = 100

    def values(self, rows: CodesAndFactors) -> MetricValues:
        factors = np.stack([f.values for f in rows.factors], 1)
        factors = (factors - factors.mean(0)) / factors.std(0)
        matrix = (rows.standardised.T @ factors / len(factors)) ** 2
        return MetricValues({"sap_r2": float(gap_of_top_two(matrix).mean())}, matrix)


METRIC = CorrelationGap()
