"""Exact densities of rows and exact posteriors of latents at given parameters.

Discrete latents are summed out, normal latents integrated out.

``params`` hold one value a site, or draws with two leading dimensions (chain, draw).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

import numpy as np

from inference.exact import enumeration, gaussian, pointwise
from inference.exact.kalman.posterior import latent_posterior as chain_posterior
from inference.record import FitRecord
from zoo import Card, Model, ZooError
from zoo.types import DataLike

AVERAGED_DRAWS = 200  # enough for two digits of a posterior that is averaged over them


def thin_draws(draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """About 200 of the draws, evenly spaced over all chains, as one chain.

    >>> thin_draws({"mu": np.zeros((4, 500, 2))})["mu"].shape
    (1, 200, 2)
    """
    flat = {n: np.concatenate(v)[None] for n, v in draws.items()}
    step = max(1, next(iter(flat.values())).shape[1] // AVERAGED_DRAWS)
    return {n: v[:, ::step] for n, v in flat.items()}


def spread_draws(count: int, num_draws: int) -> np.ndarray:
    """The indices of ``count`` of ``num_draws`` draws, evenly spaced, or each of them about equally often.

    >>> spread_draws(2, 4), spread_draws(5, 2)
    (array([0, 2]), array([0, 1, 0, 1, 0]))
    """
    indices = np.arange(count)
    return indices * num_draws // count if count < num_draws else indices % num_draws


def check_exact(card: Card, quantity: str, instead: str, instead_of_topics: str) -> None:
    """Raise ZooError for a model with a network between codes and rows, or whose rows are documents."""
    if card.sampled:
        raise ZooError(
            f"{quantity} of {card.name} is a sum over all values of {', '.join(card.sampled)}, which are too many: "
            f"{instead}"
        )
    if card.of_words:
        local = ", ".join(n for n in card.local() if n not in card.enumerated)
        raise ZooError(
            f"{quantity} of {card.name} is an integral over {local} and has no exact form: {instead_of_topics}"
        )
    if card.networks and not card.linear:
        raise ZooError(f"{quantity} of {card.name} is an integral over a network and has no exact form: {instead}")


def check_own_rows(fit: FitRecord, data: DataLike) -> None:
    """Raise ZooError for other rows than those of the fit, where it has values of the latents of its own rows alone."""
    card = fit.fitted_model.card
    latents = [] if card.is_own or card.exact or fit.kind == "amortised" else card.continuous_in_rows(fit.keywords)
    if latents and data is not None:
        raise ZooError(
            f"{fit.model.name} has {', '.join(latents)} of the rows of the fit alone: leave data out, or fit the model "
            "to the other rows"
        )


def given_model(fit: FitRecord) -> Model:
    """The fitted model; with its full program where the fit has draws of the latents that ``collapsed`` leaves out."""
    model = fit.fitted_model
    local = model.card.continuous_in_rows(fit.keywords)
    if model.collapsed and "marginal" in model.card.exact and local and set(local) <= set(fit.draws):
        model = copy(model)
        model.collapsed = None
    return model


def log_density(model: Model, params: Mapping[str, np.ndarray], data: DataLike) -> np.ndarray:
    """log p(x_n | params) in nats, (N,) or (chain, draw, N); raises ZooError where it is not exact."""
    left_to_right = "inference.topics.perplexity(fit, data, method='left_to_right').log_likelihood estimates it"
    check_exact(model.card, "log p of a row", "inference.log_marginal(fit) estimates it", left_to_right)
    latents = [] if model.card.is_own or "marginal" in model.card.exact else model.card.continuous_in_rows()
    if latents:
        raise ZooError(
            f"log p of a row of {model.name} is an integral over {', '.join(latents)} and has no exact form: fit.draws "
            "has draws of the latents"
        )
    exact = gaussian.log_density if model.card.linear else enumeration.log_marginal
    return exact(model, params, data)


def log_likelihood(fit: FitRecord, data: DataLike = None) -> np.ndarray:
    """log p(x_n | parameters) of a fit in nats: (N,), or (chain, draw, N) where there are draws. Raises ZooError."""
    draws = {**fit.draws, **fit.learned_draws()}
    return log_density(fit.fitted_model, draws or fit.params, fit.observed_data(data))


def conditional_log_likelihood(
    fit: FitRecord, data: DataLike = None, *, has_rows: bool = True
) -> dict[str, np.ndarray]:
    """log p of each element of each observed site given all latents with draws: see ``pointwise``. Raises ZooError."""
    model = given_model(fit)
    draws = {**fit.draws, **fit.learned_draws()}
    if not model.card.is_own and not enumeration.latents_given(model, draws or fit.params, fit.keywords):
        raise ZooError(f"{model.name} sums its local latents out: its log-likelihood is of kind='marginal'")
    return pointwise.log_likelihood(model, draws or fit.params, fit.observed_data(data), has_rows=has_rows)


def local_posterior(model: Model, params: Mapping[str, np.ndarray], data: DataLike) -> dict[str, Any]:
    """The posterior of each local latent, draws averaged: labels as probabilities (N, K), others as a ``Normal``."""
    card = model.card
    function = "reconstruct(fit) decodes" if card.sampled else "encode(fit) gives"
    encoder, mixtures = f"inference.latents.{function} the encoder's", "inference.topics.mixtures(fit) its mean"
    check_exact(card, "the posterior of a code", encoder, mixtures)
    if card.linear_chain:
        return {**chain_posterior(model, params, data)}
    posteriors: dict[str, np.ndarray | gaussian.Normal] = {}
    if card.enumerated or not card.linear:
        for name, p in enumeration.responsibilities(model, params, data).items():
            draw_axes = tuple(range(p.ndim - 1 - len(card.sites()[name].dims)))
            posteriors[name] = p.mean(draw_axes) if draw_axes else p
    if card.linear:
        for name in [n for n in card.local() if n not in card.enumerated]:
            posteriors[name] = gaussian.latent_posterior(model, params, data)
    return posteriors
