"""Topics of tokens given the words of topics and the proportions in documents, where a run begins."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.engines.gibbs.latent_dirichlet.layout import TokenLayout

BLOCK = 1 << 22  # numbers at a time
TINY = 1e-300  # of a word that no topic has, so that its topic is any


def draw_topics(layout: TokenLayout, K: int, given: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """The topic of each token, by p(z | w, theta, phi); a latent that is not given counts as equal probabilities.

    given: phi (K, V), in the order of the corpus, and theta (N, K), or one of them.
    """
    by_word = None
    if "phi" in given:
        by_word = np.empty((len(layout.numbers), K))
        by_word[layout.numbers] = given["phi"].T
    topics = np.empty(len(layout.words), np.int64)
    for first in range(0, len(topics), max(1, BLOCK // K)):
        words = layout.words[first : first + max(1, BLOCK // K)]
        p = np.full((len(words), K), 1.0) if by_word is None else by_word[words]
        if "theta" in given:
            documents = np.searchsorted(layout.ends[:, -1], first + np.arange(len(words)), side="right")
            p = p * given["theta"][documents]
        sums = np.cumsum(p + TINY, axis=1)
        draws = (sums < rng.random((len(words), 1)) * sums[:, -1:]).sum(1)
        topics[first : first + len(words)] = np.minimum(draws, K - 1)
    return topics
