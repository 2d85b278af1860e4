"""Penalties on codes, as arithmetic: a linear encoder of Gaussian data, whose aggregate posterior is normal."""

from importlib import import_module
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import inference
import zoo
from inference.engines.svi.evaluation import RowCodes
from inference.engines.svi.evaluation.terms import kl_terms
from inference.objectives import learning
from inference.objectives.aggregate import stratified_weights
from inference.objectives.penalties import Codes, PenaltyInputs, make, names
from inference.objectives.penalties.factor import Factor
from tests.objectives import SIGMAS

N = 1000
A = np.array([[1.0, 0.2], [0.9, -0.3]])  # z = A x + s e
SD = np.array([0.4, 0.7])


class Backend:
    """The array functions of a backend in 64 bits, with arguments and values in NumPy."""

    def __init__(self, name: str):
        self.name = name
        self.functions: Any = import_module(f"inference.objectives.estimators.in_{name}")
        self.runtime = import_module(f"zoo._backend.in_{name}").runtime
        self.to_backend = import_module(f"zoo._backend.in_{name}").to_backend

    def codes(self, mean, sd, draws, num_rows):
        arrays = self.to_backend({"mean": mean, "sd": np.broadcast_to(sd, mean.shape).copy(), "draws": draws})
        return Codes(**arrays, num_rows=num_rows)

    def inputs(self, codes=None, kl=3.0, fraction=1.0, state=None):
        array = self.functions.array(np.asarray(kl))
        return PenaltyInputs(array, codes, fraction, state or {}, self.key(0), self.functions)

    def key(self, seed):
        if self.name == "pyro":
            return None
        import jax

        return jax.random.PRNGKey(seed)

    def value(self, penalty, *codes, **others):
        with self.runtime("float64"):
            return float(make(penalty).value(self.inputs(self.codes(*codes) if codes else None, **others)))


@pytest.fixture(scope="module", params=zoo.BACKENDS)
def backend(request):
    return Backend(request.param)


def gaussian_codes(rows=N, seed=0):
    """Means, and one draw of each row; the rows have a mean of exactly 0 and a covariance of exactly I."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T, bias=True))).T
    mean = x @ A.T
    return mean, mean + SD * rng.normal(size=mean.shape)


def closed_terms():
    """The terms for a normal q(z) with covariance S = A A' + diag SD^2 and the prior N(0, I)."""
    S = A @ A.T + np.diag(SD**2)
    log_det, variance = np.linalg.slogdet(S)[1], np.diag(S)
    return {
        "mutual_information": (log_det - np.log(SD**2).sum()) / 2,
        "total_correlation": (np.log(variance).sum() - log_det) / 2,
        "dimension_wise_kl": (variance - 1 - np.log(variance)).sum() / 2,
    }


def exact_densities(mean, draws):
    """log q(z | x), log q(z) and the sum of log q(z_j) at the draws, by all rows."""
    logs = norm.logpdf(draws[None], mean[:, None], SD)
    own = norm.logpdf(draws, mean, SD).sum(-1)
    return own, logsumexp(logs.sum(-1), 0) - np.log(len(mean)), (logsumexp(logs, 0) - np.log(len(mean))).sum(-1)


def row_codes(mean, sd):
    kl = (mean**2 + sd**2 - 1) / 2 - np.log(sd)
    return RowCodes(mean, np.broadcast_to(sd, mean.shape), kl.sum(1), kl)


def test_the_terms_of_a_fit_are_those_of_the_normal_q():
    """N is so large that the mixture of all rows is the normal distribution, but for 1e-3 nats."""
    mean, _ = gaussian_codes(4000)
    codes = row_codes(mean, SD)
    estimated = kl_terms(codes, 4000)
    for name, truth in closed_terms().items():
        assert 0 < estimated.errors[name] < 0.06
        assert abs(estimated.estimates[name] - truth) < SIGMAS * estimated.errors[name], name
    assert sum(estimated.estimates.values()) == pytest.approx(codes.kl.mean(), rel=1e-12)
    assert sum(closed_terms().values()) == pytest.approx(codes.kl.mean(), rel=1e-12)


def test_some_rows_in_place_of_all_keep_the_information_of_separate_codes():
    """Codes that do not overlap tell their row: log N nats, of which a mixture of M rows by itself has log M."""
    mean = np.arange(50.0)[:, None] * [1.0, 1.0]
    for rows in (50, 1000):
        assert kl_terms(row_codes(mean, 1e-3), rows).estimates["mutual_information"] == pytest.approx(np.log(rows))


def test_stratified_weights():
    weights = np.exp(stratified_weights(np.arange(4), 4, 9.0))
    np.testing.assert_allclose(weights.sum(0), 1, rtol=1e-12)
    np.testing.assert_allclose(np.diag(weights), 1 / 9, rtol=1e-12)
    np.testing.assert_allclose(np.exp(stratified_weights(np.arange(9), 9, 9)), 1 / 9, rtol=1e-12)
    # the published weights of a batch of M + 1, in the mean over which of the others has the smaller one
    M, published = 3, np.zeros(3)
    orders = list(permutations([(9 - 3) / (9 * M), *[1 / M] * (M - 1)]))
    published = np.mean(orders, 0)
    np.testing.assert_allclose(weights[1:, 0], published, rtol=1e-12)


