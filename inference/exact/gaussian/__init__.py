"""Exact inference in linear-Gaussian models: posteriors of latents, and marginals and conditionals of rows.

A card whose ``linear`` reads its parameters as ``x = W z + mu + noise`` has all of this in NumPy, with NaN for missing
values, which are marginalised out (Bishop 2006, sections 2.3 and 12.2; for incomplete rows Ghahramani and Jordan 1994):

    rows.IncompleteRows      the posterior of z and the density of each row, by the Z by Z matrix M
    log_density              log p of each row
    latent_posterior         mean and covariance of z given the rows, over components and draws
    sample_latents           draws from p(z | x)
    mixtures.NormalMixture   a mixture of normals: marginal, condition, log_density, quantile, sample
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from inference.exact.far_rows import are_improper, limit_of, points_on_the_way
from inference.exact.gaussian.rows import IncompleteRows, LatentPosterior
from zoo import Card, Model, ZooError
from zoo.linear import Linear
from zoo.types import DataLike, Keywords

TINY = np.finfo(float).tiny


class Normal(NamedTuple):
    """The moments of a vector, one for each row; its distribution, where that is normal.

    Attributes
    ----------
    mean : numpy.ndarray
        (..., Z).
    covariance : numpy.ndarray
        (..., Z, Z).
    """

    mean: np.ndarray
    covariance: np.ndarray


class ComponentPosteriors(NamedTuple):
    """The posterior of components and latents given rows, at one value of the parameters.

    linear: the parameters. latents: the posterior of z for each component. responsibility: p(component | x_n), (N, K).
    log_density: log p of the observed values of x_n, in nats, (N,).
    """

    linear: Linear
    latents: list[LatentPosterior]
    responsibility: np.ndarray
    log_density: np.ndarray


def linear_by_draw(card: Card, params: Mapping[str, np.ndarray], keywords: Keywords) -> list[Linear]:
    """The parameters as Linear, one for each draw; ``params`` hold one value a site or draws (chain, draw, ...)."""
    assert card.linear is not None
    linear = card.linear({n: np.asarray(params[n], float) for n in card.parameters(keywords)}, keywords)
    count = int(np.prod(linear.pi.shape[:-1], dtype=int))  # not -1: with Z = 0 there is nothing in W to count
    event_dims = (1, 3, 2, 2)  # dimensions of one value of pi, W, mu and Psi
    flat = [value.reshape(count, *value.shape[value.ndim - n :]) for value, n in zip(linear, event_dims, strict=True)]
    return [Linear(*values) for values in zip(*flat, strict=True)]


def component_posteriors(linear: Linear, rows: IncompleteRows) -> ComponentPosteriors:
    """Bayes' rule for components and latents together."""
    latents, logits, by_row = component_logits(linear, rows)
    with np.errstate(invalid="ignore"):
        responsibility = np.exp(logits - by_row[:, None])
    far = np.flatnonzero(are_improper(responsibility))
    if far.size:
        x = rows.values[far] if rows.observed is None else np.where(rows.observed[far] > 0, rows.values[far], np.nan)
        _, near, total = component_logits(linear, IncompleteRows(points_on_the_way(x)))
        responsibility[far] = limit_of(np.exp(near - total[:, None]))
    return ComponentPosteriors(linear, latents, responsibility, by_row)


