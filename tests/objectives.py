"""Bounds and their terms of both backends as NumPy arrays, and the numerical truths that the tests compare them with.

Rows have parameters of their own, so that one call gives as many independent draws of a gradient as there are rows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from inference.objectives import Objective

ROWS = 20_000  # equal rows
SIGMAS = 4.0
Arrays = dict[str, Any]


class Objectives:
    """Statements of a backend, for programs that the tests write once for both."""

    primitives: Any
    distributions: Any

    @property
    def statements(self) -> tuple[Any, Any, Any, Any]:
        """``sample``, ``plate``, ``param`` and the normal distribution."""
        names = self.primitives
        return names.sample, names.plate, names.param, self.distributions.Normal


class NumPyroObjectives(Objectives):
    """Bounds, terms and gradients in NumPyro.

    primitives, distributions, np: the backend's own, for programs that the tests write for both.
    """

    def __init__(self) -> None:
        import jax.numpy as jnp
        import numpyro
        from numpyro import distributions

        self.primitives = SimpleNamespace(sample=numpyro.sample, plate=numpyro.plate, factor=numpyro.factor)
        self.primitives.scale = numpyro.handlers.scale
        self.primitives.param, self.distributions, self.np = lambda name: numpyro.param(name, None), distributions, jnp

        self.compiled = {}

    def bounds(self, objective, pair, params, inputs, beta=1.0, seeds=1, rows=None):
        """``(values (S,), metrics {name: (S,)}, gradients {param: (S, ...)})``, one for each seed."""
        import jax

        from zoo._backend.in_numpyro import runtime, to_backend

        with runtime("float64"):
            plain = {n: v for n, v in inputs.items() if not isinstance(v, np.ndarray)}
            arrays_in = to_backend({n: v for n, v in inputs.items() if n not in plain})
            key = objective, *pair, *plain.values(), tuple(rows or ())
            if key not in self.compiled:  # compiling is what takes the time
                self.compiled[key] = jax.jit(self.function(objective, pair, plain, rows))
            keys = jax.random.split(jax.random.PRNGKey(0), seeds)
            return jax.tree.map(np.asarray, self.compiled[key](to_backend(arrays(params)), arrays_in, beta, keys))

    def terms(self, objective, pair, params, inputs):
        import jax

        from inference.objectives.in_numpyro import terms
        from zoo._backend.in_numpyro import runtime, to_backend

        with runtime("float64"):
            plain = {n: v for n, v in inputs.items() if not isinstance(v, np.ndarray)}
            arrays_in = to_backend({n: v for n, v in inputs.items() if n not in plain})
            key = jax.random.split(jax.random.PRNGKey(0), 1)[0]
            program, guide = pair

            def evaluate(params, arrays_in):
                return terms(program, guide, params, key, {**arrays_in, **plain}, objective)

            return jax.tree.map(np.asarray, jax.jit(evaluate)(to_backend(arrays(params)), arrays_in))

    @staticmethod
    def function(objective, pair, plain, rows):
        import jax

        from inference.objectives.in_numpyro import bound
        from zoo._backend.in_numpyro import minibatch

        def evaluate(params, arrays_in, beta, key):
            program, guide = pair if rows is None else [minibatch(f, jax.numpy.asarray(rows)) for f in pair]
            inputs = {**arrays_in, **plain}

            def maximised(params):
                value, details = bound(objective, program, guide, params, key, inputs, beta)
                return value, details.metrics

            (value, metrics), slopes = jax.value_and_grad(maximised, has_aux=True)(params)
            return value, metrics, slopes

        return jax.vmap(evaluate, in_axes=(None, None, None, 0))


class PyroObjectives(Objectives):
    """Bounds, terms and gradients in Pyro."""

    def __init__(self) -> None:
        import pyro
        import torch
        from pyro import distributions

        self.primitives = SimpleNamespace(sample=pyro.sample, plate=pyro.plate, param=pyro.param, factor=self.factor)
        self.primitives.scale = pyro.poutine.scale
        self.distributions, self.np = distributions, torch

    @staticmethod
    def factor(name, log):
        import pyro

        pyro.factor(name, log, has_rsample=True)

    @staticmethod
    def parameters(params):
        import pyro

        from zoo._backend.in_pyro import to_backend

        given: Any = to_backend(arrays(params))
        return {n: pyro.param(n, v) for n, v in given.items()}

    def bounds(self, objective, pair, params, inputs, beta=1.0, seeds=1, rows=None):
        import torch

        from inference.objectives.in_pyro import bound
        from zoo._backend.in_pyro import minibatch, runtime, to_backend, to_numpy

        with runtime("float64"), torch.random.fork_rng():
            torch.manual_seed(0)
            arrays_in = to_backend(inputs)
            leaves = self.parameters(params)
            program, guide = pair if rows is None else [minibatch(f, torch.as_tensor(rows)) for f in pair]
            values, metrics, slopes = [], [], []
            for _ in range(seeds):
                value, details = bound(objective, program, guide, arrays_in, beta)
                gradients = torch.autograd.grad(value, list(leaves.values()), materialize_grads=True, allow_unused=True)
                slopes.append(to_numpy(dict(zip(leaves, gradients, strict=True))))
                values.append(float(value.detach()))
                metrics.append(to_numpy(details.metrics))
            return np.array(values), stack(metrics), stack(slopes)

    def terms(self, objective, pair, params, inputs):
        import torch

        from inference.objectives.in_pyro import terms
        from zoo._backend.in_pyro import runtime, to_backend

        with runtime("float64"), torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(0)
            self.parameters(params)
            program, guide = pair
            value = terms(program, guide, to_backend(inputs), objective)
            return value._make(None if v is None else np.asarray(v) for v in value)


BACKEND_OBJECTIVES = {"numpyro": NumPyroObjectives, "pyro": PyroObjectives}


def arrays(values: Arrays) -> Arrays:
    return {n: np.asarray(v, float) for n, v in values.items()}


def stack(dicts: list[Arrays]) -> Arrays:
    return {n: np.stack([d[n] for d in dicts]) for n in dicts[0]}


def assert_unbiased(draws: np.ndarray, truth: Any, name: str = "") -> None:
    """The mean of independent draws (S, ...) is the truth, within four standard errors."""
    se = draws.std(0, ddof=1) / np.sqrt(len(draws))
    np.testing.assert_array_less(np.abs(draws.mean(0) - truth), SIGMAS * se + 1e-12, err_msg=name)


def normal_log(x: Any, loc: Any, scale: Any) -> Any:
    return -0.5 * ((x - loc) / scale) ** 2 - np.log(scale) - 0.5 * np.log(2 * np.pi)


def expectation(f: Callable[..., np.ndarray], dims: int, nodes: int) -> Any:
    """E[f(e_1, ..., e_dims)] of standard normal numbers, by Gauss-Hermite quadrature; f may have leading dimensions."""
    e, w = np.polynomial.hermite_e.hermegauss(nodes)
    grid = [g.reshape(-1) for g in np.meshgrid(*[e] * dims, indexing="ij")]
    weight = np.prod([g.reshape(-1) for g in np.meshgrid(*[w / w.sum()] * dims, indexing="ij")], 0)
    return (f(*grid) * weight).sum(-1)


def log_mean_exp(*logs: np.ndarray) -> np.ndarray:
    return np.logaddexp.reduce(logs) - np.log(len(logs))


def numerical_gradient(f: Callable[[Arrays], float], params: Arrays) -> Arrays:
    """The gradient of f by central differences."""
    gradient = {}
    for name, value in params.items():
        value, h = np.asarray(value, float), 1e-5
        steps = np.eye(value.size).reshape(value.size, *value.shape) * h
        pair = [[f({**params, name: value + sign * step}) for step in steps] for sign in (1, -1)]
        gradient[name] = ((np.array(pair[0]) - pair[1]) / (2 * h)).reshape(value.shape)
    return gradient


# --- two latents in a row: z ~ N(0, 1), t ~ N(z, 1), x ~ N(theta t, 1); q(z) = N(m, s), q(t | z) = N(c z + d, r) ---

CHAIN = {"theta": 0.8, "m": 0.3, "s": 0.9, "c": 0.4, "d": 0.2, "r": 0.7}
X = 1.4


@cache
def chain(backend):
    sample, plate, param, Normal = backend.statements

    def program(x, *, N):
        theta = param("theta")
        with plate("N", N):
            z = sample("z", Normal(0.0 * x, 1.0))
            t = sample("t", Normal(z, 1.0))
            sample("x", Normal(theta * t, 1.0), obs=x)

    def guide(x, *, N):
        m, s, c, d, r = map(param, "mscdr")
        with plate("N", N):
            z = sample("z", Normal(m + 0.0 * x, s))
            sample("t", Normal(c * z + d, r))

    return program, guide


def repeat_rows(params: Arrays, rows: int = ROWS) -> Arrays:
    return {n: np.broadcast_to(v, (rows, *np.shape(v))).copy() for n, v in params.items()}


def chain_weight(p: Arrays, e: Any, f: Any, beta: float = 1.0, x: float = X) -> Any:
    z = p["m"] + p["s"] * e
    t = p["c"] * z + p["d"] + p["r"] * f
    prior = normal_log(z, 0, 1) + normal_log(t, z, 1)
    guide = normal_log(e, 0, 1) + normal_log(f, 0, 1) - np.log(p["s"] * p["r"])
    return normal_log(x, p["theta"] * t, 1) + beta * (prior - guide)


def chain_bound(name: str, beta: float = 1.0, nodes: int = 16) -> Callable[[Arrays], float]:
    if name == "elbo":
        return lambda p: expectation(lambda e, f: chain_weight(p, e, f, beta), 2, nodes)
    two = lambda p: lambda a, b, c, d: log_mean_exp(chain_weight(p, a, b, beta), chain_weight(p, c, d, beta))  # noqa: E731
    return lambda p: expectation(two(p), 4, nodes)


def chain_evidence() -> float:
    return float(normal_log(X, 0, np.sqrt(1 + 2 * CHAIN["theta"] ** 2)))


BETA = 0.7
UNBIASED = [
    Objective("elbo", 2),
    Objective("elbo", 2, "sticking_the_landing"),
    Objective("elbo", 1, kl="analytic"),
    Objective("iwae", 2),
    Objective("iwae", 2, "doubly_reparameterised"),
]


def objective_id(objective: Objective) -> str:
    return "-".join(str(v) for v in vars(objective).values())
