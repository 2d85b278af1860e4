"""NUTS against exact posteriors, between backends, and against interruption."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arviz_stats import ess  # pyright: ignore[reportPrivateImportUsage]

import zoo
from inference import fit
from inference.evaluation.comparison.compute import verdict_input
from inference.evaluation.comparison.explanation import MIN_E_BFMI, sound_chains
from inference.summaries.statistics import fit_statistics
from tests.programs import conjugate, exponentials, posterior, summed_log_joint, sums, waiting_times
from tests.table import BACKENDS, SLOW_IN_NUMPYRO, simulate_case

# Pyro takes milliseconds for each gradient, and seconds to start processes
LENGTHS: dict[str, Any] = {
    "numpyro": {"num_warmup": 500, "num_samples": 1000, "num_chains": 4},
    "pyro": {"num_warmup": 100, "num_samples": 200, "num_chains": 1},
}
TINY: dict[str, Any] = {"num_warmup": 5, "num_samples": 5, "num_chains": 2}
NUM_CHAINS = {"numpyro": 2, "pyro": 1}


def error_of_mean(draws):
    """The Monte Carlo standard error of each entry's mean, from draws (chain, draw, *shape)."""
    flat = draws.reshape(*draws.shape[:2], -1)
    size = np.array([ess(flat[:, :, i], chain_axis=0, draw_axis=1) for i in range(flat.shape[-1])])
    return (flat.std((0, 1)) / np.sqrt(size)).reshape(draws.shape[2:])


