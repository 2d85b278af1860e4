"""Topics of a fit: its word probabilities, the proportions of its documents, and its draws."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment

from inference.alignment import aligned_draws
from inference.analysis.topics.held_out.proportions import mixtures
from inference.analysis.topics.record import DEFAULT_ETA, Topics, TopicsLike
from inference.record import FitRecord
from zoo import Card, ZooError


def has_topics(card: Card) -> bool:
    """Whether a model is a topic model: its card declares ``topics``.

    Parameters
    ----------
    card : zoo.Card

    Returns
    -------
    bool

    Examples
    --------
    >>> import zoo
    >>> has_topics(zoo.card("latent_dirichlet")), has_topics(zoo.card("gaussian_mixture"))
    (True, False)
    """
    return card.topics is not None


def topic_words(fit: FitRecord) -> np.ndarray:
    """phi (K, V) of a fit, by the function ``topics`` of its card; raises ZooError for a model without topics."""
    card = fit.model.card
    if card.topics is None:
        raise ZooError(f"{card.name} has no topics: give a fit of latent_dirichlet or prod_lda")
    return card.topics(fit.params, fit.keywords)


def extract_topics(fit: TopicsLike, draws: bool = True) -> Topics:
    """The topics of a fit, or of an array phi (K, V); ``Topics`` are returned as they are.

    draws: whether to align the draws, where there are any, and include them. Raises ZooError for a fit without topics.
    """
    if isinstance(fit, Topics):
        return fit
    if not isinstance(fit, FitRecord):
        return Topics(fit)
    phi = topic_words(fit)
    corpus = next(iter(fit.data.values()))
    eta = float(np.mean(fit.keywords.get("eta", DEFAULT_ETA)))
    aligned = _order_by_phi(phi, aligned_draws(fit)) if draws and "phi" in fit.draws else {}
    return Topics(phi, None, _document_proportions(fit, aligned), corpus, eta, aligned.get("phi"), aligned.get("theta"))


def _document_proportions(fit: FitRecord, draws: Mapping[str, np.ndarray]) -> np.ndarray:
    """theta (N, K) of the documents of the fit: the engine's estimate, the mean of its draws, or given phi."""
    if "theta" in fit.state:
        return fit.state["theta"]
    return draws["theta"].mean(0) if "theta" in draws else mixtures(fit)


def _order_by_phi(phi: np.ndarray, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Aligned draws of all chains, (draws, *shape), topics in the order of phi."""
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in draws.items() if name in ("phi", "theta")}
    mean = flat["phi"].mean(0)
    order = linear_sum_assignment(-np.sqrt(phi) @ np.sqrt(mean).T)[1]
    if np.array_equal(order, np.arange(len(order))):  # so it is wherever the point is the mean of the draws
        return flat
    return {name: values[:, order] if name == "phi" else values[:, :, order] for name, values in flat.items()}
