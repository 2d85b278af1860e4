"""What an agreement shows: the first distance over its limit, surely so, or as far as the draws can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from inference.evaluation.comparison.agreement import Agreement
from inference.evaluation.comparison.joint_quantities import LOG_JOINT

MAX_MEAN_SHIFT = 0.5  # sds: a 95% interval shifted by this much still contains 92% of a normal posterior
MAX_SPREAD_FACTOR = 1.25  # a 95% interval too narrow by this factor contains 88% of it
MAX_WASSERSTEIN = 0.5  # sds
MIN_COVERAGE = 0.80  # of a 90% interval
Z_PASS = 2.33  # standard errors on the safe side of a limit, one-sided 1%, with which a fit passes

Distance = Literal["mean", "coverage", "spread", "shape", "unknown"]


@dataclass(frozen=True)
class Finding:
    """A distance over its limit.

    distance: which; "unknown" where it has no value. is_sure: whether by more than Monte Carlo error; otherwise there
    are too few draws to say. j: the index of the quantity. agreement: where it was found, that of the joint quantities
    where is_joint.
    """

    distance: Distance
    is_sure: bool
    j: int
    agreement: Agreement
    is_joint: bool

    @property
    def quantity(self) -> str:
        """The name of the quantity."""
        return self.agreement.quantities[self.j]

    @property
    def is_wrong_mean(self) -> bool:
        """Whether a mean is surely off; of the log joint density it is no mean that one reports."""
        return self.is_sure and self.distance == "mean" and not (self.is_joint and self.quantity == LOG_JOINT)


def first_finding(a: Agreement) -> Finding | None:
    """The most serious finding: sure ones first, means before intervals, single quantities before joint ones."""
    parts = [(a, False), *([(a.joint, True)] if a.joint else [])]
    for find in (undefined, sure, possible):
        for part, is_joint in parts:
            if len(part.delta) and (found := find(part)):
                return Finding(found[0], find is not possible, found[1], part, is_joint)
    return None


def undefined(a: Agreement) -> tuple[Distance, int] | None:
    """A quantity that cannot be compared."""
    spread = np.where(a.is_heavy, 0.0, a.log_ratio + a.se_log_ratio)
    is_nan = np.isnan(a.shift + a.se_shift + spread + a.coverage + a.se_coverage)
    return ("unknown", int(is_nan.argmax())) if is_nan.any() else None


def sure(a: Agreement) -> tuple[Distance, int] | None:
    """A distance that exceeds its limit by more than Monte Carlo error over all quantities."""
    excess: dict[Distance, np.ndarray] = {
        "mean": np.abs(a.shift) - a.z * a.se_shift - MAX_MEAN_SHIFT,
        "coverage": MIN_COVERAGE - a.coverage - a.z * a.se_coverage,
        "spread": np.where(a.is_heavy, 0.0, a.log_ratio - a.z * a.se_log_ratio) - np.log(MAX_SPREAD_FACTOR),
        "shape": np.where(a.is_heavy | np.isnan(a.wasserstein), 0.0, a.wasserstein - (1.2 + a.z) * a.se_wasserstein)
        - MAX_WASSERSTEIN,
    }
    return next(((name, int(e.argmax())) for name, e in excess.items() if (e > 0).any()), None)


def possible(a: Agreement) -> tuple[Distance, int] | None:
    """A mean or a coverage that may be beyond its limit."""
    excess: dict[Distance, np.ndarray] = {
        "mean": np.abs(a.shift) + Z_PASS * a.se_shift - MAX_MEAN_SHIFT,
        "coverage": MIN_COVERAGE - a.coverage + Z_PASS * a.se_coverage,
    }
    return next(((name, int(e.argmax())) for name, e in excess.items() if (e > 0).any()), None)