@pytest.fixture(scope="module")
def counts():
    return simulate_case("poisson_mixture", {}, seed=1, N=60)[1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_draws_are_those_of_the_exact_posterior(backend):
    fitted = fit(conjugate(backend), sums(), "nuts", target_accept=0.8, **LENGTHS[backend])
    mean, covariance = posterior()
    for i, name in enumerate("ab"):
        draws = fitted.draws[name]
        assert abs(draws.mean() - mean[i]) < 4 * error_of_mean(draws)
        assert abs(draws.var() / covariance[i, i] - 1) < 4 * np.sqrt(2 / ess(draws, chain_axis=0, draw_axis=1))
    assert fitted.diagnostics["divergences"] == 0
    assert fitted.diagnostics["start"] == "modes"


@pytest.fixture(scope="module", params=BACKENDS)
def mixture_fit(request, counts):
    return fit_mixture(request.param, counts)


def fit_mixture(backend, counts, **options):
    options = {**TINY, "num_chains": NUM_CHAINS[backend], **options}
    return fit(zoo.load("poisson_mixture", backend, K=2), counts, "nuts", seed=1, **options)


def test_a_mixture_is_sampled_with_its_labels_summed_out(mixture_fit):
    fitted = mixture_fit
    assert set(fitted.draws) == {"pi", "rate"}
    num_chains = NUM_CHAINS[fitted.model.backend]
    assert fitted.draws["rate"].shape == (num_chains, 5, 2)
    for chain, draw in ((0, 0), (num_chains - 1, 4)):
        values = {n: v[chain, draw] for n, v in fitted.draws.items()}
        assert abs(fitted.stats["lp"][chain, draw] - summed_log_joint(fitted, values)) < 1e-8
    assert fitted.stats["diverging"].dtype == bool
    assert fitted.diagnostics["divergences"] == fitted.stats["diverging"].sum()
    assert (fitted.stats["num_steps"] >= 1).all()
    assert fitted.diagnostics["start"] == "k-means++"


def test_vectorised_chains_equal_parallel_chains(counts, monkeypatch):
    # vectorised as on an accelerator: the same keys and the same starts, so the same chains
    model = zoo.load("poisson_mixture", K=2)
    options: dict[str, Any] = {**TINY, "num_chains": 3, "num_samples": 60}
    parallel = fit(model, counts, "nuts", **options)
    monkeypatch.setattr("inference.engines.nuts.in_numpyro.is_vectorised", lambda: True)
    vectorised = fit(model, counts, "nuts", **options)
    np.testing.assert_allclose(vectorised.stats["lp"][:, :3], parallel.stats["lp"][:, :3], rtol=1e-6)
    assert vectorised.draws["rate"].shape == (3, 60, 2)
    np.testing.assert_array_equal(vectorised.stats["num_steps"][:, :3], parallel.stats["num_steps"][:, :3])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_program_from_outside_the_zoo(backend):
    count = 100 if backend == "numpyro" else 60
    options = {**LENGTHS[backend], "num_warmup": count, "num_samples": count}
    fitted = fit(exponentials(backend), waiting_times(), "nuts", **options)
    rates = np.sort(fitted.draws["rate"], axis=-1).mean((0, 1))
    assert abs(np.log(rates / [1 / 50, 1.0])).max() < 0.5


def test_a_funnel_is_flagged():
    import jax.numpy as jnp
    from numpyro import plate, sample
    from numpyro.distributions import Normal

    def funnel(y=None, *, N, D):  # Neal (2003), section 8
        v = sample("v", Normal(0.0, 3.0))
        with plate("D", D):
            sample("x", Normal(0.0, jnp.exp(v / 2)))
        with plate("N", N):
            sample("y", Normal(v, 10.0), obs=y)

    fitted = fit(zoo.Model(funnel, backend="numpyro", D=9), np.zeros(1), "nuts", num_samples=300, target_accept=0.6)
    assert fitted.diagnostics["divergences"] > 0
    assert sum(fitted.diagnostics["divergences_by_chain"]) == fitted.diagnostics["divergences"]


def test_a_seed_determines_the_draws_whether_or_not_progress_is_shown(mixture_fit, counts, capfd):
    again = fit_mixture(mixture_fit.model.backend, counts, progress=True)
    shown = capfd.readouterr()
    np.testing.assert_array_equal(again.draws["rate"], mixture_fit.draws["rate"])
    total = 10 * NUM_CHAINS[mixture_fit.model.backend]
    assert f"{total}/{total}" in shown.err
    assert "divergences" in shown.err
    assert not shown.out


WRONG = [
    ({"num_samples": 0}, "num_samples is a whole number from 1 up; given 0"),
    ({"num_warmup": -1}, "num_warmup is a whole number from 0 up; given -1"),
    ({"num_chains": 0}, "num_chains is a whole number from 1 up; given 0"),
    ({"max_tree_depth": 0}, "max_tree_depth is a whole number from 1 up; given 0"),
    ({"target_accept": 1.0}, "target_accept is a probability between 0 and 1; given 1.0"),
    (
        {"start": {}},
        "start is a dict of arrays for some or all of pi, rate, or a list of such dicts, .*; given nothing",
    ),
    (
        {"start": {"pi": [0.5, 0.5], "rate": [-1.0, 1.0]}, "num_chains": 1},
        "start has a value of rate that is not a number above zero",
    ),
    ({"chains": 3}, "no option of nuts 'chains'"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[next(iter(o)) for o, _ in WRONG])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_wrong_option_is_one_line_that_says_what_would_work(backend, counts, options, message):
    with pytest.raises(zoo.ZooError, match=message) as raised:
        fit(zoo.load("poisson_mixture", backend, K=2), counts, "nuts", **options)
    assert "\n" not in str(raised.value)


def test_a_latent_without_bound_is_refused():
    import numpyro
    from numpyro.distributions import Poisson

    def program(x=None, *, N):
        with numpyro.plate("N", N):
            numpyro.sample("x", numpyro.distributions.Normal(numpyro.sample("n", Poisson(3.0)), 1.0), obs=x)

    for engine in ("em", "svi", "nuts"):
        with pytest.raises(zoo.Refusal, match=r"n is a count without bound.*; these can: none"):
            fit(zoo.Model(program, backend="numpyro"), np.zeros(3), engine)


FOREVER = """
import signal, numpy as np, zoo
from inference import fit
from inference.run.progress import Progress
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background makes its children deaf to it
Progress.update = lambda self, done, message="": print(done, flush=True)
fit(zoo.load("poisson_mixture", {backend!r}, K=2), np.arange(60) % 7, "nuts", num_warmup=10**8, num_chains=2)
"""


# Pyro alone starts processes of its own
@pytest.mark.slow
@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_an_interrupted_run_leaves_no_process(backend):
    words: dict[str, Any] = {"cwd": Path(__file__).parent.parent, "text": True, "start_new_session": True}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    run = subprocess.Popen([sys.executable, "-c", FOREVER.format(backend=backend)], **words, **pipes)
    try:
        assert run.stdout
        assert any(line.strip() not in ("", "0") for line in run.stdout), "no iteration was done"
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does, to every process of the group
        stderr = run.communicate(timeout=60)[1]
        # after the last exception, Python may still warn of semaphores that the interrupt left to its tracker
        exceptions = [line for line in stderr.splitlines() if re.match(r"[\w.]+(Error|Exception|Interrupt)\b", line)]
        assert exceptions[-1] == "KeyboardInterrupt"
        assert run.returncode != 0
        with pytest.raises(ProcessLookupError):  # noqa: PT012
            for _ in range(50):  # the last of them may take a moment to be gone
                time.sleep(0.2)
                os.killpg(run.pid, 0)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)


def program_of(backend, is_funnel, size):
    """A standard normal vector, or Neal's funnel of as many coordinates, beside one value that says nothing of it."""
    library = pytest.importorskip(backend)
    dist, exp = library.distributions, pytest.importorskip({"numpyro": "jax.numpy", "pyro": "torch"}[backend]).exp

    def program(y):
        scale = exp(library.sample("v", dist.Normal(0.0, 3.0)) / 2) if is_funnel else 1.0
        library.sample("x", dist.Normal(0.0, scale).expand([size]).to_event(1))
        library.sample("y", dist.Normal(0.0, 1.0), obs=y)

    return zoo.Model(program, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_energies_of_a_standard_normal_have_the_moments_of_a_gamma_distribution(backend):
    """Potential and kinetic energy are half a chi-squared variable of D degrees each: a gamma variable of shape D."""
    D = 5
    lengths: dict[str, Any] = {"num_warmup": 100, "num_samples": 300, "num_chains": NUM_CHAINS[backend]}
    fitted = fit(program_of(backend, is_funnel=False, size=D), np.zeros(()), engine="nuts", **lengths)
    energy = fitted.stats["energy"] - (D + 1) / 2 * np.log(2 * np.pi)
    size = float(ess(energy, chain_axis=0, draw_axis=1))
    error = np.sqrt((2 + 6 / D) / size)  # of the variance, next to it
    assert abs(energy.mean() - D) < 4 * np.sqrt(D / size)
    assert abs(energy.var() / D - 1) < 4 * error
    fractions = np.square(np.diff(energy)).mean(1) / energy.var(1)
    np.testing.assert_allclose(fitted.diagnostics["e_bfmi"], fractions, rtol=2 / energy.shape[1])
    assert abs(fractions.mean() - 1) < 4 * np.sqrt(2) * error  # each step exchanges a kinetic energy of variance D / 2
    np.testing.assert_array_equal(fitted.to_arviz()["sample_stats"]["energy"], fitted.stats["energy"])
    statistics = fit_statistics(fitted, fitted.draws, np.array([True] * D))
    known = replace(statistics, r_hat=np.ones(D))  # which one chain does not have
    for fractions, is_noted in (([0.9, 0.2], True), (fitted.diagnostics["e_bfmi"], False)):
        noticed = replace(fitted, diagnostics=replace(fitted.diagnostics, e_bfmi=fractions))
        note = sound_chains(verdict_input("nuts", noticed, known))
        assert ("E-BFMI 0.20 is below 0.3" in note) == is_noted


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_energy_fraction_of_a_funnel_is_below_the_limit_of_the_finding(backend):
    lengths: dict[str, Any] = {"num_warmup": 50, "num_samples": 150, "num_chains": 1, "max_tree_depth": 5}
    model = program_of(backend, is_funnel=True, size=9)
    fitted = fit(model, np.zeros(()), engine="nuts", target_accept=0.7, **lengths)
    assert max(fitted.diagnostics["e_bfmi"]) < MIN_E_BFMI


def test_many_short_chains_are_judged_by_groups_with_a_common_start():
    x = np.random.default_rng(0).normal(size=30)
    options: dict[str, Any] = {"num_chains": 16, "num_warmup": 100, "num_samples": 40}
    model = zoo.load("gaussian_mixture", "numpyro", K=1)
    nested, plain = (fit(model, x, engine="nuts", superchains=groups, **options) for groups in (4, None))
    r_hat = {
        name: summary["r_hat"].max() for name, summary in (("nested", nested.summary()), ("plain", plain.summary()))
    }
    assert nested.diagnostics["superchains"] == 4
    assert r_hat["nested"] < 1.05  # halves of 20 draws say little; four groups of 160 draws do
    assert r_hat["nested"] != r_hat["plain"]
    with pytest.raises(zoo.ZooError, match="make num_chains a multiple"):
        fit(model, x, engine="nuts", superchains=3, **options)
