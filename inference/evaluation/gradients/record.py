"""The record of a gradient report: moments of each estimator by group of parameters, and the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inference.evaluation.gradients.moments import GroupMoments

FALSE_ALARM_RATE = 0.01  # of a report whose estimators are all unbiased: the probability that it calls one biased
ALL = "(all)"  # the group of all parameters


@dataclass(frozen=True)
class EstimatorMoments:
    """The moments of one estimator.

    Attributes
    ----------
    groups : mapping of str to GroupMoments
        By group of parameters.
    num_particles : int
        Draws of the guide in one gradient.
    evaluations : int
        Runs of the program in one gradient.
    seconds : float
        Time of one gradient.
    is_unbiased : bool
        Whether the estimator declares to be unbiased.
    """

    groups: Mapping[str, GroupMoments]
    num_particles: int
    evaluations: int
    seconds: float
    is_unbiased: bool


@dataclass(frozen=True)
class Reference:
    """The gradient that the estimators are compared with.

    Attributes
    ----------
    source : str
        What it was computed by, as a sentence.
    is_exact : bool
        Whether it has no Monte Carlo error.
    num_draws : int
        Draws of which it is the mean; 1 where it is exact.
    norms : mapping of str to float
        The norm of the gradient by group, in nats per row and unit of the unconstrained parameters.
    errors : mapping of str to float
        The root of the expected squared norm of its error by group; 0 where it is exact.
    """

    source: str
    is_exact: bool
    num_draws: int
    norms: Mapping[str, float]
    errors: Mapping[str, float]


@dataclass(frozen=True)
class GradientReportRecord:
    """Bias and variance of the gradient estimators of one model and guide.

    Attributes
    ----------
    title : str
        Model, guide, objective and parameters.
    estimators : mapping of str to EstimatorMoments
        The moments by the name of the estimator.
    reference : Reference
        The gradient that they are compared with.
    skipped : mapping of str to str
        The estimators that do not suit the guide, with the reason.
    num_draws : int
        Draws of each estimator.
    rows : int
        Rows of the data in each draw.
    backend : str
        The library of the program.
    """

    title: str
    estimators: Mapping[str, EstimatorMoments]
    reference: Reference
    skipped: Mapping[str, str]
    num_draws: int
    rows: int
    backend: str

    @property
    def groups(self) -> list[str]:
        """The groups of parameters; the last one is that of all where there are several."""
        return list(self.reference.norms)

    @property
    def biased(self) -> list[str]:
        """The estimators whose bias is larger than the noise, in some group: 1% over all estimators and groups."""
        rate = FALSE_ALARM_RATE / (len(self.estimators) * len(self.groups))
        return [n for n, e in self.estimators.items() if any(m.p <= rate for m in e.groups.values())]
