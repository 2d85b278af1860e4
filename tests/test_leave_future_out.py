"""Leave-future-out cross-validation of sequences, against quadrature and against fits to parts of them."""

from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import halfnorm, invgamma

import inference
import zoo
from inference.evaluation.leave_one_out.future import StepDensities, predict_forward
from inference.exact import kalman
from zoo.linear_dynamical_system import linear_chain

RNG = np.random.default_rng(0)
T, START = 40, 10
WALKS = RNG.normal(size=(2, T, 1)).cumsum(1) + RNG.normal(size=(2, T, 1))


@pytest.fixture(scope="module")
def walks():
    """The densities of the steps of two walks at a grid of the parameters, and the log prior of the grid.

    The grid is the model, so that its sums are exact.
    """
    level_sd, Psi = (v.ravel() for v in np.meshgrid(np.geomspace(0.1, 4, 70), np.geomspace(0.05, 8, 70)))
    settings = {"D": 1, "loc": 0.0, "scale": 2.0, "spread": 1.0}
    params = np.stack([level_sd, Psi], 1)[:, :, None]
    chains = [linear_chain({"level_sd": a, "Psi": b}, settings) for a, b in params]
    log_p = np.stack([kalman.filter_chains(chain, WALKS).log_p for chain in chains])  # (grid, N, T)
    log_prior = halfnorm.logpdf(level_sd) + invgamma.logpdf(Psi, 2.0, scale=0.5) + np.log(level_sd) + np.log(Psi)
    return log_p, log_prior


def exact_predictions(log_p, log_prior):
    """log p(x_nt | the steps before of both sequences), (N, T - START)."""
    predictions = []
    for t in range(START, T):
        weights = log_prior + log_p[:, :, :t].sum((1, 2))
        predictions.append(logsumexp((weights - logsumexp(weights))[:, None] + log_p[:, :, t], axis=0))
    return np.stack(predictions, 1)


def sampler(walks, rng, draws=2000):
    """A function that draws from the posterior given t steps, and the steps at which it was called."""
    log_p, log_prior = walks
    calls = []

    def refit(t):
        calls.append(t)
        weights = log_prior + log_p[:, :, :t].sum((1, 2))
        at = rng.choice(len(weights), draws, p=np.exp(weights - logsumexp(weights)))
        return StepDensities(log_p[at])

    return refit, calls


@pytest.mark.parametrize("limit", [-np.inf, 0.5, 0.7])
def test_predictions_are_those_of_quadrature(walks, limit):
    exact = exact_predictions(*walks)
    errors, calls = [], []
    for seed in range(12):
        refit, calls = sampler(walks, np.random.default_rng(seed))
        result = predict_forward(refit, T, START, limit)
        assert list(result.refitted) == calls
        errors.append((result.log_p - exact).sum())
        assert abs(result.log_p - exact).max() < 0.3
    assert abs(np.mean(errors)) < 4 * np.std(errors, ddof=1) / np.sqrt(12)
    assert len(calls) == (T - START if limit < 0 else pytest.approx(T / 8, abs=T / 8))


def test_draws_that_are_never_made_anew_lose_the_later_steps(walks):
    refit, calls = sampler(walks, np.random.default_rng(1))
    never = predict_forward(refit, T, START, np.inf)
    assert calls == [START]
    assert never.k_hat[0] == 0.0
    assert never.k_hat[-10:].mean() > never.k_hat[1:6].mean()


def test_draws_of_a_guide_count_by_their_weights(walks):
    log_p, log_prior = walks
    exact = exact_predictions(log_p, log_prior)
    rng = np.random.default_rng(2)

    def refit(t, is_weighted=True):
        weights = log_prior + log_p[:, :, :t].sum((1, 2))
        proposal = 0.7 * weights  # wider than the posterior
        at = rng.choice(len(weights), 20_000, p=np.exp(proposal - logsumexp(proposal)))
        return StepDensities(log_p[at], (weights - proposal)[at] if is_weighted else None)

    weighted = predict_forward(refit, T, START, 0.7).log_p
    unweighted = predict_forward(lambda t: refit(t, False), T, START, 0.7).log_p
    assert abs((weighted - exact).sum()) < 0.1
    assert abs((weighted - exact).sum()) < abs((unweighted - exact).sum())


