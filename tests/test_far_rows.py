"""Rows so far away that every density is 0 in 64 bits: probabilities are their limits, and no warning is given."""

import numpy as np
import pytest

import inference
import zoo
from inference.amortised import AmortisedPosterior

RNG = np.random.default_rng(0)
X = np.r_[RNG.normal(size=(50, 2)), RNG.normal(4, 3, size=(50, 2))]
FAR = np.array([[1e200, 0.0], [0.0, -1e160], [1e308, 1e308], [-1e200, 3.0]])


@pytest.mark.parametrize("covariance", ["full", "tied"])
@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_a_mixture_is_certain_of_a_row_that_is_far_away(backend, covariance):
    fit = inference.fit(zoo.load("gaussian_mixture", backend, K=2, covariance=covariance), X, engine="em", max_iter=5)
    p = fit.local(np.r_[FAR, X[:3]])["z"]
    np.testing.assert_array_equal(p[:4], expected_limit(fit))
    np.testing.assert_allclose(p[4:], fit.local(X[:3])["z"], rtol=1e-12)  # others are as before
    assert np.isneginf(fit.log_likelihood(FAR)).all()


def expected_limit(fit):
    """One-hot by the leading term: the quadratic one, or the linear one where precisions are equal."""
    Lambda, mu = fit.params["Lambda"], fit.params["mu"]
    directions = FAR / np.linalg.norm(FAR / np.abs(FAR).max(1, keepdims=True), axis=1, keepdims=True)
    directions /= np.abs(FAR).max(1, keepdims=True)
    if fit.keywords["covariance"] == "tied":
        score = directions @ Lambda @ mu.T
    else:
        score = -np.einsum("nd,kde,ne->nk", directions, Lambda, directions)
    return np.eye(2)[score.argmax(1)]


def test_draws_have_the_same_limit():
    fit = inference.fit(
        zoo.load("gaussian_mixture", "pyro", K=2), X, engine="nuts", num_warmup=20, num_samples=10, num_chains=1
    )
    p = fit.local(FAR)["z"]
    np.testing.assert_allclose(p.sum(1), 1.0)
    assert np.isin(np.round(p * 10, 9), np.arange(11)).all()  # of each of ten draws one-hot


def test_a_mixture_of_factor_analysers_is_certain_too():
    fit = inference.fit(zoo.load("mixture_of_factor_analysers", K=2, Z=1), X, engine="em", max_iter=5)
    local = fit.local(np.r_[FAR[:2], X[:3]])
    assert set(local["c"][:2].ravel()) == {0.0, 1.0}
    assert np.isfinite(local["z"].mean).all()
    assert np.isfinite(local["z"].covariance).all()
    np.testing.assert_allclose(local["z"].covariance[2:], fit.local(X[:3])["z"].covariance, rtol=1e-12)
    assert np.isneginf(fit.log_likelihood(FAR)).all()


def test_latents_beyond_64_bits_are_an_error():
    fit = inference.fit(zoo.load("factor_analysis", "pyro", Z=1), X * 1e-3, engine="em", max_iter=3)
    assert np.isneginf(fit.log_likelihood(FAR)).all()
    assert np.isfinite(fit.local(FAR[:2])["z"].mean).all()
    with pytest.raises(zoo.ZooError, match="row 2 is so far away that its latents exceed 64 bits"):
        fit.local(FAR)


def test_missing_values_stay_missing_on_the_way():
    fit = inference.fit(zoo.load("mixture_of_factor_analysers", K=2, Z=1), X, engine="em", max_iter=5)
    assert set(fit.local([[1e200, np.nan]])["c"].ravel()) == {0.0, 1.0}


@pytest.mark.parametrize("structure", ["general", "local_level", "local_trend"])
@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_a_sequence_that_is_far_away_has_density_0(backend, structure):
    x, far = RNG.normal(size=(6, 5, 3)), [1e154, 1e160, -1e200, 1e308]
    sizes = {"Z": 2} if structure == "general" else {}
    model = zoo.load("linear_dynamical_system", backend, structure=structure, **sizes)
    fit = inference.fit(model, x, engine="em", max_iter=2)
    for value in far:
        y = x.copy()
        y[0, 1, 0], y[1], y[2, 1], y[2, 3], y[3, 2:] = value, value, value, -value, np.nan
        y[3, 0] = value
        log_p = fit.log_likelihood(y)
        assert (np.isneginf(log_p[:4]) | (log_p[:4] < -1e305)).all()
        np.testing.assert_allclose(log_p[4:], fit.log_likelihood()[4:], rtol=1e-12)


def test_infinities_of_both_signs_are_told_without_a_warning():
    fit = inference.fit(zoo.load("factor_analysis", "pyro", Z=1), X, engine="em", max_iter=2)
    with pytest.raises(zoo.ZooError, match="is infinite; drop or correct it"):
        fit.log_likelihood(np.array([[np.inf, -np.inf], [0.0, 0.0]]))


@pytest.mark.parametrize("backend", ["pyro", pytest.param("numpyro", marks=pytest.mark.slow)])
def test_codes_beyond_32_bits_are_an_error(backend):
    """The encoder multiplies a number near the largest of 32 bits by its weights."""
    model = zoo.load("linear_ladder", backend)
    fit = inference.fit(model, np.c_[X, X], engine="svi", num_steps=2, warm_up=0.0, kl_balance=False)
    posterior = AmortisedPosterior(fit)
    far = posterior.table(np.r_[np.c_[X, X][:2], np.full((1, 4), 1e150)])
    fit.state.update({n: 10 * v for n, v in fit.state.items() if "weight" in n})
    with pytest.raises(zoo.ZooError, match=r"row 2 is so far away that its z\d exceeds float32: drop or correct it"):
        AmortisedPosterior(fit).encode(far)