def test_stratified_weights_estimate_q_without_bias():
    """The mean over all batches of 3 of 6 rows with the own row of the draw among them is q(z)."""
    mean, draws = gaussian_codes(6)
    densities = np.exp(norm.logpdf(draws[0], mean, SD).sum(-1))
    weights = np.exp(stratified_weights(np.array([0]), 3, 6)[:, 0])
    batches = [(0, *others) for others in combinations(range(1, 6), 2)]
    estimates = [weights @ densities[list(batch)] for batch in batches]
    assert np.mean(estimates) == pytest.approx(densities.mean(), rel=1e-12)
    assert np.std(estimates) > 0


@pytest.mark.slow
def test_beta_tc_of_a_batch_of_all_rows_is_exact(backend):
    for rows in (7, N):
        mean, draws = gaussian_codes(rows)
        own, joint, marginals = exact_densities(mean, draws)
        information, correlation = (own - joint).mean(), (joint - marginals).mean()
        kl = 3.0
        for options, expected in (
            ("beta=7", 6 * correlation),
            ("beta=1, alpha=0", -information),
            ("beta=1, gamma=3", 2 * (kl - information - correlation)),
            ("beta=0, alpha=0, gamma=0", -kl),
        ):
            value = backend.value(f"beta_tc({options}, weights='stratified')", mean, SD, draws, rows, kl=kl)
            assert value == pytest.approx(expected, rel=1e-9), options
    error = (joint - marginals).std() / np.sqrt(N)
    assert abs(correlation - closed_terms()["total_correlation"]) < SIGMAS * error


def test_minibatch_weighted_total_correlation_is_too_high_by_log_n(backend):
    """By (Z - 1) log N; the stratified weights have no such bias, where there are many rows at each code."""
    mean, draws = gaussian_codes(N)
    _, joint, marginals = exact_densities(mean, draws)
    weighted, stratified = "beta_tc(beta=2)", "beta_tc(beta=2, weights='stratified')"
    all_rows = backend.value(weighted, mean, SD, draws, N)
    assert all_rows - (joint - marginals).mean() == pytest.approx(np.log(N), rel=1e-9)
    rng, estimates = np.random.default_rng(1), {weighted: [], stratified: []}
    for _ in range(100):
        batch = rng.choice(N, 100, replace=False)
        for penalty, values in estimates.items():
            values.append(backend.value(penalty, mean[batch], SD, draws[batch], N))
    for penalty, expected in ((weighted, np.log(N)), (stratified, 0.0)):
        biases = np.array(estimates[penalty]) - (joint - marginals).mean()
        assert abs(biases.mean() - expected) < SIGMAS * biases.std() / 10, penalty


@pytest.mark.parametrize("variant", ["I", "II"])
def test_dip_is_that_of_the_covariance_by_hand(backend, variant):
    mean, draws = gaussian_codes(30)
    mean = mean + np.array([1.0, -2.0])  # a covariance does not depend on it
    sd = np.random.default_rng(2).uniform(0.5, 1.5, mean.shape)
    C = np.cov(mean.T, bias=True) + (np.diag((sd**2).mean(0)) if variant == "II" else 0)
    expected = 3.0 * 2 * C[0, 1] ** 2 + 5.0 * ((C[0, 0] - 1) ** 2 + (C[1, 1] - 1) ** 2)
    given = f"dip(variant={variant!r}, lambda_od=3.0, lambda_d=5.0)"
    assert backend.value(given, mean, sd, draws, 90) == pytest.approx(expected, rel=1e-12)
    ratio = {"I": 10, "II": 1}[variant]
    default, explicit = f"dip(variant={variant!r}, lambda_od=3)", f"dip({variant=}, lambda_od=3, lambda_d={3 * ratio})"
    assert backend.value(default, mean, sd, draws, 90) == backend.value(explicit, mean, sd, draws, 90)


def test_dip_of_independent_standard_codes_is_0(backend):
    mean = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert backend.value("dip(variant='I')", mean, 0.5, mean, 4) == pytest.approx(0, abs=1e-12)
    assert backend.value("dip(variant='II')", mean * 0.8, 0.6, mean, 4) == pytest.approx(0, abs=1e-12)


