"""TopicParameters: word probabilities and the Dirichlet prior of documents, from a fit or of any other origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from inference.analysis.topics.record import Topics, TopicsLike, as_probabilities
from inference.record import FitRecord
from zoo import Card
from zoo.data.corpus import Corpus, as_corpus
from zoo.data.corpus.ids import IdsLike
from zoo.data.tables import as_numbers
from zoo.errors import ZooError
from zoo.types import DataLike

ROUNDING = 1e-3  # of counts that other packages store in 32 bits
SMOOTHED = "smoothed(counts, eta) makes topics of counts in which every word has a probability above 0"


@dataclass(frozen=True)
class TopicParameters:
    """phi (K, V): the word probabilities of each topic. alpha (K,): the Dirichlet prior of the topic proportions."""

    phi: np.ndarray
    alpha: np.ndarray
    vocabulary: Sequence[str] | None = None

    @property
    def K(self) -> int:
        return len(self.phi)

    @property
    def V(self) -> int:
        return self.phi.shape[1]

    @cached_property
    def phi_by_word(self) -> np.ndarray:
        """phi as the kernels read it, (V, K), contiguous."""
        return np.ascontiguousarray(self.phi.T)

    def check_support(self, corpus: Corpus) -> None:
        """Raise ZooError for a corpus that has a word of probability 0 in every topic."""
        impossible = self.phi.max(0) <= 0
        absent = impossible[corpus.words] if impossible.any() else impossible[:0]
        if absent.any():
            word = int(corpus.words[absent.argmax()])
            name = repr(corpus.vocabulary[word]) if corpus.vocabulary else word
            raise ZooError(f"word {name} has probability 0 under every topic: {SMOOTHED}")


# what ``topic_parameters`` converts; a dict has phi, and may have alpha and vocabulary
TopicParametersLike: TypeAlias = TopicParameters | TopicsLike | Mapping[str, DataLike]


def mixes_topics(card: Card) -> bool:
    """Whether documents mix the topics of a model by proportions on a simplex, as those of ``latent_dirichlet``."""
    return card.topics is not None and any(site.kind == "simplex" for site in card.local().values())


def topic_parameters(topics: TopicParametersLike, alpha: ArrayLike | None = None) -> TopicParameters:
    """Parameters from a fit of ``latent_dirichlet``, ``{"phi": (K, V), "alpha": ...}``, ``Topics``, or phi with alpha.

    alpha: one number, or one for each topic; by default that of the fit. Raises ZooError where there is none, and for a
    phi whose rows do not sum to one.
    """
    if isinstance(topics, TopicParameters) and alpha is None:
        return topics
    vocabulary = None
    if isinstance(topics, FitRecord):
        card = topics.model.card
        if card.topics is None or not mixes_topics(card):
            raise ZooError(f"{card.name} has no topics phi: give a fit of latent_dirichlet, or phi (K, V)")
        alpha = topics.keywords["alpha"] if alpha is None else alpha
        phi, vocabulary = card.topics(topics.params, topics.keywords), vocabulary_of(topics)
    elif isinstance(topics, Topics | TopicParameters):
        phi, vocabulary = topics.phi, topics.vocabulary
    elif isinstance(topics, Mapping):
        phi, vocabulary = topics.get("phi"), topics.get("vocabulary")
        alpha = topics.get("alpha") if alpha is None else alpha
    else:
        phi = topics
    try:
        phi = as_probabilities("phi", phi, "topic")
    except ZooError as error:
        raise ZooError(f"{error}; {SMOOTHED}") from None
    if alpha is None:
        raise ZooError("phi alone has no prior of the topic proportions: give alpha, as the model was trained with")
    return TopicParameters(phi / phi.sum(1, keepdims=True), as_concentration(alpha, len(phi)), vocabulary)


def as_concentration(alpha: ArrayLike, K: int) -> np.ndarray:
    """alpha as (K,); raises ZooError for anything but positive numbers."""
    try:
        values = np.asarray(alpha, float)
    except (TypeError, ValueError):
        values = np.full((), np.nan)
    if values.shape not in ((), (K,)) or not (np.isfinite(values) & (values > 0)).all():
        raise ZooError(f"alpha is a number above zero, or {K} of them, one for each topic; given {alpha!r}")
    return np.array(np.broadcast_to(values, K))


def parameters_by_draw(fit: object, alpha: ArrayLike | None = None) -> Iterator[TopicParameters]:
    """The parameters at each draw of phi; raises ZooError for topics without draws."""
    if not isinstance(fit, FitRecord) or "phi" not in fit.draws:
        raise ZooError("draws=True averages over draws of phi: give a fit that has some, as one by gibbs")
    K, V = fit.params["phi"].shape
    for phi in fit.draws["phi"].reshape(-1, K, V):
        yield topic_parameters({"phi": phi, "alpha": fit.keywords["alpha"] if alpha is None else alpha})


def vocabulary_of(fit: FitRecord) -> Sequence[str] | None:
    """The vocabulary of the documents of a fit."""
    return next(iter(fit.data.values())).vocabulary


def as_documents(
    data: DataLike,
    V: int,
    vocabulary: Sequence[str] | None,
    allow_empty: bool = False,
    ids: IdsLike | None = None,
) -> Corpus:
    """Data as a corpus of V words in the order of the vocabulary; raises ZooError where that is not possible.

    allow_empty: whether all documents may be without words. ids: what they are called.

    Words outside the vocabulary are left out, with a warning that counts their tokens.
    """
    corpus = as_corpus(data, ids=ids, num_words=V if allow_empty else None)
    if vocabulary is not None and corpus.vocabulary is not None and corpus.vocabulary != tuple(vocabulary):
        return corpus.with_vocabulary(vocabulary)
    if corpus.V != V:
        raise ZooError(
            f"the topics are of {V} words and the corpus has {corpus.V}: give its vocabulary too, or counts in the "
            "words of the topics"
        )
    return corpus


def smoothed(
    counts: DataLike, eta: float, words: ArrayLike | None = None, V: int | None = None, totals: ArrayLike | None = None
) -> np.ndarray:
    """The posterior mean of topics given the words assigned to each: (n_kw + eta) / (n_k + V eta).

    Every word then has a probability above zero; that of a word that does not occur follows from the prior.

    Parameters
    ----------
    counts : array, (K, V')
        Tokens of each word in each topic, or what another package stores of them; NaN counts as 0.
    eta : float
        Pseudo-counts of a word in a topic, above zero.
    words : array of int, (V',), optional
        For each column its word in the corpus, where the package left words out or reordered them.
    V : int, optional
        The number of words of the corpus, with ``words``.
    totals : array, (K,), optional
        Tokens of each topic, which turn probabilities back into counts.

    Returns
    -------
    array, (K, V)

    Raises
    ------
    ZooError
        For counts that are negative, or that are probabilities without ``totals``; for an eta of 0 or less; and for
        words that are out of range or repeated.

    Examples
    --------
    >>> smoothed([[3, 1], [0, 2]], eta=0.5, words=[2, 0], V=3)
    array([[0.27272727, 0.09090909, 0.63636364],
           [0.71428571, 0.14285714, 0.14285714]])
    """
    counts = np.nan_to_num(as_numbers("counts", counts), nan=0.0, posinf=np.inf)
    if counts.ndim != 2 or not counts.size or not np.isfinite(counts).all() or (counts < -ROUNDING).any():
        raise ZooError(f"counts are (K, V), finite and from 0 up; given shape {counts.shape}")
    if not np.isfinite(eta) or eta <= 0:
        raise ZooError(f"eta is a number above zero; given {eta!r}")
    counts = np.maximum(counts, 0.0)
    if totals is not None:
        totals = np.asarray(totals, float)
        if totals.shape != counts.shape[:1]:
            raise ZooError(f"totals are the tokens of each of {len(counts)} topics; given shape {totals.shape}")
        counts = counts * totals[:, None]
    elif np.allclose(counts.sum(1), 1, atol=ROUNDING) and not (counts == np.round(counts)).all():
        raise ZooError("these are probabilities, without how many tokens there were: give totals, the tokens by topic")
    if words is not None:
        words, V = np.asarray(words), int(V or counts.shape[1])
        if words.shape != counts.shape[1:] or len(np.unique(words)) < len(words):
            raise ZooError(f"words are {counts.shape[1]} different ones, one for each column; given {words.shape}")
        if ((words < 0) | (words >= V)).any():
            raise ZooError(f"words are from 0 to {V - 1}; given {words.min()} to {words.max()}")
        all_counts = np.zeros((len(counts), V))
        all_counts[:, words] = counts
        counts = all_counts
    return (counts + eta) / (counts.sum(1, keepdims=True) + counts.shape[1] * eta)
