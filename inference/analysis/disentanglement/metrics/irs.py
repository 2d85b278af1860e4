"""Interventional robustness: whether a code stays where it is while other factors than its own change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from inference.analysis.disentanglement.metrics import Metric, MetricValues
from inference.analysis.disentanglement.rows import CodesAndFactors

QUANTILE = 0.99  # of the deviations in a group of rows, in the place of their maximum, which is of one row


class InterventionalRobustness(Metric):
    """1 - the deviation of a code from its mean given the value of a factor, relative to the largest deviation.

    The deviation is a quantile over the rows of a value, and a mean over the values. A code has the largest score of
    all factors; codes are weighted by their variances.
    """

    name: ClassVar[str] = "irs"
    scores: ClassVar[Mapping[str, str]] = {
        "irs": "how little a code moves while one factor is constant and the others change, relative to its range"
    }
    citation: ClassVar[str] = "Suter, Miladinović, Schölkopf and Bauer (2019)"
    invariances: ClassVar[tuple[str, ...]] = ("permutation",)
    num_resamples: ClassVar[int] = 20

    def values(self, rows: CodesAndFactors) -> MetricValues:
        z = rows.codes
        largest = np.abs(z - z.mean(0)).max(0)
        matrix = np.zeros((rows.Z, rows.K))
        for k, factor in enumerate(rows.factors):
            order = np.argsort(factor.labels, kind="stable")
            groups = np.split(z[order], np.cumsum(np.bincount(factor.labels))[:-1])
            deviations = [
                np.quantile(np.abs(group - group.mean(0)), QUANTILE, axis=0) for group in groups if len(group)
            ]
            matrix[:, k] = 1 - np.mean(deviations, axis=0) / largest
        return MetricValues({"irs": float(np.average(matrix.max(1), weights=z.var(0)))}, matrix)


METRIC = InterventionalRobustness()
