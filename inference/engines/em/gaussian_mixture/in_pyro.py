import math

import numpy as np
import torch

from inference.engines.em.exponential_family import Form
from inference.engines.em.gaussian_mixture import covariance_floor

EMPTY = 1e-300  # a component with no rows keeps finite parameters


def form(data, keywords, options):
    x, covariance, D = data["x"], keywords["covariance"], keywords["D"]
    x, weights = x.to(torch.float64), torch.as_tensor(np.array(options.sample_weight)).to(x.device)
    centre = weights @ x / weights.sum()
    scale = (weights @ (x - centre) ** 2 / weights.sum()).sqrt()
    if covariance == "spherical":  # a sphere stays a sphere only where all columns have one scale
        scale = (scale**2).mean().sqrt().expand(D)
    loc, mean_scale, spread = (torch.as_tensor(keywords[name]).expand(D) / scale for name in ("loc", "scale", "spread"))
    loc = loc - centre / scale
    scale_products = torch.outer(scale, scale)
    units = {"full": scale_products, "tied": scale_products, "diag": scale**2, "spherical": scale[0] ** 2}[covariance]
    floor, matrix = covariance_floor(options), covariance in ("full", "tied")
    i, j = torch.triu_indices(D, D)

    def features(x):
        y = (x - centre) / scale
        return torch.cat([torch.ones(len(y), 1), y, y[:, i] * y[:, j] if matrix else y**2], dim=1)

    def natural(params):
        P, m = by_component(params["Lambda"] * units, len(params["pi"])), (params["mu"] - centre) / scale
        if matrix:
            b, log_det = torch.einsum("kij,kj->ki", P, m), torch.linalg.slogdet(P)[1]
            squares = torch.where(i == j, -0.5, -1.0) * P[:, i, j]
        else:
            b, log_det, squares = P * m, P.log().sum(1), -0.5 * P
        log_det = log_det - 2 * scale.log().sum()
        constant = params["pi"].log() + 0.5 * (log_det - D * math.log(2 * math.pi) - (b * m).sum(1))
        return torch.cat([constant[:, None], b, squares], dim=1).T

    def maximise(sums, previous):
        n, first, second = sums[:, 0].clamp_min(EMPTY), sums[:, 1 : D + 1], sums[:, D + 1 :]
        if options.objective == "ml" and previous is not None:
            prior, m = 0.0, first / n[:, None]
        else:  # MAP, and the start: a component of one row has no variance
            prior_precision = torch.diag(spread**-2) if matrix else spread**-2
            P = by_component(prior_precision if previous is None else previous["Lambda"] * units, len(n))
            prior, m = 1.0, posterior_mean(n, first, P)
        return {
            "pi": n / n.sum(),
            "mu": centre + scale * m,
            "Lambda": precision(n, scatter(n, first, second, m), prior),
        }

    def posterior_mean(n, first, P):
        if matrix:
            A = n[:, None, None] * P + torch.diag(mean_scale**-2)
            return torch.linalg.solve(A, torch.einsum("kij,kj->ki", P, first) + loc / mean_scale**2)
        return (P * first + loc / mean_scale**2) / (n[:, None] * P + mean_scale**-2)

    def scatter(n, first, second, m):
        if matrix:
            M = torch.zeros(len(n), D, D)
            M[:, i, j] = second
            M[:, j, i] = second
            cross = m[:, :, None] * first[:, None, :]
            return M - cross - cross.mT + n[:, None, None] * m[:, :, None] * m[:, None, :]
        return second - 2 * m * first + n[:, None] * m**2

    def precision(n, S, prior):  # the prior counts as one row, with the scatter of `spread`
        match covariance:
            case "full":
                P = inverse((S + prior * torch.diag(spread**2)) / (n + prior)[:, None, None])
            case "tied":
                P = inverse((S.sum(0) + prior * torch.diag(spread**2)) / (n.sum() + prior))
            case "diag":
                P = 1 / ((S + prior * spread**2) / (n + prior)[:, None]).clamp_min(floor)
            case _:
                P = 1 / ((S.sum(1) + prior * (spread**2).mean()) / (n * D + prior)).clamp_min(floor)
        return P / units

    def inverse(S):
        values, vectors = torch.linalg.eigh(S)
        return (vectors / values.clamp_min(floor)[..., None, :]) @ vectors.mT

    def by_component(P, K):
        if covariance == "spherical" and P.shape == (K,):
            P = P[:, None]
        return P.expand((K, D, D) if matrix else (K, D))

    return Form(features, natural, maximise, base=lambda x: torch.zeros(len(x)))
