"""The record of a report of fairness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """A number, or an array of one number per group, with its 95% interval.

    Attributes
    ----------
    value, low, high : float or numpy.ndarray
        The number for the rows, and the ends of its interval.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class CodeMeasures:
    """What one kind of predictor makes of one set of codes. Differences are between groups.

    Attributes
    ----------
    sensitive_accuracy : Estimate
        Rows whose most probable group is the true one.
    sensitive_balanced_accuracy : Estimate
        The mean over groups of the rows of each that are recognised, where groups count alike.
    accuracy : Estimate
        Rows whose target is predicted.
    parity_difference : Estimate
        Demographic parity: the largest less the smallest of ``rates``.
    parity_groups : tuple of int
        The groups with these rates. The interval is that of the difference of these two, and can go below 0.
    opportunity_difference, opportunity_groups
        Equal opportunity: the same of ``true_positive_rates``.
    rates : Estimate
        By group, (G,): rows whose target is predicted to be positive.
    true_positive_rates : Estimate
        By group, (G,): the same among the rows whose target is positive.
    """

    sensitive_accuracy: Estimate
    sensitive_balanced_accuracy: Estimate
    accuracy: Estimate
    parity_difference: Estimate
    parity_groups: tuple[int, int]
    opportunity_difference: Estimate
    opportunity_groups: tuple[int, int]
    rates: Estimate
    true_positive_rates: Estimate


class PredictorMeasures(NamedTuple):
    """The measures of one kind of predictor.

    Attributes
    ----------
    codes : mapping of str to CodeMeasures
        For "all codes" and for the "other coordinates".
    accuracy_loss : Estimate
        Accuracy for the target from all codes less that from the other coordinates.
    """

    codes: Mapping[str, CodeMeasures]
    accuracy_loss: Estimate


@dataclass(frozen=True)
class FairnessRecord:
    """How predictions from codes treat groups.

    Attributes
    ----------
    sensitive, target, positive : str
        Names of the attribute and of the target, and the value of the target that counts as positive.
    groups : tuple of str
        The values of the attribute.
    counts, positives : numpy.ndarray of int
        Rows of each group, and those whose target is positive, (G,).
    coordinates : tuple of int
        The coordinates of the codes that carry the attribute.
    num_dimensions : int
        Dimensions of the codes, Z.
    predictors : mapping of str to PredictorMeasures
        By kind of predictor.
    folds, num_bootstrap, seed : int
        Of the cross-fitting, and of the intervals.
    """

    sensitive: str
    target: str
    positive: str
    groups: tuple[str, ...]
    counts: np.ndarray
    positives: np.ndarray
    coordinates: tuple[int, ...]
    num_dimensions: int
    predictors: Mapping[str, PredictorMeasures]
    folds: int
    num_bootstrap: int
    seed: int

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.counts.sum())

    @property
    def sensitive_chance(self) -> float:
        """The accuracy for the attribute without codes: the share of the largest group."""
        return float(self.counts.max() / self.rows)

    @property
    def sensitive_balanced_chance(self) -> float:
        """The balanced accuracy for the attribute without codes."""
        return 1 / len(self.groups)

    @property
    def target_chance(self) -> float:
        """The accuracy for the target without codes: the share of its more frequent value."""
        share = self.positives.sum() / self.rows
        return float(max(share, 1 - share))

    @property
    def base_rates(self) -> np.ndarray:
        """Rows of each group whose target is positive, as a share, (G,)."""
        return self.positives / self.counts

    @property
    def recorded_parity_difference(self) -> float:
        """The demographic parity difference of the target itself, and so of a predictor without errors."""
        return float(np.ptp(self.base_rates))
