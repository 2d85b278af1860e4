import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln

from inference.engines.em.exponential_family import Form, Precise
from inference.engines.em.gaussian_mixture import MAX_PRECISION, floors, make_check
from inference.engines.em.mixed_latent_class import EMPTY, MARGIN, MIN_WEIGHT, RIDGE
from inference.engines.em.poisson_mixture import MAX_RATE, MIN_RATE
from zoo._distributions.mixed_columns import layout
from zoo._distributions.mixed_columns.in_numpyro import MixedColumns
from zoo.data.column_kinds import column_levels


def form(data, keywords, options):
    columns = column_levels(keywords["columns"], keywords["D"])
    at = layout(columns)
    C, R, P = len(at.numbers), len(at.counts), len(at.covariates)
    centre, scale = moments(data["x"][:, at.numbers], jnp.asarray(options.sample_weight, float))
    loc, mean_scale, spread = (jnp.broadcast_to(jnp.asarray(keywords[n]), C) for n in ("loc", "scale", "spread"))
    mean_scale, spread = mean_scale / scale, spread / scale
    shape, mean = keywords["shape"], jnp.broadcast_to(jnp.asarray(keywords["mean"]), R)
    floor = floors(options, np.asarray(centre), np.asarray(scale))
    least = jnp.asarray(floor.variance) if floor.clip is None else floor.clip
    levels = jnp.arange(len(at.owners)) - at.starts[at.owners]
    ends = np.cumsum([1, C, C, C, R, R, len(at.owners)])
    membership = Membership(at.covariates, keywords)

    def features(x):
        return join(x, *standardised(x, centre))

    def standardised(x, origin):
        y = (x[..., at.numbers] - origin) / scale
        observed = ~jnp.isnan(y)
        y = jnp.where(observed, y, 0.0)
        return y, y**2

    def join(x, y, squares):
        counts = x[:, at.counts]
        is_level = x[:, at.categories][:, at.owners] == levels  # False where missing
        num_observed, num_counts = ~jnp.isnan(x[:, at.numbers]), ~jnp.isnan(counts)
        parts = [
            jnp.ones((len(x), 1)),
            num_observed,
            y,
            squares,
            num_counts,
            jnp.where(num_counts, counts, 0.0),
            is_level,
        ]
        return jnp.concatenate(parts, axis=1)

    def natural(params):
        pi, mu, Lambda, rate, theta = unpack(params)
        precision, m = Lambda * scale**2, (mu - centre) / scale
        constant = 0.5 * (jnp.log(precision) - 2 * jnp.log(scale) - jnp.log(2 * jnp.pi) - precision * m**2)
        numbers = [constant, precision * m, -0.5 * precision]
        parts = [jnp.log(pi)[:, None], *numbers, -rate, jnp.log(rate), jnp.log(theta)]
        return jnp.concatenate(parts, axis=1).T

    def unpack(params):
        K = len(params["pi"])
        empty = jnp.ones((K, 0))
        theta = jnp.concatenate([empty, *(params[f"theta{d}"] for d in at.categories)], axis=1)
        return params["pi"], params.get("mu", empty), params.get("Lambda", empty), params.get("rate", empty), theta

    def maximise(sums, previous):
        return maximise_about(centre, sums, previous)

    def maximise_about(origin, sums, previous):  # sums of (x - origin) / scale, where origin is (C,) or (K, C)
        n, num_observed, first, second, num_counts, counts, level_sums, membership_sums = jnp.split(sums, ends, axis=1)
        is_map, is_start = options.objective == "map", previous is None
        params = {"pi": n[:, 0] / n.sum()}
        if P:
            params |= (
                {"odds": jnp.full((P, len(n)), 1 / len(n))}
                if is_start
                else membership.maximise(previous, membership_sums)
            )
        if C:
            num_observed = jnp.maximum(num_observed, EMPTY)
            if is_map or is_start:
                old = jnp.broadcast_to(spread**-2, num_observed.shape) if is_start else previous["Lambda"] * scale**2
                prior = 1.0
                m = (old * first + (loc - origin) / scale / mean_scale**2) / (num_observed * old + mean_scale**-2)
            else:
                prior, m = 0.0, first / num_observed
            scatter = second - 2 * m * first + num_observed * m**2
            variance = jnp.maximum((scatter + prior * spread**2) / (num_observed + prior), least)
            variance = jnp.where(num_observed + prior > MIN_WEIGHT, variance, 1.0)
            params |= {"mu": origin + scale * m, "Lambda": 1 / (variance * scale**2)}
        if R:
            if is_map or is_start:
                rate = (counts + shape - 1) / (num_counts + shape / mean)
            else:
                rate = jnp.where(num_counts > MIN_WEIGHT, counts / jnp.maximum(num_counts, EMPTY), mean)
            params["rate"] = jnp.maximum(rate, MIN_RATE)
        for d, start, size in zip(at.categories, at.starts, at.sizes, strict=True):
            own = level_sums[:, start : start + size] + is_start  # at the start one more answer of each level
            total = own.sum(1, keepdims=True)
            theta = jnp.where(total > 0, own / jnp.where(total > 0, total, 1.0), 1 / size)
            theta = jnp.maximum(theta, MARGIN)
            params[f"theta{d}"] = theta / theta.sum(1, keepdims=True)
        return params

    @jax.jit
    def is_needed(params):
        if P:
            return True
        _, _, Lambda, rate, _ = unpack(params)
        return ((Lambda * scale**2).max(initial=0.0) > MAX_PRECISION) | (rate.max(initial=0.0) > MAX_RATE)

    def log_joint(x, params):
        _, mu, Lambda, rate, theta = unpack(params)
        values = MixedColumns(mu, Lambda**-0.5, rate, jnp.log(theta), columns)
        log_pi = membership.log_probs(x, params) if P else jnp.log(params["pi"])
        return log_pi + values.log_prob(x[:, None])

    def sums(x, r, origin):
        y, squares = standardised(x[:, None], origin.get("mu", centre))
        total = r.T @ join(x, jnp.zeros((len(x), C)), jnp.zeros((len(x), C)))
        first, second = (r[:, :, None] * y).sum(0), (r[:, :, None] * squares).sum(0)
        parts = [total[:, : 1 + C], first, second, total[:, 1 + 3 * C :]]
        return jnp.concatenate([*parts, *([membership.sums(x, r, origin)] if P else ())], axis=1)

    def base(x):
        return -gammaln(jnp.nan_to_num(x[:, at.counts]) + 1).sum(1)

    precise = Precise(
        is_needed,
        log_joint,
        sums,
        lambda sums, params, origin: maximise_about(origin.get("mu", centre), sums, params),
    )
    check = make_check(floor, options, "diag", np.asarray(scale)) if C else None
    return Form(features, natural, maximise, base, precise, check)


