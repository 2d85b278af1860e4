"""Tables of topics: the words of each, and its share of the corpus, with 94% intervals of draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.topics.extraction import extract_topics
from inference.analysis.topics.record import Topics, TopicsLike
from inference.summaries.table import INTERVAL_PERCENTILES
from zoo import ZooError

if TYPE_CHECKING:
    import pandas as pd

LOW, HIGH = (f"eti_{percent}%" for percent in INTERVAL_PERCENTILES)


def top_words(fit: TopicsLike, top: int = 10, relevance: float | None = None) -> pd.DataFrame:
    """The first words of each topic.

    Parameters
    ----------
    fit : Fit, Topics or array, (K, V)
        A fit of a topic model, or topics of any origin.
    top : int, default 10
        Number of words of each topic.
    relevance : float, optional
        None to order words by weight; or a number lambda from 0 to 1, to order them by lambda log weight +
        (1 - lambda) log lift, in nats. 0 orders by lift; Sievert and Shirley find 0.6 the easiest to interpret.

    Returns
    -------
    pandas.DataFrame
        A row for each word: ``topic``, ``rank``, ``word``, ``weight`` (its probability in the topic), ``lift`` (that
        over its probability in the corpus), ``relevance`` where it orders the words, and with draws the interval of
        the weight, ``eti_3%`` and ``eti_97%``.

    Raises
    ------
    ZooError
        For a fit without topics, and for ``top`` or ``relevance`` out of range.

    References
    ----------
    Sievert, C. and Shirley, K. (2014). LDAvis: a method for visualizing and interpreting topics. Workshop on
    Interactive Language Learning, Visualization, and Interfaces.

    Examples
    --------
    >>> table = top_words(Topics([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]], ["law", "court", "rain"]), top=2)
    >>> table[["topic", "rank", "word", "weight", "lift"]].values.tolist()[:2]
    [[0, 1, 'law', 0.5, 2.0], [0, 2, 'court', 0.25, 2.0]]
    """
    import pandas as pd

    topics = extract_topics(fit)
    order = word_order(topics, top, relevance)
    rows = np.arange(topics.K)[:, None]
    weight = topics.phi[rows, order]
    columns = {
        "topic": np.repeat(np.arange(topics.K), top),
        "rank": np.tile(np.arange(1, top + 1), topics.K),
        "word": np.array(topics.words, dtype=object)[order],
        "weight": weight,
        "lift": lift(topics)[rows, order],
    }
    if relevance is not None:
        columns["relevance"] = relevances(topics, relevance)[rows, order]
    if topics.phi_draws is not None:
        columns[LOW], columns[HIGH] = np.percentile(topics.phi_draws[:, rows, order], INTERVAL_PERCENTILES, axis=0)
    return pd.DataFrame({name: np.ravel(values) for name, values in columns.items()})


def topic_sizes(fit: TopicsLike) -> pd.DataFrame:
    """The share of each topic in all tokens, and the number of documents of which it is the first topic.

    Parameters
    ----------
    fit : Fit or Topics
        With topic proportions of the documents.

    Returns
    -------
    pandas.DataFrame
        A row for each topic: ``share``, the mean of the proportions weighted by the tokens of documents;
        ``first_in``; and with draws the interval of the share, ``eti_3%`` and ``eti_97%``.

    Raises
    ------
    ZooError
        For topics without proportions.
    """
    import pandas as pd

    topics = extract_topics(fit)
    if topics.theta is None:
        raise ZooError("topics without documents have no sizes: give Topics(phi, theta=..., corpus=...)")
    first = np.bincount(topics.theta.argmax(1), topics.document_weights > 0, minlength=topics.K).astype(int)
    columns = {"share": topics.shares}
    if topics.theta_draws is not None:
        shares = topics.document_weights @ topics.theta_draws
        columns[LOW], columns[HIGH] = np.percentile(shares, INTERVAL_PERCENTILES, axis=0)
    return pd.DataFrame({**columns, "first_in": first}, index=pd.RangeIndex(topics.K, name="topic"))


def overview(fit: TopicsLike, top: int = 8) -> pd.DataFrame:
    """A row for each topic, the largest first: the columns of ``topic_sizes`` where it applies, and the first words.

    Parameters
    ----------
    fit : Fit, Topics or array, (K, V)
    top : int, default 8
        Number of words of each topic.

    Returns
    -------
    pandas.DataFrame
    """
    import pandas as pd

    topics = extract_topics(fit)
    index = pd.RangeIndex(topics.K, name="topic")
    words = pd.DataFrame({"words": [" ".join(row) for row in first_words(topics, top)]}, index=index)
    if topics.theta is None:
        return words
    return topic_sizes(topics).join(words).sort_values("share", ascending=False, kind="stable")


def word_order(topics: Topics, top: int, relevance: float | None = None) -> np.ndarray:
    """The numbers of the first words of each topic, (K, top); of equal ones the earlier in the vocabulary is first."""
    if not 1 <= top <= topics.V:
        raise ZooError(f"top={top} words of a vocabulary of {topics.V}: give a number from 1 to {topics.V}")
    values = topics.phi if relevance is None else relevances(topics, relevance)
    return np.argsort(-values, axis=1, kind="stable")[:, :top]


def relevances(topics: Topics, weight: float) -> np.ndarray:
    """lambda log phi + (1 - lambda) log(phi / p) of each word, (K, V) in nats; -inf of a word that a topic lacks."""
    if not 0 <= weight <= 1:
        raise ZooError(f"relevance={weight} is not a weight: give a number from 0, by lift, to 1, by probability")
    with np.errstate(divide="ignore"):
        # the relevance of a word that neither topics nor corpus have is -inf
        return np.log(topics.phi) - (1 - weight) * np.log(_positive_word_probabilities(topics))


def lift(topics: Topics) -> np.ndarray:
    """phi over the probability of each word in the corpus, (K, V)."""
    return topics.phi / _positive_word_probabilities(topics)


def _positive_word_probabilities(topics: Topics) -> np.ndarray:
    return np.where(topics.word_probabilities > 0, topics.word_probabilities, 1.0)


def first_words(topics: Topics, top: int) -> list[list[str]]:
    """The first words of each topic by weight."""
    return [[topics.words[v] for v in row] for row in word_order(topics, min(top, topics.V))]
