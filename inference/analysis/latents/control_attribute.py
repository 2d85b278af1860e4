"""An attribute of generated rows, by a classifier that was trained on real rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from zoo.errors import ZooError

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

FOLDS = 3
MAX_CLASSES = 50
NEIGHBOURS = 25  # rows at most, of which the most frequent value is wanted


@dataclass(frozen=True)
class GeneratedAttribute:
    """The attribute of generated rows. Each row is classified by a classifier that was trained without its source.

    Attributes
    ----------
    classes : ndarray
        The values of the attribute, (C,).
    predicted : ndarray of int
        The class of each generated row, (V, n).
    wanted : ndarray of int
        The class that it should have, (V, n).
    real_accuracy : float
        Accuracy of the classifiers for all real rows.
    unchanged_accuracy : float
        Accuracy for the rows decoded from their unchanged codes.
    chance : float
        The share of the most frequent class.
    """

    classes: np.ndarray
    predicted: np.ndarray
    wanted: np.ndarray
    real_accuracy: float
    unchanged_accuracy: float
    chance: float

    @property
    def accuracy(self) -> np.ndarray:
        """The share of generated rows with the wanted class, for each value, (V,)."""
        return (self.predicted == self.wanted).mean(1)

    @property
    def standard_error(self) -> np.ndarray:
        """Standard error of ``accuracy`` over the rows, (V,): the classifiers and the fit stay as they are."""
        return np.sqrt(self.accuracy * (1 - self.accuracy) / self.predicted.shape[1])

    @property
    def is_informative(self) -> bool:
        """Whether the classifiers beat chance on rows decoded from unchanged codes, by two standard errors."""
        error = np.sqrt(self.chance * (1 - self.chance) / self.predicted.shape[1])
        return self.unchanged_accuracy > self.chance + 2 * error

    @property
    def shares(self) -> np.ndarray:
        """The share of generated rows of each class, for each value, (V, C)."""
        return np.stack([(self.predicted == c).mean(1) for c in range(len(self.classes))], axis=1)


@dataclass(frozen=True)
class Attribute:
    """Values of an attribute, and the class of each row as a number."""

    classes: np.ndarray
    labels: np.ndarray


def read_attribute(values: ArrayLike, N: int) -> Attribute:
    """The classes of an attribute and the class of each row; raises ZooError."""
    import pandas as pd

    array = np.asarray(values)
    if array.shape != (N,):
        raise ZooError(f"attribute has a value for each of the {N} rows of the data, (N,); given shape {array.shape}")
    if missing := int(pd.isna(array).sum()):
        raise ZooError(f"attribute has {missing} missing values: leave these rows out of data and attribute")
    try:
        classes, labels, counts = np.unique(array, return_inverse=True, return_counts=True)
    except TypeError:
        raise ZooError("attribute has values of one kind, numbers or words; given both") from None
    if len(classes) == 1:
        raise ZooError(f"attribute has one value, {classes[0]}: nothing can be learned about it")
    if len(classes) > MAX_CLASSES:
        raise ZooError(f"attribute has {len(classes)} values, at most {MAX_CLASSES}: give groups (numpy.digitize)")
    if counts.min() < FOLDS:
        rare = classes[counts.argmin()]
        raise ZooError(f"attribute = {rare} has {counts.min()} rows, and {FOLDS} are needed: join groups")
    return Attribute(classes, labels.reshape(-1))


def default_classifier(seed: int) -> ClassifierMixin:
    """A network with two layers of units on columns from 0 to 1; missing values are replaced by the mean."""
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    network = MLPClassifier((100, 100), max_iter=50, random_state=seed)
    return make_pipeline(SimpleImputer(keep_empty_features=True), MinMaxScaler(), network)


def classify_generated(
    attribute: Attribute,
    data: np.ndarray,
    rows: np.ndarray,
    unchanged: np.ndarray,
    generated: np.ndarray,
    wanted: np.ndarray,
    classifier: ClassifierMixin | None,
    seed: int,
) -> GeneratedAttribute:
    """Classes of generated rows (V, n, D), of which ``rows`` are the sources among the N rows of data."""
    from sklearn.base import clone

    labels, V = attribute.labels, len(generated)
    fold = assign_folds(labels, seed)
    real, again = np.empty(len(labels), int), np.empty(len(rows), int)
    predicted = np.empty((V, len(rows)), int)
    for k in range(FOLDS):
        model = default_classifier(seed) if classifier is None else clone(classifier)
        train, ours = fold != k, fold[rows] == k
        fit_quietly(model, data[train], labels[train])
        real[~train] = model.predict(data[~train])
        if ours.any():
            again[ours] = model.predict(unchanged[ours])
            predicted[:, ours] = model.predict(generated[:, ours].reshape(-1, data.shape[1])).reshape(V, -1)
    return GeneratedAttribute(
        classes=attribute.classes,
        predicted=predicted,
        wanted=wanted,
        real_accuracy=float((real == labels).mean()),
        unchanged_accuracy=float((again == labels[rows]).mean()),
        chance=float(np.bincount(labels).max() / len(labels)),
    )


def wanted_classes(
    attribute: Attribute, wanted: ArrayLike | None, places: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """The class that each generated row should have, (V, n); raises ZooError.

    By default the most frequent one among the rows whose codes are nearest to the values (J, V, n) in the J coordinates
    that are set; ``places``: codes of all rows in these, (N, J).
    """
    _, V, n = values.shape
    if wanted is None:
        from sklearn.neighbors import KNeighborsClassifier

        count = max(1, min(NEIGHBOURS, len(places) // (2 * len(attribute.classes))))
        nearest = KNeighborsClassifier(count).fit(places, attribute.labels)
        requests, which = np.unique(values.reshape(len(values), -1), axis=1, return_inverse=True)
        return nearest.predict(requests.T)[which.reshape(V, n)]
    given = np.asarray(wanted)
    if given.shape not in ((V,), (V, n)):
        raise ZooError(f"wanted has a value of the attribute for each of {V} values of z, ({V},); given {given.shape}")
    numbers = {value: i for i, value in enumerate(attribute.classes.tolist())}
    if unknown := [value for value in given.reshape(-1).tolist() if value not in numbers]:
        raise ZooError(f"wanted has values of the attribute, {', '.join(map(str, numbers))}; given {unknown[0]!r}")
    classes = np.array([numbers[value] for value in given.reshape(-1).tolist()]).reshape(given.shape)
    return np.broadcast_to(classes if given.ndim == 2 else classes[:, None], (V, n))


def assign_folds(labels: np.ndarray, seed: int) -> np.ndarray:
    """The fold of each row, (N,), in random order, with equally many rows of each class up to one."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    fold = np.empty(len(labels), int)
    fold[order] = np.arange(len(labels)) % FOLDS
    return fold


def fit_quietly(model: ClassifierMixin, x: np.ndarray, labels: np.ndarray) -> None:
    """Train a classifier, without the warning that its number of iterations is reached."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, labels)  # pyright: ignore[reportAttributeAccessIssue]
