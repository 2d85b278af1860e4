"""Which topics documents are of."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.analysis.topics.held_out import mixing
from inference.analysis.topics.held_out.encoding import is_encoded, thetas
from inference.analysis.topics.held_out.law import documents, law_of, words_of
from inference.analysis.topics.held_out.running import check_whole
from zoo.errors import ZooError


def mixtures(
    fit: Any, data: Any = None, *, alpha: Any = None, sweeps: int = 200, seed: int = 0, threads: int | None = None
) -> np.ndarray:
    """The proportions of the topics in documents, new ones or those of the fit: (N, K), rows sum to one.

    They are the posterior mean of theta given the document, phi and alpha, by four chains of collapsed Gibbs sampling,
    each of ``sweeps``; an empty document has the mean of the prior. Of ``prod_lda`` they are the mean of softmax(z)
    under the encoder's normal, by draws. fit: or topics of any origin, as ``perplexity`` takes them. Words that the
    vocabulary of the fit does not have are left out, and a warning counts them.
    Raises ZooError for documents in other words.
    """
    check_whole(1, sweeps=sweeps, threads=1 if threads is None else threads)
    check_whole(0, seed=seed)
    if data is None:
        if not hasattr(fit, "data"):
            raise ZooError("topics alone have no documents of their own: give some")
        data = next(iter(fit.data.values()))
    if is_encoded(fit):
        corpus = documents(data, fit.keywords["V"], words_of(fit))
        return np.mean(list(thetas(fit, corpus, seed)), axis=0)
    law = law_of(fit, alpha)
    corpus = documents(data, law.V, law.vocabulary)
    law.possible(corpus)
    return mixing.means(law, corpus, sweeps, seed, threads=threads).mean(0)
