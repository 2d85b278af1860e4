"""The words of each topic, and how much of the corpus a topic has, as tables; of draws with their 94% intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inference.analysis.topics.parts import Topics, topics_of
from inference.summaries.table import INTERVAL_PERCENTILES
from zoo import ZooError

if TYPE_CHECKING:
    import pandas as pd

LOW, HIGH = (f"eti_{percent}%" for percent in INTERVAL_PERCENTILES)


def top_words(fit: Any, top: int = 10, relevance: float | None = None) -> pd.DataFrame:
    """A row for each of the first ``top`` words of each topic: topic, rank, word, weight, lift.

    fit: of a topic model, ``Topics``, or an array phi (K, V). weight: the word's probability in the topic; lift: that
    over its probability in the corpus. relevance: None for the order by weight, or a number lambda from 0 to 1 for that
    by lambda log weight + (1 - lambda) log lift, in nats and a column of its own (Sievert and Shirley 2014, who find
    0.6 the easiest to read); 0 is the order by lift. Of draws ``eti_3%`` and ``eti_97%`` hold the weight. Raises
    ZooError for a fit without topics, and for a ``top`` or a lambda that cannot be.

    >>> table = top_words(Topics([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]], ["law", "court", "rain"]), top=2)
    >>> table[["topic", "rank", "word", "weight", "lift"]].values.tolist()[:2]
    [[0, 1, 'law', 0.5, 2.0], [0, 2, 'court', 0.25, 2.0]]
    """
    import pandas as pd

    of = topics_of(fit)
    order = ordered(of, top, relevance)
    rows = np.arange(of.K)[:, None]
    weight = of.phi[rows, order]
    columns = {
        "topic": np.repeat(np.arange(of.K), top),
        "rank": np.tile(np.arange(1, top + 1), of.K),
        "word": np.array(of.words, dtype=object)[order],
        "weight": weight,
        "lift": lift(of)[rows, order],
    }
    if relevance is not None:
        columns["relevance"] = relevances(of, relevance)[rows, order]
    if of.phi_draws is not None:
        columns[LOW], columns[HIGH] = np.percentile(of.phi_draws[:, rows, order], INTERVAL_PERCENTILES, axis=0)
    return pd.DataFrame({name: np.ravel(values) for name, values in columns.items()})


def topic_sizes(fit: Any) -> pd.DataFrame:
    """A row for each topic: its share of all tokens, and how many documents it is the first topic of.

    The share is the mean of the documents' mixtures, each counted by its tokens. Of draws of them ``eti_3%`` and
    ``eti_97%`` hold the share. Raises ZooError where the documents' mixtures are not known.
    """
    import pandas as pd

    of = topics_of(fit)
    if of.theta is None:
        raise ZooError("topics without documents have no sizes: give Topics(phi, theta=..., corpus=...)")
    first = np.bincount(of.theta.argmax(1), of.weights > 0, minlength=of.K).astype(int)
    columns = {"share": of.shares}
    if of.theta_draws is not None:
        columns[LOW], columns[HIGH] = np.percentile(of.weights @ of.theta_draws, INTERVAL_PERCENTILES, axis=0)
    return pd.DataFrame({**columns, "first_in": first}, index=pd.RangeIndex(of.K, name="topic"))


def overview(fit: Any, top: int = 8) -> pd.DataFrame:
    """A row for each topic, the largest first: what ``topic_sizes`` tells where it can, and the first words."""
    import pandas as pd

    of = topics_of(fit)
    words = pd.DataFrame({"words": [" ".join(row) for row in labels(of, top)]}, index=pd.RangeIndex(of.K, name="topic"))
    if of.theta is None:
        return words
    return topic_sizes(of).join(words).sort_values("share", ascending=False, kind="stable")


def ordered(of: Topics, top: int, relevance: float | None = None) -> np.ndarray:
    """The words of each topic, first to last, (K, top); of equals the earlier in the vocabulary comes first."""
    if not 1 <= top <= of.V:
        raise ZooError(f"top={top} words of a vocabulary of {of.V}: take from 1 to {of.V}")
    values = of.phi if relevance is None else relevances(of, relevance)
    return np.argsort(-values, axis=1, kind="stable")[:, :top]


def relevances(of: Topics, weight: float) -> np.ndarray:
    """lambda log phi + (1 - lambda) log(phi / p) of each word, (K, V) in nats; -inf of a word that a topic lacks."""
    if not 0 <= weight <= 1:
        raise ZooError(f"relevance={weight} is no weight: take a number from 0, by lift, to 1, by probability")
    with np.errstate(divide="ignore"):
        # a word that neither topics nor corpus have is of no relevance to any
        return np.log(of.phi) - (1 - weight) * np.log(np.where(of.word_law > 0, of.word_law, 1.0))


def lift(of: Topics) -> np.ndarray:
    """phi over the probability of each word in the corpus, (K, V)."""
    return of.phi / np.where(of.word_law > 0, of.word_law, 1.0)


def labels(of: Topics, top: int) -> list[list[str]]:
    """The first words of each topic by weight."""
    return [[of.words[v] for v in row] for row in ordered(of, min(top, of.V))]
