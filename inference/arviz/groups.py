"""The groups of an ArviZ tree that are computed where they are asked for.

Their arrays begin with (chain, draw); a point is one draw.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference import exact
from inference.alignment import aligned_draws
from inference.exact import enumeration
from inference.predictive import posterior_predictive
from inference.predictive.integration import integrated_log_likelihood
from inference.predictive.replicates import posterior_replicates, prior_replicates
from inference.record import FitRecord
from zoo import ReadModel, ZooError
from zoo._backend import backend_of, in_backend

Arrays = dict[str, np.ndarray]
GROUPS = ("log_prior", "posterior_predictive", "prior_predictive", "unconstrained_posterior")
LIKELIHOODS = ("conditional", "marginal")
CONDITIONAL, INTEGRATED = "_conditional", "_integrated"  # ends of the names of log-likelihoods


def values_of(fit: FitRecord, draws: Mapping[str, np.ndarray]) -> Arrays:
    """Draws with what is learned beside them, (chain, draw, *shape); of a point one draw of each."""
    values = {**draws, **fit.learned_draws()} if fit.draws else {n: v[None, None] for n, v in fit.params.items()}
    return {n: np.asarray(v) for n, v in values.items()}


def log_prior(fit: FitRecord) -> Arrays:
    """Log prior density of each continuous latent at the draws of the engine, labels not aligned, (chain, draw).

    Latents that depend on a discrete one have one density together, in which it is summed out, where the fit has
    draws of the latents of the rows; else their density is in the log-likelihood of the rows.
    """
    model, values, data = exact.given_model(fit), values_of(fit, fit.draws), fit.observed_data()
    by_site = enumeration.log_priors(model, values, data)
    local = enumeration.latents_given(model, values, fit.keywords)
    dependent = [n for n in local if n not in by_site]
    if dependent:
        joint = enumeration.log_marginal(model, values, data).sum(-1)
        given = exact.conditional_log_likelihood(fit)
        by_site["_".join(dependent)] = joint - sum(v.sum(tuple(range(2, v.ndim))) for v in given.values())
    return by_site


def unconstrained_posterior(fit: FitRecord) -> Arrays:
    """The aligned draws in the unconstrained coordinates of the backend's bijections."""
    model, backend = exact.given_model(fit), backend_of(fit.model)
    values = values_of(fit, aligned_draws(fit))
    table, keywords = model.bind(fit.observed_data())
    marginalize = in_backend("inference.exact.enumeration", model.backend).marginalize
    module = in_backend("inference.unconstrained", model.backend)
    leading = next(iter(values.values())).shape[:2]
    with backend.runtime("float64"):
        program = marginalize(model.collapsed or model.program)
        unconstrained = module.UnconstrainedModel(
            program, backend.to_backend(keywords), backend.to_backend(table), needs_latents=False
        )
        flat = {n: v.reshape(-1, *v.shape[2:]) for n, v in values.items() if n in unconstrained.shapes}
        if not flat:
            raise ZooError(f"{fit.model.name} has no continuous latent with draws: leave unconstrained_posterior out")
        found = backend.to_numpy(unconstrained.unconstrain_draws(backend.to_backend(flat)))
    return {n: v.reshape(*leading, *v.shape[1:]) for n, v in found.items()}


def posterior_predictive_draws(fit: FitRecord, draws: int, seed: int) -> Arrays:
    """Every observed site drawn again at each draw, or ``draws`` times at a point."""
    check_no_documents(fit)
    if isinstance(fit.model, ReadModel):
        return posterior_predictive(fit, seed=seed, draws=None if fit.draws else draws)
    chains, count = next(iter(fit.draws.values())).shape[:2] if fit.draws else (1, draws)
    values = posterior_replicates(fit, chains * count, seed)
    return {n: v.reshape(chains, count, *v.shape[1:]) for n, v in values.items()}


def prior_predictive_draws(fit: FitRecord, draws: int, seed: int) -> Arrays:
    """Every observed site at draws of all latents from the prior, in one chain."""
    check_no_documents(fit)
    return {n: v[None] for n, v in prior_replicates(fit, draws, seed).items()}


def check_no_documents(fit: FitRecord) -> None:
    """Raise ZooError for a model of documents, whose lengths are not those of draws."""
    if fit.model.card.of_words:
        raise ZooError("to_arviz has no predictive groups of documents: leave them out of groups")


def conditional_log_likelihood(fit: FitRecord) -> Arrays:
    """The log density of each element given all latents with draws; ``<site>_conditional`` of a model of the zoo."""
    by_site = exact.conditional_log_likelihood(fit, has_rows=False)
    if not by_site:
        labels = ", ".join(n for n in fit.model.card.enumerated if n not in fit.draws)
        raise ZooError(f"the fit has no draws of {labels}: likelihood='marginal' has {labels} summed out")
    end = "" if fit.model.card.is_own else CONDITIONAL
    return {n + end: v if fit.draws else v[None, None] for n, v in by_site.items()}


def marginal_log_likelihood(fit: FitRecord, seed: int) -> tuple[Arrays, dict[str, dict[str, str | float]]]:
    """log p of each row, (chain, draw, N), latents of the rows summed and integrated out, and attributes of each.

    ``<sites>`` of a model of the zoo and ``<sites>_marginal`` of a program of a user's own are exact;
    ``<sites>_integrated`` is an estimate by importance sampling.
    """
    card = fit.model.card
    name = "_".join(card.observed)
    if card.continuous_in_rows(fit.keywords) and (card.is_own or "marginal" not in card.exact):
        estimate = integrated_log_likelihood(fit, seed=seed)
        attrs: dict[str, str | float] = {
            "method": "importance sampling",
            "num_samples": float(estimate.num_samples),
            "smallest_effective_samples": float(estimate.effective_samples.min()),
        }
        return {name + INTEGRATED: estimate.log_p}, {name + INTEGRATED: attrs}
    name += "_marginal" if card.is_own and card.enumerated else ""
    values = exact.log_likelihood(fit)
    return {name: values if fit.draws else values[None, None]}, {name: {"method": "exact"}}
