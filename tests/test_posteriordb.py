"""Programs of posteriordb: the same density in both languages, and NUTS against the reference draws."""

import contextlib
import importlib
import os

import numpy as np
import pytest
from arviz_stats.base.array import array_stats

import inference
import zoo
from tests.posteriordb import POSTERIORS, Posterior
from tests.table import BACKENDS

POINTS = 6  # reference draws at which densities are compared
CHAINS = {  # options by backend: a gradient costs milliseconds in Pyro
    "numpyro": {"num_warmup": 500, "num_samples": 500, "num_chains": 4},
    "pyro": {"num_warmup": 200, "num_samples": 300, "num_chains": 1},
}
LEAST_ESS = 40  # with fewer effective draws, the Monte Carlo error itself is unknown


def load_or_skip(posterior: Posterior):
    """Arguments and reference draws; skips the test where a file is neither in the cache folder nor can be fetched."""
    try:
        return posterior.load_arguments(), posterior.load_draws()
    except zoo.ZooError as error:
        pytest.skip(str(error))


def convert_arrays(arguments, convert):
    """Arguments with NumPy arrays converted to those of a backend."""

    def convert_array(value):
        return convert(value) if isinstance(value, np.ndarray) else value

    args, kwargs = arguments
    return [convert_array(value) for value in args], {name: convert_array(value) for name, value in kwargs.items()}


def latent_values(draws: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A reference draw of each latent, moved by up to a tenth, where it stays in its support."""
    point = {}
    for site, values in draws.items():
        value = values[rng.integers(len(values)), rng.integers(values.shape[1])]
        is_simplex = value.ndim and np.allclose(value.sum(), 1.0)
        point[site] = value if is_simplex else value * rng.uniform(0.9, 1.1)
    if "theta" in point and "tau" in point:  # the centred effects are deterministic
        theta = point.pop("theta")
        point["theta_trans"] = (theta - point["mu"]) / point["tau"]
    return point


def numpyro_densities(posterior: Posterior, arguments, points) -> np.ndarray:
    import jax
    import numpyro
    from numpyro.contrib.funsor import enum
    from numpyro.contrib.funsor import log_density as enumerated_log_density
    from numpyro.infer.util import log_density

    from tests.posteriordb import in_numpyro

    with jax.enable_x64(True):
        program = getattr(in_numpyro, posterior.program)
        density = log_density
        if posterior.is_chain:
            density, program = enumerated_log_density, enum(program, first_available_dim=-1)
        args, kwargs = convert_arrays(arguments, jax.numpy.asarray)
        points = [{site: jax.numpy.asarray(value) for site, value in point.items()} for point in points]
        with numpyro.handlers.seed(rng_seed=0):
            log_joint = jax.jit(lambda point: density(program, args, kwargs, point)[0])
            return np.array([float(log_joint(point)) for point in points])


@contextlib.contextmanager
def double_precision():
    """Torch makes 64-bit floats by default."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def pyro_densities(posterior: Posterior, arguments, points) -> np.ndarray:
    import pyro
    import torch
    from pyro.infer.mcmc.util import TraceEinsumEvaluator
    from pyro.poutine import condition, enum, trace

    from tests.posteriordb import in_pyro

    program = getattr(in_pyro, posterior.program)
    densities = []
    with double_precision(), torch.no_grad():
        args, kwargs = convert_arrays(arguments, torch.as_tensor)
        for point in points:
            values = {site: torch.as_tensor(value) for site, value in point.items()}
            conditioned = condition(program, values)
            if posterior.is_chain:
                conditioned = enum(conditioned, first_available_dim=-1)
            nodes = trace(conditioned).get_trace(*args, **kwargs)
            if posterior.is_chain:
                densities.append(float(TraceEinsumEvaluator(nodes, True, 0).log_prob(nodes)))
            else:
                densities.append(float(nodes.log_prob_sum()))
    pyro.clear_param_store()
    return np.array(densities)


@pytest.mark.parametrize("posterior", POSTERIORS, ids=lambda posterior: posterior.program)
def test_both_languages_have_the_same_posterior(posterior):
    """Log joint densities agree up to one constant, which a flat or truncated prior leaves open."""
    arguments, draws = load_or_skip(posterior)
    rng = np.random.default_rng(0)
    points = [latent_values(draws, rng) for _ in range(POINTS)]
    first, second = numpyro_densities(posterior, arguments, points), pyro_densities(posterior, arguments, points)
    assert np.ptp(first) > 1.0  # the points differ
    difference = first - second
    np.testing.assert_allclose(difference, difference[0], rtol=0, atol=1e-8 * abs(first).max() + posterior.solver_error)


def z_scores(draws: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Differences of means and of standard deviations in Monte Carlo standard errors of both, ``(2, *shape)``."""
    scores = []
    for method, statistic in (("mean", np.mean), ("sd", np.std)):
        errors = np.array([array_stats.mcse(d, method=method, chain_axis=0, draw_axis=1) for d in (draws, reference)])
        difference = statistic(draws, axis=(0, 1)) - statistic(reference, axis=(0, 1))
        scores.append(difference / np.sqrt((errors**2).sum(axis=0)))
    return np.array(scores)


# a chain of Pyro takes minutes, and its density is that of NumPyro's program; test_user_programs.py holds those of
# regressions to exact moments: LONG_TESTS=1 runs the others too
IN_PYRO = {"eight_schools"}


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("posterior", [p for p in POSTERIORS if not p.is_chain], ids=lambda p: p.program)
def test_nuts_has_the_moments_of_the_reference_draws(posterior, backend):
    if backend == "pyro" and posterior.program not in IN_PYRO and not os.environ.get("LONG_TESTS"):
        pytest.skip("a chain of Pyro takes minutes: LONG_TESTS=1 runs it")
    (args, kwargs), reference = load_or_skip(posterior)
    program = getattr(importlib.import_module(f"tests.posteriordb.in_{backend}"), posterior.program)
    options = CHAINS[backend] | posterior.options.get(backend, {})
    if posterior.start:
        options["start"] = posterior.start
    fit = inference.fit(zoo.Model(program, backend=backend), *args, engine="nuts", seed=0, **kwargs, **options)
    for site in posterior.sites:
        draws = np.asarray(fit.draws[site], float)
        assert draws.shape[2:] == reference[site].shape[2:]
        ess = array_stats.ess(draws, method="bulk", chain_axis=0, draw_axis=1)
        assert np.min(ess) > LEAST_ESS, site
        scores = z_scores(draws, reference[site])
        assert np.all(np.abs(scores) < 4.0), f"{site}: {scores.round(1)}"
