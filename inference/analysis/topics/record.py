"""Topics: word probabilities of topics as arrays, with a vocabulary, documents and draws where these are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from inference.record import FitRecord
from zoo import ZooError
from zoo.data.corpus import Corpus

DEFAULT_ETA = 0.01  # pseudo-counts of a word in a topic, where a fit does not have them
SUM_TOLERANCE = 1e-3  # of probabilities, in 32 bits or in a rounded table


@dataclass(frozen=True, repr=False)
class Topics:
    """Topics of any origin.

    Parameters
    ----------
    phi : array, (K, V)
        The probability of each word in each topic; rows sum to one.
    vocabulary : sequence of str, optional
        The V words; by default those of the corpus, else ``w0``, ``w1``, ...
    theta : array, (N, K), optional
        The proportions of the topics in each document.
    corpus : Corpus, optional
        The documents.
    eta : float, default 0.01
        Pseudo-counts of a word in a topic.
    phi_draws : array, (draws, K, V), optional
        Posterior draws of phi, with topics in the order of ``phi``.
    theta_draws : array, (draws, N, K), optional
        Posterior draws of theta.

    Raises
    ------
    ZooError
        For shapes that do not agree, and rows that are not probabilities.

    Examples
    --------
    >>> Topics([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]], vocabulary=["law", "court", "rain"])
    Topics(2 topics, 3 words)
    """

    phi: Any
    vocabulary: Sequence[str] | None = None
    theta: Any = None
    corpus: Corpus | None = None
    eta: float = DEFAULT_ETA
    phi_draws: np.ndarray | None = None
    theta_draws: np.ndarray | None = None

    def __post_init__(self) -> None:
        phi = as_probabilities("phi", self.phi, "topic")
        theta = None if self.theta is None else as_probabilities("theta", self.theta, "document")
        vocabulary = self.vocabulary
        if vocabulary is None and self.corpus is not None:
            vocabulary = self.corpus.vocabulary
        K, V = phi.shape
        if vocabulary is not None and len(vocabulary) != V:
            raise ZooError(
                f"a vocabulary of {len(vocabulary)} words for topics over {V}: give one word for each column of phi"
            )
        if theta is not None and theta.shape[1] != K:
            raise ZooError(f"theta has {theta.shape[1]} columns and phi {K} rows: both are the number of topics")
        if self.corpus is not None and self.corpus.V != V:
            raise ZooError(f"a corpus of {self.corpus.V} words for topics over {V}: give the one they were fitted to")
        if theta is not None and self.corpus is not None and len(theta) != self.corpus.N:
            raise ZooError(f"theta has {len(theta)} rows, the corpus {self.corpus.N} documents: give a row for each")
        words = None if vocabulary is None else tuple(map(str, vocabulary))
        for name, value in {"phi": phi, "theta": theta, "vocabulary": words}.items():
            object.__setattr__(self, name, value)

    @property
    def K(self) -> int:
        """The number of topics."""
        return self.phi.shape[0]

    @property
    def V(self) -> int:
        """The number of words."""
        return self.phi.shape[1]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The V words, or ``w0``, ``w1``, ... without a vocabulary."""
        return tuple(self.vocabulary or (f"w{v}" for v in range(self.V)))

    @cached_property
    def word_probabilities(self) -> np.ndarray:
        """The probability of each word in the corpus, smoothed by the prior, (V,); without a corpus, in the topics.

        Every topic has eta of each word beside its counts, so that a word that the corpus lacks is no more typical of
        one topic than of another.
        """
        if self.corpus is None:
            shares = np.full(self.K, 1 / self.K) if self.shares is None else self.shares
            weights = shares @ self.phi
        else:
            weights = np.bincount(self.corpus.words, self.corpus.counts, self.V) + self.K * self.eta
        return weights / weights.sum()

    @cached_property
    def shares(self) -> np.ndarray | None:
        """The share of all tokens that each topic has, (K,); None without theta."""
        return None if self.theta is None else self.document_weights @ self.theta

    @cached_property
    def document_weights(self) -> np.ndarray:
        """The share of all tokens that each document has, (N,): equal without a corpus."""
        lengths = np.ones(len(self.theta)) if self.corpus is None else self.corpus.lengths
        return lengths / max(lengths.sum(), 1)

    def document_titles(self, titles: Sequence[str] | None = None) -> Sequence[str] | None:
        """The titles of the documents, by default the ids of the corpus.

        Parameters
        ----------
        titles : sequence of str, optional

        Returns
        -------
        sequence of str or None

        Raises
        ------
        ZooError
            For another number of titles than documents.
        """
        N = 0 if self.theta is None else len(self.theta)
        if titles is not None and len(titles) != N:
            raise ZooError(f"{len(titles)} titles for {N} documents: give one for each")
        return self.corpus.ids if titles is None and self.corpus is not None else titles

    def __repr__(self) -> str:
        return f"Topics({self.K} topics, {self.V} words)"


TopicsLike: TypeAlias = FitRecord | Topics | ArrayLike  # a fit of a topic model, topics, or phi (K, V)


def as_probabilities(name: str, values: ArrayLike | None, row: str) -> np.ndarray:
    """An array (rows, columns) each of whose rows sums to one; raises ZooError for anything else."""
    try:
        table = np.asarray(values, float)
    except (TypeError, ValueError):
        raise ZooError(f"{name} holds something other than numbers: give an array with a row for each {row}") from None
    if table.ndim != 2 or not table.size:
        raise ZooError(f"{name} is a table with a row for each {row}; given shape {table.shape}")
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise ZooError(f"{name} has entries that are negative or not finite: give probabilities")
    error = np.abs(table.sum(1) - 1)
    if error.max() > SUM_TOLERANCE:
        worst = int(error.argmax())
        total = table[worst].sum()
        raise ZooError(f"row {worst} of {name} sums to {total:.4g}, not to one: divide counts by the sum of their row")
    return table
