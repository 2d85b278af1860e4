"""Collapsed Gibbs sampling of topics, z_i = k given all others in proportion to

    (n_dk + alpha_k) (n_kw + eta) / (n_k + V eta)

``layout``: the corpus token by token, dealt into shards. ``dense`` and ``sparse``: a sweep over the tokens of a shard,
by counts in a table or in lists (``tables``). ``lanes``: sixteen weights at a time. ``tallies``: how often each count
occurs, of which log p(w, z) and ``learning`` of alpha and eta are made. ``chains``: one chain; ``sampler``: all.
"""
