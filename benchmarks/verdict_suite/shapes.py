"""Posteriors that are not normal: funnels, bananas, ridges, heavy tails, scales near zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from benchmarks.verdict_suite.problem import Problem, grid_sampler

NOTHING = 0.0  # a value that depends on no latent, as a program observes something


def neal(y: Any, size: int, sd: float) -> None:
    """Neal's funnel: the scale of the others is a latent."""
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist

    v = numpyro.sample("v", dist.Normal(0.0, sd))
    numpyro.sample("x", dist.Normal(0.0, jnp.exp(v / 2)).expand([size]).to_event(1))
    numpyro.sample("y", dist.Normal(0.0, 1.0), obs=y)


def funnel(rng: np.random.Generator, i: int) -> Problem:
    """Funnels of one to nine dimensions beside the scale, narrow and wide."""
    size, sd = (1, 2, 5, 9)[i % 4], (1.0, 2.0, 3.0)[i % 3]

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        v = sd * rng.standard_normal((count, 1))
        return np.hstack([v, np.exp(v / 2) * rng.standard_normal((count, size))])

    def log_density(x: np.ndarray) -> np.ndarray:
        v = x[:, 0]
        with np.errstate(over="ignore"):
            return -0.5 * (v / sd) ** 2 - 0.5 * size * v - 0.5 * np.exp(-v) * (x[:, 1:] ** 2).sum(1)

    return Problem(
        {"v": (), "x": (size,)},
        ["real"] * (size + 1),
        draw,
        log_density,
        neal,
        {"y": NOTHING, "size": size, "sd": sd},
        has_moments=sd < 3,
    )


def curve(y: Any, bend: float, sd: float) -> None:
    """A coordinate near the square of another."""
    import numpyro
    from numpyro import distributions as dist

    a = numpyro.sample("a", dist.Normal(0.0, sd))
    numpyro.sample("b", dist.Normal(bend * a**2, 1.0))
    numpyro.sample("y", dist.Normal(0.0, 1.0), obs=y)


def banana(rng: np.random.Generator, i: int) -> Problem:
    """Bananas, nearly straight to strongly bent."""
    bend, sd = (0.05, 0.2, 0.5, 1.0)[i % 4], (1.0, 2.0, 3.0)[i % 3]

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        a = sd * rng.standard_normal(count)
        return np.stack([a, bend * a**2 + rng.standard_normal(count)], -1)

    return Problem(
        {"a": (), "b": ()},
        ["real", "real"],
        draw,
        lambda x: -0.5 * (x[:, 0] / sd) ** 2 - 0.5 * (x[:, 1] - bend * x[:, 0] ** 2) ** 2,
        curve,
        {"y": NOTHING, "bend": bend, "sd": sd},
    )


def two_factors(y: Any, sd: float) -> None:
    """A product is seen; its factors are not."""
    import numpyro
    from numpyro import distributions as dist

    a = numpyro.sample("a", dist.HalfNormal(2.0))
    b = numpyro.sample("b", dist.Normal(0.0, 2.0))
    numpyro.sample("y", dist.Normal(a * b, sd), obs=y)


def product(rng: np.random.Generator, i: int) -> Problem:
    """Ridges along which a product is constant."""
    sd, y = (0.3, 1.0)[i % 2], (0.0, 1.0, 2.0, 4.0)[i % 4]

    def log_density(x: np.ndarray) -> np.ndarray:
        a, b = x[:, 0], x[:, 1]
        return np.where(a > 0, -((a / 2) ** 2 + (b / 2) ** 2 + ((y - a * b) / sd) ** 2) / 2, -np.inf)

    axes = [(np.arange(1200) + 0.5) * 9 / 1200, np.linspace(-9, 9, 1801)]
    draw = grid_sampler(log_density, axes)
    return Problem({"a": (), "b": ()}, ["positive", "real"], draw, log_density, two_factors, {"y": y, "sd": sd})


def student(y: Any, df: float, scale: Any) -> None:
    """Latents with heavy tails, which the data says nothing of."""
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist

    numpyro.sample("x", dist.MultivariateStudentT(df, jnp.zeros(len(scale)), jnp.asarray(scale)))
    numpyro.sample("y", dist.Normal(0.0, 1.0), obs=y)


