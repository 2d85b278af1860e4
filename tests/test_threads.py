"""Calls from several threads give what they give one after another, and whatever ends one restores what is global."""

from __future__ import annotations

import multiprocessing
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import Any

import jax
import numpy as np
import numpyro
import pyro
import pytest
import torch
from numpyro.primitives import _PYRO_STACK as NUMPYRO_HANDLERS
from pyro.infer.util import is_validation_enabled
from pyro.poutine.runtime import _DIM_ALLOCATOR, _PYRO_STACK

import inference
import zoo
from tests.table import BACKENDS
from zoo._backend import RUNTIME_LOCK, in_backend

X = np.concatenate([np.random.default_rng(0).normal(mean, 1, (10, 1)) for mean in (-2, 2)])
COUNTS = np.random.default_rng(1).poisson(2.0, (6, 5))
CHAIN: dict[str, Any] = {"num_warmup": 3, "num_samples": 3, "num_chains": 1}
# model, data, engine, options, and how many seeds: 24 fits; those of NumPyro compile for a second
FITS: list[tuple[str, str, str, dict[str, Any], int]] = [
    ("gaussian_mixture", "pyro", "em", {}, 11),
    ("gaussian_mixture", "pyro", "svi", {"num_steps": 5, "num_draws": 5}, 2),
    ("gaussian_mixture", "pyro", "nuts", CHAIN, 3),
    ("gaussian_mixture", "numpyro", "em", {}, 3),
    ("gaussian_mixture", "numpyro", "svi", {"num_steps": 5, "num_draws": 5}, 1),
    ("latent_dirichlet", "pyro", "gibbs", CHAIN, 4),
]


def arrays(name, backend, engine, options, seed):
    """All that a fit holds, and what two more runs of its program give."""
    fit = inference.fit(zoo.load(name, backend, K=2), COUNTS if engine == "gibbs" else X, engine, seed=seed, **options)
    values = {**fit.params, **fit.draws, "trace": fit.trace}
    if engine == "em":
        values["log_likelihood"] = fit.log_likelihood()
        values |= {f"simulated {n}": v for n, v in fit.simulate(3, seed=seed).items()}
    return values


def process_globals():
    """What the libraries and Python keep for the whole process."""
    store = pyro.get_param_store()
    return {
        "pyro handlers": list(_PYRO_STACK),
        "plates": list(_DIM_ALLOCATOR._stack),
        "parameters": {n: store[n].tolist() for n in store},
        "dtype": torch.get_default_dtype(),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "torch random": torch.get_rng_state().tolist(),
        "numpyro handlers": list(NUMPYRO_HANDLERS),
        "x64": jax.config.read("jax_enable_x64"),
        "validation": (
            numpyro.distributions.Distribution._validate_args,
            torch.distributions.Distribution._validate_args,
            is_validation_enabled(),
        ),
    }


@pytest.fixture(autouse=True)
def globals_stay(monkeypatch):
    """The user's own parameter, and everything else, is as before after each test of this file."""
    monkeypatch.setattr("inference.engines.svi.in_pyro.ELBO_DRAWS", 10)  # a thousand take half a second
    pyro.param("own", torch.tensor([1.0, 2.0]))
    before = process_globals()
    yield
    assert process_globals() == before
    pyro.get_param_store().clear()


@pytest.mark.slow
def test_mixed_fits_in_a_pool_are_those_made_one_after_another():
    jobs: list[Any] = [(*job, seed) for seed in range(11) for *job, seeds in FITS if seed < seeds]
    assert len(jobs) == 24
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: arrays(*job), jobs))
    for job, values in zip(jobs, together, strict=True):
        alone = arrays(*job)
        assert alone.keys() == values.keys()
        for name, value in alone.items():
            np.testing.assert_array_equal(values[name], value, err_msg=f"{name} of {job}")


def test_another_thread_waits_until_a_runtime_ends():
    zoo.load("gaussian_mixture", "pyro", K=2).simulate(0, N=2)  # what is imported once takes its time
    entered, done = Event(), Event()

    def simulate():
        entered.set()
        zoo.load("gaussian_mixture", "pyro", K=2).simulate(0, N=2)
        done.set()

    thread = Thread(target=simulate)
    with in_backend("zoo._backend", "numpyro").runtime():
        thread.start()
        entered.wait()
        assert not done.wait(0.3)
    assert done.wait(20)
    thread.join()


def interrupt(backend, error):
    """Raise an error before handlers and plates have removed themselves."""
    (numpyro.handlers if backend == "numpyro" else pyro.poutine).trace().__enter__()
    if backend == "pyro":
        pyro.plate("rows", 3).__enter__()
        pyro.param("left", torch.zeros(2))
        torch.rand(3)
    raise error


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_at_any_place_restores_what_is_global(backend, error):
    with pytest.raises(error), in_backend("zoo._backend", backend).runtime("float32"):
        interrupt(backend, error)


@pytest.mark.parametrize(
    ("engine", "options", "error"),
    [
        ("em", {}, ValueError),
        ("svi", {"num_steps": 5, "num_draws": 5}, KeyboardInterrupt),
        ("nuts", CHAIN, KeyboardInterrupt),
    ],
)
def test_an_error_in_a_program_restores_what_is_global(engine, options, error):
    from pyro.distributions import Exponential, Gamma  # type: ignore[attr-defined]

    def program(x=None, *, N):
        rate = pyro.sample("rate", Gamma(2.0, 1.0))
        with pyro.plate("N", N):
            runs.append(1)
            if len(runs) == stop:
                raise error
            pyro.sample("x", Exponential(rate), obs=x)

    model, x = zoo.Model(program, backend="pyro"), np.ones(5)
    runs, stop = [], 0
    inference.fit(model, x, engine, **options)
    runs, stop = [], len(runs) - 2
    with pytest.raises(error):
        inference.fit(model, x, engine, **options)
    assert len(runs) == stop


def test_a_process_is_forked_between_programs():
    context, started = multiprocessing.get_context("fork"), Event()

    def hold():
        with in_backend("zoo._backend", "pyro").runtime("float64"):
            started.set()
            time.sleep(0.3)

    thread = Thread(target=hold)
    thread.start()
    started.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX and Python warn of forks of a process with threads
        child = context.Process(target=leave_if_ready)
        child.start()
    child.join(20)
    thread.join()
    assert child.exitcode == 0


def leave_if_ready():
    """In the new process: end with 0 where nothing is left of the other thread."""
    is_free = RUNTIME_LOCK.acquire(blocking=False)
    os._exit(0 if is_free and torch.get_default_dtype() == torch.float32 else 1)
