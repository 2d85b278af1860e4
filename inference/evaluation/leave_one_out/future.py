"""``leave_future_out``: how well a fit of sequences predicts each step from those before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from inference.analysis.sequences.prediction import log_p_of_steps
from inference.draws_model import check_program
from inference.evaluation.leave_one_out.pareto import smooth_weights
from inference.evaluation.weighted_draws import check_draws, log_weights_of
from inference.fitting import fit as fit_model
from inference.result import Fit
from inference.summaries.statistics import k_limit
from zoo import ReadModel, ZooError
from zoo.checks import is_whole

SEQUENCES = ("N", "T")
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
        Each prediction, in nats; NaN where the step has no value.
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


def leave_future_out(fit: Fit, *, start: int | None = None) -> LeaveFutureOut:
    """Estimate how well a fit predicts each later step of sequences from the steps before, by leaving the future out.

    Steps of a sequence are not exchangeable, so that leaving one out tells how well the gap is filled, and not how well
    the next step is predicted. A fit to the first ``start`` steps predicts the next one; its draws predict later
    steps by weights, the densities of the steps in between (Pareto-smoothed importance sampling), until k-hat is above
    its limit; then a fit to all steps so far is made. States and latents are summed and integrated out by a filter.

    Parameters
    ----------
    fit : Fit
        A fit with draws of ``hidden_markov``, ``autoregressive_hmm``, ``switching_regression`` or
        ``linear_dynamical_system``. Fits to parts of the sequences have its engine, seed and options.
    start : int, optional
        How many steps the first fit has, at least 2; by default half of them.

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
    site = sequence_site(fit)
    check_draws(fit, "leave_future_out")
    x = np.asarray(fit.data[site], float)
    T = x.shape[1]
    first = max(T // 2, 2) if start is None else start
    if not is_whole(first) or not 2 <= first < T:
        raise ZooError(f"start is a number of steps from 2 to {T - 1}, of the {T} of the sequences; given {start!r}")
    options = {n: v for n, v in fit.options.items() if n != "checkpoint"}  # which is of the fit to all steps
    run = {"seed": fit.seed, "device": fit.device, "dtype": fit.dtype}
    engine: str | None = fit.engine

    def refit(t: int) -> StepDensities:
        partial = fit_model(fit.model, {site: x[:, :t]}, engine, **run, **options)
        log_weight = log_weights_of(partial)
        return StepDensities(log_p_of_steps(partial, {site: x}, is_thinned=False), log_weight)

    draws = next(iter(fit.draws.values()))
    limit = k_limit(draws.shape[0] * draws.shape[1])
    forward = predict_forward(refit, T, int(first), limit)
    later = x[:, int(first) :].reshape(len(x), T - int(first), -1)
    has_value = ~np.isnan(later).all(axis=-1)
    pointwise = np.where(has_value, forward.log_p, np.nan)
    counted = pointwise[has_value]
    se = float(np.sqrt(len(counted)) * counted.std(ddof=1)) if len(counted) > 1 else np.nan
    warnings = []
    if len(counted) < FEW_STEPS:
        warnings.append(f"With {len(counted)} predictions the standard error is too small.")
    return LeaveFutureOut(
        float(counted.sum()), se, pointwise, forward.k_hat, limit, int(first), forward.refitted, tuple(warnings)
    )


class StepDensities(NamedTuple):
    """log_p: (S, N, T), of each step given those before at S draws. log_weight: (S,), of the draws, or None."""

    log_p: np.ndarray
    log_weight: np.ndarray | None = None


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


def sequence_site(fit: Fit) -> str:
    """The observed site of a model of sequences; raises ZooError for other models."""
    card, sites = fit.model.card, fit.model.card.sites(fit.keywords)
    names = [n for n in card.observed if sites[n].dims[:2] == SEQUENCES]
    has_filter = card.linear_chain is not None or (card.enumerated and not card.continuous_in_rows(fit.keywords))
    if isinstance(fit.model, ReadModel) or len(names) != 1 or len(card.observed) > 1 or not has_filter:
        raise ZooError(
            f"leave_future_out cuts the steps of hidden_markov, autoregressive_hmm, switching_regression and "
            f"linear_dynamical_system; {fit.model.name} is none of them: loo(fit) leaves rows out"
        )
    return names[0]
