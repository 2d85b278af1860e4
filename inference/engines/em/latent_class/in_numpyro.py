import jax.numpy as jnp

from inference.engines.em.exponential_family import Form
from inference.engines.em.latent_class import MARGIN


def form(data, keywords, options):
    J = keywords["J"]
    a, b = keywords["a"], keywords["b"]

    def features(x):
        answered = ~jnp.isnan(x)
        return jnp.concatenate([jnp.ones((len(x), 1)), answered, jnp.where(answered, x, 0.0)], axis=1)

    def natural(params):
        no, yes = jnp.log1p(-params["theta"]), jnp.log(params["theta"])
        return jnp.concatenate([jnp.log(params["pi"])[:, None], no, yes - no], axis=1).T

    def maximise(sums, previous):
        n, answered, yes = sums[:, 0], sums[:, 1 : J + 1], sums[:, J + 1 :]
        if options.objective == "map":
            answered, yes = answered + a + b - 2, yes + a - 1
        if previous is None:  # the start: one more yes and one more no in each class
            answered, yes = answered + 2, yes + 1
        # an item without answers in a class is at one half
        theta = jnp.where(answered > 0, yes / jnp.where(answered > 0, answered, 1.0), 0.5)
        return {"pi": n / n.sum(), "theta": jnp.clip(theta, MARGIN, 1 - MARGIN)}

    return Form(features, natural, maximise, base=lambda x: jnp.zeros(len(x)))