def component_logits(linear: Linear, rows: IncompleteRows) -> tuple[list[LatentPosterior], np.ndarray, np.ndarray]:
    """The posterior of z in each component, log p(component, x_n), (N, K), and log p(x_n), (N,)."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # rows that are far away have infinite squares
        latents = [rows.posterior(*params) for params in zip(linear.W, linear.mu, linear.Psi, strict=True)]
        logits = np.log(linear.pi) + np.stack([p.log_density for p in latents], axis=1)
    return latents, logits, logsumexp(logits, axis=1)


def log_density(model: Model, params: Mapping[str, np.ndarray], data: DataLike) -> np.ndarray:
    """Log density of the observed values of each row, components and latents integrated out.

    Parameters
    ----------
    model : zoo.Model
        A model whose card has ``linear``.
    params : mapping of str to array
        One value a site, or draws with two leading dimensions (chain, draw).
    data : object
        As in ``inference.fit``; NaN where missing.

    Returns
    -------
    numpy.ndarray
        In nats, (N,), or (chain, draw, N) for draws.
    """
    table, keywords = model.bind(data)
    rows = IncompleteRows(next(iter(table.values())))
    name, site = next(iter(model.card.parameters(keywords).items()))
    sample_shape = np.shape(params[name])[: np.ndim(params[name]) - len(site.dims)]
    values = [component_posteriors(linear, rows).log_density for linear in linear_by_draw(model.card, params, keywords)]
    return np.stack(values).reshape(*sample_shape, len(rows))


def latent_posterior(model: Model, params: Mapping[str, np.ndarray], data: DataLike) -> Normal:
    """Posterior mean and covariance of z for each row, over components and draws where there are several.

    At one value of the parameters and one component p(z | x) is normal, and these moments are all of it.

    Parameters
    ----------
    model, params, data
        As in ``log_density``.

    Returns
    -------
    Normal
        E[z_n | x_n] (N, Z) and Cov[z_n | x_n] (N, Z, Z).
    """
    table, keywords = model.bind(data)
    rows = IncompleteRows(next(iter(table.values())))
    mean, covariance, weight = np.zeros(()), np.zeros(()), np.zeros((len(rows), 1))
    with np.errstate(over="ignore", invalid="ignore"):
        for linear in linear_by_draw(model.card, params, keywords):
            posterior = component_posteriors(linear, rows)
            for k, p in enumerate(posterior.latents):  # updates of moments, which lose no digits far from 0 (West 1979)
                r = posterior.responsibility[:, k, None]
                weight = weight + r
                difference = np.where(r > 0, p.mean - mean, 0.0)
                mean = mean + difference * (r / np.maximum(weight, TINY))
                spread = difference[:, :, None] * np.where(r > 0, p.mean - mean, 0.0)[:, None, :]
                covariance = covariance + r[:, :, None] * (p.covariance[rows.pattern_of_row] + spread)
        covariance = covariance / weight[:, :, None]
    is_finite = np.isfinite(mean).all(1) & np.isfinite(covariance).all((1, 2))
    if not is_finite.all():
        raise ZooError(f"row {is_finite.argmin()} is so far away that its latents exceed 64 bits: drop or correct it")
    return Normal(mean, covariance)


def sample_latents(
    model: Model, params: Mapping[str, np.ndarray], data: DataLike, seed: int = 0, draws: int = 1
) -> np.ndarray:
    """Independent draws from p(z | x, params).

    Parameters
    ----------
    model, data
        As in ``log_density``.
    params : mapping of str to array
        One value a site.
    seed : int
    draws : int
        Number of draws for each row.

    Returns
    -------
    numpy.ndarray
        (draws, N, Z).
    """
    table, keywords = model.bind(data)
    rows = IncompleteRows(next(iter(table.values())))
    (linear,) = linear_by_draw(model.card, params, keywords)
    posterior = component_posteriors(linear, rows)
    rng = np.random.default_rng(seed)
    N, K = posterior.responsibility.shape
    c = (rng.random((draws, N, 1)) > np.cumsum(posterior.responsibility, axis=1)[:, : K - 1]).sum(-1)
    noise = rng.normal(size=(draws, N, linear.W.shape[-1]))
    means = np.stack([p.mean for p in posterior.latents])
    roots = np.stack([np.linalg.cholesky(p.covariance)[rows.pattern_of_row] for p in posterior.latents])
    n = np.arange(N)
    return means[c, n] + np.einsum("snzy,sny->snz", roots[c, n], noise)
