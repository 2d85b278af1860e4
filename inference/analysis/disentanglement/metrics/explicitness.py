"""Explicitness: whether a linear classifier on all codes finds each value of a factor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from inference.analysis.disentanglement.learners.linear import area_under_curve, logistic_scores
from inference.analysis.disentanglement.metrics import Metric, MetricValues
from inference.analysis.disentanglement.rows import CodesAndFactors


class Explicitness(Metric):
    """The area under the ROC curve of one-versus-rest logistic regressions, from 0 at chance to 1.

    Areas are of a quarter of the rows, by a fit to the rest. The middle ones of several ordered values cannot be told
    from the rest by a line: the ceiling is below 1.
    """

    name: ClassVar[str] = "explicitness"
    scores: ClassVar[Mapping[str, str]] = {
        "explicitness": "2 AUC - 1 of logistic regressions on all codes, the mean over the values of all factors"
    }
    citation: ClassVar[str] = "Ridgeway and Mozer (2018)"
    is_costly: ClassVar[bool] = True
    num_resamples: ClassVar[int] = 10

    def values(self, rows: CodesAndFactors) -> MetricValues:
        train, test = rows.split
        x = rows.standardised
        areas = []
        for factor in rows.factors:
            one_hot = factor.labels[:, None] == np.arange(factor.num_classes)
            of_factor = [
                area_under_curve(logistic_scores(x[train], column[train], x[test]), column[test])
                for column in one_hot.T
            ]
            if np.isfinite(of_factor).any():  # a rare value may be in no test row
                areas.append(float(np.nanmean(of_factor)))
        return MetricValues({"explicitness": 2 * float(np.mean(areas)) - 1 if areas else float("nan")})


METRIC = Explicitness()
