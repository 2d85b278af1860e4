"""Documents torn in two, token by token."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.data.corpus import Corpus

STEP, MIX1, MIX2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def split(corpus: Corpus, seed: int = 0, first: int = 0) -> tuple[Corpus, Corpus]:
    """Two corpora of the same documents: of each a random half of the tokens, the odd one in the second.

    A document's halves depend on ``seed``, on its number and on its own words alone. first: the number of the first
    document, where the corpus is a block of a larger one.

    >>> halves = split(Corpus([0, 2, 2], [0, 1], [3, 2], V=2))
    >>> [half.lengths.tolist() for half in halves]
    [[2, 0], [3, 0]]
    """
    document = np.repeat(np.arange(corpus.N), corpus.lengths)
    entry = np.repeat(np.arange(corpus.nnz), corpus.counts)
    begun = np.cumsum(corpus.lengths) - corpus.lengths
    place = np.arange(len(document)) - begun[document]
    order = np.lexsort((keys(seed, document + first, place), document))
    ahead = place < (corpus.lengths // 2)[document]
    in_first = np.bincount(entry[order[ahead]], minlength=corpus.nnz)
    return of_counts(corpus, in_first), of_counts(corpus, corpus.counts - in_first)


def keys(seed: int, document: np.ndarray, place: np.ndarray) -> np.ndarray:
    """A random number for each token of each document, by SplitMix64."""
    with np.errstate(over="ignore"):
        x = mixed(mixed(np.uint64(seed % 2**64) + STEP) + document.astype(np.uint64))
        return mixed(x + STEP * (place.astype(np.uint64) + np.uint64(1)))


def mixed(x: Any) -> Any:
    x = (x ^ (x >> np.uint64(30))) * MIX1
    x = (x ^ (x >> np.uint64(27))) * MIX2
    return x ^ (x >> np.uint64(31))


def of_counts(corpus: Corpus, counts: np.ndarray) -> Corpus:
    """The corpus with other counts, of which zeros go."""
    there = counts > 0
    ends = np.concatenate([[0], np.cumsum(there)])
    return Corpus(ends[corpus.indptr], corpus.words[there], counts[there], corpus.V, corpus.vocabulary)
