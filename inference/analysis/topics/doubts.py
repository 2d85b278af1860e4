"""What in a set of topics is not to be taken for a finding, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.analysis.topics.parts import Topics, topics_of
from inference.analysis.topics.similarity import distances
from inference.result import Fit

if TYPE_CHECKING:
    from collections.abc import Sequence

ALIKE = 0.5  # Jensen-Shannon similarity from which two topics are one; those of the AP corpus stay below 0.15
UNUSED = 0.1  # of an equal share of the tokens, below which a topic is hardly used
VAGUE = 0.5  # of the vocabulary, when a topic's words are effectively as many or more
DRAWS = 100  # below which the ends of a 94% interval are rough
RISING = 0.01  # of the whole climb, made in the last quarter: still under way
NOISE = 3  # standard errors that a rise of a trembling trace must exceed


def doubts(fit: Any, topics: Topics | None = None) -> list[str]:
    """A sentence for each thing that is amiss, none where nothing is.

    Topics that are one, hardly used, or about no word; draws too few; a trace that still rises. topics: those of the
    fit, where they have been read off it.
    """
    return [*of_topics(topics or topics_of(fit, draws=False)), *(of_fit(fit) if isinstance(fit, Fit) else ())]


def of_topics(of: Topics) -> Iterator[str]:
    """What the topics themselves tell."""
    unused = np.zeros(of.K, bool) if of.shares is None else of.shares < UNUSED / of.K
    if unused.any():
        ks = np.flatnonzero(unused)
        share = of.shares[ks].max() if of.shares is not None else 0.0
        yield f"{named(ks)} hardly used (at most {share:.2%} of the tokens): K={of.K} may be too large."
    vague = ~unused & (effective_words(of.phi) > VAGUE * of.V)
    if vague.any():
        yield (
            f"{named(np.flatnonzero(vague))} spread over more than half of the {of.V} words, which is about nothing in "
            "particular: run longer, or take a smaller eta."
        )
    alike = 1 - distances(of.phi, of.phi)
    alike[unused | vague] = alike[:, unused | vague] = 0.0  # those have been told of
    pairs = np.argwhere(np.triu(alike, 1) > ALIKE)
    if len(pairs):
        told = ", ".join(f"{i} and {j}" for i, j in pairs[:5])
        more = f" and {len(pairs) - 5} more pairs" if len(pairs) > 5 else ""
        yield f"Topics {told}{more} have nearly the same words: K={of.K} may be too large, or the run too short."


def of_fit(fit: Fit) -> Iterator[str]:
    """What the run tells."""
    if "phi" in fit.draws and (count := int(np.prod(fit.draws["phi"].shape[:2]))) < DRAWS:
        yield f"Intervals are of {count} draws, and rough below {DRAWS}: keep more draws."
    rise, climb = still_rising(np.asarray(fit.trace, float))
    if rise > RISING * climb:
        part = f"{rise / climb:.0%} of its whole climb"
        yield f"The objective rose by {rise:.4g} nats over the last quarter of the run, {part}: run longer."


def still_rising(trace: np.ndarray) -> tuple[float, float]:
    """How far a trace rose over its last quarter, in nats, and how far in all; a rise within its trembling is none.

    The rise is that of the straight line through the quarter, and its noise that of the line's slope when what is left
    around it is correlated as it is from one step to the next.

    >>> still_rising(np.arange(9.0)), still_rising(np.array([0.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0]))[0]
    ((2.0, 8.0), 0.0)
    """
    trace = trace[np.isfinite(trace)]
    last = trace[-(len(trace) // 4 + 1) :]
    if len(last) < 3:
        return 0.0, 1.0
    at = np.arange(len(last)) - (len(last) - 1) / 2
    slope = float(at @ last / (at @ at))
    left = last - last.mean() - slope * at
    variance = float(left @ left) / max(len(last) - 2, 1)
    together = float(np.clip(left[1:] @ left[:-1] / max(float(left @ left), 1e-300), 0, 0.99))
    error = np.sqrt(variance * (1 + together) / (1 - together) / (at @ at))
    rise = slope * (len(last) - 1)
    return (rise, float(last[-1] - trace[0])) if slope > NOISE * error else (0.0, 1.0)


def effective_words(phi: np.ndarray) -> np.ndarray:
    """exp of the entropy of each topic, (K,): over how many words it is as if spread evenly."""
    return np.exp(-(phi * np.log(np.maximum(phi, np.finfo(float).tiny))).sum(1))


def named(ks: Sequence[int] | np.ndarray) -> str:
    """
    >>> named([3]), named([1, 2])
    ('Topic 3 is', 'Topics 1, 2 are')
    """
    told = ", ".join(map(str, ks[:10])) + (f" and {len(ks) - 10} more" if len(ks) > 10 else "")
    return f"Topic {told} is" if len(ks) == 1 else f"Topics {told} are"
