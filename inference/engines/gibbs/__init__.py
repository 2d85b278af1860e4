"""Gibbs sampling: each latent is drawn given all others, or given the discrete ones alone (collapsed).

A model is supported if it has a hook ``gibbs``: a folder here, or beside the model, with ``sampler.py`` that defines
``Sampler(request)``, a ``contract.GibbsSampler``, and where it has options of its own with ``Options``, a subclass of
``GibbsOptions``. Samplers are compiled by numba and run on the CPU for models of both backends: a draw changes a few
counts, one token after another, which compiled arrays cannot do efficiently.

``latent_dirichlet`` (Griffiths and Steyvers 2004): one sweep draws the topic of each token of the corpus. Documents and
words are divided into ``shards``; shards of different documents are swept in parallel, always on different groups of
words, so that they share no count but the K totals of the topics, which are merged between groups (Yan, Xu and Qi
2009). With one shard this is exact Gibbs sampling; with more, a total may be out of date by what the other shards did
meanwhile, and the draws are from a distribution very near the posterior. The draws depend on the seed and the number of
shards, which by default depends on the corpus alone, and never on the number of threads.

``hidden_markov`` (Chib 1996; Scott 2002): one sweep draws all parameters given the states, then the path of each
sequence given the parameters, by a forward pass and draws from the last step to the first.

The trace is in nats, at every averaged sweep and as often during warm-up: log p(w, z | alpha, eta) of topics, and of
sequences the log density of parameters and data, the states summed out.
"""

from __future__ import annotations

import importlib

from inference.engines.contract import Engine
from inference.engines.gibbs.options import GibbsDiagnostics, GibbsOptions, GibbsPointDiagnostics
from zoo import Card
from zoo.hooks import find_hook


class Gibbs(Engine):
    """Gibbs sampling, for models whose sampler is written down."""

    name = "gibbs"
    options = GibbsOptions
    diagnostics = (GibbsDiagnostics, GibbsPointDiagnostics)
    order = 40

    def refuses(self, card: Card, backend: str) -> str | None:
        """Gibbs sampling is written model by model, where the conditionals are known in closed form."""
        if find_hook(card.package, "gibbs", home=__name__):
            return None
        return "it has no sampler: a model brings one as a hook, gibbs/sampler.py beside the model"

    def default_options(self, card: Card) -> GibbsOptions:
        """The options of the model's sampler."""
        hook = find_hook(card.package, "gibbs", home=__name__)
        return getattr(importlib.import_module(hook), "Options", GibbsOptions)() if hook else GibbsOptions()


ENGINE = Gibbs()
