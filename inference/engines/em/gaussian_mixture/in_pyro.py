import math

import numpy as np
import torch

from inference.engines.em.exponential_family import Form, Precise
from inference.engines.em.gaussian_mixture import MAX_PRECISION, MIN_EIGENVALUE, condition, floors, make_check

EMPTY = 1e-300  # a component with no rows keeps finite parameters


def form(data, keywords, options):
    x, covariance, D = data["x"], keywords["covariance"], keywords["D"]
    x, weights = x.to(torch.float64), torch.as_tensor(np.array(options.sample_weight)).to(x.device)
    centre = weights @ x / weights.sum()
    scale = (weights @ (x - centre) ** 2 / weights.sum()).sqrt()
    if covariance == "spherical":  # a sphere stays a sphere only where all columns have one scale
        scale = (scale**2).mean().sqrt().expand(D)
    loc, mean_scale, spread = (torch.as_tensor(keywords[name]).expand(D) for name in ("loc", "scale", "spread"))
    mean_scale, spread = mean_scale / scale, spread / scale
    scale_products = torch.outer(scale, scale)
    matrix = covariance in ("full", "tied")
    units = scale_products if matrix else scale[0] ** 2 if covariance == "spherical" else scale**2
    floor = floors(options, centre.cpu().numpy(), scale.cpu().numpy())
    least = torch.as_tensor(floor.variance).to(x.device)
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
        return maximise_about(centre, sums, previous)

    def maximise_about(origin, sums, previous):  # sums of (x - origin) / scale, where origin is (D,) or (K, D)
        n, first, second = sums[:, 0].clamp_min(EMPTY), sums[:, 1 : D + 1], sums[:, D + 1 :]
        if options.objective == "ml" and previous is not None:
            prior, m = 0.0, first / n[:, None]
        else:  # MAP, and the start: a component of one row has no variance
            prior_precision = torch.diag(spread**-2) if matrix else spread[None] ** -2  # (1, D): by column
            P = by_component(prior_precision if previous is None else previous["Lambda"] * units, len(n))
            prior, m = 1.0, posterior_mean(n, first, P, (loc - origin) / scale)
        return {
            "pi": n / n.sum(),
            "mu": origin + scale * m,
            "Lambda": precision(n, scatter(n, first, second, m), prior),
        }

    def posterior_mean(n, first, P, prior_mean):
        if matrix:
            A = n[:, None, None] * P + torch.diag(mean_scale**-2)
            return torch.linalg.solve(A, torch.einsum("kij,kj->ki", P, first) + prior_mean / mean_scale**2)
        return (P * first + prior_mean / mean_scale**2) / (n[:, None] * P + mean_scale**-2)

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
                P = 1 / ((S + prior * spread**2) / (n + prior)[:, None]).maximum(lowest(least))
            case "tied_diag":
                P = 1 / ((S.sum(0) + prior * spread**2) / (n.sum() + prior)).maximum(lowest(least))
            case _:
                P = 1 / ((S.sum(1) + prior * (spread**2).mean()) / (n * D + prior)).maximum(lowest(least.mean()))
        return P / units

    def lowest(variance):
        return variance if floor.clip is None else torch.full_like(variance, floor.clip)

    def inverse(S):
        if floor.clip is not None:
            values, vectors = torch.linalg.eigh(S)
            smallest = (MIN_EIGENVALUE * values[..., -1:]).clamp_min(floor.clip)  # a precision beyond has no digits
            return (vectors / values.maximum(smallest)[..., None, :]) @ vectors.mT
        width = S.diagonal(dim1=-2, dim2=-1).maximum(least).sqrt()
        products = width[..., :, None] * width[..., None, :]
        values, vectors = torch.linalg.eigh(S / products)
        return (vectors / values.clamp_min(floor.eigenvalue)[..., None, :]) @ vectors.mT / products

    def by_component(P, K):
        if covariance == "spherical" and P.shape == (K,):
            P = P[:, None]
        return P.expand((K, D, D) if matrix else (K, D))

    def is_needed(params):
        P = by_component(params["Lambda"] * units, len(params["pi"]))
        return (P.diagonal(dim1=1, dim2=2) if matrix else P).max() > MAX_PRECISION

    def log_joint(x, params):
        P, y = by_component(params["Lambda"] * units, len(params["pi"])), residuals(x, params)
        if matrix:
            factor = torch.linalg.cholesky(P)
            squares = torch.einsum("bkd,kde->bke", y, factor).square().sum(-1)
            log_det = 2 * factor.diagonal(dim1=1, dim2=2).log().sum(1)
        else:
            squares, log_det = (P * y**2).sum(-1), P.log().sum(1)
        log_det = log_det - 2 * scale.log().sum()
        return params["pi"].log() + 0.5 * (log_det - D * math.log(2 * math.pi) - squares)

    def sums(x, r, origin):
        y = residuals(x, origin)
        weighted = r[:, :, None] * y
        second = torch.einsum("bkd,bke->kde", weighted, y)[:, i, j] if matrix else (weighted * y).sum(0)
        return torch.cat([r.sum(0)[:, None], weighted.sum(0), second], dim=1)

    def residuals(x, params):
        return (x[:, None] - params["mu"]) / scale

    precise = Precise(
        is_needed, log_joint, sums, lambda sums, params, origin: maximise_about(origin["mu"], sums, params)
    )
    moments = centre.cpu().numpy(), scale.cpu().numpy()
    check = make_check(floor, options, covariance, moments[1])

    def condition_of(params):
        return condition(params["Lambda"], covariance, *moments)

    return Form(features, natural, maximise, lambda x: torch.zeros(len(x)), precise, check, condition_of)
