"""Held-out perplexity of topics: one evaluator for fits and for topics of any other origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from inference.analysis.topics.held_out.methods import (
    ESTIMATES,
    DocumentScores,
    PredictiveDistribution,
    average_estimates,
    complete_documents,
    encoder_predictive,
    left_to_right,
    mixture_predictive,
)
from inference.analysis.topics.held_out.parameters import (
    TopicParameters,
    TopicParametersLike,
    as_documents,
    parameters_by_draw,
    topic_parameters,
    vocabulary_of,
)
from inference.analysis.topics.held_out.proportions import is_encoded
from zoo.checks import check_seed, check_whole
from zoo.errors import ZooError, unknown
from zoo.types import DataLike

METHODS = ("completion", "left_to_right")


def perplexity(
    topics: TopicParametersLike,
    data: DataLike,
    *,
    alpha: ArrayLike | None = None,
    method: str = "completion",
    theta: str = "mean",
    sweeps: int = 100,
    particles: int = 20,
    draws: bool = False,
    seed: int = 0,
    threads: int | None = None,
) -> Perplexity:
    """Held-out perplexity per word of documents that the topics were not fitted to.

    The methods are described in ``inference.topics.held_out``.

    Parameters
    ----------
    topics : Fit, Topics, dict or array, (K, V)
        A fit of ``latent_dirichlet`` or ``prod_lda``; or, of any origin, phi, ``Topics``, or
        ``{"phi": phi, "alpha": alpha, "vocabulary": words}``.
    data : Corpus or what ``zoo.corpus.as_corpus`` accepts
        The documents.
    alpha : float or array, (K,), optional
        The prior of the topic proportions; by default that of the fit.
    method : {"completion", "left_to_right"}
    theta : {"mean", "mode"}
        The estimate of the proportions of a document, for completion.
    sweeps : int, default 100
        Of Gibbs sampling for the mean, by each of four chains.
    particles : int, default 20
        Of left_to_right, in each of four runs.
    draws : bool, default False
        Whether to average p over the draws of phi, rather than to take p at their mean.
    seed : int, default 0
    threads : int, optional
        By default one for each core; the result does not depend on it.

    Returns
    -------
    Perplexity

    Raises
    ------
    ZooError
        For documents with other words than the topics, or with a word of probability 0 in every topic; and for
        arguments that are not allowed.

    References
    ----------
    Asuncion, A., Welling, M., Smyth, P. and Teh, Y. W. (2009). On smoothing and inference for topic models. UAI.

    Wallach, H. M., Murray, I., Salakhutdinov, R. and Mimno, D. (2009). Evaluation methods for topic models. ICML.

    Examples
    --------
    >>> phi = [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]
    >>> perplexity(phi, [[0, 1], [1, 2, 2]], alpha=1.0).tokens
    array([1, 2])
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    check_whole(1, sweeps=sweeps, particles=particles, threads=1 if threads is None else threads)
    check_seed(seed)
    if theta not in ESTIMATES:
        raise unknown("estimate of theta", theta, ESTIMATES)
    parameter_sets: list[TopicParameters] = []
    predictive: PredictiveDistribution
    if is_encoded(topics):
        if method != "completion" or draws or alpha is not None:
            raise ZooError(
                f"{topics.model.name} has an encoder in place of a prior, and can be evaluated by method='completion' "
                "alone, without draws or alpha"
            )
        predictive = encoder_predictive(topics, theta, seed)
        corpus = as_documents(data, topics.keywords["V"], vocabulary_of(topics))
    else:
        parameter_sets = list(parameters_by_draw(topics, alpha)) if draws else [topic_parameters(topics, alpha)]
        predictive = mixture_predictive(parameter_sets, theta, sweeps, seed, threads)
        corpus = as_documents(data, parameter_sets[0].V, parameter_sets[0].vocabulary)
    for parameters in parameter_sets:
        parameters.check_support(corpus)
    if method == "completion":
        scores = complete_documents(corpus, predictive, seed)
    else:
        log_p, errors = average_estimates(
            [left_to_right(p, corpus, particles, seed + i, threads=threads) for i, p in enumerate(parameter_sets)]
        )
        scores = DocumentScores(log_p, corpus.lengths, errors)
    if not scores.tokens.sum():
        raise ZooError("no token is left to score: give documents with words")
    return Perplexity(*scores, method, seed)


