"""Counts of topics: tables and lists that a sweep updates, and histograms from which log p(w, z) and priors follow."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from numba import njit
from scipy.special import digamma, gammaln

from inference.engines.gibbs.latent_dirichlet import sweeps
from inference.engines.gibbs.latent_dirichlet.layout import TokenLayout
from inference.engines.gibbs.latent_dirichlet.vectors import padded_size

LARGEST_BINCOUNT = 1 << 20  # counts up to here are tallied by ``bincount``
FIXED_POINT_STEPS = 20
LEAST_CONCENTRATION = 1e-5  # an unused topic would reach alpha 0, from which it could not return

Block: TypeAlias = tuple[int, int, int]  # the first document, the one after the last, the group of words
# totals (K,), alpha (K,), eta and the state of the random numbers; K is padded
SweepInputs: TypeAlias = tuple[np.ndarray, np.ndarray, np.float32, np.uint64]


class WordTopicCounts(Protocol):
    """The counts n_kw of topics at words, in a form that a sweep draws from and updates."""

    def sweep(self, block: Block, layout: TokenLayout, topics: np.ndarray, *rest: *SweepInputs) -> None:
        """Draw the topics of a block, and update ``topics``, the totals and the counts."""
        ...

    def positive(self) -> np.ndarray:
        """All counts above zero, in any order."""
        ...

    def add_weighted(self, weights: np.ndarray, output: np.ndarray) -> None:
        """Add n_kw * weights[k] to ``output``, (V, K)."""
        ...

    def as_array(self, K: int) -> np.ndarray:
        """The counts, (V, K)."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint needs beside the topics of the tokens."""
        ...

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a state."""
        ...


class DenseCounts:
    """A table (V, K) of counts, K padded to complete rows of lanes."""

    def __init__(self, layout: TokenLayout, topics: np.ndarray, K: int, V: int):
        self.counts = np.zeros((V, padded_size(K)), np.int32)
        _fill_table(layout.words, topics, self.counts)

    def sweep(self, block: Block, layout: TokenLayout, topics: np.ndarray, *rest: *SweepInputs) -> None:
        sweeps.sweep_table(*block, layout.ends, layout.words, topics, self.counts, *rest)

    def positive(self) -> np.ndarray:
        return self.counts[self.counts > 0]

    def add_weighted(self, weights: np.ndarray, output: np.ndarray) -> None:
        output += self.counts[:, : output.shape[1]] * weights[: output.shape[1]]

    def as_array(self, K: int) -> np.ndarray:
        return self.counts[:, :K]

    def state(self) -> dict[str, np.ndarray]:
        return {}  # the topics of the tokens determine the table

    def restore(self, state: dict[str, np.ndarray]) -> None:
        pass


class SparseCounts:
    """For each word v its topics entries[begins[v] : begins[v] + sizes[v]], in any order, and their counts."""

    def __init__(self, layout: TokenLayout, topics: np.ndarray, K: int, V: int):
        frequency = np.bincount(layout.words, minlength=V)
        capacity = np.minimum(K, frequency + 1)  # one more: a topic joins before another leaves
        self.begins = np.concatenate([[0], np.cumsum(capacity)[:-1]])
        self.sizes = np.zeros(V, np.int64)
        self.entries, self.counts = np.zeros((2, int(capacity.sum())), np.int32)
        _fill_lists(layout.words, topics, self.begins, self.sizes, self.entries, self.counts)

    def sweep(self, block: Block, layout: TokenLayout, topics: np.ndarray, *rest: *SweepInputs) -> None:
        lists = self.begins, self.sizes, self.entries, self.counts
        sweeps.sweep_lists(*block, layout.ends, layout.words, topics, *lists, *rest)

    def positive(self) -> np.ndarray:
        return self.counts[self.counts > 0]

    def add_weighted(self, weights: np.ndarray, output: np.ndarray) -> None:
        _add_weighted_lists(self.begins, self.sizes, self.entries, self.counts, weights, output)

    def as_array(self, K: int) -> np.ndarray:
        counts = np.zeros((len(self.sizes), K))
        self.add_weighted(np.ones(K), counts)
        return counts

    def state(self) -> dict[str, np.ndarray]:
        # draws depend on the order of the topics in a list; names as in checkpoints of version 0.1
        return {"held": self.sizes, "of": self.entries, "counts": self.counts}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.sizes, self.entries, self.counts = (np.ascontiguousarray(state[n]) for n in ("held", "of", "counts"))


METHODS: dict[str, type[DenseCounts] | type[SparseCounts]] = {"dense": DenseCounts, "sparse": SparseCounts}


@njit(cache=True, nogil=True)
def _fill_table(words, topics, counts):
    for i in range(len(words)):
        counts[words[i], topics[i]] += 1


@njit(cache=True, nogil=True)
def _fill_lists(words, topics, begins, sizes, entries, counts):
    for i in range(len(words)):
        begin, length = begins[words[i]], sizes[words[i]]
        place = begin
        while place < begin + length and entries[place] != topics[i]:
            place += 1
        if place == begin + length:
            entries[place] = topics[i]
            sizes[words[i]] += 1
        counts[place] += 1


@njit(cache=True, nogil=True)
def _add_weighted_lists(begins, sizes, entries, counts, weights, output):
    for v in range(len(sizes)):
        for place in range(begins[v], begins[v] + sizes[v]):
            output[v, entries[place]] += counts[place] * weights[entries[place]]


@njit(cache=True, nogil=True)
def count_documents(ends, topics, histogram, sums):
    """Add to histogram[k, c] the number of documents with c > 0 tokens of topic k, and those c to ``sums``, (N, K)."""
    document_counts = np.zeros(len(histogram), np.int64)
    add = len(sums) > 0
    for n in range(len(ends)):
        document_counts[:] = 0
        for i in range(ends[n, 0], ends[n, -1]):
            document_counts[topics[i]] += 1
        for k in range(len(document_counts)):
            if document_counts[k]:
                histogram[k, document_counts[k]] += 1
                if add:
                    sums[n, k] += document_counts[k]


class Histogram(NamedTuple):
    """Positive whole numbers, ``sizes``, and how often each occurs, ``times``."""

    sizes: np.ndarray
    times: np.ndarray

    @classmethod
    def from_values(cls, values: np.ndarray) -> Histogram:
        """The histogram of values from 0 up; zeros are left out.

        >>> Histogram.from_values(np.array([3, 0, 1, 3]))
        Histogram(sizes=array([1, 3]), times=array([1, 2]))
        """
        values = values[values > 0]
        if values.max(initial=0) > LARGEST_BINCOUNT:
            return cls(*np.unique(values, return_counts=True))
        times = np.bincount(values)
        sizes = np.flatnonzero(times)
        return cls(sizes, times[sizes])

    def log_rising(self, a: float) -> float:
        """The sum of log Gamma(n + a) - log Gamma(a) over the values n."""
        return float(self.times @ (gammaln(self.sizes + a) - gammaln(a)))

    def slope(self, a: float) -> float:
        """The derivative of ``log_rising``: the sum of digamma(n + a) - digamma(a)."""
        return float(self.times @ (digamma(self.sizes + a) - digamma(a)))


class CountHistograms(NamedTuple):
    """Histograms of the counts of one state of a chain.

    lengths: of the documents. by_topic: for each topic its counts in documents. words: the counts of topics at words,
    all together. totals: (K,), the tokens of each topic.
    """

    lengths: Histogram
    by_topic: list[Histogram]
    words: Histogram
    totals: np.ndarray

    def log_joint(self, alpha: np.ndarray, eta: float, V: int) -> float:
        """log p(w, z | alpha, eta) in nats (Griffiths and Steyvers 2004, equations 2 and 3). alpha: (K,)."""
        documents = sum(counts.log_rising(a) for counts, a in zip(self.by_topic, alpha, strict=True))
        topics = (gammaln(self.totals + V * eta) - gammaln(V * eta)).sum()
        return float(documents - self.lengths.log_rising(float(alpha.sum())) + self.words.log_rising(eta) - topics)

    def learn_alpha(self, alpha: np.ndarray, kind: str) -> np.ndarray:
        """alpha (K,) closer to the maximum of p(z | alpha), with K free numbers or, if "symmetric", one.

        Minka's fixed point (Minka 2000, "Estimating a Dirichlet distribution"), a few steps of it.
        """
        for _ in range(FIXED_POINT_STEPS):
            length_slope = self.lengths.slope(float(alpha.sum()))
            if not length_slope:
                return alpha  # every document is empty
            slopes = np.array([counts.slope(a) for counts, a in zip(self.by_topic, alpha, strict=True)])
            slopes = slopes if kind == "asymmetric" else np.full(len(alpha), slopes.mean())
            alpha = np.maximum(alpha * slopes / length_slope, LEAST_CONCENTRATION)
        return alpha

    def learn_eta(self, eta: float, V: int) -> float:
        """eta closer to the maximum of p(w | z, eta), by the same fixed point."""
        totals = Histogram.from_values(self.totals)
        for _ in range(FIXED_POINT_STEPS):
            total_slope = V * totals.slope(V * eta)
            if not total_slope:
                return eta
            eta = max(eta * self.words.slope(eta) / total_slope, LEAST_CONCENTRATION)
        return eta
