"""The law that documents come from, as the evaluator takes it, wherever it is from: phi, alpha and the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from inference.analysis.topics.parts import Topics, probabilities
from inference.result import Fit
from zoo.data.corpus import Corpus, as_corpus
from zoo.errors import ZooError


@dataclass(frozen=True)
class Law:
    """phi (K, V): the probabilities of words under each topic. alpha (K,): the Dirichlet prior of their mixtures."""

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
    def by_word(self) -> np.ndarray:
        """phi as the kernels take it, (V, K)."""
        return np.ascontiguousarray(self.phi.T)

    def possible(self, corpus: Corpus) -> None:
        """Raise ZooError for a corpus that has a word which no topic can make."""
        never = self.phi.max(0) <= 0
        absent = never[corpus.words] if never.any() else never[:0]
        if absent.any():
            word = int(corpus.words[absent.argmax()])
            name = repr(corpus.vocabulary[word]) if corpus.vocabulary else word
            raise ZooError(f"word {name} has probability 0 under every topic: {SMOOTHED}")


SMOOTHED = "smoothed(counts, eta) makes topics of counts that give every word some"


def law_of(given: Any, alpha: Any = None) -> Law:
    """The law of a fit of ``latent_dirichlet``, of ``{"phi": (K, V), "alpha": ...}``, of ``Topics`` or phi with alpha.

    alpha, a number or one for each topic, is that of the fit unless given. Raises ZooError where there is none, and
    for a phi whose rows do not sum to one.
    """
    if isinstance(given, Law) and alpha is None:
        return given
    vocabulary = None
    if isinstance(given, Fit):
        if "phi" not in given.params:
            raise ZooError(f"{given.model.name} has no topics phi: give a fit of latent_dirichlet, or phi (K, V)")
        alpha = given.keywords["alpha"] if alpha is None else alpha
        phi, vocabulary = given.params["phi"], words_of(given)
    elif isinstance(given, Topics | Law):
        phi, vocabulary = given.phi, given.vocabulary
    elif isinstance(given, Mapping):
        phi, vocabulary = given.get("phi"), given.get("vocabulary")
        alpha = given.get("alpha") if alpha is None else alpha
    else:
        phi = given
    try:
        phi = probabilities("phi", phi, "topic")
    except ZooError as error:
        raise ZooError(f"{error}; {SMOOTHED}") from None
    if alpha is None:
        raise ZooError("phi alone does not say how documents mix topics: give alpha, as the model was trained with")
    return Law(phi / phi.sum(1, keepdims=True), prior(alpha, len(phi)), vocabulary)


def prior(alpha: Any, K: int) -> np.ndarray:
    """alpha as (K,); raises ZooError."""
    try:
        values = np.asarray(alpha, float)
    except (TypeError, ValueError):
        values = np.full((), np.nan)
    if values.shape not in ((), (K,)) or not (np.isfinite(values) & (values > 0)).all():
        raise ZooError(f"alpha is a number above zero, or {K} of them, one for each topic; given {alpha!r}")
    return np.array(np.broadcast_to(values, K))


def laws_of_draws(fit: Any, alpha: Any = None) -> Iterator[Law]:
    """The law by each draw of phi; raises ZooError for what has no draws."""
    if not isinstance(fit, Fit) or "phi" not in fit.draws:
        raise ZooError("draws=True averages over draws of phi: give a fit that has some, as one by gibbs")
    K, V = fit.params["phi"].shape
    for phi in fit.draws["phi"].reshape(-1, K, V):
        yield law_of({"phi": phi, "alpha": fit.keywords["alpha"] if alpha is None else alpha})


def words_of(fit: Fit) -> Sequence[str] | None:
    """The vocabulary that a fit was trained with."""
    return next(iter(fit.data.values())).vocabulary


def documents(data: Any, V: int, vocabulary: Sequence[str] | None) -> Corpus:
    """Data as a corpus of V words, in the order of the vocabulary; raises ZooError.

    Words that the vocabulary does not have are left out, and a warning says how many tokens they are.
    """
    corpus = as_corpus(data)
    if vocabulary is not None and corpus.vocabulary is not None and corpus.vocabulary != tuple(vocabulary):
        return corpus.in_words_of(vocabulary)
    if corpus.V != V:
        raise ZooError(
            f"the topics are of {V} words and the corpus has {corpus.V}: give its vocabulary too, or counts in the "
            "words of the topics"
        )
    return corpus
