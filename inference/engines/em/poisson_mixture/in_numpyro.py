import jax.numpy as jnp
from jax.scipy.special import gammaln

from inference.engines.em.exponential_family import Form, Precise
from inference.engines.em.poisson_mixture import MAX_RATE, MIN_RATE
from zoo._distributions.counts.in_numpyro import Poisson


def form(data, keywords, options):
    shape, mean = keywords["shape"], keywords["mean"]

    def features(x):
        return jnp.stack([jnp.ones(len(x)), x], axis=1)

    def natural(params):
        return jnp.stack([jnp.log(params["pi"]) - params["rate"], jnp.log(params["rate"])])

    def maximise(sums, previous):
        n, counts = sums.T
        if options.objective == "map" or previous is None:
            rate = (counts + shape - 1) / (n + shape / mean)
        else:
            rate = counts / jnp.maximum(n, MIN_RATE)
        return {"pi": n / n.sum(), "rate": jnp.maximum(rate, MIN_RATE)}

    def log_joint(x, params):
        return jnp.log(params["pi"]) + Poisson(params["rate"]).log_prob(x[:, None])

    precise = Precise(
        is_needed=lambda params: params["rate"].max() > MAX_RATE,
        log_joint=log_joint,
        sums=lambda x, r, origin: r.T @ features(x),
        maximise=lambda sums, params, origin: maximise(sums, params),
    )
    return Form(features, natural, maximise, base=lambda x: -gammaln(x + 1), precise=precise)
