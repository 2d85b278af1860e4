"""End to end, in both backends: six posteriors of Old Faithful in one comparison."""

from typing import Any

import numpy as np
import pytest

import inference
import zoo
from tests.table import EXACT, required_sizes

SHORT: dict[str, dict[str, Any]] = {
    "numpyro": {"num_warmup": 300, "num_samples": 500, "num_chains": 4},
    "pyro": {"num_warmup": 200, "num_samples": 500, "num_chains": 1},
}


@pytest.mark.slow
def test_the_backends_agree_on_old_faithful(old_faithful, tmp_path):
    fits = {}
    for backend, lengths in SHORT.items():
        model = zoo.load("gaussian_mixture", backend, K=2)
        fits[f"em {backend}"] = inference.fit(model, old_faithful, "em", tol=1e-10)
        fits[f"svi {backend}"] = inference.fit(model, old_faithful, "svi", guide="full_rank", num_steps=1500)
        fits[f"nuts {backend}"] = inference.fit(model, old_faithful, "nuts", **lengths)
    comparison = inference.compare(*fits.values(), names=list(fits))

    assert abs(fits["em numpyro"].trace[-1] - fits["em pyro"].trace[-1]) < 1e-6
    for word in ("svi", "nuts"):
        one, other = comparison.draws[f"{word} numpyro"], comparison.draws[f"{word} pyro"]
        for site, draws in one.items():
            a, b = draws.reshape(-1, *draws.shape[2:]), other[site].reshape(-1, *draws.shape[2:])
            # at least 300 effective draws on each side (SVI's are independent): five standard errors of a difference
            error = np.sqrt((a.var(0) + b.var(0)) / 300)
            within = 5 * error + (0 if word == "nuts" else 0.25) * a.std(0)  # two trainings end a little apart
            assert (abs(a.mean(0) - b.mean(0)) < within).all(), (word, site)
    assert comparison.verdicts["nuts numpyro"].trust == "yes"
    assert comparison.verdicts["em pyro"].trust == "point"
    page = comparison.save(tmp_path / "report.html").read_text()
    assert "nuts pyro" in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EXACT if not zoo.card(name).hyper])  # those have no likelihood
def test_the_likelihood_ratio_of_the_truth_is_chi_squared(name):
    """Wilks (1938): twice the log-likelihood between maximum and truth is chi-squared, one degree for each number."""
    card = zoo.card(name)
    (site,) = card.observed
    model = zoo.load(name, "pyro", **required_sizes(name))
    sizes: dict[str, Any] = {**card.sizes, **required_sizes(name), "N": 400}
    # what the card estimates from data is that of the simulation: parameters may be in its units, or about its origin
    keywords = model.complete(sizes, {})
    model = model.with_settings(**{n: keywords[n] for n in card.empirical if n in keywords})
    deviances, degrees = [], 0
    for seed in range(30):
        simulated = model.simulate(seed, **sizes)
        truth, x = {n: simulated[n] for n in card.parameters()}, simulated[site]
        if truth.get("pi", np.ones(1)).min() < 0.2:
            continue  # a component of few rows is not large enough for the approximation
        from_truth = inference.fit(model, x, "em", start=truth, max_iter=3000)
        from_labels = inference.fit(model, x, "em", restarts=2, max_iter=3000)
        top = max(from_truth.trace[-1], from_labels.trace[-1])
        deviances.append(2 * (top - from_truth.trace[0]))
        degrees = from_truth.diagnostics["parameters"]
        if len(deviances) == 16:  # enough, where every data set is usable
            break
    assert len(deviances) > 10
    error = np.sqrt(2 * degrees / len(deviances))
    # where components overlap or probabilities are at an edge there are fewer free numbers than counted
    assert degrees - 4 * error - 0.2 * degrees < np.mean(deviances) < degrees + 4 * error