class Difference(NamedTuple):
    """How much better one is than another, with the standard error over documents.

    Parameters
    ----------
    nats_per_token : float
    standard_error : float
    """

    nats_per_token: float
    standard_error: float


@dataclass(frozen=True, repr=False)
class Perplexity:
    """Held-out log-likelihood of documents, and the perplexity per word.

    Parameters
    ----------
    log_likelihood : array, (N,)
        log p of the scored tokens of each document, in nats.
    tokens : array, (N,)
        The number of scored tokens.
    errors : array, (N,)
        The Monte Carlo standard error of each log-likelihood.
    method : str
        "completion" or "left_to_right".
    seed : int
    """

    log_likelihood: np.ndarray
    tokens: np.ndarray
    errors: np.ndarray
    method: str
    seed: int

    @property
    def per_word(self) -> float:
        """The perplexity, exp(-sum log p / sum tokens); smaller is better."""
        return float(np.exp(-self.nats_per_token))

    @property
    def nats_per_token(self) -> float:
        """sum log p / sum tokens; larger is better."""
        return float(self.log_likelihood.sum() / self.tokens.sum())

    @property
    def standard_error(self) -> float:
        """Standard error of ``per_word`` over documents like these: of a ratio of sums, by the delta method."""
        return self.per_word * self.standard_error_nats

    @property
    def standard_error_nats(self) -> float:
        """Standard error of ``nats_per_token`` over documents; NaN for a single document."""
        return standard_error_of_ratio(self.log_likelihood - self.nats_per_token * self.tokens, self.tokens)

    @property
    def monte_carlo_error(self) -> float:
        """Monte Carlo standard error of ``per_word`` for exactly these documents."""
        return self.per_word * float(np.sqrt(np.square(self.errors).sum()) / self.tokens.sum())

    def better_than(self, other: Perplexity) -> Difference:
        """How much higher the log-likelihood is than another's of the same tokens.

        Parameters
        ----------
        other : Perplexity

        Returns
        -------
        Difference
            In nats per token. The standard error is that of the differences document by document, in which the
            difficulty of a document cancels: it is much smaller than those of the two.

        Raises
        ------
        ZooError
            Where the two scored different tokens.
        """
        if self.method != other.method or self.seed != other.seed or not np.array_equal(self.tokens, other.tokens):
            raise ZooError("the two scored different tokens: evaluate both on one corpus, by one method and seed")
        gain = self.log_likelihood - other.log_likelihood
        mean = float(gain.sum() / self.tokens.sum())
        return Difference(mean, standard_error_of_ratio(gain - mean * self.tokens, self.tokens))

    def __str__(self) -> str:
        rows = {
            "perplexity per word": (self.per_word, self.standard_error, self.monte_carlo_error),
            "log p, nats per token": (
                self.nats_per_token,
                self.standard_error_nats,
                self.monte_carlo_error / self.per_word,
            ),
        }
        lines = [f"{'':21}  {'value':>10}  {'+- over documents':>17}  {'+- by draws':>11}"]
        for name, (value, error, monte_carlo) in rows.items():
            places = 4 if value < 0 else 2
            lines.append(f"{name:21}  {value:10.{places}f}  {error:17.{places}f}  {monte_carlo:11.{places}f}")
        lines.append(
            f"{int(self.tokens.sum())} tokens of {len(self.tokens)} documents, by {self.method}; seed {self.seed}."
        )
        return "\n".join(lines)

    __repr__ = __str__


def standard_error_of_ratio(residuals: np.ndarray, tokens: np.ndarray) -> float:
    """The standard error of a ratio of sums, given each document's numerator less the ratio times its tokens."""
    N = len(tokens)
    return float(np.sqrt(N / (N - 1) * np.square(residuals).sum()) / tokens.sum()) if N > 1 else float("nan")
