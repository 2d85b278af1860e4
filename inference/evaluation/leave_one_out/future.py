"""``leave_future_out``: how well a fit of sequences predicts each step from those before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from inference.draws_model import check_program
from inference.evaluation.leave_one_out.pareto import smooth_weights
from inference.evaluation.leave_one_out.steps import StepDensities, steps_of
from inference.result import Fit
from inference.summaries.statistics import k_limit
from zoo import ZooError
from zoo.checks import is_whole

FEW_STEPS = 30  # with fewer predictions the standard error is too small


@dataclass(frozen=True, eq=False)
class LeaveFutureOut:
    """The log predictive density of later steps, each given those before.

    Attributes
    ----------
    elpd : float
        The sum over steps and sequences of log p(x_nt | x_1, .., x_t-1 of all sequences), in nats; larger is better.
    se : float
        Its standard error, with predictions as independent, in nats.
    pointwise : array, (N, T - start)
        Each prediction, in nats; NaN where the step has no value, or is masked.
    k_hat : array, (T - start,)
        Pareto k-hat of the weights of the draws for each step; 0 where a fit to the steps before was made.
    k_limit : float
        The limit above which such a fit is made.
    start : int
        The number of steps before the first that is predicted.
    refitted : array of int
        The steps, counted from 0, before which a fit to all steps so far was made.
    warnings : tuple of str
    """

    elpd: float
    se: float
    pointwise: np.ndarray = field(repr=False)
    k_hat: np.ndarray = field(repr=False)
    k_limit: float
    start: int
    refitted: np.ndarray = field(repr=False)
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        later = f"steps {self.start + 1} to {self.start + self.pointwise.shape[1]}, each from those before"
        fits = f"{len(self.refitted)} fits" if len(self.refitted) > 1 else "one fit"
        first = f"elpd    {self.elpd:.1f} nats, standard error {self.se:.1f} ({later}; {fits} to earlier ones)"
        return "\n".join([first, *self.warnings])


def leave_future_out(fit: Fit, *, start: int | None = None, site: str | None = None) -> LeaveFutureOut:
    """Estimate how well a fit predicts each later step of sequences from the steps before, by leaving the future out.

    Steps of a sequence are not exchangeable, so that leaving one out tells how well the gap is filled, and not how well
    the next step is predicted. A fit to the first ``start`` steps predicts the next one; its draws predict later
    steps by weights, the densities of the steps in between (Pareto-smoothed importance sampling), until k-hat is above
    its limit; then a fit to all steps so far is made. States and latents are summed and integrated out by a filter.

    Parameters
    ----------
    fit : Fit
        A fit with draws of ``hidden_markov``, ``autoregressive_hmm``, ``switching_regression`` or
        ``linear_dynamical_system``, or of a program of your own with a discrete chain, whose arguments are cut along
        their dimension of the steps. Fits to parts of the sequences have its engine, seed and options.
    start : int, optional
        How many steps the first fit has, at least 2; by default half of them.
    site : str, optional
        The chain, where a program has several; those with emissions in common are one.

    Returns
    -------
    LeaveFutureOut

    Raises
    ------
    ZooError
        Where the fit has no draws, or is not of sequences whose states or latents are summed or integrated out.

    References
    ----------
    Bürkner, Gabry and Vehtari (2020), "Approximate leave-future-out cross-validation for Bayesian time series models",
    Journal of Statistical Computation and Simulation 90.

    Examples
    --------
    >>> print(inference.leave_future_out(fit, start=50))  # doctest: +SKIP
    """
    check_program(fit.model)
    steps = steps_of(fit, site)
    T = steps.has_value.shape[1]
    first = max(T // 2, 2) if start is None else start
    if not is_whole(first) or not 2 <= first < T:
        raise ZooError(f"start is a number of steps from 2 to {T - 1}, of the {T} of the sequences; given {start!r}")
    draws = next(iter(fit.draws.values()))
    limit = k_limit(draws.shape[0] * draws.shape[1])
    forward = predict_forward(steps.refit, T, int(first), limit)
    has_value = steps.has_value[:, int(first) :]
    pointwise = np.where(has_value, forward.log_p, np.nan)
    counted = pointwise[has_value]
    se = float(np.sqrt(len(counted)) * counted.std(ddof=1)) if len(counted) > 1 else np.nan
    warnings = []
    if len(counted) < FEW_STEPS:
        warnings.append(f"With {len(counted)} predictions the standard error is too small.")
    return LeaveFutureOut(
        float(counted.sum()), se, pointwise, forward.k_hat, limit, int(first), forward.refitted, tuple(warnings)
    )


class ForwardPredictions(NamedTuple):
    """log_p: (N, T - start). k_hat: (T - start,). refitted: the steps before which a fit was made."""

    log_p: np.ndarray
    k_hat: np.ndarray
    refitted: np.ndarray


def predict_forward(
    refit: Callable[[int], StepDensities], num_steps: int, start: int, limit: float
) -> ForwardPredictions:
    """The log density of each step from ``start`` on given those before.

    Parameters
    ----------
    refit : callable
        ``refit(t)``: the densities of all steps at draws of the posterior given the first t steps.
    num_steps, start : int
    limit : float
        k-hat above which the draws are made anew.

    Returns
    -------
    ForwardPredictions
    """
    log_p, k_hat, refitted = [], [], []
    since, densities = start, refit(start)
    for t in range(start, num_steps):
        log_weights, k = weights_between(densities, since, t)
        if t == start or k > limit:
            since, densities = t, densities if t == start else refit(t)
            log_weights, k = weights_between(densities, t, t)
            refitted.append(t)
        log_p.append(logsumexp(log_weights[:, None] + densities.log_p[:, :, t], axis=0))
        k_hat.append(k)
    return ForwardPredictions(np.stack(log_p, axis=1), np.array(k_hat), np.array(refitted))


def weights_between(densities: StepDensities, since: int, t: int) -> tuple[np.ndarray, float]:
    """The log weights of draws given ``since`` steps for the posterior given ``t`` steps, and k-hat."""
    log_ratio = densities.log_p[:, :, since:t].sum((1, 2))
    return smooth_weights(log_ratio if densities.log_weight is None else log_ratio + densities.log_weight)