@pytest.mark.slow
def test_fits_by_nuts_predict_as_quadrature_does(walks):
    """The prior is that of the grid, whose limits cut off little of it."""
    settings = {"structure": "local_level", "loc": 0.0, "scale": 2.0, "spread": 1.0}
    options: dict[str, Any] = {"num_warmup": 300, "num_samples": 500, "num_chains": 2}
    fit = inference.fit(zoo.load("linear_dynamical_system", "numpyro", **settings), WALKS, engine="nuts", **options)
    result = inference.leave_future_out(fit, start=START)
    exact = exact_predictions(*walks)
    assert abs(result.pointwise - exact).max() < 0.15
    assert abs(result.elpd - exact.sum()) < 0.5
    assert (result.k_hat < result.k_limit).all()


def simulated(name, **settings):
    values = zoo.load(name, "pyro", **settings).simulate(3, N=2, T=20, D=1)
    return values["x"]


MODELS = {
    "hidden_markov": ({"K": 2}, "gibbs", {"num_warmup": 50, "num_samples": 100, "num_chains": 1}),
    "linear_dynamical_system": ({"structure": "local_level"}, "svi", {"num_steps": 20, "num_draws": 100}),
    "autoregressive_hmm": ({"K": 1}, "svi", {"num_steps": 20, "num_draws": 100}),
}


@pytest.mark.parametrize(
    "name", ["hidden_markov", *(pytest.param(n, marks=pytest.mark.slow) for n in list(MODELS)[1:])]
)
def test_the_first_prediction_is_that_of_a_fit_to_the_steps_before(name):
    settings, engine, options = MODELS[name]
    model, x = zoo.load(name, "pyro", **settings), simulated(name, **settings)
    x[0, 19] = np.nan if name != "autoregressive_hmm" else x[0, 19]
    fit = inference.fit(model, x, engine, **options)
    result = inference.leave_future_out(fit, start=18)
    partial = inference.fit(model, x[:, :18], engine, **options)
    whole, before = (partial.log_likelihood(x[:, :t]).reshape(-1, 2) for t in (19, 18))
    log_weight = partial.stats.get("log_weight")
    log_ratio = np.zeros(len(whole)) if log_weight is None else log_weight.ravel()
    expected = logsumexp(log_ratio[:, None] + whole - before, axis=0) - logsumexp(log_ratio)
    np.testing.assert_allclose(result.pointwise[:, 0], expected, atol=0.02 if log_weight is not None else 1e-8)
    assert result.pointwise.shape == (2, 2)
    assert result.refitted[0] == 18
    assert np.isnan(result.pointwise[0, 1]) == (name != "autoregressive_hmm")
    assert result.elpd == pytest.approx(np.nansum(result.pointwise))
    assert "steps 19 to 20, each from those before" in str(result)


def test_what_has_no_future_is_refused_in_one_line():
    x = simulated("hidden_markov", K=2)
    model = zoo.load("hidden_markov", "pyro", K=2)
    few = inference.fit(model, x, "gibbs", num_warmup=5, num_samples=1, num_chains=1)
    cases = {
        "has none": inference.fit(model, x, "em"),
        "1 are too few": few,
        "loo\\(fit\\) leaves rows out": inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), x[0], "em"),
        "no program": inference.from_arviz(few.to_arviz()),
    }
    for words, fit in cases.items():
        with pytest.raises(zoo.ZooError, match=words) as caught:
            inference.leave_future_out(fit)
        assert "\n" not in str(caught.value)
    fit = inference.fit(model, x, "gibbs", num_warmup=5, num_samples=30, num_chains=1)
    starts: list[Any] = [1, 20, 2.5]
    for start in starts:
        with pytest.raises(zoo.ZooError, match="start is a number of steps from 2 to 19"):
            inference.leave_future_out(fit, start=start)
