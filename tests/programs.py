"""Programs written outside the zoo, in both backends, and exact results for them."""

from __future__ import annotations

from typing import Any

import numpy as np

import zoo


def conjugate(backend: str) -> zoo.Model:
    """Two numbers, observed only through noisy sums: the posterior is normal, with correlation -0.89."""
    if backend == "numpyro":
        from numpyro import plate, sample
        from numpyro.distributions import Normal
    else:
        from pyro import plate, sample  # type: ignore[no-redef]
        from pyro.distributions import Normal  # type: ignore[no-redef]

    def two_numbers(y=None, *, N):
        a = sample("a", Normal(0.0, 1.0))
        b = sample("b", Normal(0.0, 2.0))
        with plate("N", N):
            sample("y", Normal(a + b, 2.0), obs=y)

    return zoo.Model(two_numbers, backend=backend)


def sums() -> np.ndarray:
    """Data of ``conjugate``, (20,)."""
    return 1.5 + 2.0 * np.random.default_rng(0).standard_normal(20)


def posterior() -> tuple[np.ndarray, np.ndarray]:
    """Mean (2,) and covariance (2, 2) of (a, b) given the sums."""
    y = sums()
    covariance = np.linalg.inv(np.diag([1.0, 0.25]) + len(y) / 4.0)
    return covariance @ np.full(2, y.sum() / 4.0), covariance


def evidence() -> float:
    """log p(y) in nats."""
    y = sums()
    covariance = 5.0 + 4.0 * np.eye(len(y))
    _, log_det = np.linalg.slogdet(2 * np.pi * covariance)
    return float(-0.5 * (log_det + y @ np.linalg.solve(covariance, y)))


def exponentials(backend: str) -> zoo.Model:
    """A mixture of exponentials, in four lines."""
    if backend == "numpyro":
        from jax.numpy import ones
        from numpyro import plate, sample
        from numpyro.distributions import Categorical, Dirichlet, Exponential, LogNormal
    else:
        from pyro import plate, sample  # type: ignore[no-redef]
        from pyro.distributions import Categorical, Dirichlet, Exponential, LogNormal  # type: ignore[no-redef]
        from torch import ones  # type: ignore[no-redef]

    def program(x=None, *, N, K):
        pi = sample("pi", Dirichlet(ones(K)))
        with plate("K", K):
            rate = sample("rate", LogNormal(0.0, 2.0))
        with plate("N", N):
            sample("x", Exponential(rate[sample("z", Categorical(pi))]), obs=x)

    return zoo.Model(program, backend=backend, K=2)


def coupled(backend: str) -> zoo.Model:
    """Two labels per row, the second dependent on the first, and one binary latent shared by all rows."""
    if backend == "numpyro":
        from jax.numpy import array
        from numpyro import plate, sample
        from numpyro.distributions import Bernoulli, Beta, Categorical, Normal
    else:
        from pyro import plate, sample  # type: ignore[no-redef]
        from pyro.distributions import Bernoulli, Beta, Categorical, Normal  # type: ignore[no-redef]
        from torch import tensor as array  # type: ignore[no-redef]

    def program(x=None, *, N):
        p = sample("p", Beta(2.0, 2.0))
        s = sample("s", Bernoulli(p))
        with plate("N", N):
            a = sample("a", Categorical(array([0.3, 0.7])))
            b = sample("b", Categorical(array([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]])[a]))
            sample("x", Normal(1.0 * a + 2.0 * b + s, 1.0), obs=x)

    return zoo.read(zoo.Model(program, backend=backend))


def endless(backend: str) -> zoo.Model:
    """A label with infinite support, which cannot be enumerated."""
    if backend == "numpyro":
        from jax.numpy import array
        from numpyro import plate, sample
        from numpyro.distributions import Normal, Poisson
    else:
        from pyro import plate, sample  # type: ignore[no-redef]
        from pyro.distributions import Normal, Poisson  # type: ignore[no-redef]
        from torch import tensor as array  # type: ignore[no-redef]

    def program(x=None, *, N):
        with plate("N", N):
            z = sample("z", Poisson(array(3.0)))
            sample("x", Normal(z, 1.0), obs=x)

    return zoo.read(zoo.Model(program, backend=backend))


def waiting_times() -> np.ndarray:
    """Data of ``exponentials``, (120,): half with mean 1, half with mean 50."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.exponential(1.0, 60), rng.exponential(50.0, 60)])


def summed_log_joint(fit: Any, values: dict[str, np.ndarray]) -> float:
    """log p(values, data) with the discrete latents summed out, in 64 bits."""
    from zoo._backend import backend_of, in_backend

    marginalize = in_backend("inference.exact.enumeration", fit.model.backend).marginalize(fit.model.program)
    return backend_of(fit.model).log_joint(marginalize, {**fit.keywords, **fit.data}, values)
