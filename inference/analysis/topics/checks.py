"""Warnings about a set of topics: redundant, unused or unspecific topics, few draws, and a run that is too short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from inference.analysis.topics.distances import distances
from inference.analysis.topics.extraction import extract_topics
from inference.analysis.topics.record import Topics, TopicsLike
from inference.record import FitRecord

SAME_TOPIC = 0.5  # Jensen-Shannon similarity from which two topics are one; those of the AP corpus stay below 0.15
UNUSED_SHARE = 0.1  # of an equal share of the tokens, below which a topic is hardly used
UNSPECIFIC = 0.5  # of the vocabulary: a topic spread evenly over as many words or more is unspecific
FEW_DRAWS = 100  # below which the ends of a 94% interval are rough
STILL_RISING = 0.01  # of the total rise of the objective, in the last quarter of the run
NOISE_ERRORS = 3  # standard errors that a rise of a noisy trace must exceed
MOST_PAIRS, MOST_NUMBERS = 5, 10  # in a sentence


def warnings(fit: TopicsLike, topics: Topics | None = None) -> list[str]:
    """Warnings about topics and the run that found them.

    Parameters
    ----------
    fit : Fit, Topics or array, (K, V)
    topics : Topics, optional
        Those of the fit, if they have been extracted already.

    Returns
    -------
    list of str
        A sentence for each problem: topics that are nearly equal, hardly used or unspecific; few draws; an objective
        that still rises.

    Examples
    --------
    >>> warnings([[0.5, 0.5, 0, 0, 0], [0.5, 0.5, 0, 0, 0]])
    ['Topics 0 and 1 have nearly the same words: K=2 may be too large, or the run too short.']
    """
    of_topics = topic_warnings(topics or extract_topics(fit, draws=False))
    return [*of_topics, *(run_warnings(fit) if isinstance(fit, FitRecord) else ())]


def topic_warnings(topics: Topics) -> Iterator[str]:
    """Warnings about the topics themselves."""
    K, V, shares = topics.K, topics.V, topics.shares
    unused = np.zeros(K, bool) if shares is None else shares < UNUSED_SHARE / K
    if shares is not None and unused.any():
        share = shares[unused].max()
        yield (
            f"{format_topics(np.flatnonzero(unused))} hardly used (at most {share:.2%} of the tokens): K={K} may be "
            "too large."
        )
    unspecific = ~unused & (effective_words(topics.phi) > UNSPECIFIC * V)
    if unspecific.any():
        yield (
            f"{format_topics(np.flatnonzero(unspecific))} spread over more than half of the {V} words, which is about "
            "nothing in particular: run longer, or give a smaller eta."
        )
    similarities = 1 - distances(topics.phi, topics.phi)
    similarities[unused | unspecific] = similarities[:, unused | unspecific] = 0.0  # already reported
    pairs = np.argwhere(np.triu(similarities, 1) > SAME_TOPIC)
    if len(pairs):
        names = ", ".join(f"{i} and {j}" for i, j in pairs[:MOST_PAIRS])
        more = f" and {len(pairs) - MOST_PAIRS} more pairs" if len(pairs) > MOST_PAIRS else ""
        yield f"Topics {names}{more} have nearly the same words: K={K} may be too large, or the run too short."


def run_warnings(fit: FitRecord) -> Iterator[str]:
    """Warnings about the run."""
    if "phi" in fit.draws and (count := int(np.prod(fit.draws["phi"].shape[:2]))) < FEW_DRAWS:
        yield f"Intervals are of {count} draws, and rough below {FEW_DRAWS}: keep more draws."
    trace = np.asarray(fit.trace, float)
    rise, total = recent_rise(trace[np.isfinite(trace)])  # steps that were skipped are NaN
    if rise > STILL_RISING * total:
        part = f"{rise / total:.0%} of its total rise"
        yield f"The objective rose by {rise:.4g} nats over the last quarter of the run, {part}: run longer."


def recent_rise(trace: np.ndarray) -> tuple[float, float]:
    """How far a trace rose over its last quarter, in nats, and in all; (0, 1) for a rise within the noise.

    The rise is that of the least-squares line through the quarter. The standard error of its slope allows for
    residuals that are correlated from one step to the next.

    >>> recent_rise(np.arange(9.0)), recent_rise(np.array([0.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0]))[0]
    ((2.0, 8.0), 0.0)
    """
    trace = trace[np.isfinite(trace)]
    last = trace[-(len(trace) // 4 + 1) :]
    if len(last) < 3:
        return 0.0, 1.0
    steps = np.arange(len(last)) - (len(last) - 1) / 2
    slope = float(steps @ last / (steps @ steps))
    residuals = last - last.mean() - slope * steps
    variance = float(residuals @ residuals) / max(len(last) - 2, 1)
    correlation = float(np.clip(residuals[1:] @ residuals[:-1] / max(float(residuals @ residuals), 1e-300), 0, 0.99))
    error = np.sqrt(variance * (1 + correlation) / (1 - correlation) / (steps @ steps))
    rise = slope * (len(last) - 1)
    return (rise, float(last[-1] - trace[0])) if slope > NOISE_ERRORS * error else (0.0, 1.0)


def effective_words(phi: np.ndarray) -> np.ndarray:
    """exp of the entropy of each topic, (K,): the number of words of a uniform distribution with that entropy."""
    return np.exp(-(phi * np.log(np.maximum(phi, np.finfo(float).tiny))).sum(1))


def format_topics(numbers: Sequence[int] | np.ndarray) -> str:
    """Topics by number, as the subject of a sentence.

    >>> format_topics([3]), format_topics([1, 2])
    ('Topic 3 is', 'Topics 1, 2 are')
    """
    more = f" and {len(numbers) - MOST_NUMBERS} more" if len(numbers) > MOST_NUMBERS else ""
    names = ", ".join(map(str, numbers[:MOST_NUMBERS])) + more
    return f"Topic {names} is" if len(numbers) == 1 else f"Topics {names} are"
