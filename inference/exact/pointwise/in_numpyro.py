import jax
from numpyro import handlers

from inference.exact.enumeration.in_numpyro import FUNCTIONS, EnumeratedDensity
from inference.exact.pointwise.graph import site_log_likelihoods

KEY = jax.random.PRNGKey(0)  # for programs in which every site has its value


def log_likelihood(program, inputs, draws, sites):
    arrays = {n: v for n, v in inputs.items() if isinstance(v, jax.Array)}
    sizes = {n: v for n, v in inputs.items() if n not in arrays}

    def at_draw(draw, arrays):
        substituted = handlers.substitute(handlers.seed(program, KEY), data=draw)
        with handlers.block():
            nodes = handlers.trace(substituted).get_trace(**arrays, **sizes)
        return {n: nodes[n]["fn"].log_prob(nodes[n]["value"]) for n in sites}

    return jax.jit(lambda draws, arrays: jax.lax.map(lambda draw: at_draw(draw, arrays), draws))(draws, arrays)


def marginal_log_likelihood(program, inputs, draws, sites, has_rows):
    density = EnumeratedDensity(program, {}, inputs)

    def at_draw(density, draw):
        return site_log_likelihoods(density.factor_graph(draw), sites, FUNCTIONS, has_rows)

    return density.map_draws(draws, at_draw)
