"""Arrays of a corpus as compiled loops read them."""

from __future__ import annotations

import numpy as np

from zoo.data.corpus import Corpus


def corpus_arrays(corpus: Corpus) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """indptr, words and counts as plain read-only arrays, for which loops are compiled once; nothing is copied."""

    def read_only(values: np.ndarray) -> np.ndarray:
        view = np.asarray(values).view()
        view.flags.writeable = False
        return view

    return read_only(corpus.indptr), read_only(corpus.words), read_only(corpus.counts)