def heavy_tails(rng: np.random.Generator, i: int) -> Problem:
    """Student's t of 1 (Cauchy) to 10 degrees of freedom, in one to five dimensions."""
    df, size = (1.0, 2.0, 3.0, 5.0, 10.0)[i % 5], (1, 2, 5)[i % 3]
    root = np.tril(rng.normal(0, 0.5, (size, size)), -1) + np.diag(np.exp(rng.normal(0, 0.5, size)))
    t = stats.multivariate_t(np.zeros(size), root @ root.T, df)
    return Problem(
        {"x": (size,)},
        ["real"] * size,
        lambda rng, count: np.reshape(t.rvs(count, random_state=rng), (count, size)),
        lambda x: np.reshape(t.logpdf(x), len(x)),
        student,
        {"y": NOTHING, "df": df, "scale": root},
        has_moments=df > 2,
    )


def schools(y: Any, sd: Any, is_centred: bool) -> None:
    """Effects of groups about a common mean, in the centred or the non-centred form."""
    import numpyro
    from numpyro import distributions as dist

    mu = numpyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = numpyro.sample("tau", dist.HalfCauchy(5.0))
    with numpyro.plate("schools", len(y)):
        if is_centred:
            theta = numpyro.sample("theta", dist.Normal(mu, tau))
        else:
            theta = mu + tau * numpyro.sample("z", dist.Normal(0.0, 1.0))
        numpyro.sample("y", dist.Normal(theta, sd), obs=y)


def school_problem(rng: np.random.Generator, i: int, is_centred: bool) -> Problem:
    """Effects integrated out exactly; the scale by quadrature of its log."""
    size, tau_true = (3, 8, 8, 15)[i % 4], (0.0, 2.0, 10.0)[i % 3]
    sd = rng.uniform(5, 15, size)
    y = rng.normal(0, 5) + tau_true * rng.standard_normal(size) + sd * rng.standard_normal(size)
    grid = np.linspace(-12, 6, 4000)
    tau = np.exp(grid)[:, None]
    variance = sd**2 + tau**2  # of a value, mu known
    precision = 1 / 25 + (1 / variance).sum(1)
    mean = (y / variance).sum(1) / precision
    log_mass = (
        -0.5 * np.log(variance).sum(1) - 0.5 * (y**2 / variance).sum(1) - 0.5 * np.log(precision)
    ) + 0.5 * precision * mean**2
    log_mass += -np.log1p((tau[:, 0] / 5) ** 2) + grid
    mass = np.exp(log_mass - log_mass.max())
    mass /= mass.sum()

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        cell = rng.choice(len(grid), size=count, p=mass)
        t = np.exp(grid[cell] + (grid[1] - grid[0]) * rng.uniform(-0.5, 0.5, count))[:, None]
        mu = (mean[cell] + rng.standard_normal(count) / np.sqrt(precision[cell]))[:, None]
        known = 1 / (1 / sd**2 + 1 / t**2)
        theta = known * (y / sd**2 + mu / t**2) + np.sqrt(known) * rng.standard_normal((count, size))
        return np.hstack([mu, t, theta if is_centred else (theta - mu) / t])

    def log_density(x: np.ndarray) -> np.ndarray:
        mu, t, rest = x[:, :1], x[:, 1:2], x[:, 2:]
        theta = rest if is_centred else mu + t * rest
        with np.errstate(all="ignore"):
            prior = (
                -size * np.log(t[:, 0]) - 0.5 * (((theta - mu) / t) ** 2).sum(1)
                if is_centred
                else -(rest**2).sum(1) / 2
            )
            likelihood = -0.5 * (((y - theta) / sd) ** 2).sum(1)
            return prior + likelihood - mu[:, 0] ** 2 / 50 - np.log1p((t[:, 0] / 5) ** 2)

    return Problem(
        {"mu": (), "tau": (), "theta" if is_centred else "z": (size,)},
        ["real", "positive", *["real"] * size],
        draw,
        log_density,
        schools,
        {"y": y, "sd": sd, "is_centred": is_centred},
    )


def centred_schools(rng: np.random.Generator, i: int) -> Problem:
    """Hierarchies in the centred form; the scale may be near zero."""
    return school_problem(rng, i, is_centred=True)


def noncentred_schools(rng: np.random.Generator, i: int) -> Problem:
    """The same in the non-centred form."""
    return school_problem(rng, i, is_centred=False)
