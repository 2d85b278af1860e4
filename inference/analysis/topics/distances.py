"""Similarity of topics, within a fit and between two, whose topics are in no common order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from inference.analysis.topics.extraction import extract_topics
from inference.analysis.topics.record import Topics, TopicsLike
from inference.analysis.topics.tables import first_words
from zoo import ZooError
from zoo.errors import unknown

if TYPE_CHECKING:
    import pandas as pd

WORDS = 5  # of each topic, in a table of pairs


def similarity(fit: TopicsLike, other: TopicsLike | None = None, measure: str = "jensen_shannon") -> pd.DataFrame:
    """Similarity of each topic of a fit to each of another, or of its own, from 0 (no common word) to 1.

    Parameters
    ----------
    fit, other : Fit, Topics or array, (K, V)
        Fits of topic models, or topics of any origin; ``other`` is ``fit`` by default.
    measure : {"jensen_shannon", "hellinger", "cosine"}
        The first two are one less the distance, which is a metric; the Jensen-Shannon distance is the root of the
        divergence in bits.

    Returns
    -------
    pandas.DataFrame, (K, K')

    Raises
    ------
    ZooError
        For an unknown measure, and for topics over different words.

    References
    ----------
    Endres, D. M. and Schindelin, J. E. (2003). A new metric for probability distributions. IEEE Transactions on
    Information Theory 49.

    Examples
    --------
    >>> similarity([[1.0, 0.0], [0.0, 1.0]]).to_numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    import pandas as pd

    a = extract_topics(fit, draws=False)
    b = a if other is None else extract_topics(other, draws=False)
    check_words(a, b)
    return pd.DataFrame(
        1 - distances(a.phi, b.phi, measure),
        index=pd.RangeIndex(a.K, name="topic"),
        columns=pd.RangeIndex(b.K, name="topic" if other is None else "other"),
    )


def matched(fit: TopicsLike, other: TopicsLike, measure: str = "jensen_shannon") -> pd.DataFrame:
    """The topics of two fits in pairs, chosen so that the sum of their similarities is greatest.

    The mean of ``similarity`` measures how stable topics are from seed to seed, or how far two engines agree. Pairs are
    found by the Hungarian algorithm.

    Parameters
    ----------
    fit, other : Fit, Topics or array, (K, V)
    measure : {"jensen_shannon", "hellinger", "cosine"}

    Returns
    -------
    pandas.DataFrame
        A row for each topic of the first: ``topic``, the ``other`` in its pair, their ``similarity``, and the first
        ``words`` and ``other_words``. Where one fit has more topics, those without a partner (NaN) are last.

    Raises
    ------
    ZooError
        As ``similarity``.
    """
    import pandas as pd

    a, b = extract_topics(fit, draws=False), extract_topics(other, draws=False)
    similarities = similarity(a, b, measure).to_numpy()
    left, right = linear_sum_assignment(-similarities)
    alone, unpaired = np.setdiff1d(np.arange(a.K), left), np.setdiff1d(np.arange(b.K), right)
    missing = [pd.NA]
    first = [*left, *alone, *missing * len(unpaired)]
    second = [*right, *missing * len(alone), *unpaired]
    words, other_words = ([" ".join(row) for row in first_words(topics, WORDS)] for topics in (a, b))
    return pd.DataFrame(
        {
            "topic": pd.array(first, dtype="Int64"),
            "other": pd.array(second, dtype="Int64"),
            "similarity": [*similarities[left, right], *[np.nan] * (len(alone) + len(unpaired))],
            "words": ["" if k is pd.NA else words[k] for k in first],
            "other_words": ["" if k is pd.NA else other_words[k] for k in second],
        }
    )


def distances(p: np.ndarray, q: np.ndarray, measure: str = "jensen_shannon") -> np.ndarray:
    """The distance of each row of p (K, V) from each of q (K', V), from 0 to 1.

    >>> distances(np.array([[0.5, 0.5, 0.0]]), np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])).tolist()
    [[0.0, 1.0]]
    """
    if measure not in MEASURES:
        raise unknown("measure", measure, MEASURES)
    return MEASURES[measure](p, q)


def jensen_shannon_distance(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The root of the Jensen-Shannon divergence in bits."""
    p_entropies, q_entropies = entropy_bits(p), entropy_bits(q)
    divergence = [
        entropy_bits((row + q) / 2) - (row_entropy + q_entropies) / 2
        for row, row_entropy in zip(p, p_entropies, strict=True)
    ]
    return np.sqrt(np.clip(divergence, 0, 1))


def entropy_bits(p: np.ndarray) -> np.ndarray:
    """The entropy over the last dimension, in bits."""
    return -(p * np.log2(np.maximum(p, np.finfo(float).tiny))).sum(-1)


def hellinger_distance(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The Hellinger distance."""
    return np.sqrt(np.clip(1 - np.sqrt(p) @ np.sqrt(q).T, 0, 1))


def cosine_distance(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """One less the cosine."""
    p, q = (rows / np.sqrt(np.square(rows).sum(1, keepdims=True)) for rows in (p, q))
    return np.clip(1 - p @ q.T, 0, 1)


MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "jensen_shannon": jensen_shannon_distance,
    "hellinger": hellinger_distance,
    "cosine": cosine_distance,
}


def check_words(a: Topics, b: Topics) -> None:
    """Raise ZooError where the columns of two tables of topics are different words."""
    if a.V != b.V:
        raise ZooError(f"topics over {a.V} words and over {b.V}: fit both to corpora of one vocabulary")
    if a.vocabulary is None or b.vocabulary is None:
        return
    different = next((v for v, pair in enumerate(zip(a.words, b.words, strict=True)) if pair[0] != pair[1]), None)
    if different is not None:
        pair = f"{a.words[different]!r} and {b.words[different]!r}"
        raise ZooError(
            f"column {different} of the topics is {pair}: fit both to corpora of one vocabulary, in one order"
        )
