"""Problems with a conjugate posterior: normal of few and many dimensions, regressions, counts, proportions."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from scipy.special import gammaln, xlog1py, xlogy

from benchmarks.verdict_suite.problem import Problem

UNITS = (1.0, 1.0, 1e6, 1e-6)


def means(y: Any, covariance: Any, scale: float) -> None:
    """A normal vector of unknown means, seen once."""
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist

    theta = numpyro.sample("theta", dist.Normal(0, scale).expand([len(covariance)]).to_event(1))
    numpyro.sample("y", dist.MultivariateNormal(theta, jnp.asarray(covariance)), obs=y)


def normal_problem(covariance: np.ndarray, y: np.ndarray, scale: float) -> Problem:
    """The posterior of ``means``."""
    size = len(y)
    precision = np.linalg.inv(covariance) + np.eye(size) / scale**2
    posterior = np.linalg.inv(precision)
    mean, root = posterior @ np.linalg.solve(covariance, y), np.linalg.cholesky(posterior)
    return Problem(
        sites={"theta": (size,)},
        supports=["real"] * size,
        draw=lambda rng, count: mean + rng.standard_normal((count, size)) @ root.T,
        log_density=lambda x: -0.5 * np.einsum("ni,ij,nj->n", x - mean, precision, x - mean),
        program=means,
        arguments={"y": y, "covariance": covariance, "scale": scale},
    )


def correlated_normal(rng: np.random.Generator, i: int) -> Problem:
    """Two to ten dimensions, correlations to 0.99, of both signs, units from 1e-6 to 1e6."""
    size, rho, unit = (2, 3, 5, 10)[i % 4], (0.0, 0.5, 0.9, 0.95, 0.99, 0.7)[i % 6], UNITS[i % 3]
    signs = rng.choice([-1.0, 1.0], size)
    correlation = rho ** np.abs(np.subtract.outer(np.arange(size), np.arange(size))) * np.outer(signs, signs)
    sds = unit * np.exp(rng.normal(0, 0.5, size))
    covariance = correlation * np.outer(sds, sds)
    return normal_problem(covariance, rng.multivariate_normal(np.zeros(size), covariance), 20 * unit)


def many_dimensions(rng: np.random.Generator, i: int) -> Problem:
    """Fifty to a hundred dimensions, neighbours correlated."""
    size, rho = (50, 60, 80, 100)[i % 4], (0.0, 0.5, 0.9)[i % 3]
    covariance = rho ** np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    return normal_problem(covariance, rng.standard_normal(size), 10.0)


def sample_of_a_normal(y: Any, unit: float) -> None:
    """Unknown mean and variance, with the conjugate prior."""
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist

    variance = numpyro.sample("variance", dist.InverseGamma(2.0, unit**2))
    mu = numpyro.sample("mu", dist.Normal(0.0, 10.0 * jnp.sqrt(variance)))
    with numpyro.plate("n", len(y)):
        numpyro.sample("y", dist.Normal(mu, jnp.sqrt(variance)), obs=y)


def normal_sample(rng: np.random.Generator, i: int) -> Problem:
    """Two to fifty values of a normal distribution, in units from 1e-6 to 1e6: normal-inverse-gamma."""
    count, unit = (2, 3, 5, 10, 50)[i % 5], UNITS[i % 4]
    y = unit * (rng.normal(0, 2) + rng.standard_normal(count))
    k, a = 1 / 100 + count, 2.0 + count / 2
    m = y.sum() / k
    b = unit**2 + 0.5 * ((y**2).sum() - k * m**2)

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        variance = b / rng.gamma(a, size=count)
        return np.stack([variance, m + np.sqrt(variance / k) * rng.standard_normal(count)], -1)

    def log_density(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return -(a + 1.5) * np.log(x[:, 0]) - (b + 0.5 * k * (x[:, 1] - m) ** 2) / x[:, 0]

    return Problem(
        {"variance": (), "mu": ()}, ["positive", "real"], draw, log_density, sample_of_a_normal, {"y": y, "unit": unit}
    )


def line(x: Any, y: Any, sd: float, unit: float) -> None:
    """An intercept and slopes, the noise known."""
    import numpyro
    from numpyro import distributions as dist

    alpha = numpyro.sample("alpha", dist.Normal(0.0, 20.0 * unit))
    beta = numpyro.sample("beta", dist.Normal(0.0, 5.0 * unit).expand([x.shape[1]]).to_event(1))
    with numpyro.plate("n", len(y)):
        numpyro.sample("y", dist.Normal(alpha + x @ beta, sd), obs=y)


def regression(rng: np.random.Generator, i: int) -> Problem:
    """A line through covariates that are not centred, so that intercept and slopes are correlated."""
    count, columns, unit = (4, 10, 40)[i % 3], (1, 2, 3)[i % 3], UNITS[i % 4]
    offset = (0.0, 2.0, 5.0)[(i // 3) % 3]
    x = offset + rng.standard_normal((count, columns))
    prior = np.diag([20.0, *[5.0] * columns]) ** 2 * unit**2
    design = np.column_stack([np.ones(count), x])
    y = design @ (unit * rng.normal(0, 2, columns + 1)) + unit * rng.standard_normal(count)
    precision = np.linalg.inv(prior) + design.T @ design / unit**2
    posterior = np.linalg.inv(precision)
    mean, root = posterior @ (design.T @ y) / unit**2, np.linalg.cholesky(posterior)
    return Problem(
        sites={"alpha": (), "beta": (columns,)},
        supports=["real"] * (columns + 1),
        draw=lambda rng, n: mean + rng.standard_normal((n, columns + 1)) @ root.T,
        log_density=lambda v: -0.5 * np.einsum("ni,ij,nj->n", v - mean, precision, v - mean),
        program=line,
        arguments={"x": x, "y": y, "sd": unit, "unit": unit},
    )


def rates(y: Any) -> None:
    """A rate of counts."""
    import numpyro
    from numpyro import distributions as dist

    rate = numpyro.sample("rate", dist.Gamma(0.5, 0.1))
    with numpyro.plate("n", len(y)):
        numpyro.sample("y", dist.Poisson(rate), obs=y)


def counts(rng: np.random.Generator, i: int) -> Problem:
    """One to twenty counts, of a rate near zero too: gamma."""
    count, rate = (1, 2, 5, 20)[i % 4], (0.2, 1.0, 5.0)[i % 3]
    y = rng.poisson(rate, count)
    a, b = 0.5 + y.sum(), 0.1 + count
    return Problem(
        sites={"rate": ()},
        supports=["positive"],
        draw=lambda rng, n: rng.gamma(a, 1 / b, (n, 1)),
        log_density=lambda x: xlogy(a - 1, x[:, 0]) - b * x[:, 0],
        program=rates,
        arguments={"y": y},
    )


def share(y: Any, total: int) -> None:
    """A proportion."""
    import numpyro
    from numpyro import distributions as dist

    p = numpyro.sample("p", dist.Beta(0.5, 0.5))
    numpyro.sample("y", dist.Binomial(total, p), obs=y)


def proportion(rng: np.random.Generator, i: int) -> Problem:
    """Successes of one to fifty trials, none and all too: beta."""
    total = (1, 3, 10, 50)[i % 4]
    y = int(rng.binomial(total, rng.uniform()))
    a, b = 0.5 + y, 0.5 + total - y
    constant = gammaln(a + b) - gammaln(a) - gammaln(b)
    return Problem(
        sites={"p": ()},
        supports=["unit"],
        draw=lambda rng, n: np.clip(stats.beta(a, b).rvs((n, 1), random_state=rng), 1e-300, 1 - 1e-16),
        log_density=lambda x: constant + xlogy(a - 1, x[:, 0]) + xlog1py(b - 1, -x[:, 0]),
        program=share,
        arguments={"y": y, "total": total},
    )
