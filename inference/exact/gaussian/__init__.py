"""Exact answers for linear-Gaussian models: what normal vectors and mixtures of them say of their parts.

A card whose ``linear`` reads its parameters as ``x = W z + mu + noise`` gets all of this in numpy, with NaN for what
was not seen and nothing imputed on the way (Bishop 2006, sections 2.3 and 12.2; for parts of rows Ghahramani and
Jordan 1994):

    rows.Rows             the posterior of z and the density of each row, by the Z by Z matrix M
    log_density(...)      log p of each row
    latents(...)          mean and covariance of z given the rows, over components and draws
    sampled(...)          draws from p(z | x)
    mixtures.Mixture      a mixture of normals: marginal, given, log_density, quantile, sample
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.special import logsumexp

from inference.exact.gaussian.rows import Posterior, Rows
from zoo import Card, Model
from zoo.linear import Linear


class Normal(NamedTuple):
    """Mean (..., Z) and covariance (..., Z, Z) of a vector, one for each row; its whole law where that is normal."""

    mean: np.ndarray
    covariance: np.ndarray


def each_draw(card: Card, params: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> list[Linear]:
    """The parameters as Linear, one for each draw; ``params`` hold one value a site or draws (chain, draw, ...)."""
    assert card.linear is not None
    linear = card.linear({n: np.asarray(params[n], float) for n in card.parameters(settings)}, settings)
    count = int(np.prod(linear.pi.shape[:-1], dtype=int))  # not -1: with Z = 0 there is nothing in W to count
    own = (1, 3, 2, 2)  # dimensions of one value of pi, W, mu and Psi
    flat = [value.reshape(count, *value.shape[value.ndim - n :]) for value, n in zip(linear, own, strict=True)]
    return [Linear(*parts) for parts in zip(*flat, strict=True)]


class Given(NamedTuple):
    """One draw of the parameters and rows: for each component the posterior of z, and the components' own (N, K)."""

    linear: Linear
    posteriors: list[Posterior]
    responsibility: np.ndarray
    log_density: np.ndarray  # (N,): log p(x_n seen), in nats


def given(linear: Linear, rows: Rows) -> Given:
    """Bayes' rule for components and latents together."""
    posteriors = [rows.posterior(*p) for p in zip(linear.W, linear.mu, linear.Psi, strict=True)]
    with np.errstate(divide="ignore"):
        logits = np.log(linear.pi) + np.stack([p.log_density for p in posteriors], axis=1)
    by_row = logsumexp(logits, axis=1)
    return Given(linear, posteriors, np.exp(logits - by_row[:, None]), by_row)


def log_density(model: Model, params: Mapping[str, np.ndarray], data: Any) -> np.ndarray:
    """log p(x_n seen | params) in nats, components and latents integrated out: (N,), or (chain, draw, N) for draws."""
    table, settings = model.bind(data)
    rows = Rows(next(iter(table.values())))
    site, line = next(iter(model.card.parameters(settings).items()))
    lead = np.shape(params[site])[: np.ndim(params[site]) - len(line.dims)]
    each = [given(linear, rows).log_density for linear in each_draw(model.card, params, settings)]
    return np.stack(each).reshape(*lead, len(rows))


def latents(model: Model, params: Mapping[str, np.ndarray], data: Any) -> Normal:
    """E[z_n | x_n] (N, Z) and Cov[z_n | x_n] (N, Z, Z), those over the draws and components where there are several.

    At one value of the parameters and one component p(z | x) is normal, and these are all of it.
    """
    table, settings = model.bind(data)
    rows = Rows(next(iter(table.values())))
    first: Any = 0.0
    second: Any = 0.0
    weight = 0
    for linear in each_draw(model.card, params, settings):
        g = given(linear, rows)
        weight += 1
        for k, p in enumerate(g.posteriors):
            r = g.responsibility[:, k, None]
            first = first + r * p.mean
            outer = p.mean[:, :, None] * p.mean[:, None, :]
            second = second + r[:, :, None] * (p.covariance[rows.which] + outer)
    mean = first / weight
    return Normal(mean, second / weight - mean[:, :, None] * mean[:, None, :])


def sampled(model: Model, params: Mapping[str, np.ndarray], data: Any, seed: int = 0, draws: int = 1) -> np.ndarray:
    """Independent draws from p(z | x, params), (draws, N, Z), at one value of the parameters."""
    table, settings = model.bind(data)
    rows = Rows(next(iter(table.values())))
    (linear,) = each_draw(model.card, params, settings)
    g = given(linear, rows)
    rng = np.random.default_rng(seed)
    N, K = g.responsibility.shape
    c = (rng.random((draws, N, 1)) > np.cumsum(g.responsibility, axis=1)[:, : K - 1]).sum(-1)
    noise = rng.normal(size=(draws, N, linear.W.shape[-1]))
    means = np.stack([p.mean for p in g.posteriors])
    roots = np.stack([np.linalg.cholesky(p.covariance)[rows.which] for p in g.posteriors])
    n = np.arange(N)
    return means[c, n] + np.einsum("snzy,sny->snz", roots[c, n], noise)
