"""Estimators of scikit-learn for the models that are estimators elsewhere: mixtures, factor models, topics.

``GaussianMixture(K=3).fit(X)`` is ``inference.fit(zoo.load("gaussian_mixture", K=3), X)`` with the interface of
scikit-learn: ``get_params`` and ``clone``, pipelines, searches, DataFrames in and out. ``dir(zoo.sklearn)`` lists the
classes. Each is made from the card of its model when it is first used, so that a model of a folder of ``ZOO_MODELS``
has one too: the name of the class is that of the model in camel case.

    a label for each row        MixtureEstimator: predict, predict_proba, fit_predict, transform to probabilities
    normal latents of rows      FactorEstimator: transform to posterior means
    topics of documents         TopicEstimator: transform to proportions; rows are word counts

All have ``fit``, ``fit_transform``, ``score``, ``score_samples`` and ``sample``; after ``fit`` the record of
``inference.fit`` is ``fit_``, and each quantity of the card an attribute, as ``mu_``. ``expected_failed_checks`` has
the checks of scikit-learn that an estimator cannot pass, with the reason.
"""

from __future__ import annotations

from typing import Any

from zoo.sklearn.checks import expected_failed_checks
from zoo.sklearn.classes import class_names, make_class
from zoo.sklearn.estimator import LatentVariableEstimator
from zoo.sklearn.kinds import FactorEstimator, MixtureEstimator, RowEstimator, TopicEstimator

__all__ = [
    "FactorEstimator",
    "LatentVariableEstimator",
    "MixtureEstimator",
    "RowEstimator",
    "TopicEstimator",
    "expected_failed_checks",
]


def __getattr__(name: str) -> Any:
    if name[:1].isupper() and name in (models := class_names()):
        globals()[name] = make_class(models[name])
        return globals()[name]
    raise AttributeError(f"module 'zoo.sklearn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *class_names()})
