"""Statistics of one fit: moments, R-hat and effective sample sizes of its chains, Pareto k-hat of its guide."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from inference import exact
from inference.diagnostics import ExternalChains, ImportanceDiagnostics
from inference.record import FitRecord
from inference.summaries.labels import labelled_entries
from inference.summaries.quantities import scalar_quantities
from zoo import ZooError

ACTIVE_VARIANCE = 0.01  # variance over rows of a posterior mean, above which a unit is active (Burda et al. 2016)
ACTIVE_UNIT_KL = 0.01  # nats per row, above which a number of a code with several latents is active
TAIL_PROBABILITIES = (0.05, 0.95)  # the quantiles of the tail effective sample size (Vehtari et al. 2021)
EQUAL_WEIGHTS = 1e-4  # nats between log weights that differ by rounding alone, 32 bits included
MAX_LOCALS = 200  # latents of the rows whose R-hat is computed, evenly spread
MIN_WEIGHTS = 25  # with fewer the tail has fewer than the five points that a Pareto fit needs

SampleKind = Literal["chains", "guide", "point"]


@dataclass(frozen=True)
class FitStatistics:
    """The statistics of one fit.

    Arrays have shape (quantities,) unless stated; NaN marks a statistic that the engine does not provide.

    Attributes
    ----------
    kind : {"chains", "guide", "point"}
        "guide" means independent draws with log weights, or draws resampled by them.
    quantities : list of str
        The names of the quantities, with the labels of the card's dimensions where they have any.
    values : array, (chain, draw, quantities)
        The draws, labels in the common order.
    mean, sd : array
        Moments over all draws.
    r_hat, ess_bulk, ess_tail : array
        Rank-normalised split R-hat and effective sample sizes; of independent draws the sizes are their number, of
        resampled ones less: see ``copies_size``.
    lp : array, (chain, draw)
        The log joint in nats, up to a constant.
    divergences : int or None
        The number of divergent transitions, None where it was not recorded.
    k_hat, k_limit : float
        Pareto k-hat of log p - log q, discrete latents marginalised out, and the limit below which it is good for this
        many draws.
    weights : array, (draws,)
        Pareto-smoothed importance weights of a guide, with sum 1.
    elbo : float
        The mean of the log weights, in nats.
    bound, bound_se : float
        The importance-weighted bound of all draws together, which lies between the ELBO and the log evidence, and its
        standard error, in nats.
    log_likelihood : float
        At the point estimate in nats, discrete latents marginalised out.
    beside : mapping of str to (float, float)
        R-hat and bulk ESS of what chains have beside the quantities: of the log joint density, and of that latent of
        the rows whose R-hat is highest.
    source : array, (draws,), optional
        Of resampled draws the index of the draw of the guide that each is a copy of.
    num_weights : int
        How many draws of a guide were weighed.
    """

    kind: SampleKind
    quantities: list[str]
    values: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    r_hat: np.ndarray
    ess_bulk: np.ndarray
    ess_tail: np.ndarray
    lp: np.ndarray
    divergences: int | None
    k_hat: float
    k_limit: float
    weights: np.ndarray
    elbo: float
    bound: float
    bound_se: float
    log_likelihood: float
    beside: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    source: np.ndarray | None = None
    num_weights: int = 0

    @property
    def flat(self) -> np.ndarray:
        """Every draw of every chain, (draws, quantities)."""
        return self.values.reshape(-1, self.values.shape[-1])


def fit_statistics(fit: FitRecord, draws: Mapping[str, np.ndarray], compared: np.ndarray) -> FitStatistics:
    """The statistics of a fit with aligned ``draws``, (chain, draw, *shape) for each parameter.

    compared: (quantities,), which of the ``scalar_quantities`` to include.
    """
    names, values = scalar_quantities(fit.model.card, fit.keywords, draws)
    names, values = [name for name, include in zip(names, compared, strict=True) if include], values[..., compared]
    names = labelled_entries(fit.model.card, fit.keywords, names)
    flat = values.reshape(np.prod(values.shape[:2]), len(names))  # -1 would fail where there are no quantities
    nan = np.full(len(names), np.nan)
    kind = sample_kind(fit)
    r_hat, bulk, tail = nan, nan, nan
    if kind == "chains":
        r_hat, bulk, tail = chain_statistics(values, fit.diagnostics.get("superchains"))
    elif kind == "guide":
        bulk = tail = np.full(len(names), float(len(flat)))
    log_weight = fit.stats.get("log_weight", np.full(1, np.nan)).ravel()
    weights, k_hat = smooth_weights(log_weight)
    num_weights, source = len(log_weight), None
    with np.errstate(invalid="ignore"):  # of draws that are not finite, and without weights
        sd = flat.std(0, ddof=1) if kind != "point" else nan
        elbo, bound = float(log_weight.mean()), float(np.logaddexp.reduce(log_weight) - np.log(len(log_weight)))
        bound_se = float(np.exp(log_weight - bound).std() / np.sqrt(len(log_weight)))
    if isinstance(fit.diagnostics, ImportanceDiagnostics):
        d, source = fit.diagnostics, fit.stats["source"].ravel()
        k_hat, num_weights, bound, bound_se = d.k_hat, d.num_weights, d.bound, d.bound_se
        bulk, tail = copies_size(flat, source, d.effective_draws)
    return FitStatistics(
        kind=kind,
        quantities=names,
        values=values,
        mean=flat.mean(0),
        sd=sd,
        r_hat=r_hat,
        ess_bulk=bulk,
        ess_tail=tail,
        lp=fit.stats.get("lp", np.full(values.shape[:2], np.nan)),
        divergences=count_divergences(fit),
        k_hat=k_hat,
        k_limit=k_limit(num_weights),
        weights=weights,
        elbo=elbo,
        bound=bound,
        bound_se=bound_se,
        log_likelihood=total_log_likelihood(fit),
        beside=statistics_beside(fit, draws) if kind == "chains" else {},
        source=source,
        num_weights=num_weights,
    )


def statistics_beside(fit: FitRecord, draws: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """R-hat and bulk ESS of the log joint density, and of the latent of the rows whose R-hat is highest."""
    statistics = {}
    lp = fit.stats.get("lp")
    if lp is not None and np.isfinite(lp).all() and np.ptp(lp) > 0:
        (r_hat,), (ess,), _ = chain_statistics(lp[..., None], fit.diagnostics.get("superchains"))
        statistics["the log joint density"] = float(r_hat), float(ess)
    for name in fit.model.card.local(fit.keywords):
        values = draws.get(name, fit.draws.get(name))
        if values is None or values.dtype.kind != "f" or not np.isfinite(values).all():
            continue
        flat = values.reshape(*values.shape[:2], -1)
        flat = flat[..., np.linspace(0, flat.shape[-1] - 1, min(flat.shape[-1], MAX_LOCALS)).astype(int)]
        r_hats, sizes, _ = chain_statistics(flat, fit.diagnostics.get("superchains"))
        if not np.isnan(r_hats).all():
            worst = int(np.nanargmax(r_hats))
            statistics[f"{name} of the rows"] = float(r_hats[worst]), float(sizes[worst])
    return statistics


def count_divergences(fit: FitRecord) -> int | None:
    """The number of divergent transitions; None where chains made elsewhere do not have it recorded."""
    if "diverging" in fit.stats:
        return int(fit.stats["diverging"].sum())
    return None if isinstance(fit.diagnostics, ExternalChains) else 0


def sample_kind(fit: FitRecord) -> SampleKind:
    """Whether the parameters of a fit are "chains", draws of a "guide", or a "point", as trained networks are."""
    return "point" if fit.kind == "amortised" else fit.kind


def is_amortised(fit: FitRecord) -> bool:
    """Whether an encoder was trained with the fit; the fit then has an ELBO of each row."""
    return fit.kind == "amortised"


def chain_statistics(values: np.ndarray, superchains: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rank-normalised split R-hat, bulk and tail effective sample size, (quantities,), of (chain, draw, quantities).

    All three are NaN for a quantity that never changes. With ``superchains``, groups of chains with a common start,
    R-hat is nested (Margossian et al. 2024): many short chains show by groups whether they have forgotten their start.
    """
    from arviz_stats.base.array import array_stats

    by_quantity = np.moveaxis(values, -1, 0)
    with np.errstate(all="ignore"):
        if superchains and len(values) % superchains == 0:  # not after an interrupt
            groups = np.repeat(np.arange(superchains), len(values) // superchains)
            r_hat = array_stats.rhat_nested(by_quantity, groups)
        else:
            r_hat = array_stats.rhat(by_quantity)
        bulk = array_stats.ess(by_quantity, method="bulk")
        tail = array_stats.ess(by_quantity, method="tail", prob=TAIL_PROBABILITIES)
    changes = np.ptp(values, axis=(0, 1)) > 0
    return tuple(np.where(changes, s, np.nan) for s in (r_hat, bulk, tail))  # type: ignore[return-value]


def copies_size(values: np.ndarray, source: np.ndarray, most: float = np.inf) -> tuple[np.ndarray, np.ndarray]:
    """Bulk and tail effective sample size, (quantities,), of draws (draws, quantities) that are copies of fewer ones.

    source: (draws,), the draw that each is a copy of. most: the effective number of draws of their weights. The size is
    the variance over the squared error of the mean, by the delta method of self-normalised weights (Owen 2013, chapter
    9), and of the tail that of the probability beyond the 0.05 or the 0.95 quantile. NaN for what never changes.
    """
    _, first, counts = np.unique(source, return_index=True, return_counts=True)
    w, x = counts[:, None] / len(source), values[first]

    def size(of: np.ndarray) -> np.ndarray:
        deviations = of - (w * of).sum(0)
        with np.errstate(all="ignore"):
            return np.minimum((w * deviations**2).sum(0) / (w**2 * deviations**2).sum(0), most)

    with np.errstate(all="ignore"):
        low, high = np.quantile(values, TAIL_PROBABILITIES, axis=0)
    tail = np.minimum(size((x <= low).astype(float)), size((x >= high).astype(float)))
    return np.where(np.ptp(values, axis=0) > 0, size(x), np.nan), np.where(np.ptp(values, axis=0) > 0, tail, np.nan)


def smooth_weights(log_weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Pareto-smoothed importance weights, (draws,) with sum 1, and their k-hat, from log p - log q of each draw.

    Vehtari et al. (2024), "Pareto smoothed importance sampling". Weights and k-hat are NaN where there are too few
    draws; k-hat is infinite where a log weight is NaN or infinity.

    >>> smooth_weights(np.zeros(100))[1]
    0.0
    """
    nan = np.full(len(log_weight), np.nan)
    finite = np.isfinite(log_weight)  # a weight of zero is no part of the upper tail
    if finite.sum() < MIN_WEIGHTS:
        return nan, float("nan")
    if not (log_weight < np.inf).all():
        return nan, float("inf")
    if np.ptp(log_weight) <= EQUAL_WEIGHTS:  # the guide is the posterior, and there is no tail to fit
        return np.full(len(log_weight), 1 / len(log_weight)), 0.0
    from arviz_stats.base.array import array_stats

    # ArviZ takes the log-likelihoods of leave-one-out, whose weights are their reciprocals: hence the sign
    log_smooth, k_hat = array_stats.psislw(-log_weight[finite])
    weights = np.zeros(len(log_weight))
    weights[finite] = np.exp(log_smooth - log_smooth.max())
    return weights / weights.sum(), float(k_hat)


def k_limit(draws: int) -> float:
    """The limit of k-hat below which estimates by this many draws are reliable: min(1 - 1/log10(draws), 0.7).

    Vehtari et al. (2024), section 3.2.4.

    >>> round(k_limit(1000), 3), k_limit(100_000)
    (0.667, 0.7)
    """
    return min(1 - 1 / float(np.log10(max(draws, 2))), 0.7)


def k_hat_error(k_hat: float, draws: int) -> float:
    """The standard error of k-hat: (1 + k) / sqrt(n) for a generalised Pareto tail of n weights (Smith 1987).

    The tail has the n largest of the draws, min(draws / 5, 3 * sqrt(draws)) (Vehtari et al. 2024).
    """
    return (1 + max(k_hat, -0.5)) / math.sqrt(min(draws / 5, 3 * math.sqrt(draws)))


def total_log_likelihood(fit: FitRecord) -> float:
    """log p(data | point estimate) in nats, or NaN where rows have no likelihood of their own.

    NaN too for an encoder of latents of a user's program, of which the fit has no values.
    """
    if fit.kind == "amortised" and fit.model.card.is_own:
        return float("nan")
    try:
        return float(exact.log_density(fit.fitted_model, fit.params, fit.observed_data()).sum())
    except ZooError:
        return float("nan")


def count_active_units(variances: np.ndarray) -> int:
    """How many units of a code are active, by the variances over rows of their posterior means."""
    return int((variances > ACTIVE_VARIANCE).sum())
