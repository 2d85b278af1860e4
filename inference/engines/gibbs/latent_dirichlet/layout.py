"""The corpus token by token, divided into shards of documents and as many groups of words."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from zoo.data.corpus import Corpus

TOKENS_PER_SHARD = 200_000
TOKENS_PER_DOCUMENT_AND_GROUP = 16
MOST_SHARDS = 8  # by default


@dataclass(frozen=True)
class TokenLayout:
    """The tokens of a corpus in the order in which they are swept.

    words: of each token, renumbered so that the words of a group have consecutive numbers; sorted within a document.
    ends: (N, P + 1), where the tokens of each group begin and end in a document. documents: (P + 1,), where each shard
    of documents begins and ends. numbers: (V,), the new number of each word of the corpus. P: the number of shards.
    """

    words: np.ndarray
    ends: np.ndarray
    documents: np.ndarray
    numbers: np.ndarray

    @property
    def P(self) -> int:
        return len(self.documents) - 1

    @property
    def N(self) -> int:
        return len(self.ends)


def default_shards(corpus: Corpus) -> int:
    """Number of shards for a corpus: a power of two, by its tokens and the length of its documents."""
    by_length = corpus.total / (TOKENS_PER_DOCUMENT_AND_GROUP * max(1, corpus.N))
    most = min(corpus.total / TOKENS_PER_SHARD, by_length, MOST_SHARDS)
    return 2 ** max(0, int(np.log2(max(most, 1))))


def make_layout(corpus: Corpus, shards: int | None) -> TokenLayout:
    """Divide documents in their order, and words by frequency, so that all shards have about as many tokens."""
    P = min(shards or default_shards(corpus), max(1, corpus.N), corpus.V)
    frequency = np.bincount(corpus.words, corpus.counts, minlength=corpus.V)
    group = balanced_groups(frequency, P)
    order = np.lexsort((-frequency, group))  # frequent words side by side: their counts stay in the cache
    numbers = np.empty(corpus.V, np.int32)
    numbers[order] = np.arange(corpus.V)
    starts = np.searchsorted(group[order], np.arange(P + 1))
    document = np.repeat(np.arange(corpus.N), np.diff(corpus.indptr))
    words = numbers[corpus.words]
    entries = np.lexsort((words, document))
    places = np.searchsorted((document * corpus.V + words)[entries], np.arange(corpus.N)[:, None] * corpus.V + starts)
    ends = np.concatenate([[0], np.cumsum(corpus.counts[entries], dtype=np.int64)])[places]
    words = np.repeat(words[entries], corpus.counts[entries])
    documents = np.searchsorted(ends[:, 0], np.linspace(0, len(words), P + 1))
    documents[-1] = corpus.N
    return TokenLayout(words, ends, documents, numbers)


def balanced_groups(frequency: np.ndarray, P: int) -> np.ndarray:
    """A group from 0 to P - 1 for each word, (V,): the most frequent first, each to the group with the fewest tokens.

    >>> balanced_groups(np.array([5, 3, 3, 1]), 2)
    array([0, 1, 1, 0])
    """
    group = np.zeros(len(frequency), int)
    loads = [(0.0, 0, p) for p in range(P)]
    for word in np.argsort(-frequency, kind="stable") if P > 1 else ():
        load, size, p = loads[0]
        group[word] = p
        heapq.heapreplace(loads, (load + float(frequency[word]), size + 1, p))
    return group
