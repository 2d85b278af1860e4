"""Topic proportions of documents, given the topics: posterior means, modes, and the codes of an encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypedDict, TypeGuard, Unpack

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from inference.amortised import AmortisedPosterior
from inference.analysis.topics.held_out.parameters import (
    TopicParameters,
    TopicParametersLike,
    as_documents,
    mixes_topics,
    topic_parameters,
    vocabulary_of,
)
from inference.record import FitRecord
from inference.run.kernel_arrays import corpus_arrays
from inference.run.workers import WorkerPool, num_workers
from zoo.checks import check_seed, check_whole
from zoo.data.corpus import Corpus
from zoo.data.corpus.ids import IdsLike
from zoo.errors import ZooError
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd

CHAINS, WARMUP = 4, 20  # each chain starts anew, so that their spread estimates the Monte Carlo error
FIXED_POINT_STEPS, FIXED_POINT_TOL = 1000, 1e-8
CODE_GROUPS, CODES_PER_GROUP = 4, 8  # draws from an encoder; the spread of the groups estimates the error
MOST_PROBABILITIES = 1 << 22  # of words, computed at a time


class MixtureOptions(TypedDict, total=False):
    """Further arguments of ``mixtures``."""

    alpha: ArrayLike | None
    sweeps: int
    seed: int
    threads: int | None


def mixtures(
    fit: TopicParametersLike,
    data: DataLike = None,
    *,
    alpha: ArrayLike | None = None,
    sweeps: int = 200,
    seed: int = 0,
    threads: int | None = None,
) -> np.ndarray:
    """The proportions of the topics in documents.

    They are the posterior mean of theta given the document, phi and alpha, by four chains of collapsed Gibbs sampling;
    an empty document has the mean of the prior. For ``prod_lda`` they are the mean of softmax(z) under the normal of
    the encoder, by draws.

    Parameters
    ----------
    fit : Fit, Topics, dict or array
        A fit of a topic model, or topics of any origin, as ``perplexity`` accepts them.
    data : Corpus or what ``zoo.corpus.as_corpus`` accepts, optional
        New documents; by default those of the fit. Words outside the vocabulary of the fit are left out, with a
        warning that counts them.
    alpha : float or array, (K,), optional
        The prior of the proportions; by default that of the fit.
    sweeps : int, default 200
        Of each chain.
    seed : int, default 0
    threads : int, optional
        By default one for each core; the result does not depend on it.

    Returns
    -------
    array, (N, K)
        Rows sum to one.

    Raises
    ------
    ZooError
        For documents with other words than the topics.
    """
    check_whole(1, sweeps=sweeps, threads=1 if threads is None else threads)
    check_seed(seed)
    corpus = documents_of(fit, data)
    if is_encoded(fit):
        return np.mean(list(encoder_draws(fit, corpus, seed)), axis=0)
    parameters = topic_parameters(fit, alpha)
    parameters.check_support(corpus)
    return posterior_means(parameters, corpus, sweeps, seed, threads=threads).mean(0)


def document_table(
    fit: TopicParametersLike, data: DataLike = None, *, ids: IdsLike | None = None, **options: Unpack[MixtureOptions]
) -> pd.DataFrame:
    """The proportions of ``mixtures`` as a table whose index has the ids of the documents.

    Parameters
    ----------
    fit : Fit, Topics, dict or array
        As in ``mixtures``.
    data : Corpus or what ``zoo.corpus.as_corpus`` accepts, optional
        New documents; by default those of the fit.
    ids : str or sequence, optional
        What the documents are called: see ``zoo.corpus.as_corpus``.
    **options
        Further arguments of ``mixtures``.

    Returns
    -------
    pandas.DataFrame
        A row for each document, under its id, or its number where it has none; columns ``topic 0``, ``topic 1``, ...

    Raises
    ------
    ZooError
        For documents with other words than the topics, and another number of ids than documents.
    """
    import pandas as pd

    corpus = documents_of(fit, data, ids)
    theta = mixtures(fit, corpus, **options)
    index = pd.RangeIndex(corpus.N) if corpus.ids is None else pd.Index(corpus.ids)
    return pd.DataFrame(theta, index=index.rename("document"), columns=[f"topic {k}" for k in range(theta.shape[1])])


def documents_of(fit: TopicParametersLike, data: DataLike = None, ids: IdsLike | None = None) -> Corpus:
    """The documents in the words of the topics, those of the fit by default; raises ZooError where that cannot be."""
    if data is None:
        if not isinstance(fit, FitRecord):
            raise ZooError("topics alone have no documents of their own: give some")
        data = next(iter(fit.data.values()))
    if is_encoded(fit):
        return as_documents(data, fit.keywords["V"], vocabulary_of(fit), allow_empty=True, ids=ids)
    parameters = topic_parameters(fit)
    return as_documents(data, parameters.V, parameters.vocabulary, allow_empty=True, ids=ids)


def posterior_means(
    parameters: TopicParameters, corpus: Corpus, sweeps: int, seed: int = 0, offset: int = 0, threads: int | None = None
) -> np.ndarray:
    """E[theta | document] by each of four chains of collapsed Gibbs sampling, to be averaged: (4, N, K).

    Each chain warms up for 20 sweeps, and averages p(z | the other z) over ``sweeps`` more. An empty document has the
    mean of the prior. offset: the number of the first document, where the corpus is a block of a larger one.
    """
    from inference.analysis.topics.held_out import kernels

    theta, arrays = np.empty((CHAINS, corpus.N, parameters.K)), corpus_arrays(corpus)
    phi, alpha, key = parameters.phi_by_word, parameters.alpha, np.uint64(seed % 2**64)

    def loop(begin: int, end: int) -> None:
        kernels.posterior_means(begin, end, offset, *arrays, phi, alpha, CHAINS, WARMUP, sweeps, key, theta)

    run_over_documents(corpus, loop, threads)
    return theta


def posterior_modes(parameters: TopicParameters, corpus: Corpus, threads: int | None = None) -> np.ndarray:
    """The mode of theta under a Dirichlet(alpha + 1) prior, (N, K), by its fixed point, which is unique.

    theta_k is proportional to alpha_k + sum_w n_w p(k | w, theta): "folding in" as in Asuncion, Welling, Smyth and Teh
    (2009), which treats models trained by different engines alike.
    """
    from inference.analysis.topics.held_out import kernels

    theta, arrays, phi = np.empty((corpus.N, parameters.K)), corpus_arrays(corpus), parameters.phi_by_word

    def loop(begin: int, end: int) -> None:
        kernels.posterior_modes(begin, end, *arrays, phi, parameters.alpha, FIXED_POINT_STEPS, FIXED_POINT_TOL, theta)

    run_over_documents(corpus, loop, threads)
    return theta


def mixture_probabilities(
    theta: np.ndarray, parameters: TopicParameters, corpus: Corpus, threads: int | None = None
) -> np.ndarray:
    """sum_k theta_dk phi_kw of each entry of the corpus, (nnz,)."""
    from inference.analysis.topics.held_out import kernels

    p, (indptr, words, _), phi = np.empty(corpus.nnz), corpus_arrays(corpus), parameters.phi_by_word

    def loop(begin: int, end: int) -> None:
        kernels.mixture_probabilities(begin, end, indptr, words, theta, phi, p)

    run_over_documents(corpus, loop, threads)
    return p


def is_encoded(topics: object) -> TypeGuard[FitRecord]:
    """Whether topics are a fit whose documents have codes of an encoder instead of Dirichlet proportions."""
    if not isinstance(topics, FitRecord):
        return False
    card = topics.model.card
    return card.topics is not None and not mixes_topics(card)


def encoder_draws(fit: FitRecord, corpus: Corpus, seed: int, offset: int = 0) -> Iterator[np.ndarray]:
    """theta = softmax(z) of each document, (N, K), for each of 32 draws of z from the normal of the encoder."""
    mean, sd = _encode(fit, corpus)
    rng = np.random.default_rng([seed % 2**64, offset])
    for _ in range(CODE_GROUPS * CODES_PER_GROUP):
        yield softmax(mean + sd * rng.normal(size=mean.shape), axis=-1)


def encoder_means(fit: FitRecord, corpus: Corpus) -> np.ndarray:
    """theta of each document at the mean of its code, (N, K)."""
    return softmax(_encode(fit, corpus)[0], axis=-1)


def _encode(fit: FitRecord, corpus: Corpus) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the code of each document, (N, K) each."""
    code = AmortisedPosterior(fit).encode({next(iter(fit.data)): corpus.raw})[next(iter(fit.model.card.local()))]
    return code.mean, code.sd


def product_probabilities(fit: FitRecord, theta: np.ndarray, corpus: Corpus) -> np.ndarray:
    """softmax(loc + theta beta) of each entry of the corpus, (nnz,): the product of experts of ``prod_lda``."""
    beta, loc = fit.params["beta"].astype(float), np.asarray(fit.keywords["loc"], float)
    p, rows = np.empty(corpus.nnz), max(1, MOST_PROBABILITIES // corpus.V)
    for begin in range(0, corpus.N, rows):
        ends = corpus.indptr[begin : begin + rows + 1]
        entries = slice(ends[0], ends[-1])
        document = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
        p[entries] = softmax(loc + theta[begin : begin + rows] @ beta, axis=-1)[document, corpus.words[entries]]
    return p


def run_over_documents(corpus: Corpus, loop: Callable[[int, int], None], threads: int | None) -> None:
    """``loop(begin, end)`` on ranges of documents that cover the corpus, in parallel."""
    with WorkerPool(num_workers(corpus.N, threads)) as pool:
        pool.run_ranges(np.concatenate([[0], np.cumsum(corpus.lengths)]), loop)
