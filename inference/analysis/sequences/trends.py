"""Continuous latents of sequences: factors that move, levels and slopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from inference import exact
from inference.alignment import aligned_draws
from inference.analysis.sequences.inputs import check_no_latents, fitted_params, latents_of_sequences
from inference.exact import kalman, spread_draws
from inference.exact.kalman import posterior
from inference.record import FitRecord
from zoo import ZooError
from zoo.checks import check_seed, check_whole
from zoo.linear_chain import LinearChain
from zoo.types import DataLike


@dataclass(frozen=True, eq=False)
class LatentMoments:
    """Means and standard deviations of the latents of each step.

    Attributes
    ----------
    mean, sd : dict of str to array, (N, T, ...)
        By latent, as ``level`` and ``slope``; over the draws of the parameters where the fit has draws.
    """

    mean: dict[str, np.ndarray]
    sd: dict[str, np.ndarray]


Draws = dict[str, np.ndarray]


class FittedTrends(NamedTuple):
    """The chain of a fit at each draw of its parameters, the sequences, and the dimensions of each latent."""

    chains: list[LinearChain]
    x: np.ndarray
    sizes: dict[str, int]


def has_trends(fit: FitRecord) -> bool:
    """Whether the latents of a model are a linear-Gaussian chain."""
    return fit.fitted_model.card.linear_chain is not None


def fitted_trends(fit: FitRecord, data: DataLike, is_thinned: bool = True) -> FittedTrends:
    """The chains at the aligned draws, thinned, or at a point estimate; raises ZooError where there are none."""
    card, keywords = fit.fitted_model.card, fit.keywords
    if card.linear_chain is None:
        raise ZooError(
            f"{fit.model.name} has no latents that move by a linear map: fit linear_dynamical_system, or ask smoothed, "
            "filtered and paths of a model with discrete states"
        )
    table, _ = fit.fitted_model.bind(fit.observed_data(data))
    x = table[next(iter(card.observed))]
    chains = posterior.chains_by_draw(card, fitted_params(fit, is_thinned=is_thinned), keywords)
    return FittedTrends(chains, np.asarray(x, float), posterior.latent_sizes(card, keywords))


def latents(fit: FitRecord, data: DataLike = None, so_far: bool = False) -> LatentMoments:
    """Compute the moments of the latents of each step, by a Kalman filter and smoother.

    Parameters
    ----------
    fit : Fit
        A fit of ``linear_dynamical_system``, by any engine, or of another model whose card has ``linear_chain``; or one
        with draws of the latents themselves, as of ``switching_lds``, whose moments are the result.
    data : optional
        Sequences as ``inference.fit`` takes them; those of the fit by default. Steps without values are predicted.
    so_far : bool, default False
        Given the steps up to each, in place of the whole sequence.

    Returns
    -------
    LatentMoments

    Raises
    ------
    ZooError
        Where the model has no such latents.
    """
    if latents_of_sequences(fit):
        if so_far:
            check_no_latents(fit, "latents(so_far=True)")
        draws = latent_draws(fit, data)
        return LatentMoments({n: v.mean(0) for n, v in draws.items()}, {n: v.std(0) for n, v in draws.items()})
    trends = fitted_trends(fit, data)
    mean, covariance = posterior.latent_moments(trends.chains, trends.x, so_far)
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    return LatentMoments(by_latent(mean, trends.sizes), by_latent(sd, trends.sizes))


def latent_paths(fit: FitRecord, data: DataLike = None, num_paths: int = 100, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw whole paths of the latents of each sequence from their posterior.

    Parameters
    ----------
    fit, data
        As in ``latents``. Of a fit with draws each path is given one draw of the parameters.
    num_paths : int, default 100
    seed : int, default 0

    Returns
    -------
    dict of str to numpy.ndarray
        (num_paths, N, T, ...), by latent.

    Raises
    ------
    ZooError
        Where the model has no such latents.
    """
    check_whole(1, num_paths=num_paths)
    check_seed(seed)
    if latents_of_sequences(fit):
        draws = latent_draws(fit, data)
        return {n: v[spread_draws(num_paths, len(v))] for n, v in draws.items()}
    trends, rng = fitted_trends(fit, data), np.random.default_rng(seed)
    at = spread_draws(num_paths, len(trends.chains))
    return by_latent(np.stack([kalman.draw(trends.chains[s], trends.x, rng) for s in at]), trends.sizes)


def latent_draws(fit: FitRecord, data: DataLike) -> Draws:
    """The aligned draws of the latents that are not integrated out, (S, N, T, ...); raises ZooError."""
    exact.check_own_rows(fit, data)
    if not fit.draws:
        raise ZooError(f"a fit of {fit.model.name} without draws has its latents in fit.params, and no spread of them")
    draws = aligned_draws(fit)
    return {n: draws[n].reshape(-1, *draws[n].shape[2:]) for n in latents_of_sequences(fit)}


def forecast_trends(fit: FitRecord, data: DataLike, steps: int, num_draws: int, seed: int) -> tuple[Draws, Draws]:
    """Draws of the latents and of the observed values after the last step, each given one draw of the parameters."""
    trends, rng = fitted_trends(fit, data), np.random.default_rng(seed)
    N, _, D = trends.x.shape
    longer = np.concatenate([trends.x, np.full((N, steps, D), np.nan)], axis=1)
    chains = [trends.chains[s] for s in spread_draws(num_draws, len(trends.chains))]
    z = np.stack([kalman.draw(chain, longer, rng)[:, -steps:] for chain in chains])
    noise = rng.standard_normal((num_draws, N, steps, D))
    x = np.stack([z[i] @ chain.W.T + chain.mu + np.sqrt(chain.Psi) * noise[i] for i, chain in enumerate(chains)])
    (site,) = fit.fitted_model.card.observed
    return by_latent(z, trends.sizes), {site: x}


def by_latent(values: np.ndarray, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    """The parts of the last dimension, by latent."""
    parts = np.split(values, np.cumsum(list(sizes.values()))[:-1], axis=-1)
    return dict(zip(sizes, parts, strict=True))
