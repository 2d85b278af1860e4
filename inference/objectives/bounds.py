"""Bounds out of terms: arithmetic that is the same for the arrays of both backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from inference.objectives import Objective, Terms
from zoo.errors import ZooError


def log_weights(terms: Terms, beta: Any) -> Any:
    """log p(x, z) - log q(z) of what draws are weighed by: (K, [E,] B) of the rows, or (K,) of the data as a whole."""
    rows = terms.likelihood - beta * terms.kl
    return rows if of_rows(terms) else _over_rows(terms, rows) + terms.likelihood_rest - beta * terms.kl_rest


def doubly(shares: Any, beta: Any) -> Any:
    """What multiplies the gradient that reaches each draw, beside its share in the weight of all.

    It makes the gradient doubly reparameterised: at beta = 1 it is that share itself (Tucker et al. 2019, equation 8);
    their derivation gives the rest.
    """
    return 1 + beta * (shares - 1)


def of_rows(terms: Terms) -> bool:
    """Whether the rows have latents of their own."""
    return not terms.kl_rest.shape


def value(
    objective: Objective, terms: Terms, both: Sequence[Any], beta: Any, log_mean_exp: Callable[[Any], Any]
) -> Any:
    """What is maximised, for all N rows; ``both`` are the ``parts``, ``log_mean_exp`` is over the first dimension."""
    if objective.name == "elbo":
        reconstruction, kl = both
        return reconstruction - beta * kl + terms.extra
    return importance_weighted(terms, beta, log_mean_exp) + terms.extra


def metrics(
    objective: Objective, terms: Terms, both: Sequence[Any], log_mean_exp: Callable[[Any], Any]
) -> dict[str, Any]:
    """The bound at beta = 1, and what it is made of, for all N rows."""
    reconstruction, kl = both
    said = {"elbo": reconstruction - kl, "reconstruction": reconstruction, "kl": kl}
    if objective.name == "iwae":
        said["iwae"] = importance_weighted(terms, 1.0, log_mean_exp)
    return said


def parts(terms: Terms) -> tuple[Any, Any]:
    """``(reconstruction, KL)``: the mean over draws of each."""
    reconstruction = _over_rows(terms, terms.likelihood) + terms.likelihood_rest
    kl = _over_rows(terms, terms.kl) + terms.kl_rest
    return reconstruction.mean(), kl.mean()


def importance_weighted(terms: Terms, beta: Any, log_mean_exp: Callable[[Any], Any]) -> Any:
    """The importance-weighted bound; raises ZooError for a batch of rows whose weights are not their own."""
    weights = log_weights(terms, beta)
    if not of_rows(terms):
        if terms.scale != 1 and len(weights) > 1:
            raise ZooError(
                "iwae is biased by batches where the rows have no latents of their own: no batch_size, or elbo"
            )
        return log_mean_exp(weights)
    each = log_mean_exp(weights)
    if terms.probability is not None:
        each = terms.probability[0] * each  # the same for every draw: discrete latents come before those drawn
    return terms.scale * each.sum() + terms.likelihood_rest - beta * terms.kl_rest


def _over_rows(terms: Terms, log: Any) -> Any:
    """(K,): the sum over all N rows, in the mean over the guide's discrete latents."""
    if terms.probability is not None:
        log = (terms.probability * log).sum(-2)
    return terms.scale * log.sum(-1)
