"""How alike topics are: within a fit, and between two, whose topics come in no common order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.analysis.topics.parts import Topics, topics_of
from inference.analysis.topics.words import labels
from zoo import ZooError
from zoo.errors import unknown

if TYPE_CHECKING:
    import pandas as pd

WORDS = 5  # of each topic, in a table of pairs


def similarity(fit: Any, other: Any = None, measure: str = "jensen_shannon") -> pd.DataFrame:
    """How alike each topic of a fit is to each of another, or of its own: (K, K'), from 0, no word shared, to 1.

    measure: "jensen_shannon" or "hellinger", one less the distance, which is a metric (that of Jensen and Shannon is
    the root of the divergence in bits: Endres and Schindelin 2003); or "cosine". fit, other: of a topic model,
    ``Topics``, or arrays phi (K, V). Raises ZooError for an unknown measure and for other words.
    """
    import pandas as pd

    a = topics_of(fit, draws=False)
    b = a if other is None else topics_of(other, draws=False)
    check_words(a, b)
    return pd.DataFrame(
        1 - distances(a.phi, b.phi, measure),
        index=pd.RangeIndex(a.K, name="topic"),
        columns=pd.RangeIndex(b.K, name="topic" if other is None else "other"),
    )


def matched(fit: Any, other: Any, measure: str = "jensen_shannon") -> pd.DataFrame:
    """The topics of two fits side by side, the pairs chosen so that the sum of their similarities is greatest.

    A row for each topic of the first: the topic, the ``other`` it is paired with, their similarity, and the first words
    of both. Where one fit has more topics, those that are left over have no partner (NaN) and stand last. The mean of
    ``similarity`` says how stable topics are from seed to seed, or how far two engines agree. Pairs are found by the
    Hungarian algorithm. Arguments are those of ``similarity``.
    """
    import pandas as pd
    from scipy.optimize import linear_sum_assignment

    a, b = topics_of(fit, draws=False), topics_of(other, draws=False)
    alike = similarity(a, b, measure).to_numpy()
    left, right = linear_sum_assignment(-alike)
    alone, unpaired = np.setdiff1d(np.arange(a.K), left), np.setdiff1d(np.arange(b.K), right)
    nobody = [pd.NA]
    first = [*left, *alone, *nobody * len(unpaired)]
    second = [*right, *nobody * len(alone), *unpaired]
    said = [[" ".join(words) for words in labels(of, WORDS)] for of in (a, b)]
    return pd.DataFrame(
        {
            "topic": pd.array(first, dtype="Int64"),
            "other": pd.array(second, dtype="Int64"),
            "similarity": [*alike[left, right], *[np.nan] * (len(alone) + len(unpaired))],
            "words": ["" if k is pd.NA else said[0][k] for k in first],
            "other_words": ["" if k is pd.NA else said[1][k] for k in second],
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


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    own, of_others = entropy(p), entropy(q)
    divergence = [entropy((row + q) / 2) - (mine + of_others) / 2 for row, mine in zip(p, own, strict=True)]
    return np.sqrt(np.clip(divergence, 0, 1))


def entropy(p: np.ndarray) -> np.ndarray:
    """In bits, over the last dimension."""
    return -(p * np.log2(np.maximum(p, np.finfo(float).tiny))).sum(-1)


def hellinger(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.sqrt(np.clip(1 - np.sqrt(p) @ np.sqrt(q).T, 0, 1))


def cosine(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    p, q = (rows / np.sqrt(np.square(rows).sum(1, keepdims=True)) for rows in (p, q))
    return np.clip(1 - p @ q.T, 0, 1)


MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "jensen_shannon": jensen_shannon,
    "hellinger": hellinger,
    "cosine": cosine,
}


def check_words(a: Topics, b: Topics) -> None:
    """Raise ZooError where the columns of two tables of topics are of different words."""
    if a.V != b.V:
        raise ZooError(f"topics over {a.V} words and over {b.V}: fit both to corpora of one vocabulary")
    if a.vocabulary is None or b.vocabulary is None:
        return
    differs = next((v for v, pair in enumerate(zip(a.words, b.words, strict=True)) if pair[0] != pair[1]), None)
    if differs is not None:
        pair = f"{a.words[differs]!r} and {b.words[differs]!r}"
        raise ZooError(f"column {differs} of the topics is {pair}: fit both to corpora of one vocabulary, in one order")
