"""Cross-fitted predictions: each row by a predictor that was trained without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.fairness.inputs import FairnessData

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

ALL, COMPLEMENT = "all codes", "other coordinates"


def logistic_regression(seed: int) -> ClassifierMixin:
    """Logistic regression on standardised codes, with scikit-learn's default penalty."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=seed))


def boosted_trees(seed: int) -> ClassifierMixin:
    """A hundred boosted trees on binned codes."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(early_stopping=False, random_state=seed)


# in alphabetical order, as pandas needs it in order to find parts of a table fast
PREDICTORS: Mapping[str, Callable[[int], ClassifierMixin]] = {
    "boosted trees": boosted_trees,
    "logistic regression": logistic_regression,
}


def assign_folds(strata: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold of each row, (N,): in random order, and equally many rows of each stratum in each fold, up to one.

    >>> strata = np.repeat([0, 1], [6, 3])
    >>> fold = assign_folds(strata, 3, seed=0)
    >>> np.bincount(3 * strata + fold).tolist()
    [2, 2, 2, 1, 1, 1]
    """
    order = np.random.default_rng(seed).permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    fold = np.empty(len(strata), int)
    fold[order] = np.arange(len(strata)) % folds
    return fold


def class_probabilities(
    make: Callable[[int], ClassifierMixin], codes: np.ndarray, classes: np.ndarray, fold: np.ndarray, seed: int
) -> np.ndarray:
    """The probability of each class of each row, (N, C), by predictors that were trained on the other folds."""
    probabilities = np.empty((len(codes), classes.max() + 1))
    for k in np.unique(fold):
        train = fold != k
        predictor = make(seed).fit(codes[train], classes[train])
        probabilities[~train] = predictor.predict_proba(codes[~train])
    return probabilities


def predict_rows(data: FairnessData, predictor: str, folds: int, seed: int) -> dict[str, np.ndarray]:
    """By set of codes three columns of each row, booleans (N, 3).

    Whether the group is predicted: as the most probable one, and as the one whose probability exceeds its share most,
    which maximises the balanced accuracy; and whether the target is predicted to be positive.
    """
    make, outcome = PREDICTORS[predictor], data.outcome.astype(int)
    fold = assign_folds(2 * data.group + outcome, folds, seed)
    shares = np.bincount(data.group) / len(data.group)
    columns = {}
    for name, codes in ((ALL, data.codes), (COMPLEMENT, data.codes[:, data.complement])):
        groups = class_probabilities(make, codes, data.group, fold, seed)
        target = class_probabilities(make, codes, outcome, fold, seed)
        columns[name] = np.stack(
            [
                groups.argmax(1) == data.group,
                (groups / shares).argmax(1) == data.group,
                target[:, 1] > 0.5,
            ],
            axis=1,
        )
    return columns
