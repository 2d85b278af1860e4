import jax.numpy as jnp

from inference.engines.em.exponential_family import Form
from inference.engines.em.latent_class import EDGE


def form(data, keywords, options):
    J = keywords["J"]
    a, b = keywords["a"], keywords["b"]

    def features(x):
        seen = ~jnp.isnan(x)
        return jnp.concatenate([jnp.ones((len(x), 1)), seen, jnp.where(seen, x, 0.0)], axis=1)

    def natural(params):
        no, yes = jnp.log1p(-params["theta"]), jnp.log(params["theta"])
        return jnp.concatenate([jnp.log(params["pi"])[:, None], no, yes - no], axis=1).T

    def maximise(sums, before):
        n, seen, yes = sums[:, 0], sums[:, 1 : J + 1], sums[:, J + 1 :]
        if options["objective"] == "map":
            seen, yes = seen + a + b - 2, yes + a - 1
        if before is None:  # as if each class had also said one yes and one no
            seen, yes = seen + 2, yes + 1
        # an item nobody of a class answered says nothing: leave it at one half
        theta = jnp.where(seen > 0, yes / jnp.where(seen > 0, seen, 1.0), 0.5)
        return {"pi": n / n.sum(), "theta": jnp.clip(theta, EDGE, 1 - EDGE)}

    return Form(features, natural, maximise, base=lambda x: jnp.zeros(len(x)))
