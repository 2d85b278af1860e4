"""The hidden Markov model of posteriordb with all states as one site: NUTS and paths against the reference draws."""

import importlib

import numpy as np
import pytest
from scipy.stats import norm

import inference
import zoo
from inference import sequences
from tests.posteriordb import POSTERIORS
from tests.table import BACKENDS
from tests.test_posteriordb import LEAST_ESS, array_stats, load_or_skip, z_scores

(POSTERIOR,) = [p for p in POSTERIORS if p.is_chain]
CHAINS = {  # a gradient of Pyro costs milliseconds
    "numpyro": {"num_warmup": 300, "num_samples": 500, "num_chains": 2},
    "pyro": {"num_warmup": 100, "num_samples": 150, "num_chains": 1},
}


@pytest.fixture(scope="module", params=BACKENDS)
def case(request):
    (args, _), reference = load_or_skip(POSTERIOR)
    program = importlib.import_module(f"tests.posteriordb.in_{request.param}").one_chain
    options = {**CHAINS[request.param], "start": {"mu": [3.0, 9.0]}, "seed": 0}
    fit = inference.fit(zoo.Model(program, backend=request.param), *args, engine="nuts", **options)
    return fit, np.asarray(args[0]), reference


@pytest.mark.slow
def test_nuts_has_the_moments_of_the_reference_draws(case):
    fit, _, reference = case
    for site in POSTERIOR.sites:
        draws = np.asarray(fit.draws[site], float)
        assert np.min(array_stats.ess(draws, method="bulk", chain_axis=0, draw_axis=1)) > LEAST_ESS, site
        scores = z_scores(draws, reference[site])
        assert np.all(np.abs(scores) < 4.0), f"{site}: {scores.round(1)}"


@pytest.mark.slow
def test_the_path_has_the_posterior_of_the_reference_draws(case):
    """Backward sampling at each reference draw, in NumPy, against ``smoothed`` of the fit."""
    fit, y, reference = case
    theta = np.stack([reference["theta1"], reference["theta2"]], -2).reshape(-1, 2, 2)
    mu, rng = reference["mu"].reshape(-1, 2), np.random.default_rng(0)
    share, draws = np.zeros(len(y)), range(0, len(mu), 10)
    for s in draws:
        density = norm.pdf(y[:, None], mu[s])
        alpha = np.empty((len(y), 2))
        for t in range(len(y)):
            before = np.full(2, 0.5) if t == 0 else alpha[t - 1] @ theta[s]
            alpha[t] = before * density[t] / (before @ density[t])
        z = rng.random() < alpha[-1, 1]
        share[-1] += z
        for t in range(len(y) - 2, -1, -1):
            weight = alpha[t] * theta[s][:, int(z)]
            z = rng.random() < weight[1] / weight.sum()
            share[t] += z
    share /= len(draws)
    smoothed = sequences.smoothed(fit)[0, :, 1]
    error = np.sqrt(np.maximum(smoothed * (1 - smoothed), 0.01) / len(draws))
    assert np.abs((share - smoothed) / error).max() < 4.5
