"""Well-known programs, as users write them, are read, refused or fitted; nothing of them is rewritten for the zoo."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference.structure import describe_density
from tests.table import BACKENDS
from tests.user_programs import BY_NAME
from tests.user_programs.truths.reference import LogDensity, Moments
from zoo._backend import backend_of, in_backend

NAMES = tuple(BY_NAME)
TRUTHS = {name: program.truth() for name, program in BY_NAME.items() if program.truth}
OPTIONS: dict[str, dict[str, Any]] = {  # as short as a fit can be: what is tested is that it ends, in finite numbers
    "em": {"restarts": 1, "max_iter": 10},
    "svi": {"num_steps": 30, "num_draws": 50},
    "nuts": {"num_warmup": 50, "num_samples": 50, "num_chains": 1},
}
CHAINS = {  # which are compared with a reference; of Pyro one, since further ones are processes, each with its imports
    "numpyro": {"num_warmup": 300, "num_samples": 300, "num_chains": 2},
    "pyro": {"num_warmup": 150, "num_samples": 200, "num_chains": 1},
}
SLOW_CHAINS = {"local_level"}  # a chain takes minutes in Pyro, whose program loops over the steps in Python


@cache
def read(name: str, backend: Any) -> zoo.ReadModel:
    """The program with the arguments of the table, and what its density tells."""
    program = BY_NAME[name]
    args, kwargs = program.arguments()
    return describe_density(zoo.read(zoo.Model(program.load(backend), backend=backend), *args, **kwargs))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_roles_and_rows_are_those_of_the_program(name, backend):
    program, model = BY_NAME[name], read(name, backend)
    card = model.card
    assert set(card.observed) == set(program.sites(backend, program.observed))
    assert set(card.latents) == set(program.sites(backend, (*program.latents, *program.discrete)))
    assert set(card.enumerated) == set(program.sites(backend, program.discrete))
    assert set(card.deterministic) >= set(program.sites(backend, program.deterministic))
    if program.rows:
        assert (model.reading.rows.plate, model.reading.rows.size) == program.rows
    named = tuple(card.dim_names.get(dim, dim) for dim in card.exchangeable)
    assert named == program.exchangeable
    rotated = [set(card.sites()[site].dims) & set(card.symmetries) for site in program.rotations]
    assert not rotated or set.intersection(*rotated)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_every_engine_takes_a_program_or_refuses_in_one_line(name, backend):
    model = read(name, backend)
    reasons = inference.refusals(model)
    assert not all(reasons.values())
    assert all(reason is None or (reason and "\n" not in reason) for reason in reasons.values())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", [n for n, truth in TRUTHS.items() if isinstance(truth, LogDensity)])
def test_the_log_density_is_that_of_a_direct_sum(name, backend):
    program, truth = BY_NAME[name], TRUTHS[name]
    assert isinstance(truth, LogDensity)
    args, kwargs = truth.arguments
    model = zoo.read(zoo.Model(program.load(backend), backend=backend), *args, **kwargs)
    values = program.values(backend, truth.latents)
    marginal = in_backend("inference.exact.enumeration", backend).marginalize(model.program)
    table, keywords = model.bind()
    log_joint = backend_of(model).log_joint(marginal, {**keywords, **table}, values)
    np.testing.assert_allclose(log_joint, truth.value, rtol=1e-8)


FITS = [
    pytest.param(name, backend, engine, marks=pytest.mark.slow)
    for name in NAMES
    for backend in BACKENDS
    for engine in OPTIONS
    # a chain of Pyro takes seconds: those with a reference, of which the other programs have the same operations
    if not (
        backend == "pyro" and engine == "nuts" and (name in SLOW_CHAINS or not isinstance(TRUTHS.get(name), Moments))
    )
]


@pytest.mark.filterwarnings("ignore:.*the posterior is a funnel:UserWarning")  # which some of the programs have
@pytest.mark.parametrize(("name", "backend", "engine"), FITS)
def test_every_engine_that_takes_a_program_fits_it(name, backend, engine):
    program, model = BY_NAME[name], read(name, backend)
    args, kwargs = program.arguments()
    reason = inference.refusals(model)[engine]
    if reason:
        with pytest.raises(zoo.Refusal):
            inference.fit(zoo.Model(program.load(backend), backend=backend), *args, engine=engine, **kwargs)
        return
    truth = TRUTHS.get(name)
    has_moments = engine == "nuts" and isinstance(truth, Moments)
    options = CHAINS[backend] if has_moments else OPTIONS[engine]
    fit = inference.fit(zoo.Model(program.load(backend), backend=backend), *args, engine=engine, data=kwargs, **options)
    assert all(np.isfinite(value).all() for value in fit.params.values())
    assert len(fit.summary())
    if has_moments:
        assert isinstance(truth, Moments)
        check_moments(fit, program.values(backend, truth.mean), program.values(backend, truth.sd), truth.tolerance)


def check_moments(fit, mean, sd, tolerance):
    """Means and standard deviations within five Monte Carlo errors."""
    from arviz_stats.base.array import array_stats

    for name in mean:
        draws = np.moveaxis(fit.draws[name].reshape(*fit.draws[name].shape[:2], -1), -1, 0)
        ess = np.maximum(np.ravel(array_stats.ess(draws, method="bulk")), 10)
        error = 5 * np.ravel(sd[name]) / np.sqrt(ess) + tolerance * np.ravel(sd[name])
        assert (np.abs(draws.mean((1, 2)) - np.ravel(mean[name])) < error).all(), name
        # the variance of a standard deviation depends on the kurtosis
        centred = draws - draws.mean((1, 2), keepdims=True)
        kurtosis = (centred**4).mean((1, 2)) / (centred**2).mean((1, 2)) ** 2
        spread = 5 * np.ravel(sd[name]) * np.sqrt(np.maximum(kurtosis - 1, 0.5) / 4 / (ess / 2)) + error * tolerance
        assert (np.abs(draws.std((1, 2)) - np.ravel(sd[name])) < spread).all(), name
