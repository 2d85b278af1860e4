"""Posteriors with several modes: squares, point clouds, means of mixtures."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp

from benchmarks.verdict_suite.problem import Problem, grid_sampler
from benchmarks.verdict_suite.shapes import NOTHING


def squared(y: Any, loc: float, sd: float) -> None:
    """The square of a number is seen."""
    import numpyro
    from numpyro import distributions as dist

    theta = numpyro.sample("theta", dist.Normal(loc, 3.0))
    numpyro.sample("y", dist.Normal(theta**2, sd), obs=y)


def square(rng: np.random.Generator, i: int) -> Problem:
    """A number known by its square: two modes, of weights by the prior, apart or touching."""
    y, loc, sd = (1.0, 4.0, 9.0)[i % 3], (0.0, 0.5, 1.5)[(i // 3) % 3], (0.5, 1.0)[i % 2]

    def log_density(x: np.ndarray) -> np.ndarray:
        return -0.5 * ((x[:, 0] - loc) / 3) ** 2 - 0.5 * ((y - x[:, 0] ** 2) / sd) ** 2

    return Problem(
        {"theta": ()},
        ["real"],
        grid_sampler(log_density, [np.linspace(-6, 6, 24001)]),
        log_density,
        squared,
        {"y": y, "loc": loc, "sd": sd},
        is_multimodal=y / sd > 3,
        mode_of=(lambda x: (x[:, 0] < 0).astype(int)) if y / sd > 3 else None,
    )


def clouds(y: Any, weights: Any, centres: Any, sds: Any) -> None:
    """A latent of two clouds, which the data says nothing of."""
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist

    normals = dist.Normal(jnp.asarray(centres), jnp.asarray(sds)[:, None]).to_event(1)
    numpyro.sample("x", dist.MixtureSameFamily(dist.Categorical(jnp.asarray(weights)), normals))
    numpyro.sample("y", dist.Normal(0.0, 1.0), obs=y)


def two_clouds(rng: np.random.Generator, i: int) -> Problem:
    """Two normal clouds of one to five dimensions, of weights to 0.98, four to twelve sds apart, of unlike widths."""
    size, weight = (1, 2, 5)[i % 3], (0.5, 0.7, 0.9, 0.98)[i % 4]
    distance, sds = (4.0, 6.0, 12.0)[(i // 2) % 3], np.array([1.0, (1.0, 0.4)[(i // 4) % 2]])
    direction = rng.standard_normal(size)
    centres = np.stack([np.zeros(size), distance * direction / np.linalg.norm(direction)])
    log_weights = np.log([weight, 1 - weight])

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        cloud = (rng.uniform(size=count) > weight).astype(int)
        return centres[cloud] + sds[cloud, None] * rng.standard_normal((count, size))

    def by_cloud(x: np.ndarray) -> np.ndarray:
        squares = ((x[:, None] - centres) ** 2).sum(-1) / sds**2
        return log_weights - 0.5 * squares - size * np.log(sds)

    return Problem(
        {"x": (size,)},
        ["real"] * size,
        draw,
        lambda x: logsumexp(by_cloud(x), axis=1),
        clouds,
        {"y": NOTHING, "weights": np.exp(log_weights), "centres": centres, "sds": sds},
        is_multimodal=True,
        mode_of=lambda x: by_cloud(x).argmax(1),
    )


def mixture_means(y: Any, weight: float) -> None:
    """Means of two normal components, their labels summed out."""
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist

    mu = numpyro.sample("mu", dist.Normal(0.0, 5.0).expand([2]).to_event(1))
    components = dist.Normal(mu, 1.0)
    with numpyro.plate("n", len(y)):
        numpyro.sample(
            "y", dist.MixtureSameFamily(dist.Categorical(jnp.array([weight, 1 - weight])), components), obs=y
        )


def means_problem(rng: np.random.Generator, count: int, distance: float, weight: float) -> Problem:
    """The posterior of ``mixture_means`` on a grid; its two modes exchange the means."""
    label = rng.uniform(size=count) > weight
    y = np.where(label, distance, 0.0) + rng.standard_normal(count)
    log_weights = np.log([weight, 1 - weight])

    def log_density(x: np.ndarray) -> np.ndarray:
        values = np.empty(len(x))
        for part in np.array_split(np.arange(len(x)), max(1, len(x) // 50_000)):
            logs = log_weights - 0.5 * (y[:, None] - x[part][:, None]) ** 2
            values[part] = logsumexp(logs, axis=-1).sum(1)
        return values - 0.5 * ((x / 5) ** 2).sum(1)

    axes = [np.linspace(-8, distance + 8, 500)] * 2
    draw = grid_sampler(log_density, axes)
    check = draw(np.random.default_rng(0), 20_000)
    orders = (
        check[:, 0] > check[:, 1]
    ).mean()  # the share of draws with the means in the order of the weights reversed
    gap = np.abs(check[:, 0] - check[:, 1])
    is_apart = bool(min(orders, 1 - orders) > 0.01 and np.quantile(gap, 0.02) > 1.0)
    larger = orders > 0.5
    return Problem(
        {"mu": (2,)},
        ["real", "real"],
        draw,
        log_density,
        mixture_means,
        {"y": y, "weight": weight},
        is_multimodal=is_apart,
        mode_of=(lambda x: ((x[:, 0] > x[:, 1]) != larger).astype(int)) if is_apart else None,
        swap=(lambda x: x[:, ::-1]) if weight == 0.5 else None,
    )


def overlapping_means(rng: np.random.Generator, i: int) -> Problem:
    """Components that overlap, of few rows: one broad mode, or two that touch."""
    return means_problem(rng, (5, 20, 50)[i % 3], (0.5, 1.5)[i % 2], (0.6, 0.7, 0.5)[i % 3])


def separate_means(rng: np.random.Generator, i: int) -> Problem:
    """Components apart, of unlike weights: a small mode has the labels exchanged."""
    return means_problem(rng, (5, 10, 30)[i % 3], (4.0, 6.0)[i % 2], (0.55, 0.7, 0.8)[(i // 2) % 3])


def exchangeable_means(rng: np.random.Generator, i: int) -> Problem:
    """Components of equal weights: two modes alike, whose labels switch."""
    return means_problem(rng, (10, 30)[i % 2], (3.0, 5.0)[(i // 2) % 2], 0.5)
