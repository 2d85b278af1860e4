"""The one door of the evaluator."""

from __future__ import annotations

from typing import Any

from inference.analysis.topics.held_out.completion import ESTIMATES, completed, predictive_of_laws
from inference.analysis.topics.held_out.encoding import is_encoded, predictive_of_encoder
from inference.analysis.topics.held_out.law import documents, law_of, laws_of_draws, words_of
from inference.analysis.topics.held_out.left_to_right import averaged, left_to_right
from inference.analysis.topics.held_out.result import Perplexity
from inference.analysis.topics.held_out.running import check_whole
from zoo.errors import ZooError, unknown

METHODS = ("completion", "left_to_right")


def perplexity(
    topics: Any,
    data: Any,
    *,
    alpha: Any = None,
    method: str = "completion",
    theta: str = "mean",
    sweeps: int = 100,
    particles: int = 20,
    draws: bool = False,
    seed: int = 0,
    threads: int | None = None,
) -> Perplexity:
    """Held-out perplexity per word of documents that the topics were not fitted to.

    topics: a fit of ``latent_dirichlet`` or ``prod_lda``; or, of any origin, phi (K, V), ``Topics``, or
    ``{"phi": phi, "alpha": alpha, "vocabulary": words}``. data: documents as ``zoo.corpus.as_corpus`` takes them.
    alpha: the prior of mixtures, that of the fit unless given. method: "completion" or "left_to_right"; theta: what
    completion knows a document's mixture by, "mean" or "mode"; see ``inference.topics.held_out`` for what they are.
    sweeps: of Gibbs sampling for the mean, by each of four chains. particles: of left_to_right, in each of four runs.
    draws: average p over the draws of phi, in the place of p at their mean. threads: one a core unless given; they
    make no difference to a bit. Raises ZooError for topics without a word of the documents, and for other words.
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    check_whole(1, sweeps=sweeps, particles=particles, threads=1 if threads is None else threads)
    check_whole(0, seed=seed)
    if theta not in ESTIMATES:
        raise unknown("estimate of theta", theta, ESTIMATES)
    if is_encoded(topics):
        if method != "completion" or draws or alpha is not None:
            raise ZooError(f"{topics.model.name} has an encoder in the place of a prior: ask for completion alone")
        laws, predictive = [], predictive_of_encoder(topics, theta, seed)
        corpus = documents(data, topics.keywords["V"], words_of(topics))
    else:
        laws = list(laws_of_draws(topics, alpha)) if draws else [law_of(topics, alpha)]
        predictive = predictive_of_laws(laws, theta, sweeps, seed, threads)
        corpus = documents(data, laws[0].V, laws[0].vocabulary)
    for law in laws:
        law.possible(corpus)
    if method == "completion":
        log_p, tokens, errors = completed(corpus, predictive, seed)
    else:
        log_p, errors = averaged(
            [left_to_right(law, corpus, particles, seed + i, threads=threads) for i, law in enumerate(laws)]
        )
        tokens = corpus.lengths
    if not tokens.sum():
        raise ZooError("no token is left to score: give documents with words")
    return Perplexity(log_p, tokens, errors, method, seed)