class Membership:
    """The probabilities of the classes given covariates, and the step of their coefficients."""

    def __init__(self, columns, keywords):
        self.columns, self.mean, self.sd = columns, keywords["covariate_mean"], keywords["covariate_sd"]

    def predictors(self, x):
        return jnp.concatenate([jnp.ones((len(x), 1)), (x[:, self.columns] - self.mean) / self.sd], axis=1)

    def coefficients(self, params):
        return jnp.log(jnp.concatenate([params["pi"][None], params["odds"]]))

    def log_probs(self, x, params):
        return jax.nn.log_softmax(self.predictors(x) @ self.coefficients(params), axis=1)

    def sums(self, x, r, params):
        """The gradient (K, 1 + P), and the products of the predictors (K, (1 + P)^2), side by side."""
        w, weights = self.predictors(x), r.sum(1, keepdims=True)
        gradient = (r - weights * jnp.exp(self.log_probs(x, params))).T @ w
        products = jnp.einsum("bk,bp,bq->kpq", r, w, w)
        return jnp.concatenate([gradient, products.reshape(len(products), -1)], axis=1)

    def maximise(self, params, sums):
        size = 1 + len(self.columns)
        gram = sums[:, size:].sum(0).reshape(size, size)
        gram = gram + RIDGE * jnp.trace(gram) * jnp.eye(size)
        step = 2 * jnp.linalg.solve(gram, sums[:, :size].T)
        probabilities = jax.nn.softmax(self.coefficients(params) + step, axis=1)
        return {"pi": probabilities[0], "odds": probabilities[1:]}


@jax.jit
def moments(x, weights):
    """Mean and standard deviation of each column, (C,), missing values left out."""
    observed = ~jnp.isnan(x)
    count = weights @ observed
    centre = weights @ jnp.where(observed, x, 0.0) / count
    return centre, jnp.sqrt(weights @ jnp.where(observed, (x - centre) ** 2, 0.0) / count)
