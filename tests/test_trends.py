"""Latents, paths and forecasts of linear dynamical systems, against the joint normal distribution."""

from typing import Any

import numpy as np
import pytest

import zoo
from inference import fit, sequences


@pytest.fixture(scope="module")
def series():
    """Three random walks with noise; one ends early, and one has a gap."""
    rng = np.random.default_rng(0)
    x = np.cumsum(0.4 * rng.normal(size=(3, 30, 1)), 1) + 0.5 * rng.normal(size=(3, 30, 1))
    x[0, 20:], x[1, 10:14] = np.nan, np.nan
    return x


@pytest.fixture(scope="module")
def level(series):
    return fit(zoo.load("linear_dynamical_system", "pyro", structure="local_level"), series, "em")


def posterior_of_level(fitted, row, length):
    """Mean and covariance of the level at ``length`` steps given the values of a row, by the joint distribution."""
    (loc,), (scale,) = (np.broadcast_to(fitted.keywords[n], 1) for n in ("loc", "scale"))
    sd, Psi = fitted.params["level_sd"][0], fitted.params["Psi"][0]
    steps = np.arange(length)
    cov = scale**2 + sd**2 * np.minimum(steps[:, None], steps)
    known = np.flatnonzero(~np.isnan(row))
    gain = cov[:, known] @ np.linalg.inv(cov[np.ix_(known, known)] + Psi * np.eye(len(known)))
    return loc + gain @ (row[known] - loc), cov - gain @ cov[known]


def test_moments_of_a_level_are_those_of_the_joint_distribution(series, level):
    whole, so_far = sequences.latents(level), sequences.latents(level, so_far=True)
    for n, row in enumerate(series[..., 0]):
        mean, cov = posterior_of_level(level, row, 30)
        np.testing.assert_allclose(whole.mean["level"][n, :, 0], mean, rtol=1e-8)
        np.testing.assert_allclose(whole.sd["level"][n, :, 0], np.sqrt(np.diag(cov)), rtol=1e-8)
        cut, cut_cov = posterior_of_level(level, np.where(np.arange(30) < 12, row, np.nan), 30)
        np.testing.assert_allclose(so_far.mean["level"][n, 11, 0], cut[11], rtol=1e-8)
        np.testing.assert_allclose(so_far.sd["level"][n, 11, 0], np.sqrt(cut_cov[11, 11]), rtol=1e-8)


def test_the_posterior_of_the_latents_of_a_fit_is_that_of_latents(series, level):
    local, moments = level.local()["level"], sequences.latents(level)
    np.testing.assert_allclose(local.mean, moments.mean["level"], rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(local.covariance[..., 0, 0]), moments.sd["level"][..., 0], rtol=1e-12)
    assert level.predict()["level"].shape == series.shape


def test_other_sequences_may_have_another_length(level):
    other = np.array([[[1.0], [np.nan], [0.5], [2.0]]])
    mean, _ = posterior_of_level(level, other[0, :, 0], 4)
    np.testing.assert_allclose(sequences.latents(level, other).mean["level"][0, :, 0], mean, rtol=1e-8)
    assert sequences.forecast(level, other, steps=2, num_draws=10).draws["x"].shape == (10, 1, 2, 1)


def test_forecasts_have_the_exact_distribution_of_later_values(series, level):
    draws = 4000
    later = sequences.forecast(level, steps=5, num_draws=draws)
    for n, row in enumerate(series[..., 0]):
        mean, cov = posterior_of_level(level, row, 35)
        sd = np.sqrt(np.diag(cov)[-5:] + level.params["Psi"])
        values = later.draws["x"][:, n, :, 0]
        assert np.abs((values.mean(0) - mean[-5:]) / (sd / np.sqrt(draws))).max() < 4.5
        assert np.abs(values.std(0) / sd - 1).max() < 4.5 / np.sqrt(2 * draws)
    lower, upper = later.interval(probability=0.5)
    assert lower.shape == upper.shape == (3, 5, 1)
    assert (lower < upper).all()
    wider = later.interval("level", 0.9)
    assert (np.diff(wider[1] - wider[0], axis=1) > -0.3).all()  # a level that is not seen spreads


def test_paths_are_draws_of_the_level(series, level):
    values = sequences.latent_paths(level, num_paths=3000)["level"]
    mean, cov = posterior_of_level(level, series[1, :, 0], 30)
    assert np.abs((values[:, 1, :, 0].mean(0) - mean) / np.sqrt(np.diag(cov) / 3000)).max() < 4.5


@pytest.mark.slow
def test_a_fit_with_draws_adds_the_uncertainty_of_its_parameters(series):
    model = zoo.load("linear_dynamical_system", "pyro", structure="local_trend")
    fitted = fit(model, series, "svi", num_steps=150, num_draws=200)
    moments, point = sequences.latents(fitted), sequences.latents(fit(model, series, "em", objective="map"))
    assert set(moments.mean) == {"level", "slope"}
    assert moments.sd["slope"].shape == series.shape
    assert (moments.sd["level"] > 0.5 * point.sd["level"]).all()


