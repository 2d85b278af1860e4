"""Calibration: the bands are exact, correct posteriors pass, and errors of wrong ones are named."""

from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference import gaussian as gaussian_module
from inference.evaluation.calibration import calibrate_sampler
from inference.evaluation.calibration.bands import band, band_probability, counts_below, p_value, tail_probabilities
from inference.evaluation.calibration.invariants import invariants
from inference.evaluation.calibration.trials import fix_settings
from tests.programs import conjugate
from tests.synthetic import bivariate, gaussian
from tests.table import BACKENDS

WIDTH = np.sqrt(0.5)  # of the posterior of a normal mean under a standard normal prior, from one observation


def one_mean(seed):
    rng = np.random.default_rng(seed)
    theta = rng.normal()
    return {"theta": theta}, theta + rng.normal()


def posterior(x, seed, shift=0.0, spread=1.0):
    return {"theta": x / 2 + WIDTH * (shift + spread * np.random.default_rng(seed).normal(size=99))}


@pytest.mark.parametrize(("n", "draws"), [(10, 4), (40, 99), (300, 19)])
def test_uniform_ranks_leave_the_band_at_its_error_rate(n, draws):
    rng = np.random.default_rng(0)
    low, high = band(n, draws, 0.1)
    counts = np.array([counts_below(rng.integers(0, draws + 1, n), draws) for _ in range(4000)])
    left = np.any((counts < low) | (counts > high), axis=1)
    rarities = np.take_along_axis(tail_probabilities(n, draws), counts.T, axis=1).min(0)
    p = np.array([1 - band_probability(n, draws, rarity * (1 + 1e-9)) for rarity in rarities[:500]])
    np.testing.assert_array_equal(p <= 0.1, left[:500])  # two computations of one event
    chance = max((1 - band_probability(n, draws, r * (1 + 1e-9)) for r in np.unique(rarities[left])), default=0.0)
    assert chance <= 0.1
    assert abs(left.mean() - chance) < 4 * np.sqrt(0.1 * 0.9 / 4000)


def test_the_band_equals_that_of_arviz():
    from arviz_stats.ecdf_utils import get_pointwise_confidence_band, simulate_confidence_bands

    n, points = 50, np.arange(1, 50) / 50
    level = simulate_confidence_bands(n, 1, points, 0.95, 2000, np.random.default_rng(0))  # by simulation, ours exactly
    for ours, theirs in zip(band(n, n - 1, 0.05), get_pointwise_confidence_band(level, n, points), strict=True):
        assert np.abs(ours - n * theirs).max() < 1.5


def test_p_values_of_exact_draws_are_uniform():
    p = [
        p_value(calibrate_sampler(one_mean, posterior, simulations=30, seed=seed).ranks["theta"], 99)
        for seed in range(200)
    ]
    for level in (0.05, 0.5):
        assert abs(np.mean(np.array(p) <= level) - level) < 4 * np.sqrt(level * (1 - level) / 200)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"spread": 0.5}, "the draws are too narrow"),
        ({"spread": 2.0}, "the draws are too wide"),
        ({"shift": 0.5}, "the draws are too high"),
        ({"shift": -0.5}, "the draws are too low"),
    ],
    ids=["narrow", "wide", "high", "low"],
)
def test_errors_of_the_draws_are_named(wrong, words):
    result = [
        calibrate_sampler(one_mean, lambda x, seed: posterior(x, seed, **wrong), simulations=150, seed=seed)
        for seed in range(5)
    ]
    assert [c.table.finding["theta"] for c in result] == [words] * 5
    assert words in result[0].verdict


def test_failed_simulations_are_counted_and_reported():
    def picky(x, seed):
        if x > 1:
            raise zoo.ZooError("x is too large: give less")
        return posterior(x, seed)

    result = calibrate_sampler(one_mean, picky, simulations=100)
    assert 10 < len(result.failures) < 50
    assert len(result.ranks["theta"]) == 100 - len(result.failures)
    (warning,) = result.warnings
    assert warning.startswith(f"{len(result.failures)} of 100 simulations failed")
    assert "x is too large" in warning
    assert warning in str(result)
    with pytest.raises(zoo.ZooError, match="all failed: not today"):
        calibrate_sampler(one_mean, lambda x, seed: fail())
    with pytest.raises(zoo.ZooError, match="theta is not finite"):
        calibrate_sampler(one_mean, lambda x, seed: {"theta": np.full(99, np.nan)})


def fail():
    raise zoo.ZooError("not today")


def test_ties_are_broken_evenly():
    coin = lambda seed: ({"heads": np.random.default_rng(seed).integers(2)}, None)  # noqa: E731
    toss = lambda _, seed: {"heads": np.random.default_rng(seed).integers(2, size=99)}  # noqa: E731
    result = calibrate_sampler(coin, toss, simulations=400)
    assert result.table.finding["heads"] == "calibrated"
    assert len(np.unique(result.ranks["heads"])) > 90


