import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers
from numpyro.infer.initialization import init_to_uniform

from inference.exact.observed import ObservedElements
from zoo._backend.in_numpyro import kind_of


def observed_elements(program, inputs, seed):
    run = handlers.substitute(handlers.seed(program, jax.random.PRNGKey(seed)), substitute_fn=init_to_uniform)
    with handlers.block():
        nodes = handlers.trace(run).get_trace(**inputs)
    observed = {n: s for n, s in nodes.items() if s["type"] == "sample" and s["is_observed"]}
    return {n: elements(s["fn"], s["value"]) for n, s in observed.items()}


def elements(fn, value):
    inner, support = fn, fn.support
    while hasattr(inner, "base_dist"):
        inner = inner.base_dist
    while hasattr(support, "base_constraint"):
        support = support.base_constraint
    bounds = (getattr(support, n, None) for n in ("lower_bound", "upper_bound"))
    low, high = (b if b is None else np.asarray(b) for b in bounds)
    log_density = jnp.where(fn.support(value), fn.log_prob(value), -jnp.inf)
    return ObservedElements(
        np.asarray(value),
        np.asarray(log_density),
        type(inner).__name__,
        kind_of(fn),
        (low, high),
    )
