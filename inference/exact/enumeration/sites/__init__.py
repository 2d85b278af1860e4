"""Discrete sites with all their values at once, and the factors of the sites of one run of a program.

Each ``in_<backend>.py`` provides

    Enumerate(...)                the handler: each discrete latent has its values along a dimension of its own
    factors_of(site, variables)   the factors of one site, by name
    site_plates(site)             the plates of a site
    FUNCTIONS                     what sums need of the backend, ``chains.ArrayFunctions``

After a run the handler has ``variables``, the discrete latents; ``sites``, those and what depends on one; ``loops``,
those over time; ``dependent``, the continuous latents whose density is among the factors; and ``factor_graph(sites,
rows)``.
"""
