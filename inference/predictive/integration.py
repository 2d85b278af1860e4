"""log p of each row given the parameters, its continuous latents integrated out by importance sampling.

The latents of a row are drawn from a Student distribution with the moments of their posterior draws, in unconstrained
coordinates, which is wider than their distribution at any one draw of the parameters. All draws of the parameters have
the same draws of latents: the program is evaluated at each pair.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, logsumexp

from inference.exact import enumeration
from inference.exact.pointwise import latent_values
from inference.record import FitRecord
from zoo import Model, ZooError
from zoo._backend import backend_of, in_backend
from zoo.types import BackendParams

MIN_DRAWS = 25  # for moments
NUM_SAMPLES = 64  # of the latents of a row
DEGREES_OF_FREEDOM = 5.0  # of the Student distribution
BLOCK_VALUES = 2_000_000  # densities of rows at a time
ROUNDING = 1e-6  # nats, by which a density that does not depend on a latent may change


class IntegratedLikelihood(NamedTuple):
    """log_p: (chain, draw, N), in nats. effective_samples: (N,), the median over the draws of (sum w)^2 / sum w^2."""

    log_p: np.ndarray
    effective_samples: np.ndarray
    num_samples: int


class Proposals(NamedTuple):
    """Draws of the latents of the rows. values: {site: (M, *shape)}. log_q: (M, N), the density of the values."""

    values: dict[str, np.ndarray]
    log_q: np.ndarray


def integrated_log_likelihood(fit: FitRecord, num_samples: int = NUM_SAMPLES, seed: int = 0) -> IntegratedLikelihood:
    """Estimate log p(x_n | parameters) at each draw, the continuous latents of the row integrated out.

    Parameters
    ----------
    fit : FitRecord
        A fit with draws of the latents of its rows.
    num_samples : int, default 64
        Draws of the latents of each row; the program runs once for each pair of these and of the draws of the fit.
    seed : int, default 0

    Returns
    -------
    IntegratedLikelihood

    Raises
    ------
    ZooError
        Where the fit has no such draws, or the rows are not independent given the parameters.
    """
    model, local = fit.fitted_model, fit.model.card.continuous_in_rows(fit.keywords)
    absent = [n for n in local if n not in fit.draws]
    if absent:
        instead = "fit by nuts, gibbs or svi"
        if model.card.networks:
            instead = "inference.log_marginal(fit) integrates by the encoder"
        elif model.card.of_words:
            instead = "inference.topics.perplexity(fit, data, method='left_to_right') integrates, or fit by gibbs"
        raise ZooError(
            f"integrating over {', '.join(absent)} needs draws, and the fit by {fit.engine} has none: {instead}"
        )
    chains, draws = fit.draws[local[0]].shape[:2]
    if chains * draws < MIN_DRAWS:
        raise ZooError(
            f"integrating over {', '.join(local)} needs the moments of their draws, of which {chains * draws} are too "
            f"few: fit with {MIN_DRAWS} or more"
        )
    shared = {n: v for n, v in {**fit.draws, **fit.learned_draws()}.items() if n not in local}
    flat = {n: v.reshape(-1, *v.shape[2:]) for n, v in shared.items()}
    proposals = draw_proposals(fit, model, local, num_samples, np.random.default_rng(seed))
    check_independent_rows(fit, model, {n: v[:1] for n, v in flat.items()}, proposals)
    num_rows = proposals.log_q.shape[1]
    size = max(1, BLOCK_VALUES // (num_samples * num_rows))
    log_w = []
    for first in range(0, chains * draws, size):
        block = {n: v[first : first + size] for n, v in flat.items()}
        log_joint = row_log_joint(fit, model, block, proposals.values)
        w = log_joint - proposals.log_q
        log_w.append((logsumexp(w, axis=1), logsumexp(2 * w, axis=1)))
    total, squares = (np.concatenate(parts) for parts in zip(*log_w, strict=True))
    effective = np.median(np.exp(2 * total - squares), axis=0)
    log_p = (total - np.log(num_samples)).reshape(chains, draws, num_rows)
    return IntegratedLikelihood(log_p, effective, num_samples)


def draw_proposals(fit: FitRecord, model: Model, local: list[str], count: int, rng: np.random.Generator) -> Proposals:
    """Draws of the latents of each row, with the moments of those of the fit in unconstrained coordinates."""
    backend, sites = backend_of(model), model.card.sites(fit.keywords)
    table, keywords = model.bind(fit.observed_data())
    marginalize = in_backend("inference.exact.enumeration", model.backend).marginalize
    unconstrained_model = in_backend("inference.unconstrained", model.backend).UnconstrainedModel
    flat = {n: fit.draws[n].reshape(-1, *fit.draws[n].shape[2:]) for n in local}
    with backend.runtime("float64"):
        program = marginalize(model.collapsed or model.program)
        unconstrained = unconstrained_model(program, backend.to_backend(keywords), backend.to_backend(table))
        free = backend.to_numpy(unconstrained.unconstrain_draws(backend.to_backend(flat)))
        axes = {n: sites[n].dims.index("N") for n in local}
        for name in local:
            if axes[name] >= len(sites[name].dims) - unconstrained.event_dims[name]:
                raise ZooError(f"{name} is one vector over the rows, which are not independent given the parameters")
        by_row = {n: np.moveaxis(v, axes[n] + 1, 1) for n, v in free.items()}  # (S, N, ...)
        vectors = np.concatenate([v.reshape(*v.shape[:2], -1) for v in by_row.values()], axis=2)
        u, log_q = student_draws(vectors, count, rng)
        parts = np.split(u, np.cumsum([v[0, 0].size for v in by_row.values()])[:-1], axis=2)
        placed = {
            n: np.moveaxis(part.reshape(count, *v.shape[1:]), 1, axes[n] + 1)
            for (n, v), part in zip(by_row.items(), parts, strict=True)
        }
        pairs = unconstrained.constrain_draws(backend.to_backend(placed))
        values = backend.to_numpy({n: value for n, (value, _) in pairs.items()})
        jacobians = backend.to_numpy({n: jacobian for n, (_, jacobian) in pairs.items()})
    return Proposals(values, log_q - sum(sum_to_rows(j, axes[n]) for n, j in jacobians.items()))


def student_draws(vectors: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draws (M, N, d) of a Student distribution with the moments of ``vectors`` (S, N, d), and log densities (M, N)."""
    num_draws, _, d = vectors.shape
    mean, centred = vectors.mean(0), vectors - vectors.mean(0)
    covariance = np.einsum("sni,snj->nij", centred, centred) / num_draws
    if num_draws < 10 * d:  # too few for correlations
        covariance = covariance * np.eye(d)
    floor = 1e-12 + 1e-9 * np.einsum("nii->n", covariance) / d
    root = np.linalg.cholesky(covariance + floor[:, None, None] * np.eye(d))
    noise, nu = rng.standard_normal((count, *mean.shape)), DEGREES_OF_FREEDOM
    z = noise / np.sqrt(rng.chisquare(nu, (count, len(mean), 1)) / nu)
    constant = gammaln((nu + d) / 2) - gammaln(nu / 2) - d / 2 * np.log(nu * np.pi)
    log_det = np.log(np.einsum("nii->ni", root)).sum(-1)
    log_q = constant - log_det - (nu + d) / 2 * np.log1p((z**2).sum(-1) / nu)
    return mean + np.einsum("nij,mnj->mni", root, z), log_q


