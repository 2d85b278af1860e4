"""What one fit says of itself: moments, R-hat and effective sample sizes of its chains, Pareto k-hat of its guide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from inference import exact
from inference.record import FitRecord
from inference.summaries.quantities import scalars
from zoo import ZooError

ACTIVE = 0.01  # variance over rows of a posterior mean, above which a unit is active (Burda et al. 2016)
TAIL = (0.05, 0.95)  # the quantiles whose effective sample size is the tail's (Vehtari et al. 2021)
FEWEST_WEIGHTS = 25  # below this the tail has fewer than the five points a Pareto fit needs


@dataclass(frozen=True)
class FitStatistics:
    """The numbers of one fit. Arrays without a remark are (quantities,); NaN where the engine gives no such number.

    kind: "chains", "guide" (independent draws with log weights) or "point". values: (chain, draw, quantities), labels
    in the common order. ess_bulk, ess_tail: of independent draws their number. k_hat: of log p - log q, discrete
    sites summed out; k_limit: below it k-hat is good for this many draws. weights: (draws,) Pareto-smoothed importance
    weights of a guide, with sum 1. In nats: elbo; bound, the importance-weighted one of all draws together, which lies
    between the ELBO and the log evidence, and its standard error; log_likelihood at the point estimate, discrete sites
    summed out.
    """

    kind: str
    quantities: list[str]
    values: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    r_hat: np.ndarray
    ess_bulk: np.ndarray
    ess_tail: np.ndarray
    lp: np.ndarray  # (chain, draw)
    divergences: int
    k_hat: float
    k_limit: float
    weights: np.ndarray
    elbo: float
    bound: float
    bound_se: float
    log_likelihood: float

    @property
    def flat(self) -> np.ndarray:
        """Every draw of every chain, (draws, quantities)."""
        return self.values.reshape(-1, self.values.shape[-1])


def gather(fit: FitRecord, draws: Mapping[str, np.ndarray], kept: np.ndarray) -> FitStatistics:
    """The evidence of a fit whose draws, labels in order, are ``draws``: (chain, draw, *shape) for each parameter.

    kept: (quantities,), which of ``scalars`` to look at.
    """
    names, values = scalars(fit.model.card, fit.keywords, draws)
    names, values = [name for name, keep in zip(names, kept, strict=True) if keep], values[..., kept]
    flat = values.reshape(np.prod(values.shape[:2]), len(names))  # -1 would not do where there are no quantities
    nothing = np.full(len(names), np.nan)
    kind = kind_of(fit)
    count = np.full(len(names), float(len(flat)))
    r_hat, bulk, tail = {"chains": chain_statistics, "guide": lambda _: (nothing, count, count)}.get(
        kind, lambda _: (nothing, nothing, nothing)
    )(values)
    log_weight = fit.stats.get("log_weight", np.full(1, np.nan)).ravel()
    weights, k_hat = smoothed(log_weight)
    with np.errstate(invalid="ignore"):  # of a fit without weights both are NaN
        elbo, bound = float(log_weight.mean()), float(np.logaddexp.reduce(log_weight) - np.log(len(log_weight)))
        bound_se = float(np.exp(log_weight - bound).std() / np.sqrt(len(log_weight)))
    return FitStatistics(
        kind=kind,
        quantities=names,
        values=values,
        mean=flat.mean(0),
        sd=flat.std(0, ddof=1) if kind != "point" else nothing,
        r_hat=r_hat,
        ess_bulk=bulk,
        ess_tail=tail,
        lp=fit.stats.get("lp", np.full(values.shape[:2], np.nan)),
        divergences=int(fit.stats.get("diverging", np.zeros(1)).sum()),
        k_hat=k_hat,
        k_limit=k_limit(len(log_weight)),
        weights=weights,
        elbo=elbo,
        bound=bound,
        bound_se=bound_se,
        log_likelihood=log_likelihood(fit),
    )


def kind_of(fit: FitRecord) -> str:
    """Whether the numbers of a fit are "chains", draws of a "guide", or a "point" (networks are one)."""
    return "point" if fit.kind == "amortised" else fit.kind


def amortised(fit: FitRecord) -> bool:
    """Whether an encoder was trained with the fit: it then tells the ELBO of a row."""
    return fit.kind == "amortised"


def chain_statistics(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rank-normalised split R-hat, bulk and tail effective sample size, (quantities,), of (chain, draw, quantities).

    A quantity that never moves has none of the three (NaN).
    """
    from arviz_stats.base.array import array_stats

    by_quantity = np.moveaxis(values, -1, 0)
    with np.errstate(all="ignore"):
        r_hat = array_stats.rhat(by_quantity)
        bulk = array_stats.ess(by_quantity, method="bulk")
        tail = array_stats.ess(by_quantity, method="tail", prob=TAIL)
    moves = np.ptp(values, axis=(0, 1)) > 0
    return tuple(np.where(moves, s, np.nan) for s in (r_hat, bulk, tail))  # type: ignore[return-value]


def smoothed(log_weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Pareto-smoothed importance weights, (draws,) of sum 1, and their k-hat, from log p - log q of each draw.

    Vehtari et al. (2024), "Pareto smoothed importance sampling". Weights and k-hat are NaN where there are too few
    draws to tell; k-hat is infinite where a log weight is not a number below infinity.

    >>> smoothed(np.zeros(100))[1]
    0.0
    """
    nothing = np.full(len(log_weight), np.nan)
    real = np.isfinite(log_weight)  # a weight of zero is no part of the upper tail
    if real.sum() < FEWEST_WEIGHTS:
        return nothing, float("nan")
    if not (log_weight < np.inf).all():
        return nothing, float("inf")
    if np.ptp(log_weight) == 0:  # the guide is the posterior, and there is no tail to fit
        return np.full(len(log_weight), 1 / len(log_weight)), 0.0
    from arviz_stats.base.array import array_stats

    # ArviZ takes the log-likelihoods of leave-one-out, whose weights are their reciprocals: hence the sign
    log_smooth, k_hat = array_stats.psislw(-log_weight[real])
    weights = np.zeros(len(log_weight))
    weights[real] = np.exp(log_smooth - log_smooth.max())
    return weights / weights.sum(), float(k_hat)


def k_limit(draws: int) -> float:
    """Below this k-hat, estimates by this many draws can be relied on: min(1 - 1/log10(draws), 0.7).

    Vehtari et al. (2024), section 3.2.4.

    >>> round(k_limit(1000), 3), k_limit(100_000)
    (0.667, 0.7)
    """
    return min(1 - 1 / float(np.log10(max(draws, 2))), 0.7)


def log_likelihood(fit: FitRecord) -> float:
    """log p(data | point estimate) in nats, or NaN where rows have no likelihood of their own."""
    try:
        return float(exact.log_density(fit.fitted_model, fit.params, fit.observed_data()).sum())
    except ZooError:
        return float("nan")


def active(variances: np.ndarray) -> int:
    """How many numbers of a code are active, by the variances of their posterior means over rows."""
    return int((variances > ACTIVE).sum())
