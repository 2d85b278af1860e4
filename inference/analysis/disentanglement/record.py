"""The record of a report on disentanglement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

TRAVERSAL_SPAN, TRAVERSAL_STEPS = 2.0, 7  # of each dimension, in standard deviations of the prior


@dataclass(frozen=True)
class Score:
    """One score of a metric.

    Attributes
    ----------
    metric, name : str
        The metric, and the score where it has several.
    value : float
        From 0 to 1; NaN where it is not defined.
    interval : tuple of float
        The 95% interval; NaN without half-samples.
    ceiling, floor : float
        The score of a perfect code of the same factors, and of the codes with their rows permuted.
    num_resamples, num_rows : int
        Half-samples of the interval, those without a constant factor, and rows that the score is of.
    definition, citation : str
        What it is, and its source.
    """

    metric: str
    name: str
    value: float
    interval: tuple[float, float]
    ceiling: float
    floor: float
    num_resamples: int
    num_rows: int
    definition: str
    citation: str

    @property
    def label(self) -> str:
        """The name of the score, with that of the metric where this has several."""
        return self.name if self.name == self.metric else f"{self.metric} {self.name}"

    @property
    def share(self) -> float:
        """The position of the score between floor and ceiling, from 0 to 1; NaN where these are equal."""
        width = self.ceiling - self.floor
        return (self.value - self.floor) / width if width > 0 else float("nan")


@dataclass(frozen=True)
class DisentanglementRecord:
    """Scores of codes and factors.

    Attributes
    ----------
    scores : tuple of Score
        By metric.
    factors : tuple of str
        The names of the K factors.
    is_discrete : tuple of bool
        Whether each factor is discrete.
    num_rows, num_dimensions : int
        N and Z of the codes.
    dead : mapping of int to str
        The dead dimensions with the reasons; no score uses them.
    skipped : mapping of str to str
        The metrics that do not suit the factors, with the reasons.
    matrices : mapping of str to ndarray
        By metric, the relation of each dimension and each factor, (Z, K); NaN for dead dimensions.
    fast : bool
        Whether DCI is by a random forest, and costly metrics are of fewer rows.
    traversals : mapping of int to ndarray, optional
        Images as one dimension varies, (steps, D), where a fit is given.
    """

    scores: tuple[Score, ...]
    factors: tuple[str, ...]
    is_discrete: tuple[bool, ...]
    num_rows: int
    num_dimensions: int
    dead: Mapping[int, str]
    skipped: Mapping[str, str]
    matrices: Mapping[str, np.ndarray]
    fast: bool = False
    traversals: Mapping[int, np.ndarray] | None = None
