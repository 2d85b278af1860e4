"""SAP by linear support vector machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from inference.analysis.disentanglement.learners.linear import svm_predictions
from inference.analysis.disentanglement.metrics import Metric, MetricValues, gap_of_top_two
from inference.analysis.disentanglement.rows import CodesAndFactors


class AccuracyGap(Metric):
    """Separated attribute predictability, for classes: accuracy on a quarter of the rows, of a fit to the rest.

    Codes are standardised, so that the units of a code do not matter. A linear classifier on one number tells the first
    and the last of several ordered values from the rest, and few others: the ceiling is far below 1.
    """

    name: ClassVar[str] = "sap_svm"
    scores: ClassVar[Mapping[str, str]] = {
        "sap_svm": "difference of the two largest accuracies of a linear support vector machine on one code"
    }
    citation: ClassVar[str] = "Kumar, Sattigeri and Balakrishnan (2018); C = 0.01 as Locatello et al. (2019)"
    is_costly: ClassVar[bool] = True
    num_resamples: ClassVar[int] = 20

    def values(self, rows: CodesAndFactors) -> MetricValues:
        train, test = rows.split
        x = rows.standardised
        matrix = np.zeros((rows.Z, rows.K))
        for k, factor in enumerate(rows.factors):
            for j in range(rows.Z):
                predicted = svm_predictions(x[train, j], factor.labels[train], x[test, j])
                matrix[j, k] = (predicted == factor.labels[test]).mean()
        return MetricValues({"sap_svm": float(gap_of_top_two(matrix).mean())}, matrix)


METRIC = AccuracyGap()
