"""Kernels over the documents of a corpus, by threads: what comes out does not depend on how many there are."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from zoo.data.corpus import Corpus
from zoo.errors import ZooError

TOKENS = 20_000  # of a block, about: enough to be worth a thread's while


def over_documents(corpus: Corpus, work: Callable[[int, int], Any], threads: int | None) -> None:
    """``work(begin, end)`` on blocks of documents that cover the corpus, by so many threads, or one a core."""
    ends = np.cumsum(corpus.lengths)
    cuts = np.searchsorted(ends, np.arange(TOKENS, corpus.total, TOKENS))
    cuts = np.unique([0, *cuts, corpus.N]).tolist()
    blocks = list(pairwise(cuts))
    with ThreadPoolExecutor(min(threads or os.cpu_count() or 1, len(blocks))) as pool:
        list(pool.map(lambda block: work(*block), blocks))


def arrays(corpus: Corpus) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """indptr, words and counts in memory, as the kernels take them."""
    indptr, words, counts = (np.array(a, order="C") for a in (corpus.indptr, corpus.words, corpus.counts))
    return indptr, words, counts


def check_whole(least: int, **numbers: Any) -> None:
    """Raise ZooError unless each is a whole number from ``least`` up."""
    for word, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ZooError(f"{word} is a whole number from {least} up; given {value!r}")
