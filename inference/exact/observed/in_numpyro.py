import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers
from numpyro.infer.initialization import init_to_uniform

from inference.exact.observed import ObservedElements
from zoo._backend.in_numpyro import kind_of
from zoo._programs.supports.in_numpyro import bounds_of, without_joins


def observed_elements(program, inputs, seed):
    run = handlers.substitute(handlers.seed(program, jax.random.PRNGKey(seed)), substitute_fn=init_to_uniform)
    with handlers.block():
        nodes = handlers.trace(run).get_trace(**inputs)
    observed = {n: s for n, s in nodes.items() if s["type"] == "sample" and s["is_observed"]}
    return {n: elements(s["fn"], s["value"]) for n, s in observed.items()}


def elements(fn, value):
    low, high = (b if b is None else np.asarray(b) for b in bounds_of(fn))
    log_density = jnp.where(fn.support(value), fn.log_prob(value), -jnp.inf)
    return ObservedElements(
        np.asarray(value), np.asarray(log_density), type(without_joins(fn)).__name__, kind_of(fn), (low, high)
    )
