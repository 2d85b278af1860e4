"""``reweight``: the draws of a guide resampled by importance weights, as a fit."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from inference.alignment import aligned_draws
from inference.diagnostics import REWEIGHTED, ImportanceDiagnostics
from inference.engines.svi.redraw import can_redraw, redraw
from inference.result import Fit
from inference.summaries.importance import effective_draws, resample
from inference.summaries.statistics import MIN_WEIGHTS, smooth_weights
from zoo import ZooError
from zoo.checks import check_seed, is_whole

NUM_DRAWS = 4000  # by default: from 2200 up the limit of k-hat is 0.7, whatever their number
MAX_NUMBERS = 1 << 24  # by default: of all draws together, 128 MiB


def reweight(fit: Fit, num_draws: int | None = None, seed: int = 0) -> Fit:
    """Resample draws of a guide by importance weights, so that they stand for the posterior.

    Parameters
    ----------
    fit : Fit
        A fit that has log p - log q of its draws: by svi with a guide that is not amortised, by pathfinder, or made
        elsewhere with a guide.
    num_draws : int, optional
        The draws of the result, 25 or more. As many new ones of the guide are weighed, where it can be drawn from; it
        cannot in fits by pathfinder, made elsewhere or by automatic guides, nor in saved fits whose guide is a
        function: there those of the fit are, by default as many as it has. By default 4000 new ones, and fewer, but no
        fewer than the fit has, where these would be more than 2**24 numbers.
    seed : int, default 0
        Seed of new draws and of the resampling.

    Returns
    -------
    Fit
        The same model and data. Its engine is that of the fit with ", reweighted"; draws are in the order of the draws
        of the guide, so that copies are neighbours, and ``stats["source"]`` tells of which draw each is a copy.
        ``diagnostics`` has ``k_hat``, ``effective_draws``, ``distinct_draws`` and others: see
        ``inference.diagnostics.ImportanceDiagnostics``. ``inference.judge`` tells whether it may be used.

    Raises
    ------
    ZooError
        For fits without log weights, or with weights that are not numbers.

    Notes
    -----
    The weights p / q are smoothed by a generalised Pareto distribution, and draws are resampled systematically. Where
    k-hat is low this mends a spread that is too narrow, a shift and a wrong correlation. It cannot mend what the guide
    never visits, such as another mode or the neck of a funnel.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao and Gabry (2024), "Pareto smoothed importance sampling". Yao, Vehtari, Simpson and
    Gelman (2018), "Yes, but did it work? Evaluating variational inference".

    Examples
    --------
    >>> print(inference.judge(inference.reweight(fit)))  # doctest: +SKIP
    """
    check_fit(fit)
    check_seed(seed)
    if num_draws is not None and (not is_whole(num_draws) or num_draws < MIN_WEIGHTS):
        raise ZooError(
            f"num_draws is a whole number from {MIN_WEIGHTS} up, as fewer weights are not smoothed; given {num_draws!r}"
        )
    begun, is_new = time.perf_counter(), can_redraw(fit)
    count = default_count(fit, is_new) if num_draws is None else int(num_draws)
    draws = {n: v.reshape(-1, *v.shape[2:]) for n, v in fit.draws.items()}
    stats = {n: v.ravel() for n, v in fit.stats.items() if n in ("lp", "log_weight")}
    if is_new:
        values, lp, log_weight = redraw(fit, count, int(seed))
        stats = {"lp": lp, "log_weight": log_weight}
        own = {n: v[None] for n, v in values.items()}
        draws = {n: v[0] for n, v in {**own, **fit.model.deterministic(own, fit.data, fit.keywords)}.items()}
    log_weight = stats.pop("log_weight")
    check_weights(log_weight)
    weights, k_hat = smooth_weights(log_weight)
    source = resample(weights, count, int(seed))
    draws = {n: v[source][None] for n, v in draws.items()}
    stats = {**{n: v[source][None] for n, v in stats.items()}, "source": source[None]}
    bound = float(np.logaddexp.reduce(log_weight) - np.log(len(log_weight)))
    diagnostics = ImportanceDiagnostics(
        converged=fit.diagnostics.converged,
        start=fit.diagnostics.start,
        binarisation=fit.diagnostics.binarisation,
        guide=fit.diagnostics.get("guide"),
        k_hat=k_hat,
        num_weights=len(log_weight),
        effective_draws=effective_draws(weights),
        distinct_draws=len(np.unique(source)),
        bound=bound,
        bound_se=float(np.exp(log_weight - bound).std() / np.sqrt(len(log_weight))),
        is_new=is_new,
        resampling_seed=int(seed),
        other_modes=fit.diagnostics.get("other_modes"),
    )
    result = replace(
        fit,
        engine=fit.engine + REWEIGHTED,
        seconds=fit.seconds + time.perf_counter() - begun,
        draws=draws,
        stats=stats,
        diagnostics=diagnostics,
    )
    aligned = aligned_draws(result)
    return replace(result, params={n: aligned[n].mean((0, 1)) if n in aligned else v for n, v in fit.params.items()})


def default_count(fit: Fit, is_new: bool) -> int:
    """The number of draws unless it is given: of those that the fit has, all of them."""
    kept = fit.stats["log_weight"].size
    if not is_new:
        return kept
    numbers = sum(int(np.prod(v.shape[2:])) for v in fit.draws.values())
    return max(kept, min(NUM_DRAWS, MAX_NUMBERS // max(numbers, 1)))


def check_fit(fit: Fit) -> None:
    """Raise ZooError unless a fit has log weights of draws."""
    if not isinstance(fit, Fit):
        raise ZooError(f"reweight takes a fit; given {type(fit).__name__}")
    if isinstance(fit.diagnostics, ImportanceDiagnostics):
        raise ZooError("the fit is reweighted already: give the fit that it was made of, with more num_draws")
    if fit.kind == "amortised":
        raise ZooError(
            "reweight weighs draws of all latents, and the guide of the fit reads the rows: "
            "inference.log_marginal weighs draws of each row"
        )
    if fit.kind != "guide" or "log_weight" not in fit.stats:
        raise ZooError(
            f"reweight weighs draws of a guide by log p - log q, and a fit by {fit.engine} has none: "
            "fit by svi with a guide that has a spread, or use the fit as it is"
        )


def check_weights(log_weight: np.ndarray) -> None:
    """Raise ZooError unless the log weights, (draws,), can be smoothed."""
    is_bad = ~(log_weight < np.inf)
    if is_bad.any():
        raise ZooError(
            f"log p - log q of {is_bad.sum()} of {len(log_weight)} draws is not a number: fit again with "
            "dtype='float64' or a lower learning_rate"
        )
    finite = int(np.isfinite(log_weight).sum())
    if finite < MIN_WEIGHTS:
        raise ZooError(
            f"{finite} of {len(log_weight)} draws have a weight, and {MIN_WEIGHTS} are needed: give more num_draws, or "
            "run nuts"
        )
