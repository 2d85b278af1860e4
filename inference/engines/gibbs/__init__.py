"""Collapsed Gibbs sampling: each discrete latent drawn anew given all others, the continuous ones integrated out.

A model joins by a folder here, whose ``sampler.py`` has ``Sampler(task)``. Compiled code of numba does the work, on the
CPU and for both backends: a draw changes a few counts, one token after another, for which neither language is made.

``latent_dirichlet`` (Griffiths and Steyvers 2004): one sweep draws the topic of each token of the corpus. Documents and
words are dealt into ``shards``; the shards of one group of documents each are swept side by side on the cores, always
on different groups of words, so that they share no count but the K totals of the topics, which are brought together
between groups (Yan, Xu and Qi 2009). With one shard this is Gibbs sampling as it stands in the book; with more, a
total may be late by what the others did meanwhile, and the draws are of a distribution that is very near the posterior.
The draws depend on the seed and the number of shards, which by default depends on the corpus alone, and never on the
number of threads.

The trace is log p(w, z | alpha, eta) in nats, in closed form, of every kept sweep and as often during warm-up.
"""

from __future__ import annotations

from inference.engines.contract import Engine
from inference.engines.gibbs.options import GibbsDiagnostics, GibbsOptions, GibbsPointDiagnostics
from zoo import Card
from zoo.hooks import find_hook


class Gibbs(Engine):
    """Collapsed Gibbs sampling, for models whose sampler is written down."""

    name = "gibbs"
    options = GibbsOptions
    diagnostics = (GibbsDiagnostics, GibbsPointDiagnostics)
    order = 40

    def refuses(self, card: Card, backend: str) -> str | None:
        """Gibbs sampling is written model by model, where the conditionals are known in closed form."""
        if find_hook(card.package, "gibbs", home=__name__):
            return None
        return "it has no sampler: a model brings one as a hook, gibbs/sampler.py beside the model"


ENGINE = Gibbs()
