import jax
import jax.numpy as jnp
import numpy as np

from inference.engines.em.exponential_family import Form
from inference.engines.em.gaussian_mixture import covariance_floor

EMPTY = 1e-300  # a component with no rows keeps finite parameters


def form(data, keywords, options):
    covariance, D = keywords["covariance"], keywords["D"]

    @jax.jit
    def standardise(x, weights, loc, mean_scale, spread):
        centre = weights @ x / weights.sum()
        scale = jnp.sqrt(weights @ (x - centre) ** 2 / weights.sum())
        if covariance == "spherical":  # a sphere stays a sphere only where all columns have one scale
            scale = jnp.full(D, jnp.sqrt((scale**2).mean()))
        return centre, scale, (loc - centre) / scale, mean_scale / scale, spread / scale, jnp.outer(scale, scale)

    priors = (keywords[name] for name in ("loc", "scale", "spread"))
    centre, scale, loc, mean_scale, spread, scale_products = standardise(
        data["x"], jnp.asarray(options.sample_weight, float), *priors
    )
    units = {"full": scale_products, "tied": scale_products, "diag": scale**2, "spherical": scale[0] ** 2}[covariance]
    floor, matrix = covariance_floor(options), covariance in ("full", "tied")
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
        n, first, second = jnp.maximum(sums[:, 0], EMPTY), sums[:, 1 : D + 1], sums[:, D + 1 :]
        if options.objective == "ml" and previous is not None:
            prior, m = 0.0, first / n[:, None]
        else:  # MAP, and the start: a component of one row has no variance
            prior_precision = jnp.diag(spread**-2) if matrix else spread**-2
            P = by_component(prior_precision if previous is None else previous["Lambda"] * units, len(n))
            prior, m = 1.0, posterior_mean(n, first, P)
        return {
            "pi": n / n.sum(),
            "mu": centre + scale * m,
            "Lambda": precision(n, scatter(n, first, second, m), prior),
        }

    def posterior_mean(n, first, P):
        if matrix:
            A = n[:, None, None] * P + jnp.diag(mean_scale**-2)
            return jnp.linalg.solve(A, (jnp.einsum("kij,kj->ki", P, first) + loc / mean_scale**2)[..., None])[..., 0]
        return (P * first + loc / mean_scale**2) / (n[:, None] * P + mean_scale**-2)

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
                P = 1 / jnp.maximum((S + prior * spread**2) / (n + prior)[:, None], floor)
            case _:
                P = 1 / jnp.maximum((S.sum(1) + prior * (spread**2).mean()) / (n * D + prior), floor)
        return P / units

    def inverse(S):
        values, vectors = jnp.linalg.eigh(S)
        return (vectors / jnp.maximum(values, floor)[..., None, :]) @ vectors.mT

    def by_component(P, K):
        if covariance == "spherical" and P.shape == (K,):
            P = P[:, None]
        return jnp.broadcast_to(P, (K, D, D) if matrix else (K, D))

    return Form(features, natural, maximise, base=lambda x: jnp.zeros(len(x)))
