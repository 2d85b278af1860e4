"""Collapsed Gibbs sampling: each discrete latent is drawn given all others, with the continuous ones integrated out.

A model is supported if it has a hook ``gibbs``: a folder here, or beside the model, with ``sampler.py`` that defines
``Sampler(request)``, a ``contract.CollapsedSampler``. Samplers are compiled by numba and run on the CPU for models of
both backends: a draw changes a few counts, one token after another, which compiled arrays cannot do efficiently.

``latent_dirichlet`` (Griffiths and Steyvers 2004): one sweep draws the topic of each token of the corpus. Documents and
words are divided into ``shards``; shards of different documents are swept in parallel, always on different groups of
words, so that they share no count but the K totals of the topics, which are merged between groups (Yan, Xu and Qi
2009). With one shard this is exact Gibbs sampling; with more, a total may be out of date by what the other shards did
meanwhile, and the draws are from a distribution very near the posterior. The draws depend on the seed and the number of
shards, which by default depends on the corpus alone, and never on the number of threads.

The trace is log p(w, z | alpha, eta) in nats, in closed form, at every averaged sweep and as often during warm-up.
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