def test_factors_recover_a_rotating_system():
    rng = np.random.default_rng(1)
    A, W = 0.95 * np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]]), rng.normal(size=(4, 2))
    z = rng.normal(size=(20, 60, 2))
    for t in range(1, 60):
        z[:, t] += z[:, t - 1] @ A.T
    x = z @ W.T + 0.5 * rng.normal(size=(20, 60, 4)) + np.arange(4)
    fitted = fit(zoo.load("linear_dynamical_system", "pyro"), x, "em", restarts=3)
    eigenvalues = np.linalg.eigvals(fitted.params["A"])
    np.testing.assert_allclose(np.abs(eigenvalues), 0.95, atol=0.02)  # about four standard errors of 1200 steps
    np.testing.assert_allclose(np.abs(np.angle(eigenvalues)), 0.5, atol=0.03)
    explained = sequences.latents(fitted).mean["z"] @ fitted.params["W"].T
    assert np.corrcoef(explained.ravel(), (z @ W.T).ravel())[0, 1] > 0.97


BAD: list[tuple[Any, dict[str, Any], str]] = [
    (np.full((2, 5, 1), np.nan), {}, "missing"),
    (np.ones((2, 5, 1)), {}, "constant"),
    (np.zeros((2, 5, 1)) + np.inf, {}, "inf"),
    (np.arange(10.0).reshape(2, 5, 1), {"structure": "trend"}, "structure"),
]


@pytest.mark.parametrize(("x", "settings", "message"), BAD)
def test_bad_sequences_are_refused_in_one_line(x, settings, message):
    with pytest.raises(zoo.ZooError, match=message) as caught:
        fit(zoo.load("linear_dynamical_system", "pyro", **{"structure": "local_level", **settings}), x, "em")
    assert "\n" not in str(caught.value)


def test_another_model_has_no_such_latents(series):
    states = fit(zoo.load("hidden_markov", "pyro", K=2), series, "em", max_iter=3, objective="map")
    with pytest.raises(zoo.ZooError, match="linear_dynamical_system"):
        sequences.latents(states)


def test_one_step_and_one_sequence(series):
    model = zoo.load("linear_dynamical_system", "pyro", structure="local_level")
    one_step = fit(model, series[:, :1], "em", objective="map", max_iter=20)
    assert np.isfinite(one_step.trace).all()
    one_sequence = fit(model, series[1], "em", max_iter=20)
    assert sequences.forecast(one_sequence, steps=2).draws["x"].shape == (200, 1, 2, 1)


def factor_rows(seed=0):
    """Twelve sequences of three columns that follow one slow factor."""
    rng = np.random.default_rng(seed)
    z = np.cumsum(rng.normal(size=(12, 8, 1)), 1)
    return z @ rng.normal(size=(1, 3)) + 0.3 * rng.normal(size=(12, 8, 3))


def test_units_of_the_columns_change_no_step_of_em():
    x, model = factor_rows(), zoo.load("linear_dynamical_system", "pyro")
    unit = np.array([1e-4, 1.0, 1e5])
    one, other = (fit(model, rows, "em", max_iter=40, tol=0.0) for rows in (x, x * unit))
    steps = min(len(one.trace), len(other.trace))
    shift = x[..., 0].size * np.log(unit).sum()
    np.testing.assert_allclose(other.trace[:steps] + shift, one.trace[:steps], rtol=1e-6)
    np.testing.assert_allclose(other.params["Psi"], one.params["Psi"] * unit**2, rtol=1e-3)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("objective", ["ml", "map"])
@pytest.mark.parametrize("unit", [1e-60, 1e-20, 1e60])
def test_floors_of_tiny_and_of_huge_units_are_positive(unit, objective):
    """The floor of MAP is so low that its product with a small unit is no number above zero in 64 bits."""
    x, model = factor_rows()[:2, :, :2], zoo.load("linear_dynamical_system", "pyro", Z=1)
    one, other = (fit(model, rows, "em", max_iter=5, objective=objective) for rows in (x, x * unit))
    shift = x.size * np.log(unit)
    assert other.log_likelihood().sum() + shift == pytest.approx(one.log_likelihood().sum(), abs=1e-4)


FLOOR: dict[str, Any] = {"covariance_floor": 1e-6}


@pytest.mark.parametrize("seed", range(4))
def test_columns_that_are_equal_do_not_make_em_fall(seed):
    """Extrapolations stop at the floor of the noise, under which the objective is higher than EM may go."""
    x = factor_rows(seed)
    x[..., 0] = x[..., 1]
    fitted = fit(zoo.load("linear_dynamical_system", "pyro"), x, "em", seed=seed, restarts=2, max_iter=80, **FLOOR)
    assert (np.diff(fitted.trace) > -1e-8 * np.abs(fitted.trace).max()).all()
