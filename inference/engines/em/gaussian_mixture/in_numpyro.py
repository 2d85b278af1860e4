import jax
import jax.numpy as jnp
import numpy as np

from inference.engines.em.exponential_family import Form, Precise
from inference.engines.em.gaussian_mixture import MAX_PRECISION, MIN_EIGENVALUE, condition, floors, make_check

EMPTY = 1e-300  # a component with no rows keeps finite parameters


def form(data, keywords, options):
    covariance, D = keywords["covariance"], keywords["D"]

    @jax.jit
    def standardise(x, weights, loc, mean_scale, spread):
        centre = weights @ x / weights.sum()
        scale = jnp.sqrt(weights @ (x - centre) ** 2 / weights.sum())
        if covariance == "spherical":  # a sphere stays a sphere only where all columns have one scale
            scale = jnp.full(D, jnp.sqrt((scale**2).mean()))
        loc = jnp.broadcast_to(jnp.asarray(loc, float), D)
        return centre, scale, loc, mean_scale / scale, spread / scale, jnp.outer(scale, scale)

    priors = (keywords[name] for name in ("loc", "scale", "spread"))
    centre, scale, loc, mean_scale, spread, scale_products = standardise(
        data["x"], jnp.asarray(options.sample_weight, float), *priors
    )
    matrix = covariance in ("full", "tied")
    units = scale_products if matrix else scale[0] ** 2 if covariance == "spherical" else scale**2
    floor = floors(options, np.asarray(centre), np.asarray(scale))
    i, j = np.triu_indices(D)

    def features(x):
        y = (x - centre) / scale
        return jnp.concatenate([jnp.ones((len(y), 1)), y, y[:, i] * y[:, j] if matrix else y**2], axis=1)

    def natural(params):
        P, m = by_component(params["Lambda"] * units, len(params["pi"])), (params["mu"] - centre) / scale
        if matrix:
            b, log_det = jnp.einsum("kij,kj->ki", P, m), jnp.linalg.slogdet(P)[1]
            squares = jnp.where(i == j, -0.5, -1.0) * P[:, i, j]
        else:
            b, log_det, squares = P * m, jnp.log(P).sum(1), -0.5 * P
        log_det = log_det - 2 * jnp.log(scale).sum()
        constant = jnp.log(params["pi"]) + 0.5 * (log_det - D * jnp.log(2 * jnp.pi) - (b * m).sum(1))
        return jnp.concatenate([constant[:, None], b, squares], axis=1).T

    def maximise(sums, previous):
        return maximise_about(centre, sums, previous)

    def maximise_about(origin, sums, previous):  # sums of (x - origin) / scale, where origin is (D,) or (K, D)
        n, first, second = jnp.maximum(sums[:, 0], EMPTY), sums[:, 1 : D + 1], sums[:, D + 1 :]
        if options.objective == "ml" and previous is not None:
            prior, m = 0.0, first / n[:, None]
        else:  # MAP, and the start: a component of one row has no variance
            prior_precision = jnp.diag(spread**-2) if matrix else spread[None] ** -2  # (1, D): by column
            P = by_component(prior_precision if previous is None else previous["Lambda"] * units, len(n))
            prior, m = 1.0, posterior_mean(n, first, P, (loc - origin) / scale)
        return {
            "pi": n / n.sum(),
            "mu": origin + scale * m,
            "Lambda": precision(n, scatter(n, first, second, m), prior),
        }

    def posterior_mean(n, first, P, prior_mean):
        if matrix:
            A = n[:, None, None] * P + jnp.diag(mean_scale**-2)
            return jnp.linalg.solve(A, (jnp.einsum("kij,kj->ki", P, first) + prior_mean / mean_scale**2)[..., None])[
                ..., 0
            ]
        return (P * first + prior_mean / mean_scale**2) / (n[:, None] * P + mean_scale**-2)

    def scatter(n, first, second, m):
        if matrix:
            M = jnp.zeros((len(n), D, D)).at[:, i, j].set(second).at[:, j, i].set(second)
            cross = m[:, :, None] * first[:, None, :]
            return M - cross - cross.mT + n[:, None, None] * m[:, :, None] * m[:, None, :]
        return second - 2 * m * first + n[:, None] * m**2

    def precision(n, S, prior):  # the prior counts as one row, with the scatter of `spread`
        match covariance:
            case "full":
                P = inverse((S + prior * jnp.diag(spread**2)) / (n + prior)[:, None, None])
            case "tied":
                P = inverse((S.sum(0) + prior * jnp.diag(spread**2)) / (n.sum() + prior))
            case "diag":
                P = 1 / jnp.maximum((S + prior * spread**2) / (n + prior)[:, None], lowest(floor.variance))
            case "tied_diag":
                P = 1 / jnp.maximum((S.sum(0) + prior * spread**2) / (n.sum() + prior), lowest(floor.variance))
            case _:
                variance = (S.sum(1) + prior * (spread**2).mean()) / (n * D + prior)
                P = 1 / jnp.maximum(variance, lowest(floor.variance.mean()))
        return P / units

    def lowest(variance):
        return variance if floor.clip is None else floor.clip

    def inverse(S):
        if floor.clip is not None:
            values, vectors = jnp.linalg.eigh(S)
            smallest = jnp.maximum(MIN_EIGENVALUE * values[..., -1:], floor.clip)  # a precision beyond has no digits
            return (vectors / jnp.maximum(values, smallest)[..., None, :]) @ vectors.mT
        width = jnp.sqrt(jnp.maximum(jnp.diagonal(S, axis1=-2, axis2=-1), floor.variance))
        products = width[..., :, None] * width[..., None, :]
        values, vectors = jnp.linalg.eigh(S / products)
        return (vectors / jnp.maximum(values, floor.eigenvalue)[..., None, :]) @ vectors.mT / products

    def by_component(P, K):
        if covariance == "spherical" and P.shape == (K,):
            P = P[:, None]
        return jnp.broadcast_to(P, (K, D, D) if matrix else (K, D))

    def is_needed(params):
        P = by_component(params["Lambda"] * units, len(params["pi"]))
        return (jnp.diagonal(P, axis1=1, axis2=2) if matrix else P).max() > MAX_PRECISION

    def log_joint(x, params):
        P, y = by_component(params["Lambda"] * units, len(params["pi"])), residuals(x, params)
        if matrix:
            factor = jnp.linalg.cholesky(P)
            squares = jnp.square(jnp.einsum("bkd,kde->bke", y, factor)).sum(-1)
            log_det = 2 * jnp.log(jnp.diagonal(factor, axis1=1, axis2=2)).sum(1)
        else:
            squares, log_det = (P * y**2).sum(-1), jnp.log(P).sum(1)
        log_det = log_det - 2 * jnp.log(scale).sum()
        return jnp.log(params["pi"]) + 0.5 * (log_det - D * jnp.log(2 * jnp.pi) - squares)

    def sums(x, r, origin):
        y = residuals(x, origin)
        weighted = r[:, :, None] * y
        second = jnp.einsum("bkd,bke->kde", weighted, y)[:, i, j] if matrix else (weighted * y).sum(0)
        return jnp.concatenate([r.sum(0)[:, None], weighted.sum(0), second], axis=1)

    def residuals(x, params):
        return (x[:, None] - params["mu"]) / scale

    precise = Precise(
        jax.jit(is_needed), log_joint, sums, lambda sums, params, origin: maximise_about(origin["mu"], sums, params)
    )
    moments = np.asarray(centre), np.asarray(scale)
    check = make_check(floor, options, covariance, moments[1])

    def condition_of(params):
        return condition(params["Lambda"], covariance, *moments)

    return Form(features, natural, maximise, lambda x: jnp.zeros(len(x)), precise, check, condition_of)
