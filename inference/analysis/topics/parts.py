"""What is known of topics, whoever fitted them: their words, and where it is there their documents and their draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.result import Fit
from zoo import Card, ZooError
from zoo.data.corpus import Corpus

if TYPE_CHECKING:
    from collections.abc import Mapping

ETA = 0.01  # pseudo-counts of a word in a topic, where a fit does not tell them
SUM = 1e-3  # how far the sum of probabilities may be off, as it is in 32 bits and in rounded tables


@dataclass(frozen=True, repr=False)
class Topics:
    """Topics as arrays: what ``topics_of`` reads off a fit, and what may be given for topics of any other origin.

    phi: (K, V) the probability of each word in each topic. vocabulary: the V words, those of the corpus unless given;
    without names they are ``w0``, ``w1``, ...
    theta: (N, K) the part of each topic in each document. corpus: the documents. eta: pseudo-counts of a word in a
    topic. phi_draws: (draws, K, V) and theta_draws: (draws, N, K), topics in the order of phi. Raises ZooError for
    shapes that differ and for rows that are no probabilities.

    >>> Topics([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]], vocabulary=["law", "court", "rain"])
    Topics(2 topics, 3 words)
    """

    phi: Any
    vocabulary: Sequence[str] | None = None
    theta: Any = None
    corpus: Corpus | None = None
    eta: float = ETA
    phi_draws: np.ndarray | None = None
    theta_draws: np.ndarray | None = None

    def __post_init__(self) -> None:
        phi = probabilities("phi", self.phi, "topic")
        theta = None if self.theta is None else probabilities("theta", self.theta, "document")
        given = self.vocabulary
        if given is None and self.corpus is not None:
            given = self.corpus.vocabulary
        K, V = phi.shape
        if given is not None and len(given) != V:
            raise ZooError(
                f"a vocabulary of {len(given)} words for topics over {V}: give one word for each column of phi"
            )
        if theta is not None and theta.shape[1] != K:
            raise ZooError(f"theta has {theta.shape[1]} columns and phi {K} rows: both are the number of topics")
        if self.corpus is not None and self.corpus.V != V:
            raise ZooError(f"a corpus of {self.corpus.V} words for topics over {V}: give the one they were fitted to")
        if theta is not None and self.corpus is not None and len(theta) != self.corpus.N:
            raise ZooError(f"theta is of {len(theta)} documents, the corpus has {self.corpus.N}: give a row for each")
        words = None if given is None else tuple(map(str, given))
        for name, value in {"phi": phi, "theta": theta, "vocabulary": words}.items():
            object.__setattr__(self, name, value)

    @property
    def K(self) -> int:
        return self.phi.shape[0]

    @property
    def V(self) -> int:
        return self.phi.shape[1]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The V words, or what they are called where nobody named them."""
        return tuple(self.vocabulary or (f"w{v}" for v in range(self.V)))

    @cached_property
    def word_law(self) -> np.ndarray:
        """How often each word occurs in the corpus as the prior smooths it, (V,); without a corpus, in the topics.

        Every topic has eta of each word beside what was counted, so that a word the corpus lacks is no more typical of
        one topic than of another.
        """
        if self.corpus is None:
            shares = np.full(self.K, 1 / self.K) if self.shares is None else self.shares
            law = shares @ self.phi
        else:
            law = np.bincount(self.corpus.words, self.corpus.counts, self.V) + self.K * self.eta
        return law / law.sum()

    @cached_property
    def shares(self) -> np.ndarray | None:
        """The part of all tokens that each topic has, (K,); None where the documents' mixtures are not known."""
        return None if self.theta is None else self.weights @ self.theta

    @cached_property
    def weights(self) -> np.ndarray:
        """The part of all tokens that each document has, (N,): equal without a corpus."""
        lengths = np.ones(len(self.theta)) if self.corpus is None else self.corpus.lengths
        return lengths / max(lengths.sum(), 1)

    def __repr__(self) -> str:
        return f"Topics({self.K} topics, {self.V} words)"


def probabilities(name: str, values: Any, row: str) -> np.ndarray:
    """A table (rows, columns) each of whose rows sums to one; else ZooError."""
    try:
        table = np.asarray(values, float)
    except (TypeError, ValueError):
        raise ZooError(f"{name} holds something other than numbers: give an array with a row for each {row}") from None
    if table.ndim != 2 or not table.size:
        raise ZooError(f"{name} is a table with a row for each {row}; given shape {table.shape}")
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise ZooError(f"{name} has entries that are negative or not finite: give probabilities")
    off = np.abs(table.sum(1) - 1)
    if off.max() > SUM:
        worst = int(off.argmax())
        total = table[worst].sum()
        raise ZooError(f"row {worst} of {name} sums to {total:.4g}, not to one: divide counts by the sum of their row")
    return table


def has_topics(card: Card) -> bool:
    """Whether a model has topics: it observes words, and has a parameter phi, or beta, over them."""
    return card.of_words and not {"phi", "beta"}.isdisjoint(card.parameters())


def check_topics(card: Card) -> None:
    """Raise ZooError for a model without topics."""
    if not has_topics(card):
        raise ZooError(f"{card.name} has no topics: ask this of a fit of latent_dirichlet or prod_lda")


def topics_of(fit: Any, draws: bool = True) -> Topics:
    """The topics of a fit, or of an array phi (K, V); ``Topics`` are returned as they are.

    Of ``prod_lda`` a topic is the law of words of a document that is of that topic alone, softmax(loc + beta_k).
    draws: whether draws, where there are any, are aligned and given too. Raises ZooError for a fit without topics.
    """
    if isinstance(fit, Topics):
        return fit
    if not isinstance(fit, Fit):
        return Topics(fit)
    check_topics(fit.model.card)
    corpus = next(iter(fit.data.values()))
    eta = float(np.mean(fit.keywords.get("eta", ETA)))
    phi = words_of_topics(fit)
    drawn = in_order_of(phi, fit.aligned()) if draws and "phi" in fit.draws else {}
    return Topics(phi, None, mixtures_of(fit, drawn), corpus, eta, drawn.get("phi"), drawn.get("theta"))


def words_of_topics(fit: Fit) -> np.ndarray:
    """phi (K, V) of the parameters of a fit."""
    if "phi" in fit.params:
        return fit.params["phi"]
    logits = fit.keywords["loc"] + fit.params["beta"]
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def mixtures_of(fit: Fit, drawn: Mapping[str, np.ndarray]) -> np.ndarray:
    """theta (N, K) of the documents of the fit: what the engine said, the mean of its draws, or what phi tells."""
    if "theta" in fit.state:
        return fit.state["theta"]
    if "theta" in drawn:
        return drawn["theta"].mean(0)
    from inference.analysis.topics.mixtures import mixtures

    return mixtures(fit)


def in_order_of(phi: np.ndarray, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Aligned draws of every chain, (draws, *shape), topics in the order of phi."""
    from scipy.optimize import linear_sum_assignment

    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in draws.items() if name in ("phi", "theta")}
    mean = flat["phi"].mean(0)
    order = linear_sum_assignment(-np.sqrt(phi) @ np.sqrt(mean).T)[1]
    if np.array_equal(order, np.arange(len(order))):  # as it is wherever the point is the mean of the draws
        return flat
    return {name: values[:, order] if name == "phi" else values[:, :, order] for name, values in flat.items()}