def sample_two_numbers(data, seed):
    """Exact draws of (a, b) in ``conjugate``."""
    y = data["y"]
    covariance = np.linalg.inv(np.diag([1.0, 0.25]) + len(y) / 4.0)
    mean = covariance @ np.full(2, y.sum() / 4.0)
    return dict(zip("ab", np.random.default_rng(seed).multivariate_normal(mean, covariance, size=99).T, strict=True))


def test_a_user_sampler_is_checked_against_the_program():
    model = conjugate("pyro").with_settings(N=10)
    result = inference.calibrate(model, sample_two_numbers, simulations=30, draws=49)
    assert list(result.ranks) == ["a", "b", "log-likelihood", "log joint", "distance to the mean"]
    assert list(result.table.index) == [*result.ranks, "correlations"]
    assert result.verdict.startswith("sample_two_numbers on two_numbers: calibrated")
    figure = result.figure()
    assert [axes.get_title() for axes in figure.axes if axes.axison] == [
        name for name in result.table.sort_values("p", kind="stable").index if name != "correlations"
    ]


def test_draws_from_the_prior_are_detected_by_the_likelihood():
    def prior(data, seed):
        rng = np.random.default_rng(seed)
        return {"a": rng.normal(size=99), "b": 2 * rng.normal(size=99)}

    result = inference.calibrate(conjugate("pyro").with_settings(N=10), prior, simulations=30, draws=49)
    assert {*result.miscalibrated} == {"log-likelihood", "log joint"}
    assert "the draws are too low" in result.verdict


def test_correlated_chains_give_a_warning(monkeypatch):
    def walk(model, data, engine, **options):
        step = 0.05 * np.random.default_rng(0).normal(size=(2, 2, 300)).cumsum(-1)
        return gaussian("nuts", np.moveaxis(step, 0, -1), np.zeros((2, 300)), model=model, data=data)

    monkeypatch.setattr("inference.fitting.fit", walk)
    result = inference.calibrate(zoo.Model(bivariate, backend="numpyro", N=3, D=2), "nuts", simulations=10)
    assert any("in 10 of 10 simulations the least effective sample size" in warning for warning in result.warnings)


@pytest.mark.parametrize("backend", BACKENDS)
def test_labels_from_their_exact_posterior_are_calibrated(backend):
    model = zoo.load("gaussian_mixture", backend, covariance="spherical", K=3)
    result = inference.calibrate(model, "exact", simulations=10, draws=19)
    assert {n: len(r) for n, r in result.ranks.items()} == {"log joint": 10, "z[n]": 600}
    assert result.miscalibrated == []


@pytest.mark.parametrize(("name", "backend"), [("factor_analysis", "numpyro"), ("mixture_of_factor_analysers", "pyro")])
def test_factors_from_their_exact_posterior_are_calibrated(name, backend, monkeypatch):
    model = zoo.load(name, backend, N=20)
    result = inference.calibrate(model, "exact", simulations=15, draws=19)
    assert "log joint" in result.ranks
    assert len(result.ranks["z[n,0]"]) == 300
    assert result.miscalibrated == [], str(result)
    exact = gaussian_module.sample_latents
    monkeypatch.setattr("inference.exact.gaussian.sample_latents", lambda *given: 1.5 * exact(*given))
    assert inference.calibrate(model, "exact", simulations=15, draws=19).miscalibrated


def test_labels_from_the_prior_are_detected_by_the_log_joint(monkeypatch):
    def prior_labels(model, params, data, seed):
        return {"z": np.random.default_rng(seed).choice(2, p=params["pi"][0, 0], size=(1, 19, len(data["x"])))}

    monkeypatch.setattr("inference.exact.enumeration.sample_labels", prior_labels)
    result = inference.calibrate(zoo.load("poisson_mixture", "pyro", K=2), "exact", simulations=10, draws=19)
    assert result.miscalibrated == ["log joint"]
    assert result.correlations is None


@pytest.mark.parametrize("name", ["gaussian_mixture", "factor_analysis", "bayesian_pca", "mixture_of_factor_analysers"])
def test_ranked_quantities_are_invariant_to_labels_and_axes(name):
    card = zoo.card(name)
    sizes = dict(card.sizes) | {"Z": 3, "K": 3}
    rng = np.random.default_rng(0)
    sites, draws = card.parameters(), {}
    for n, site in sites.items():
        value = rng.normal(size=(4, *site.shape(sizes)))
        value = value @ np.swapaxes(value, -1, -2) if site.kind == "precision" else value
        draws[n] = np.exp(value) if site.kind in ("positive", "simplex") else value
    names, values = invariants(card, sizes, draws)
    assert len(names) == len(set(names)) == values.shape[1]
    order, turn = rng.permutation(3), np.linalg.qr(rng.normal(size=(3, 3)))[0]
    if card.symmetries.get("Z") == "signed permutation":
        turn = np.eye(3)[order] * [-1, 1, -1]
    for n, site in sites.items():
        for axis, letter in enumerate(site.dims, start=1):
            if letter == "K":
                draws[n] = np.take(draws[n], order, axis)
            elif letter == "Z":
                draws[n] = np.moveaxis(np.moveaxis(draws[n], axis, -1) @ turn, -1, axis)
    np.testing.assert_allclose(invariants(card, sizes, draws)[1], values, atol=1e-12)