def row_log_joint(
    fit: FitRecord, model: Model, shared: dict[str, np.ndarray], local: dict[str, np.ndarray]
) -> np.ndarray:
    """log p(x_n, latents of row n | parameters) at S values of the parameters and M of the latents, (S, M, N)."""
    num_shared = len(next(iter(shared.values()))) if shared else 1
    num_local = len(next(iter(local.values())))
    values = {n: np.broadcast_to(v[:, None], (num_shared, num_local, *v.shape[1:])) for n, v in shared.items()}
    values |= {n: np.broadcast_to(v, (num_shared, *v.shape)) for n, v in local.items()}
    log_p = enumeration.log_marginal(model, values, fit.observed_data())
    return log_p + row_log_priors(fit, model, values, list(local))


def row_log_priors(fit: FitRecord, model: Model, values: dict[str, np.ndarray], local: list[str]) -> np.ndarray:
    """log p of the latents of each row given the parameters, without those whose density is that of the rows."""
    backend, sites = backend_of(model), model.card.sites(fit.keywords)
    table, keywords = model.bind(fit.observed_data())
    enumerated, pointwise = (
        in_backend(f"inference.exact.{folder}", model.backend) for folder in ("enumeration", "pointwise")
    )
    flat, leading = latent_values(model, values)
    with backend.runtime("float64"):
        program, inputs = model.collapsed or model.program, backend.to_backend({**table, **keywords})
        dependent: set[str] = enumerated.EnumeratedDensity(program, {}, inputs).dependent
        names = [n for n in local if n not in dependent]
        logs: BackendParams = {}
        if names:
            logs = pointwise.log_likelihood(program, inputs, backend.to_backend(flat), names)
        elements = backend.to_numpy(logs)
    zero = np.zeros((int(np.prod(leading)), 1))
    total = sum((sum_to_rows(v, sites[n].dims.index("N")) for n, v in elements.items()), zero)
    return total.reshape(*leading, -1)


def check_independent_rows(fit: FitRecord, model: Model, shared: dict[str, np.ndarray], proposals: Proposals) -> None:
    """Raise ZooError where the density of a row depends on the latents of others."""
    sites, is_moved = fit.model.card.sites(fit.keywords), np.arange(proposals.log_q.shape[1]) % 2 == 1

    def mixed(name: str, values: np.ndarray) -> np.ndarray:
        shape = [1] * (values.ndim - 1)
        shape[sites[name].dims.index("N")] = -1
        return np.where(is_moved.reshape(shape), values[1], values[0])[None]

    before = row_log_joint(fit, model, shared, {n: v[:1] for n, v in proposals.values.items()})[0, 0]
    after = row_log_joint(fit, model, shared, {n: mixed(n, v) for n, v in proposals.values.items()})[0, 0]
    if np.abs(after - before)[~is_moved].max(initial=0) > ROUNDING * (1 + np.abs(before).max()):
        raise ZooError(f"the rows of {model.name} depend on the latents of others: no row has a likelihood of its own")


def sum_to_rows(values: np.ndarray, axis: int) -> np.ndarray:
    """Values (draws, *batch) summed over the batch, but for the rows at ``axis`` of it, (draws, N).

    >>> sum_to_rows(np.ones((1, 3, 2)), 1)
    array([[3., 3.]])
    """
    others = tuple(i for i in range(1, values.ndim) if i != axis + 1)
    return values.sum(others)
