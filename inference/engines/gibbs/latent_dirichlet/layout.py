"""The corpus token by token, dealt into shards of documents and as many groups of words."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from zoo.data.corpus import Corpus

ENOUGH = 200_000  # tokens to a shard
LONG = 16  # tokens of a document to a group of words
MOST = 8  # shards, unless more are asked for


@dataclass(frozen=True)
class Layout:
    """words: of each token, renumbered so that a group has numbers that follow each other, and in order within a
    document. ends: (N, P + 1), where the words of each group begin and end in a document. documents: (P + 1,), where
    each shard of documents begins and ends. number: (V,), the new number of each word of the corpus. P is the number
    of shards.
    """

    words: np.ndarray
    ends: np.ndarray
    documents: np.ndarray
    number: np.ndarray

    @property
    def P(self) -> int:
        return len(self.documents) - 1

    @property
    def N(self) -> int:
        return len(self.ends)


def fitting_shards(corpus: Corpus) -> int:
    """How many shards a corpus is large enough for: a power of two, by its tokens and the length of its documents."""
    most = min(corpus.total / ENOUGH, corpus.total / (LONG * max(1, corpus.N)), MOST)
    return 2 ** max(0, int(np.log2(max(most, 1))))


def laid_out(corpus: Corpus, shards: int | None) -> Layout:
    """Deal documents in their order, and words by how frequent they are, so that all shards have as many tokens."""
    P = min(shards or fitting_shards(corpus), max(1, corpus.N), corpus.V)
    frequency = np.bincount(corpus.words, corpus.counts, minlength=corpus.V)
    group = dealt(frequency, P)
    order = np.lexsort((-frequency, group))  # frequent words side by side: their counts stay in the cache
    number = np.empty(corpus.V, np.int32)
    number[order] = np.arange(corpus.V)
    starts = np.searchsorted(group[order], np.arange(P + 1))
    document = np.repeat(np.arange(corpus.N), np.diff(corpus.indptr))
    words = number[corpus.words]
    entries = np.lexsort((words, document))
    places = np.searchsorted((document * corpus.V + words)[entries], np.arange(corpus.N)[:, None] * corpus.V + starts)
    ends = np.concatenate([[0], np.cumsum(corpus.counts[entries], dtype=np.int64)])[places]
    words = np.repeat(words[entries], corpus.counts[entries])
    documents = np.searchsorted(ends[:, 0], np.linspace(0, len(words), P + 1))
    documents[-1] = corpus.N
    return Layout(words, ends, documents, number)


def dealt(frequency: np.ndarray, P: int) -> np.ndarray:
    """A group from 0 to P - 1 for each word, (V,): the most frequent first, each to the group with the fewest tokens.

    >>> dealt(np.array([5, 3, 3, 1]), 2)
    array([0, 1, 1, 0])
    """
    group = np.zeros(len(frequency), int)
    loads = [(0.0, 0, p) for p in range(P)]
    for word in np.argsort(-frequency, kind="stable") if P > 1 else ():
        load, size, p = loads[0]
        group[word] = p
        heapq.heapreplace(loads, (load + float(frequency[word]), size + 1, p))
    return group
