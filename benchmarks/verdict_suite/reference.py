"""Problems with reference draws: regressions of posteriordb."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from benchmarks.verdict_suite.problem import Problem

PROGRAMS = ("linear_regression", "kid_scores", "earnings", "mesquite", "kilpisjarvi", "autoregression")


@cache
def load(name: str) -> tuple[Any, dict[str, Any], dict[str, np.ndarray]]:
    """Program, arguments by keyword, and reference draws (draws, *shape) of each site."""
    import inspect

    from tests.posteriordb import POSTERIORS, in_numpyro

    posterior = next(p for p in POSTERIORS if p.program == name)
    program = getattr(in_numpyro, posterior.program)
    args, kwargs = posterior.load_arguments()
    arguments = inspect.signature(program).bind(*args, **kwargs).arguments
    draws = {site: x.reshape(-1, *x.shape[2:]) for site, x in posterior.load_draws().items()}
    return program, dict(arguments), draws


def posteriordb(rng: np.random.Generator, i: int) -> Problem:
    """A regression with ten thousand draws by Stan; draws of the problem are some of them."""
    import jax
    import numpyro
    from numpyro.infer.util import log_density

    program, arguments, reference = load(PROGRAMS[i % len(PROGRAMS)])
    shapes = {site: x.shape[1:] for site, x in reference.items()}
    table = np.hstack([x.reshape(len(x), -1) for x in reference.values()])
    supports = [
        "positive" if site.startswith("sigma") else "real" for site, x in reference.items() for _ in range(x[0].size)
    ]

    def log_joint(values: dict[str, Any]) -> Any:
        seeded = numpyro.handlers.seed(program, jax.random.key(0))
        return log_density(seeded, (), arguments, values)[0]

    compiled = jax.jit(jax.vmap(log_joint))

    def evaluate(x: np.ndarray) -> np.ndarray:
        with jax.enable_x64(True):
            return np.asarray(compiled({n: jax.numpy.asarray(v) for n, v in problem.by_site(x).items()}), float)

    problem = Problem(
        shapes,
        supports,
        lambda rng, count: table[rng.integers(len(table), size=count)],
        evaluate,
        program,
        arguments,
    )
    return problem
