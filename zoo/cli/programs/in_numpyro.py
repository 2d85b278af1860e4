import re

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from numpyro import handlers
from numpyro.distributions import Unit
from numpyro.infer import init_to_uniform

from zoo._backend.in_numpyro import runtime, to_backend
from zoo.cli.programs.trace import CallSite, CallTrace


def compute(program, arguments, static, function):
    """``function(trace)``, compiled, of ``trace(seed, values)``: the nodes of a run with some values fixed."""
    with runtime("float64"):
        arrays = to_backend({n: v for n, v in arguments.arrays.items() if n not in static})

        def run(key, arrays):
            def trace(seed=0, values=None):
                run = handlers.seed(
                    lambda: arguments.call(program, {**arguments.arrays, **arrays}), jax.random.fold_in(key, seed)
                )
                run = handlers.substitute(handlers.substitute(run, substitute_fn=init_to_uniform), data=values or {})
                with handlers.block():
                    return handlers.trace(run).get_trace()

            return function(trace)

        return jax.tree.map(np.asarray, jax.jit(run)(jax.random.PRNGKey(0), arrays))


def run_call(program, arguments, static):
    shapes, plates = {}, {}

    def numbers(trace):
        nodes = trace()
        samples = {n: s for n, s in nodes.items() if s["type"] == "sample"}
        plates.update(
            {n: (s["args"][1] or s["args"][0], s["args"][0]) for n, s in nodes.items() if s["type"] == "plate"}
        )
        computed = {n: density_of(s) for n, s in samples.items()}
        shapes.update({n: shapes_of(s, computed[n][0]) for n, s in samples.items()})
        return {
            n: (jnp.where(has_missing, 0.0, density).sum(), outside)
            for n, (density, has_missing, outside) in computed.items()
        }

    computed = compute(program, arguments, static, numbers)
    sites = {
        n: CallSite(**shapes[n], log_density=float(density), outside=int(outside))
        for n, (density, outside) in computed.items()
    }
    return CallTrace(sites, plates)


def density_of(site):
    """The log density of a site, where its values are missing, and how many are outside of the support."""
    fn, value = site["fn"], jnp.asarray(site["value"])
    if isinstance(fn, Unit):  # a factor
        return jnp.asarray(fn.log_factor), jnp.zeros((), bool), jnp.zeros((), int)
    is_missing = jnp.isnan(value) if site["is_observed"] else jnp.zeros(value.shape, bool)
    has_missing = is_missing.any(tuple(range(value.ndim - fn.event_dim, value.ndim)))
    return jnp.asarray(fn.log_prob(value)), has_missing, (~jnp.asarray(fn.support(value)) & ~has_missing).sum()


def shapes_of(site, density):
    fn = site["fn"]
    return {
        "is_observed": bool(site["is_observed"]),
        "shape": density.shape if isinstance(fn, Unit) else tuple(jnp.shape(site["value"])),
        "density_shape": tuple(density.shape),
        "event_shape": () if isinstance(fn, Unit) else tuple(fn.event_shape),
        "support": support_name(fn.support),
    }


def support_name(support):
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(support).__name__.strip("_")).lower()
    bounds = [getattr(support, n, None) for n in ("lower_bound", "upper_bound")]
    lower, upper = (
        "" if b is None or isinstance(b, Tracer) or np.size(b) > 1 else f"{np.asarray(b).item():g}" for b in bounds
    )
    return f"{name} from {lower} to {upper}" if lower and upper else f"{name} from {lower} up" if lower else name


def guide_sites(guide, arguments, static):
    shapes = {}

    def collect(trace):
        shapes.update(
            {
                n: tuple(jnp.shape(s["value"]))
                for n, s in trace().items()
                if s["type"] == "sample" and not s["is_observed"] and not s["infer"].get("is_auxiliary")
            }
        )
        return ()

    compute(guide, arguments, static, collect)
    return shapes


def prior_of(program, arguments, static, name):
    def densities(trace):
        first = trace()[name]
        other = trace(1, {name: first["value"]})[name]
        standard = (-0.5 * first["value"] ** 2 - 0.5 * jnp.log(2 * jnp.pi)).sum()
        return first["fn"].log_prob(first["value"]), other["fn"].log_prob(first["value"]), standard

    first, other, standard = compute(program, arguments, static, densities)
    if not np.allclose(first, other, rtol=1e-10, atol=0):
        return "of other latents"
    return "standard normal" if np.isclose(first.sum(), standard, rtol=1e-8) else "fixed"
