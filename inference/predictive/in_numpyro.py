import jax
from numpyro import handlers
from numpyro.primitives import Messenger


class Unobserve(Messenger):
    """The program with some observed sites sampled."""

    def __init__(self, program, sites):
        self.sites = sites
        super().__init__(program)

    def process_message(self, msg):
        if msg["type"] == "sample" and msg["name"] in self.sites:
            msg["is_observed"], msg["value"] = False, None


def predict(program, inputs, draws, sites, seed, count=0):
    arrays = {n: v for n, v in inputs.items() if isinstance(v, jax.Array)}
    sizes = {n: v for n, v in inputs.items() if n not in arrays}

    def at_draw(key, draw, arrays):
        run = handlers.substitute(handlers.seed(Unobserve(program, sites), key), data=draw)
        with handlers.block():
            nodes = handlers.trace(run).get_trace(**arrays, **sizes)
        return {n: nodes[n]["value"] for n in sites}

    count = len(next(iter(draws.values()))) if draws else count
    keys = jax.random.split(jax.random.PRNGKey(seed), count)
    mapped = jax.jit(lambda at, arrays: jax.lax.map(lambda one: at_draw(one[0], one[1], arrays), at))
    return mapped((keys, draws), arrays)
