import math

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from numpyro import handlers
from numpyro.distributions import Delta, kl_divergence
from numpyro.primitives import Messenger

from inference.objectives import Terms, bounds, draws, refusals
from inference.objectives.sites import Run, every_value, is_exact

NEVER = jax.random.PRNGKey(0)  # where every site has its value, the seed is not used


def bound(objective, program, guide, params, key, inputs, beta=1.0):
    drawn = Draws(program, guide, params, key, inputs, objective)
    if objective.gradient == "doubly_reparameterised" and objective.num_particles > 1:
        values = drawn.values()  # once: what is computed of them twice the compiler sees to be the same
        shares = jax.nn.softmax(bounds.log_weights(drawn.together(values), beta), axis=0)
        found = drawn.together(values, stop_gradient(bounds.doubly(shares, beta)))
    else:
        found = drawn.together()
    both = bounds.parts(found)
    value = bounds.value(objective, found, both, beta, log_mean_exp)
    return value, stop_gradient(bounds.metrics(objective, found, both, log_mean_exp))


def log_mean_exp(array):
    return jax.nn.logsumexp(array, axis=0) - math.log(len(array))


def terms(program, guide, params, key, inputs, objective):
    return Draws(program, guide, params, key, inputs, objective).together()


class At(Messenger):
    """Sites and parameters at given values; the guide's discrete latents of the rows at all of theirs."""

    def __init__(self, program, values):
        self.values, self.exact = values, 0
        super().__init__(program)

    def process_message(self, msg):
        if msg["type"] not in ("sample", "param"):
            return
        if msg["name"] in self.values:
            msg["value"] = self.values[msg["name"]]
        elif msg["type"] == "sample" and not msg["is_observed"] and is_exact(msg):
            msg["value"] = every_value(msg, self.exact)
            self.exact += 1


def traced(program, values, key, inputs):
    nodes = handlers.trace(handlers.seed(At(program, values), key)).get_trace(**inputs)
    plate = (nodes["N"]["args"][0], len(nodes["N"]["value"])) if "N" in nodes else None
    return Run({n: s for n, s in nodes.items() if s["type"] == "sample"}, plate)


class Draws(draws.Draws):
    def __init__(self, program, guide, params, key, inputs, objective):
        once, each = jax.random.split(key)
        self.params, self.first = params, traced(guide, params, once, inputs)
        super().__init__(program, guide, inputs, objective, self.first)
        self.keys = jax.random.split(each, objective.num_particles)

    def drawn_by(self, key, values):
        return traced(self.guide, {**self.params, **self.held, **values}, key, self.inputs)

    def values(self):
        """The K draws."""
        return jax.vmap(lambda key: {n: self.drawn_by(key, {}).sites[n]["value"] for n in self.drawn})(self.keys)

    def together(self, values=None, weights=None):
        """The terms of K draws, or of those given; ``weights``, (K, [E,] B) or (K,), multiply the gradients of each."""
        if self.objective.num_particles == 1:
            rows, rest = self.terms(self.first)
            rows, lead = jax.tree.map(lambda a: a[None], rows), lambda a: a if self.local else a[None]
        else:
            # rows can be weighed by themselves if what is outside of them is the same for all draws
            alone = self.local and self.objective.name == "iwae"
            each = jax.vmap(
                lambda key, values, weight: self.terms(self.drawn_by(key, values), weight),
                out_axes=(0, None if alone else 0),
            )
            try:
                rows, rest = each(self.keys, values or {}, weights)
            except ValueError as error:
                if "out_axes" in str(error):
                    raise refusals.tied_rows() from None
                raise
            lead = lambda a: a.mean() if self.local else a  # noqa: E731
        extra = rows.pop("extra").mean()
        return Terms(**rows, **jax.tree.map(lead, rest), extra=extra, scale=self.scale)

    def run(self, program, values, stopped=False):
        params = stop_gradient(self.params) if stopped else self.params
        return traced(program, {**params, **values}, NEVER, self.inputs)

    def log_of(self, site, value):
        if value is site["value"] and site["intermediates"]:
            return site["fn"].log_prob(value, site["intermediates"])
        return site["fn"].log_prob(value)

    def formula(self, q, p):
        return kl_divergence(q, p)

    def is_point(self, law):
        while hasattr(law, "base_dist"):
            law = law.base_dist
        return isinstance(law, Delta)

    def place_of(self, law):
        return law.sample(NEVER)

    def weighed(self, value, weight, site):
        weight = self.along(weight, site)
        shape = jnp.broadcast_shapes(value.shape, weight.shape)
        return with_weight(jnp.broadcast_to(value, shape), weight)

    def detached(self, value):
        return stop_gradient(value)

    def wide(self, array, shape):
        return jnp.broadcast_to(array, shape)

    def zeros(self, shape):
        return jnp.zeros(shape)

    def exp(self, array):
        return jnp.exp(array)

    def where(self, condition, array):
        return jnp.where(condition, array, 0.0)


@jax.custom_vjp
def with_weight(value, weight):
    return value


with_weight.defvjp(
    lambda value, weight: (value, weight), lambda weight, slope: (weight * slope, jnp.zeros_like(weight))
)
