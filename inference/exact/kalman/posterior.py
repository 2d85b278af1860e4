"""Moments of the latents of linear-Gaussian chains by site, averaged over draws of the parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from inference.exact.gaussian import Normal
from inference.exact.kalman import filter_chains, smooth
from zoo import Card, Model
from zoo.linear_chain import LinearChain
from zoo.types import DataLike, Keywords


def chains_by_draw(card: Card, params: Mapping[str, np.ndarray], keywords: Keywords) -> list[LinearChain]:
    """The chain at each draw; ``params`` hold one value a site or draws (chain, draw, ...)."""
    assert card.linear_chain is not None
    sites = card.parameters(keywords)
    shapes = {n: np.shape(params[n])[np.ndim(params[n]) - len(s.dims) :] for n, s in sites.items()}
    flat = {n: np.reshape(np.asarray(params[n], float), (-1, *shape)) for n, shape in shapes.items()}
    return [
        card.linear_chain({n: v[s] for n, v in flat.items()}, keywords) for s in range(len(next(iter(flat.values()))))
    ]


def latent_sizes(card: Card, keywords: Keywords) -> dict[str, int]:
    """The dimensions of each latent, in their order in the chain."""
    return {n: site.shape(keywords)[-1] for n, site in card.local(keywords).items()}


def latent_moments(chains: Sequence[LinearChain], x: np.ndarray, so_far: bool = False) -> Normal:
    """The mean (N, T, Z) and covariance (N, T, Z, Z) of the latents of each step, over the chains.

    Parameters
    ----------
    chains : sequence of LinearChain
        One for each draw of the parameters.
    x : array, (N, T, D)
        The sequences, NaN where missing.
    so_far : bool, default False
        Given the steps up to each, in place of the whole sequence.

    Returns
    -------
    Normal
    """
    mean, covariance = np.zeros(()), np.zeros(())
    for s, chain in enumerate(chains):  # updates of moments, which lose no digits far from 0 (West 1979)
        moments = (filter_chains if so_far else smooth)(chain, x)
        difference = moments.mean - mean
        mean = mean + difference / (s + 1)
        spread = difference[..., :, None] * (moments.mean - mean)[..., None, :]
        covariance = covariance + (moments.cov + spread - covariance) / (s + 1)
    return Normal(np.asarray(mean), np.asarray(covariance))


def latent_posterior(model: Model, params: Mapping[str, np.ndarray], data: DataLike) -> dict[str, Normal]:
    """The posterior of each latent given the sequences.

    Parameters
    ----------
    model : zoo.Model
        A model whose card has ``linear_chain``.
    params : mapping of str to array
        One value a site, or draws with two leading dimensions (chain, draw).
    data : object
        As in ``inference.fit``; NaN where missing.

    Returns
    -------
    dict of str to Normal
        By latent, as ``level``: mean (N, T, ...) and covariance (N, T, ..., ...) of each step.
    """
    table, keywords = model.bind(data)
    (x,) = table.values()
    mean, covariance = latent_moments(chains_by_draw(model.card, params, keywords), np.asarray(x, float))
    sizes = latent_sizes(model.card, keywords)
    ends = np.cumsum(list(sizes.values()))
    parts = {n: slice(end - size, end) for (n, size), end in zip(sizes.items(), ends, strict=True)}
    return {n: Normal(mean[..., part], covariance[..., part, part]) for n, part in parts.items()}
