"""Predictions of each step from those before, durations of states, and criteria that count steps."""

import numpy as np
import pytest
from scipy.special import logsumexp

import zoo
from inference import fit, sequences


@pytest.fixture(scope="module")
def counts():
    """Two sequences that change between two rates about every ten steps, one with a gap and one that ends early."""
    rng = np.random.default_rng(0)
    states = np.zeros((2, 80), int)
    for t in range(1, 80):
        states[:, t] = np.where(rng.random(2) < 0.1, 1 - states[:, t - 1], states[:, t - 1])
    x = rng.poisson(np.array([3.0, 15.0])[states])[..., None].astype(float)
    x[0, 20:24], x[1, 70:] = np.nan, np.nan
    return x


@pytest.fixture(scope="module")
def states(counts):
    return fit(zoo.load("hidden_markov", "pyro", K=2, emission="poisson"), counts, "em", restarts=2)


@pytest.mark.parametrize("kind", ["states", "level"])
def test_predictions_sum_to_the_likelihood_of_the_sequence(kind, counts, states):
    fitted = states
    if kind == "level":
        fitted = fit(zoo.load("linear_dynamical_system", "pyro", structure="local_level"), counts, "em")
    steps = sequences.predictive_log_likelihood(fitted)
    assert steps.shape == counts.shape[:2]
    np.testing.assert_allclose(steps.sum(1), fitted.log_likelihood(), rtol=1e-9)
    np.testing.assert_allclose(steps[np.isnan(counts[..., 0])], 0.0, atol=1e-9)
    cut = np.where(np.arange(80)[:, None] < 40, counts, np.nan)
    np.testing.assert_allclose(sequences.predictive_log_likelihood(fitted, cut)[:, :40], steps[:, :40], rtol=1e-8)


@pytest.mark.parametrize("name", ["hidden_markov", "autoregressive_hmm"])
def test_one_state_predicts_as_its_emissions_do(name):
    x = np.random.default_rng(1).normal(size=(2, 12, 1))
    fitted = fit(zoo.load(name, "pyro", K=1), x, "em", max_iter=3)
    np.testing.assert_allclose(sequences.predictive_log_likelihood(fitted).sum(1), fitted.log_likelihood(), rtol=1e-9)


def test_draws_are_weighted_by_what_they_predicted_before(counts):
    fitted = fit(zoo.load("hidden_markov", "pyro", K=2, emission="poisson"), counts, "gibbs", num_samples=20)
    new = counts[:1, :30]
    steps = sequences.predictive_log_likelihood(fitted, new)
    ways = fitted.aligned()
    whole = []
    for i in range(len(ways["mu"][0])):
        point = {n: v[0, i] for n, v in ways.items()}
        at = fit(fitted.model, counts, "em", start=point, max_iter=1)  # a fit without draws
        at.params.update(point)
        whole.append(at.log_likelihood(new)[0])
    np.testing.assert_allclose(steps.sum(), logsumexp(whole) - np.log(len(whole)), rtol=1e-8)
    assert np.isfinite(steps).all()
    assert steps.sum() < 0


def test_durations_are_those_of_the_transitions(states):
    result = sequences.durations(states, num_paths=200)
    np.testing.assert_allclose(result.expected, 1 / (1 - np.diag(states.params["A"])))
    for expected, lengths in zip(result.expected, result.lengths, strict=True):
        # stays that the ends of a sequence cut are left out, which are the long ones
        assert 0.4 * expected < lengths.mean() < 1.3 * expected
    with pytest.raises(zoo.ZooError, match="no discrete states"):
        sequences.durations(
            fit(zoo.load("linear_dynamical_system", "pyro"), np.random.default_rng(0).normal(size=(4, 9, 3)))
        )


def test_criteria_count_the_steps_with_values(counts, states):
    d = states.diagnostics
    assert d["parameters"] == 1 + 2 + 2
    np.testing.assert_allclose(d["bic"], -2 * states.trace[-1] + 5 * np.log((~np.isnan(counts)).sum()))
