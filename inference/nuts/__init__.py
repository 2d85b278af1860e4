"""The No-U-Turn sampler: draws from the posterior itself, given time (Hoffman and Gelman 2014; Betancourt 2017).

Discrete latents are summed out exactly, so the chains move through the other latents alone; a model's ``collapsed``
program is preferred to the full one. Step size and a diagonal mass matrix are adapted during warm-up, in coordinates
that the density near each chain's start makes free of units. Chains run side by side on the cores, each from a start of
its own: k-means++ labels of another seed where a mixture is recognised, so that they differ in the order of labels too.

Options: ``num_warmup`` and ``num_samples``, iterations of each chain; ``num_chains``; ``target_accept``, the acceptance
probability that the step size is adapted to; ``max_tree_depth``, at most 2^depth steps an iteration; ``start``, a dict
of values at which every chain begins.
"""

from __future__ import annotations

from zoo import Card

OPTIONS = {
    "num_warmup": 500,
    "num_samples": 1000,
    "num_chains": 4,
    "target_accept": 0.9,
    "max_tree_depth": 10,
    "start": None,
}


def refuses(card: Card, backend: str) -> str | None:
    """NUTS needs gradients: a discrete latent must be one that can be summed out, and some latent not discrete."""
    endless = [n for n, site in card.sites().items() if n in card.latents and site.kind == "count"]
    if endless:
        return f"{', '.join(endless)} is a count without bound and cannot be summed out"
    if card.enumerated and set(card.latents) <= set(card.enumerated):
        return "every latent is discrete: there is nothing to move along"
    return None
