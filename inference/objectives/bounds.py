"""Bounds as arithmetic on their terms, the same for the arrays of both backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from inference.objectives import BoundTerms, Objective
from inference.objectives.penalties import PenaltyInputs
from zoo.errors import ZooError
from zoo.types import BackendArray

Split: TypeAlias = tuple[BackendArray, BackendArray]  # reconstruction and KL
LogMeanExp: TypeAlias = Callable[[BackendArray], BackendArray]  # over the first dimension, of the backend


def log_weights(terms: BoundTerms, beta: BackendArray) -> BackendArray:
    """log p(x, z) - log q(z) of the draws: (K, [E,] B) of the rows, or (K,) of all data at once."""
    rows = terms.likelihood - beta * terms.kl
    if has_local_latents(terms):
        return rows
    return _sum_rows(terms, rows) + terms.likelihood_rest - beta * terms.kl_rest


def doubly_weights(shares: BackendArray, beta: BackendArray) -> BackendArray:
    """Factors of the gradient that reaches each draw, beside its share in the sum of the weights.

    They make the gradient doubly reparameterised: at beta = 1 they are the shares (Tucker et al. 2019, equation 8);
    their derivation gives the rest.
    """
    return 1 + beta * (shares - 1)


def has_local_latents(terms: BoundTerms) -> bool:
    """Whether the rows have latents of their own."""
    return not terms.kl_rest.shape


def value(
    objective: Objective,
    terms: BoundTerms,
    split: Split,
    beta: BackendArray,
    log_mean_exp: LogMeanExp,
) -> BackendArray:
    """The value to maximise, for all N rows.

    split: of ``reconstruction_and_kl``.
    """
    if objective.name == "elbo":
        reconstruction, kl = split
        return reconstruction - beta * kl + terms.extra
    return importance_weighted(terms, beta, log_mean_exp) + terms.extra


def kl_of_rows(terms: BoundTerms) -> BackendArray:
    """The KL of the latents of the rows, for all N rows: the mean over draws."""
    return _sum_rows(terms, terms.kl).mean()


def penalise(objective: Objective, terms: BoundTerms, split: Split, inputs: PenaltyInputs) -> Split:
    """The reconstruction and the KL with the penalty of the objective, for all N rows."""
    assert objective.penalty
    reconstruction, kl = split
    N = terms.scale * terms.likelihood.shape[-1]
    return reconstruction, kl + N * objective.penalty.value(inputs)


def metrics(objective: Objective, terms: BoundTerms, split: Split, log_mean_exp: LogMeanExp) -> dict[str, BackendArray]:
    """The bound at beta = 1 and its terms, for all N rows."""
    reconstruction, kl = split
    metrics = {"elbo": reconstruction - kl, "reconstruction": reconstruction, "kl": kl}
    if objective.name == "iwae":
        metrics["iwae"] = importance_weighted(terms, 1.0, log_mean_exp)
    return metrics


def reconstruction_and_kl(terms: BoundTerms) -> Split:
    """``(reconstruction, KL)`` for all N rows: the mean over draws of each."""
    reconstruction = _sum_rows(terms, terms.likelihood) + terms.likelihood_rest
    kl = _sum_rows(terms, terms.kl) + terms.kl_rest
    return reconstruction.mean(), kl.mean()


def importance_weighted(terms: BoundTerms, beta: BackendArray, log_mean_exp: LogMeanExp) -> BackendArray:
    """The importance-weighted bound; raises ZooError for a batch of rows without latents of their own."""
    weights = log_weights(terms, beta)
    if not has_local_latents(terms):
        if terms.scale != 1 and len(weights) > 1:
            raise ZooError(
                "iwae is biased by batches where the rows have no latents of their own: no batch_size, or elbo"
            )
        return log_mean_exp(weights)
    rows = log_mean_exp(weights)
    if terms.probability is not None:
        rows = terms.probability[0] * rows  # the same for every draw: discrete latents come before those drawn
    return terms.scale * rows.sum() + terms.likelihood_rest - beta * terms.kl_rest


def _sum_rows(terms: BoundTerms, log: BackendArray) -> BackendArray:
    """(K,): the sum over all N rows, in the mean over the guide's discrete latents."""
    if terms.probability is not None:
        log = (terms.probability * log).sum(-2)
    return terms.scale * log.sum(-1)
