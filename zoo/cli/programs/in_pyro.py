import math
import re

import torch
from pyro import poutine
from pyro.distributions import Unit
from pyro.poutine.subsample_messenger import _Subsample

from zoo._backend.in_pyro import is_deterministic, runtime, to_backend, with_values
from zoo.cli.programs.trace import CallSite, CallTrace


def call_with_arrays(program, arguments, static):
    """The program without arguments: those of the call, arrays as the backend has them."""
    arrays = to_backend({n: v for n, v in arguments.arrays.items() if n not in static})
    return lambda: arguments.call(program, {**arguments.arrays, **arrays})


def trace_nodes(program, arguments, static, seed=0, values=None):
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        run = poutine.condition(call_with_arrays(program, arguments, static), data=values or {})
        return poutine.trace(with_values(run)).get_trace().nodes


def run_call(program, arguments, static):
    with runtime("float64"):
        nodes = trace_nodes(program, arguments, static)
        samples = {n: s for n, s in nodes.items() if s["type"] == "sample"}
        plates = {n: (s["fn"].subsample_size or s["fn"].size, s["fn"].size) for n, s in samples.items() if is_plate(s)}
        return CallTrace({n: call_site(s) for n, s in samples.items() if is_value(s)}, plates)


def is_plate(site):
    return isinstance(site["fn"], _Subsample)


def is_value(site):
    return not is_plate(site) and not is_deterministic(site)


def call_site(site):
    fn, value = site["fn"], site["value"]
    if isinstance(fn, Unit):  # a factor
        shape = tuple(fn.log_factor.shape)
        return CallSite(True, shape, shape, (), float(fn.log_factor.sum()), 0, "")
    is_missing = torch.isnan(value) if site["is_observed"] else torch.zeros(value.shape, dtype=torch.bool)
    event = tuple(range(value.ndim - fn.event_dim, value.ndim))
    has_missing = is_missing.any(event) if event else is_missing
    is_outside = ~fn.support.check(value)
    try:
        density = fn.log_prob(value)
    except ValueError:  # the checks of torch: values outside of the support, among them missing ones
        density = torch.where(is_outside, -math.inf, torch.zeros(()))
    return CallSite(
        is_observed=bool(site["is_observed"]),
        shape=tuple(value.shape),
        density_shape=tuple(density.shape),
        event_shape=tuple(fn.event_shape),
        log_density=float(torch.where(has_missing, 0.0, density).sum()),
        outside=int((is_outside & ~has_missing).sum()),
        support=support_name(fn.support),
    )


def support_name(support):
    base = getattr(support, "base_constraint", support)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(base).__name__.strip("_")).lower()
    bounds = [getattr(base, n, None) for n in ("lower_bound", "upper_bound")]
    lower, upper = (f"{b.item():g}" if isinstance(b, torch.Tensor) and b.numel() == 1 else "" for b in bounds)
    return f"{name} from {lower} to {upper}" if lower and upper else f"{name} from {lower} up" if lower else name


def guide_sites(guide, arguments, static):
    with runtime("float64"):
        nodes = trace_nodes(guide, arguments, static)
        samples = {n: s for n, s in nodes.items() if s["type"] == "sample" and is_value(s)}
        return {
            n: tuple(s["value"].shape)
            for n, s in samples.items()
            if not s["is_observed"] and not s["infer"].get("is_auxiliary")
        }


@torch.no_grad()
def prior_of(program, arguments, static, name):
    with runtime("float64"):
        first = trace_nodes(program, arguments, static)[name]
        value = first["value"]
        other = trace_nodes(program, arguments, static, seed=1, values={name: value})[name]
        density = first["fn"].log_prob(value)
        if not torch.allclose(density, other["fn"].log_prob(value), rtol=1e-10, atol=0):
            return "of other latents"
        standard = (-0.5 * value**2 - 0.5 * math.log(2 * math.pi)).sum()
        return "standard normal" if torch.isclose(density.sum(), standard, rtol=1e-8) else "fixed"
