import re

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers
from numpyro.distributions import Unit
from numpyro.infer import init_to_uniform

from zoo._backend.in_numpyro import runtime, to_backend
from zoo.cli.programs.trace import CallSite, CallTrace


def call_with_arrays(program, arguments, static):
    """The program without arguments: those of the call, arrays as the backend has them."""
    arrays = to_backend({n: v for n, v in arguments.arrays.items() if n not in static})
    return lambda: arguments.call(program, {**arguments.arrays, **arrays})


def trace_nodes(program, arguments, static, seed=0, values=None):
    run = handlers.seed(call_with_arrays(program, arguments, static), jax.random.PRNGKey(seed))
    run = handlers.substitute(handlers.substitute(run, substitute_fn=init_to_uniform), data=values or {})
    return handlers.trace(run).get_trace()


def run_call(program, arguments, static):
    with runtime("float64"):
        nodes = trace_nodes(program, arguments, static)
        sites = {n: call_site(s) for n, s in nodes.items() if s["type"] == "sample" and not isinstance(s["fn"], Unit)}
        plates = {n: (s["args"][1] or s["args"][0], s["args"][0]) for n, s in nodes.items() if s["type"] == "plate"}
        return CallTrace(sites, plates)


def call_site(site):
    fn, value = site["fn"], jnp.asarray(site["value"])
    is_missing = jnp.isnan(value) if jnp.issubdtype(value.dtype, jnp.floating) else jnp.zeros(value.shape, bool)
    is_missing = is_missing if site["is_observed"] else jnp.zeros(value.shape, bool)
    has_missing = is_missing.any(tuple(range(value.ndim - fn.event_dim, value.ndim)))
    density = jnp.asarray(fn.log_prob(value))
    is_outside = ~jnp.asarray(fn.support(value))
    return CallSite(
        is_observed=bool(site["is_observed"]),
        shape=tuple(value.shape),
        density_shape=tuple(density.shape),
        event_shape=tuple(fn.event_shape),
        log_density=float(jnp.where(has_missing, 0.0, density).sum()),
        outside=int((is_outside & ~has_missing).sum()),
        support=support_name(fn.support),
        in_scan=bool(site.get("_control_flow_done")),
    )


def support_name(support):
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(support).__name__.strip("_")).lower()
    bounds = [getattr(support, n, None) for n in ("lower_bound", "upper_bound")]
    lower, upper = (f"{float(b):g}" if b is not None and jnp.size(b) == 1 else "" for b in bounds)
    return f"{name} from {lower} to {upper}" if lower and upper else f"{name} from {lower} up" if lower else name


def guide_sites(guide, arguments, static):
    with runtime("float64"):
        nodes = trace_nodes(guide, arguments, static)
        return {
            n: tuple(jnp.shape(s["value"]))
            for n, s in nodes.items()
            if s["type"] == "sample" and not s["is_observed"] and not s["infer"].get("is_auxiliary")
        }


def prior_of(program, arguments, static, name):
    with runtime("float64"):
        first = trace_nodes(program, arguments, static)[name]
        value = first["value"]
        other = trace_nodes(program, arguments, static, seed=1, values={name: value})[name]
        density = np.asarray(first["fn"].log_prob(value))
        if not np.allclose(density, np.asarray(other["fn"].log_prob(value)), rtol=1e-10, atol=0):
            return "of other latents"
        standard = float((-0.5 * value**2 - 0.5 * jnp.log(2 * jnp.pi)).sum())
        return "standard normal" if np.isclose(density.sum(), standard, rtol=1e-8) else "fixed"