def test_the_prior_does_not_depend_on_the_data():
    model = fix_settings(zoo.load("gaussian_mixture", "pyro", K=2, scale=7.0))
    one, other = (model.bind(model.simulate(seed)["x"])[1] for seed in (0, 1))
    assert one == other
    assert (one["loc"], one["scale"], one["spread"], one["N"]) == (0.0, 7.0, 1.0, 60)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "gaussian_mixture"}, "calibrate takes a model"),
        ({"simulations": 5}, "simulations is a whole number from 10 up; given 5"),
        ({"draws": 0}, "draws is a whole number from 1 up; given 0"),
        ({"engine": "nutz"}, "did you mean 'nuts'"),
        ({"engine": "nuts", "warmup": 5}, "no option of nuts 'warmup'"),
        ({"engine": "em"}, "em gives a point"),
        ({"engine": "exact"}, "no exact posterior of local latents"),
        ({"engine": sample_two_numbers, "num_chains": 3}, "num_chains: only an engine by name has options"),
        ({"engine": sample_two_numbers, "draws": 200}, "pass draws=99 or fewer"),
        ({"engine": lambda data, seed: {"a": np.zeros(99)}}, "no draws of b"),
    ],
)
def test_errors_are_one_line(arguments, message):
    with pytest.raises(zoo.ZooError, match=message) as caught:
        inference.calibrate(**{"model": conjugate("pyro").with_settings(N=5), **arguments})
    assert "\n" not in str(caught.value)


def test_simulations_side_by_side_have_the_ranks_of_those_one_by_one():
    model = conjugate("pyro").with_settings(N=5)
    one, two = (
        inference.calibrate(model, sample_two_numbers, simulations=12, draws=19, workers=workers) for workers in (1, 2)
    )
    for name, ranks in one.ranks.items():
        np.testing.assert_array_equal(two.ranks[name], ranks)


def test_a_calibration_goes_on_from_its_folder(tmp_path):
    model, calls = conjugate("pyro").with_settings(N=5), []

    def sample(data, seed):
        calls.append(seed)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return sample_two_numbers(data, seed)

    options: dict[str, Any] = {"simulations": 12, "draws": 19, "checkpoint": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        inference.calibrate(model, sample, **options)
    result = inference.calibrate(model, sample, **options)
    assert len(calls) == 6 + 12 - 5
    whole = inference.calibrate(model, sample_two_numbers, simulations=12, draws=19)
    for name, ranks in whole.ranks.items():
        np.testing.assert_array_equal(result.ranks[name], ranks)
    with pytest.raises(zoo.ZooError, match=r"has another calibration \(draws differs\)"):
        inference.calibrate(model, sample, **{**options, "draws": 18})


def test_an_error_of_a_library_is_the_failure_of_one_simulation():
    calls = []

    def sample(data, seed):
        calls.append(seed)
        return sample_two_numbers(data, seed) if len(calls) != 4 else np.linalg.cholesky(-np.eye(2))

    result = inference.calibrate(conjugate("pyro").with_settings(N=5), sample, simulations=10, draws=19)
    assert result.failures == {3: "LinAlgError: Matrix is not positive definite"}


CHAINS: dict[str, Any] = {"num_chains": 1, "num_warmup": 300, "num_samples": 1000}


@pytest.mark.slow
def test_nuts_is_calibrated():
    result = inference.calibrate(conjugate("numpyro").with_settings(N=10), "nuts", simulations=30, **CHAINS)
    assert result.verdict.startswith("nuts on two_numbers: calibrated")
    assert result.warnings == []


@pytest.mark.slow
def test_a_mean_field_guide_is_too_narrow():
    result = inference.calibrate(
        conjugate("numpyro").with_settings(N=40), "svi", simulations=20, num_steps=200, learning_rate=0.05
    )
    assert {"a", "b"} <= set(result.miscalibrated) <= {"a", "b", "correlations", "distance to the mean"}
    assert "the draws are too narrow" in result.verdict
    assert "do not take intervals" in result.verdict


@pytest.mark.slow
def test_nuts_is_calibrated_on_factor_analysis():
    model = zoo.load("factor_analysis", N=20, D=4, Z=1)
    result = inference.calibrate(model, "nuts", simulations=30, **CHAINS)
    assert "log-likelihood" in result.ranks
    assert result.miscalibrated == [], str(result)
    assert not result.failures


@pytest.mark.slow
def test_nuts_is_calibrated_on_a_linear_dynamical_system():
    """A local level of two short sequences, by a Kalman filter: with 30 simulations a shift of 0.7 sd would be seen."""
    model = zoo.load("linear_dynamical_system", "numpyro", structure="local_level", N=2, T=6, D=1)
    options: dict[str, Any] = {"num_chains": 1, "num_warmup": 200, "num_samples": 400}
    result = inference.calibrate(model, "nuts", simulations=30, draws=19, **options)
    assert not result.failures
    assert {"level_sd[0]", "Psi[0]", "log-likelihood"} <= set(result.ranks)
    assert result.miscalibrated == []
