"""DCI: disentanglement, completeness and informativeness, by the importance of codes for a learner of each factor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from inference.analysis.disentanglement.learners.trees import boosted_trees, random_forest
from inference.analysis.disentanglement.metrics import Metric, MetricValues
from inference.analysis.disentanglement.rows import CodesAndFactors


class TreeImportance(Metric):
    """One learner for each factor, fitted to three quarters of the rows: boosted trees, a random forest if fast.

    Informativeness is on the other rows: the accuracy for discrete factors, R² from 0 up for continuous ones.
    """

    name: ClassVar[str] = "dci"
    scores: ClassVar[Mapping[str, str]] = {
        "D": "disentanglement: 1 - entropy of a code's importances for the factors, codes weighted by their importance",
        "C": "completeness: 1 - entropy of a factor's importances of the codes",
        "I": "informativeness: accuracy, or R², of the learner on other rows",
    }
    citation: ClassVar[str] = "Eastwood and Williams (2018); gradient boosting as Locatello et al. (2019)"
    takes_continuous: ClassVar[bool] = True
    is_costly: ClassVar[bool] = True
    num_resamples: ClassVar[int] = 10

    def values(self, rows: CodesAndFactors) -> MetricValues:
        train, test = rows.split
        order = np.argsort(rows.standardised[0])  # of equal splits the first column counts: not as users order them
        x = rows.standardised[:, order]
        importance, informativeness = np.zeros((rows.Z, rows.K)), []
        for k, factor in enumerate(rows.factors):
            values, classes = (factor.labels, factor.num_classes) if factor.is_discrete else (factor.values, 0)
            if rows.fast:
                learned = random_forest(x[train], values[train], x[test], classes, rows.seed)
            else:
                learned = boosted_trees(x[train], values[train], x[test], classes)
            importance[order, k] = learned.importance
            if classes:
                informativeness.append((learned.predicted == values[test]).mean())
            else:
                errors = (learned.predicted - values[test]) ** 2
                informativeness.append(max(0.0, 1 - errors.mean() / max(values[test].var(), 1e-300)))
        scores = {**importance_scores(importance), "I": float(np.mean(informativeness))}
        return MetricValues(scores, importance)


def importance_scores(importance: np.ndarray) -> dict[str, float]:
    """D and C of importances (Z, K), 0 or more; C is NaN where there is one code.

    >>> importance_scores(np.eye(2)), importance_scores(np.ones((2, 2)))
    ({'D': 1.0, 'C': 1.0}, {'D': 0.0, 'C': 0.0})
    """
    total = importance.sum() or 1.0
    D = float(importance.sum(1) @ concentration(importance) / total)
    C = float(importance.sum(0) @ concentration(importance.T) / total)
    return {"D": D, "C": C}


def concentration(values: np.ndarray) -> np.ndarray:
    """1 - the entropy of each row, relative to that of equal values; NaN where rows have one value, 0 without any."""
    if values.shape[1] == 1:
        return np.full(len(values), np.nan)
    totals = values.sum(1, keepdims=True)
    p = np.divide(values, totals, out=np.full(values.shape, 1 / values.shape[1]), where=totals > 0)
    logs = np.log(p, out=np.zeros(p.shape), where=p > 0)
    return 1 + (p * logs).sum(1) / np.log(values.shape[1])


METRIC = TreeImportance()