def test_beta_and_annealed_by_hand(backend):
    assert backend.value("beta(beta=4)", kl=3.0) == pytest.approx(9.0)
    schedule = inference.penalty("beta", beta=lambda fraction: 1 + 2 * fraction)
    assert backend.value(schedule, kl=3.0, fraction=0.25) == pytest.approx(0.5 * 3.0)
    for fraction, capacity in ((0.0, 0.0), (0.1, 5.0), (0.2, 10.0), (0.9, 10.0)):
        value = backend.value("annealed(gamma=7, capacity=10, rise=0.2)", kl=3.0, fraction=fraction)
        assert value == pytest.approx(7 * abs(3.0 - capacity) - 3.0)
    falling = inference.penalty("annealed", gamma=7.0, capacity=lambda fraction: 10 * (1 - fraction))
    assert backend.value(falling, kl=3.0, fraction=0.4) == pytest.approx(7 * 3.0 - 3.0)


@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"], indirect=True)
def test_the_discriminator_at_its_optimum_is_the_log_ratio(backend):
    """Codes normal with correlation 0.7: the logit is log q(z) - sum_j log q(z_j), with the mean -log(1 - 0.49) / 2."""
    r, penalty = 0.7, Factor(gamma=1.0, units=32, layers=2, learning_rate=3e-3)
    covariance = np.array([[1.0, r], [r, 1.0]])
    rng, B, steps = np.random.default_rng(0), 500, 1500
    sd = np.full((B, 2), 0.5)
    root = np.linalg.cholesky(covariance - 0.25 * np.eye(2))
    with backend.runtime("float64"):
        if backend.name == "pyro":
            import torch

            torch.manual_seed(0)
        state = penalty.initial_state(2, backend.key(1), backend.functions)

        def step(state, codes, key):
            return penalty.next_state(backend.inputs(codes, state=state)._replace(key=key))

        if backend.name == "numpyro":
            import jax

            step = jax.jit(step)
        average: dict = {}
        for t in range(steps):
            mean = rng.normal(size=(B, 2)) @ root.T
            codes = backend.codes(mean, sd, mean + sd * rng.normal(size=mean.shape), 10)
            state = step(state, codes, backend.key(t))
            weights = learning.values_of(state)
            average = {n: average.get(n, w) * 0.99 + 0.01 * w for n, w in weights.items()}  # the noise of single steps
        z = rng.multivariate_normal(np.zeros(2), covariance, 20_000)
        logits = penalty.logits(average, backend.to_backend({"z": z})["z"], backend.functions)
        logits = np.asarray(logits.detach() if backend.name == "pyro" else logits)
    exact = -np.log(1 - r**2) / 2 - (z**2 @ [1, 1] * r**2 - 2 * r * z[:, 0] * z[:, 1]) / (2 * (1 - r**2))
    # the network has learned from 750,000 codes: its logits are within a tenth of the spread of the exact ones
    difference = logits - exact
    assert np.sqrt((difference**2).mean()) < 0.15 * exact.std()
    assert abs(difference.mean()) < 0.05 * -np.log(1 - r**2) / 2


def test_every_penalty_cites_its_source():
    assert set(names()) == {"adversary", "annealed", "beta", "beta_tc", "dip", "factor"}
    assert all(any(c.isdigit() for c in make(n).citation) for n in names())


INVALID = [
    ("adversary(gamma=-1)", "gamma is a number from 0 up; given -1"),
    ("adversary(bins=1)", "bins is a whole number from 2 up; given 1"),
    ("adversary(octaves=-1)", "octaves is a whole number from 0 up; given -1"),
    ("adversary(steps=0)", "steps is a whole number from 1 up; given 0"),
    ("adversary(coordinates=0)", "coordinates are whole numbers from 0 up, as in coordinates=\\(0,\\); given 0"),
    ("beta(beta=-1)", "beta is a number from 0 up, or a function of the fraction; given -1"),
    ("annealed(gamma=-1)", "gamma is a number from 0 up; given -1"),
    ("annealed(capacity=-1)", "capacity is a number of nats from 0 up"),
    ("annealed(rise=2)", "rise is a fraction of training from 0 to 1; given 2"),
    ("beta_tc(beta='six')", "beta is a number from 0 up; given 'six'"),
    ("beta_tc(weights='all')", "no weights 'all'; known: weighted, stratified"),
    ("beta_tc(6)", "'beta_tc\\(6\\)' is no penalty: write a name with its settings, as 'beta_tc\\(beta=6\\)'"),
    ("beta_tc(lambda_d=6)", "beta_tc has beta=6.0, alpha=1.0, gamma=1.0, weights='weighted'; given lambda_d"),
    ("factor(gamma=-1)", "gamma is a number from 0 up; given -1"),
    ("factor(units=0)", "units is a whole number from 1 up; given 0"),
    ("factor(learning_rate=0)", "learning_rate is a number above 0; given 0"),
    ("dip(variant='III')", "no variant 'III'; did you mean 'II'"),
    ("dip(lambda_od=-1)", "lambda_od is a number from 0 up; given -1"),
]


@pytest.mark.parametrize(("given", "message"), INVALID, ids=[given for given, _ in INVALID])
def test_settings_are_refused_in_one_line(given, message):
    with pytest.raises(zoo.ZooError, match=message) as raised:
        make(given)
    assert "\n" not in str(raised.value)
