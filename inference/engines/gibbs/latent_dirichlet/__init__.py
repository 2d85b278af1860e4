"""Collapsed Gibbs sampling of topics.

The probability of z_i = k given all other topics is proportional to

    (n_dk + alpha_k) (n_kw + eta) / (n_k + V eta)

``layout``: the corpus token by token, divided into shards. ``vectors``: sixteen weights at a time. ``sweeps``: one
sweep over the tokens of a shard, by a table or by lists. ``counts``: these tables and lists, and the histograms that
log p(w, z) and learning of alpha and eta need. ``sampler``: the chains.
"""

from inference.engines.gibbs.latent_dirichlet.options import TopicGibbsOptions as Options

__all__ = ["Options"]
