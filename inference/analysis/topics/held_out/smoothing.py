"""Counts of words by topic made into topics, in the same way for everyone."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.data.tables import as_numbers
from zoo.errors import ZooError

CLOSE = 1e-3  # peers keep counts in 32 bits


def smoothed(counts: Any, eta: float, words: Any = None, V: int | None = None, totals: Any = None) -> np.ndarray:
    """The posterior mean of topics given the words assigned to each: (n_kw + eta) / (n_k + V eta), shape (K, V).

    counts: (K, V) tokens of each word in each topic, or what a peer keeps of them; NaN counts as 0. words: for each
    column which word of the corpus it is, where the peer left words out or keeps them in another order; V: how many
    words there are then. totals: (K,) tokens of each topic, which turn probabilities back into counts. Every word then
    has a probability above zero, and that of a word never seen is what the prior gives it. Raises ZooError.

    >>> smoothed([[3, 1], [0, 2]], eta=0.5, words=[2, 0], V=3)
    array([[0.27272727, 0.09090909, 0.63636364],
           [0.71428571, 0.14285714, 0.14285714]])
    """
    counts = np.nan_to_num(as_numbers("counts", counts), nan=0.0, posinf=np.inf)
    if counts.ndim != 2 or not counts.size or not np.isfinite(counts).all() or (counts < -CLOSE).any():
        raise ZooError(f"counts are (K, V), finite and from 0 up; given shape {counts.shape}")
    if not np.isfinite(eta) or eta <= 0:
        raise ZooError(f"eta is a number above zero; given {eta!r}")
    counts = np.maximum(counts, 0.0)
    if totals is not None:
        totals = np.asarray(totals, float)
        if totals.shape != counts.shape[:1]:
            raise ZooError(f"totals are the tokens of each of {len(counts)} topics; given shape {totals.shape}")
        counts = counts * totals[:, None]
    elif np.allclose(counts.sum(1), 1, atol=CLOSE) and not (counts == np.round(counts)).all():
        raise ZooError("these are probabilities, which do not say how much was seen: give totals, the tokens by topic")
    if words is not None:
        words, V = np.asarray(words), int(V or counts.shape[1])
        if words.shape != counts.shape[1:] or len(np.unique(words)) < len(words):
            raise ZooError(f"words are {counts.shape[1]} different ones, one for each column; given {words.shape}")
        if ((words < 0) | (words >= V)).any():
            raise ZooError(f"words are from 0 to {V - 1}; given {words.min()} to {words.max()}")
        wide = np.zeros((len(counts), V))
        wide[:, words] = counts
        counts = wide
    return (counts + eta) / (counts.sum(1, keepdims=True) + counts.shape[1] * eta)
