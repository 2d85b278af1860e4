"""Bounds of rows with two latents and their gradients, against quadrature, in both backends."""

from itertools import pairwise

import numpy as np
import pytest

from inference.objectives import GRADIENTS, Objective
from tests.objectives import (
    BACKEND_OBJECTIVES,
    BETA,
    CHAIN,
    ROWS,
    SIGMAS,
    UNBIASED,
    Arrays,
    X,
    assert_unbiased,
    chain,
    chain_bound,
    chain_evidence,
    log_mean_exp,
    numerical_gradient,
    objective_id,
    repeat_rows,
)
from tests.table import BACKENDS
from zoo import ZooError


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request):
    return BACKEND_OBJECTIVES[request.param]()


@pytest.mark.parametrize("objective", UNBIASED, ids=objective_id)
def test_bounds_of_rows_and_their_gradients_are_unbiased(backend, objective):
    truth = chain_bound(objective.name, BETA)
    terms = backend.terms(objective, chain(backend), repeat_rows(CHAIN), {"x": np.full(ROWS, X), "N": ROWS})
    rows = terms.likelihood - BETA * terms.kl
    assert rows.shape == (objective.num_particles, ROWS)
    assert_unbiased(log_mean_exp(*rows) if objective.name == "iwae" else rows.mean(0), truth(CHAIN))
    *_, slopes = backend.bounds(objective, chain(backend), repeat_rows(CHAIN), {"x": np.full(ROWS, X), "N": ROWS}, BETA)
    for name, expected in numerical_gradient(truth, CHAIN).items():
        assert_unbiased(slopes[name][0], expected, name)


def test_sticking_the_landing_is_biased_for_the_weighted_bound(backend):
    objective = Objective("iwae", 2, "sticking_the_landing")
    *_, slopes = backend.bounds(objective, chain(backend), repeat_rows(CHAIN), {"x": np.full(ROWS, X), "N": ROWS})
    expected = numerical_gradient(chain_bound("iwae"), CHAIN)
    assert_unbiased(slopes["theta"][0], expected["theta"])
    bias = slopes["s"][0].mean() - expected["s"]
    assert abs(bias) > SIGMAS * slopes["s"][0].std() / np.sqrt(ROWS)


def test_metrics_are_the_bound_at_beta_one(backend):
    objective, few = Objective("iwae", 3), {"x": np.full(4, X), "N": 4}
    terms = backend.terms(objective, chain(backend), repeat_rows(CHAIN, 4), few)
    values, metrics, _ = backend.bounds(objective, chain(backend), repeat_rows(CHAIN, 4), few, BETA)
    assert metrics["elbo"] == pytest.approx(metrics["reconstruction"] - metrics["kl"])
    assert metrics["iwae"] > metrics["elbo"]
    assert terms.scale == 1
    assert terms.likelihood_rest == terms.kl_rest == terms.extra == 0
    plain, at_one, _ = backend.bounds(objective, chain(backend), repeat_rows(CHAIN, 4), few)
    assert plain == pytest.approx(at_one["iwae"])
    assert values != pytest.approx(plain)
    for name in metrics:
        np.testing.assert_allclose(metrics[name], at_one[name], rtol=1e-12)


def test_the_weighted_bound_approaches_the_evidence_from_below(backend):
    means = []
    for K in (2, 32):
        terms = backend.terms(
            Objective("iwae", K), chain(backend), repeat_rows(CHAIN), {"x": np.full(ROWS, X), "N": ROWS}
        )
        rows = log_mean_exp(*(terms.likelihood - terms.kl))
        means.append((rows.mean(), rows.std() / np.sqrt(ROWS)))
    for (low, a), (high, b) in pairwise(means):
        assert high - low > SIGMAS * np.hypot(a, b)
    gap, se = chain_evidence() - means[-1][0], means[-1][1]
    assert -SIGMAS * se < gap < 0.05


def posterior_params() -> Arrays:
    theta = CHAIN["theta"]
    once, twice = 1 + theta**2, 1 + 2 * theta**2
    of_z = {"m": theta * X / twice, "s": np.sqrt(once / twice)}
    return {"theta": theta, **of_z, "c": 1 / once, "d": theta * X / once, "r": 1 / np.sqrt(once)}


def gradient_moments(backend, objective: Objective, params: Arrays) -> Arrays:
    """Mean and standard deviation of each gradient."""
    *_, slopes = backend.bounds(objective, chain(backend), repeat_rows(params), {"x": np.full(ROWS, X), "N": ROWS})
    return {n: (g[0].mean(), g[0].std()) for n, g in slopes.items()}


@pytest.mark.parametrize("name", ["elbo", "iwae"])
def test_gradients_without_the_score_have_no_noise_at_the_posterior(backend, name):
    quiet = "sticking_the_landing" if name == "elbo" else "doubly_reparameterised"
    loud, still = (
        gradient_moments(backend, Objective(name, 2, g), posterior_params()) for g in ("reparameterised", quiet)
    )
    for parameter in "mscdr":
        assert still[parameter][1] < 1e-12 < 1e-2 < loud[parameter][1]


def test_gradient_variances_near_the_posterior_are_ordered_as_published(backend):
    near = {n: v + (0.05 if n != "theta" else 0) for n, v in posterior_params().items()}
    plain, stuck = (gradient_moments(backend, Objective("elbo", 2, g), near) for g in GRADIENTS[:2])
    weighted, doubly = (gradient_moments(backend, Objective("iwae", 2, g), near) for g in (GRADIENTS[0], GRADIENTS[2]))
    for parameter in "mscdr":
        assert stuck[parameter][1] < 0.5 * plain[parameter][1]
        assert doubly[parameter][1] < 0.5 * weighted[parameter][1]


def test_the_signal_to_noise_ratio_of_doubly_reparameterised_gradients_grows_with_draws(backend):
    """Where the weights have a variance, it is some sqrt(K) of the noise, and the other's 1 / sqrt(K)."""
    wide = {**CHAIN, "s": 1.2, "r": 1.1}

    def signal(gradient, K):
        mean, sd = gradient_moments(backend, Objective("iwae", K, gradient), wide)["c"]
        return abs(mean) / sd

    few, many = 2, 32
    assert signal("reparameterised", many) < 0.5 * signal("reparameterised", few)
    assert signal("doubly_reparameterised", many) > 2 * signal("doubly_reparameterised", few)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"name": "elob"}, "no objective 'elob'; did you mean 'elbo'"),
        ({"gradient": "score"}, "no gradient 'score'"),
        ({"kl": "exact"}, "no kl 'exact'"),
        ({"num_particles": 0}, "num_particles is a whole number from 1 up; given 0"),
        ({"num_particles": 2.0}, "num_particles is a whole number from 1 up; given 2.0"),
        ({"gradient": "doubly_reparameterised"}, "is a gradient of iwae; that of elbo is sticking_the_landing"),
        ({"name": "iwae", "kl": "analytic"}, "has no analytic KL: kl='sampled', or elbo"),
        ({"kl": "analytic", "gradient": "sticking_the_landing"}, "no draw whose score could be left out"),
    ],
)
def test_invalid_objectives_are_refused(given, line):
    with pytest.raises(ZooError, match=line):
        Objective(**given)
