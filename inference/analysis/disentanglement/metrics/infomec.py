"""InfoMEC: modularity, compactness and explicitness by information."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from inference.analysis.disentanglement.learners.linear import softmax_loss
from inference.analysis.disentanglement.metrics import Metric, MetricValues
from inference.analysis.disentanglement.rows import CodesAndFactors


class InformationMEC(Metric):
    """Ratios of mutual informations by 10 nearest neighbours, and the information of a linear classifier.

    Informations are shares of the entropy of a factor. InfoM and InfoC compare them with each other, however small they
    are, so that their floors are above 0.
    """

    name: ClassVar[str] = "infomec"
    scores: ClassVar[Mapping[str, str]] = {
        "InfoM": "modularity: the largest share of a code's informations that is about one factor, from 0 if all equal",
        "InfoC": "compactness: the largest share of a factor's informations that is in one code, from 0 if all equal",
        "InfoE": "explicitness: entropy of a factor that a multinomial logistic regression on all codes explains",
    }
    citation: ClassVar[str] = "Hsu, Dorrell, Whittington, Wu and Finn (2023)"
    takes_continuous: ClassVar[bool] = True
    is_costly: ClassVar[bool] = True
    num_resamples: ClassVar[int] = 10

    def values(self, rows: CodesAndFactors) -> MetricValues:
        shares = rows.neighbour_information / rows.entropies
        explained = [
            1 - softmax_loss(rows.standardised, f.labels, f.num_classes) / f.entropy
            if f.is_discrete
            else linear_r2(rows.standardised, f.values)
            for f in rows.factors
        ]
        scores = {
            "InfoM": largest_share(shares, 1),
            "InfoC": largest_share(shares, 0),
            "InfoE": float(np.mean(explained)),
        }
        return MetricValues(scores, shares)


def largest_share(values: np.ndarray, axis: int) -> float:
    """The mean largest share of the sums along an axis, from 0 if all are equal to 1; NaN where there is one value.

    >>> largest_share(np.array([[1.0, 0.0], [0.5, 0.5]]), 1)
    0.5
    """
    count = values.shape[axis]
    if count < 2:
        return float("nan")
    totals = values.sum(axis)
    shares = np.divide(values.max(axis), totals, out=np.full(len(totals), 1 / count), where=totals > 0)
    return float((shares.mean() - 1 / count) / (1 - 1 / count))


def linear_r2(codes: np.ndarray, factor: np.ndarray) -> float:
    """The share of the variance of a number that a linear regression on all codes explains."""
    X = np.hstack([codes, np.ones((len(codes), 1))])
    residuals = factor - X @ np.linalg.lstsq(X, factor, rcond=None)[0]
    return float(1 - residuals.var() / factor.var())


METRIC = InformationMEC()
