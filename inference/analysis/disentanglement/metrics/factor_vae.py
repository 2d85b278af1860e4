"""The score of FactorVAE: which code varies least while a factor is constant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from inference.analysis.disentanglement.metrics import Metric, MetricValues
from inference.analysis.disentanglement.rows import CodesAndFactors

TRAIN_VOTES, TEST_VOTES, BATCH = 2000, 1000, 64


class FactorVaeScore(Metric):
    """Accuracy of a majority vote on the factor of a batch of rows that share its value.

    The vote of a batch is the code whose variance in it is smallest, relative to the variance in all rows. The rows of
    a batch are drawn with replacement; its factor is drawn first, then its value as that of a row.
    """

    name: ClassVar[str] = "factor_vae"
    scores: ClassVar[Mapping[str, str]] = {
        "factor_vae": "accuracy of telling which factor is constant by the code that varies least; chance is 1 / K"
    }
    citation: ClassVar[str] = "Kim and Mnih (2018)"
    num_resamples: ClassVar[int] = 20

    def values(self, rows: CodesAndFactors) -> MetricValues:
        rng, count = rows.rng(5), TRAIN_VOTES + TEST_VOTES
        constant = rng.integers(rows.K, size=count)
        votes = np.zeros(count, int)
        for k, factor in enumerate(rows.factors):
            order = np.argsort(factor.labels, kind="stable")
            sizes = np.bincount(factor.labels)
            batches = np.flatnonzero(constant == k)
            labels = factor.labels[rng.integers(len(order), size=len(batches))]
            within = (rng.random((len(batches), BATCH)) * sizes[labels, None]).astype(int)
            index = order[(np.cumsum(sizes) - sizes)[labels, None] + within]
            variances = np.stack([column[index].var(1) for column in rows.standardised.T], 1)
            votes[batches] = variances.argmin(1)
        table = np.zeros((rows.Z, rows.K))
        np.add.at(table, (votes[:TRAIN_VOTES], constant[:TRAIN_VOTES]), 1)
        right = table.argmax(1)[votes[TRAIN_VOTES:]] == constant[TRAIN_VOTES:]
        return MetricValues({"factor_vae": float(right.mean())}, table / table.sum(0))


METRIC = FactorVaeScore()
