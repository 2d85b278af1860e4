"""The M-step: expected counts of each word in each topic, summed word by word in the order of the documents."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from inference.engines.em.latent_dirichlet import kernels
from inference.engines.em.latent_dirichlet.documents import Expected, arrays
from inference.engines.em.latent_dirichlet.threads import Threads
from inference.engines.em.latent_dirichlet.topics import Topics
from zoo.data.corpus import Corpus


class ByWord(NamedTuple):
    """A corpus by word: entries of word v are at ``starts[v]`` to ``starts[v + 1]`` of place and document."""

    starts: np.ndarray
    place: np.ndarray
    document: np.ndarray


def by_word(corpus: Corpus) -> ByWord:
    indptr, words, _ = arrays(corpus)
    starts = np.concatenate([[0], np.cumsum(np.bincount(words, minlength=corpus.V))])
    place, document = np.empty(len(words), np.int64), np.empty(len(words), np.int32)
    kernels.transposed(words, indptr, starts, place, document)
    return ByWord(starts, place, document)


def counted(corpus: Corpus, words: ByWord, found: Expected, topics: Topics, threads: Threads) -> np.ndarray:
    """The expected counts (V, K) of an E-step, float64."""
    counts = np.zeros_like(topics.log_phi)

    def loop(first: int, last: int) -> None:
        kernels.by_word(*words, topics.B, found.t, found.ratio, first, last, counts)

    threads.over(words.starts, loop)
    for d, q in found.apart.items():
        counts[corpus.words[corpus.indptr[d] : corpus.indptr[d + 1]]] += q
    return counts
