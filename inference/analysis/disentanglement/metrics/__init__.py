"""Metrics of disentanglement. One file here is one metric: a ``Metric`` with the name ``METRIC``.

``values(rows)`` gives the scores of codes and factors, each from 0 to 1. The contract is in the attributes: what each
score is, where it is from, which factors it takes, and what may be done to the codes without changing it.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import ClassVar, NamedTuple

import numpy as np

from inference.analysis.disentanglement.rows import CodesAndFactors


class MetricValues(NamedTuple):
    """What a metric computes.

    Attributes
    ----------
    scores : dict of str to float
        By the name of the score; NaN where it is not defined.
    matrix : ndarray, (Z, K), optional
        The relation of each code and each factor that the scores come from.
    """

    scores: dict[str, float]
    matrix: np.ndarray | None = None


class Metric(ABC):
    """What every metric declares.

    Attributes
    ----------
    name : str
        The word by which users name it.
    scores : mapping of str to str
        The definition of each score in a sentence, by its name.
    citation : str
        The source of the definition.
    takes_continuous : bool
        Whether factors may be continuous.
    invariances : tuple of str
        What leaves the scores unchanged: "permutation" of the dimensions, "scale" of each by a number above 0.
    needs_sd : bool
        Whether it is of posteriors, with standard deviations.
    is_costly : bool
        Whether it is of fewer rows in the fast tier.
    num_resamples : int
        Half-samples of an interval, by default.
    """

    name: ClassVar[str]
    scores: ClassVar[Mapping[str, str]]
    citation: ClassVar[str]
    takes_continuous: ClassVar[bool] = False
    invariances: ClassVar[tuple[str, ...]] = ("permutation", "scale")
    needs_sd: ClassVar[bool] = False
    is_costly: ClassVar[bool] = False
    num_resamples: ClassVar[int] = 50

    @abstractmethod
    def values(self, rows: CodesAndFactors) -> MetricValues:
        """The scores of codes and factors.

        Parameters
        ----------
        rows : CodesAndFactors

        Returns
        -------
        MetricValues
        """


@cache
def all_metrics() -> dict[str, Metric]:
    """The metrics by name: one of every file of this package.

    Returns
    -------
    dict of str to Metric

    Examples
    --------
    >>> list(all_metrics())  # doctest: +NORMALIZE_WHITESPACE
    ['dci', 'explicitness', 'factor_vae', 'infomec', 'irs', 'mig', 'mig_sampled', 'modularity', 'sap_r2', 'sap_svm']
    """
    metrics = [import_module(f"{__name__}.{module.name}").METRIC for module in pkgutil.iter_modules(__path__)]
    return {metric.name: metric for metric in sorted(metrics, key=lambda m: m.name)}


def gap_of_top_two(values: np.ndarray) -> np.ndarray:
    """The largest less the second largest value of each column, and the largest where there is one row, (K,).

    >>> gap_of_top_two(np.array([[0.9, 0.2], [0.4, 0.2]])).round(6).tolist()
    [0.5, 0.0]
    """
    if len(values) == 1:
        return values[0]
    ordered = np.sort(values, axis=0)
    return ordered[-1] - ordered[-2]
