"""The counts of topics at words, in a table or in lists: what a sweep draws from and changes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from inference.engines.gibbs.latent_dirichlet import dense, sparse
from inference.engines.gibbs.latent_dirichlet.lanes import padded
from inference.engines.gibbs.latent_dirichlet.layout import Layout


class Dense:
    """A table (V, K) of counts, K padded to whole rows of lanes."""

    def __init__(self, layout: Layout, topics: np.ndarray, K: int, V: int):
        self.counts = np.zeros((V, padded(K)), np.int32)
        _count(layout.words, topics, self.counts)

    def sweep(self, block: tuple[int, int, int], layout: Layout, topics: Any, *rest: Any) -> None:
        """Draw the topics of a block; ``rest`` is totals, alpha, eta and the state of the random numbers."""
        dense.sweep(*block, layout.ends, layout.words, topics, self.counts, *rest)

    def positive(self) -> np.ndarray:
        """All counts above zero, in any order."""
        return self.counts[self.counts > 0]

    def add(self, shares: np.ndarray, to: np.ndarray) -> None:
        """Add n_kw * shares[k] to ``to``, (V, K)."""
        to += self.counts[:, : to.shape[1]] * shares[: to.shape[1]]

    def full(self, K: int) -> np.ndarray:
        """The counts, (V, K)."""
        return self.counts[:, :K]

    def state(self) -> dict[str, np.ndarray]:
        """What cannot be told from the topics of the tokens."""
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Nothing is lost: see ``state``."""


class Sparse:
    """For each word v its topics of[begins[v] : begins[v] + held[v]], in any order, and their counts."""

    def __init__(self, layout: Layout, topics: np.ndarray, K: int, V: int):
        frequency = np.bincount(layout.words, minlength=V)
        runtime = np.minimum(K, frequency + 1)  # one more, for a topic joins before another leaves
        self.begins = np.concatenate([[0], np.cumsum(runtime)[:-1]])
        self.held = np.zeros(V, np.int64)
        self.of, self.counts = np.zeros((2, int(runtime.sum())), np.int32)
        _list(layout.words, topics, self.begins, self.held, self.of, self.counts)

    def sweep(self, block: tuple[int, int, int], layout: Layout, topics: Any, *rest: Any) -> None:
        lists = self.begins, self.held, self.of, self.counts
        sparse.sweep(*block, layout.ends, layout.words, topics, *lists, *rest)

    def positive(self) -> np.ndarray:
        return self.counts[self.counts > 0]

    def add(self, shares: np.ndarray, to: np.ndarray) -> None:
        _add(self.begins, self.held, self.of, self.counts, shares, to)

    def full(self, K: int) -> np.ndarray:
        full = np.zeros((len(self.held), K))
        self.add(np.ones(K), full)
        return full

    def state(self) -> dict[str, np.ndarray]:
        return {"held": self.held, "of": self.of, "counts": self.counts}  # the order of topics is part of the run

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.held, self.of, self.counts = (np.ascontiguousarray(state[n]) for n in ("held", "of", "counts"))


METHODS = {"dense": Dense, "sparse": Sparse}


@njit(cache=True, nogil=True)
def _count(words: Any, topics: Any, counts: Any) -> None:
    for i in range(len(words)):
        counts[words[i], topics[i]] += 1


@njit(cache=True, nogil=True)
def _list(words: Any, topics: Any, begins: Any, held: Any, of: Any, counts: Any) -> None:
    for i in range(len(words)):
        begin, length = begins[words[i]], held[words[i]]
        place = begin
        while place < begin + length and of[place] != topics[i]:
            place += 1
        if place == begin + length:
            of[place] = topics[i]
            held[words[i]] += 1
        counts[place] += 1


@njit(cache=True, nogil=True)
def _add(begins: Any, held: Any, of: Any, counts: Any, shares: Any, to: Any) -> None:
    for v in range(len(held)):
        for place in range(begins[v], begins[v] + held[v]):
            to[v, of[place]] += counts[place] * shares[of[place]]
