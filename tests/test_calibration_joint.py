"""Joint calibration: errors that no single parameter shows; programs that are wrong; the verdicts of fits."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

import inference
import zoo
from inference.evaluation.calibration import calibrate_sampler
from inference.evaluation.calibration.density import JointDensity
from inference.evaluation.calibration.joint import correlation_test, with_distance
from inference.evaluation.calibration.ranks import rank
from inference.evaluation.calibration.simulations import Trial
from inference.evaluation.calibration.trials import read_program, sampled_fit
from inference.evaluation.calibration.trust import trust_table
from inference.evaluation.comparison import judge
from tests.programs import conjugate
from tests.table import BACKENDS, SLOW_IN_NUMPYRO
from zoo import ZooError

DRAWS = 99


def two_numbers(seed, rho):
    """Two standard normal numbers with a correlation, of which nothing is observed."""
    z = np.random.default_rng(seed).normal(size=2)
    return {"a": z[0], "b": rho * z[0] + np.sqrt(1 - rho**2) * z[1]}, None


def draw_pair(seed, rho):
    z = np.random.default_rng(seed).normal(size=(2, DRAWS))
    return {"a": z[0], "b": rho * z[0] + np.sqrt(1 - rho**2) * z[1]}


def check_pair(truth, claimed, simulations=100):
    return calibrate_sampler(
        lambda seed: two_numbers(seed, truth), lambda _, seed: draw_pair(seed, claimed), simulations=simulations
    )


@pytest.mark.parametrize(
    ("truth", "claimed", "found"),
    [
        (0.0, 0.9, {"distance to the mean", "correlations"}),
        (0.0, -0.8, {"distance to the mean", "correlations"}),
        (0.8, 0.0, {"correlations"}),
        (0.9, 0.9, set()),
        (0.0, 0.0, set()),
    ],
)
def test_a_wrong_correlation_is_found_that_marginal_ranks_pass(truth, claimed, found):
    result = check_pair(truth, claimed)
    assert found <= {*result.miscalibrated} <= found | {"distance to the mean", "correlations"}, str(result)
    assert result.correlations is not None
    if found:
        assert {result.correlations.pair} == {("a", "b")}
        assert abs(result.correlations.truth - truth) < 4 / np.sqrt(100)
        assert abs(result.correlations.draws - claimed) < 0.1
        text = f"a correlation of {result.correlations.draws:.2f} between a and b"
        assert text in result.table.finding["correlations"]


def test_joint_tests_raise_false_alarms_at_their_rate():
    rng = np.random.default_rng(0)
    distances, correlations = [], []
    for seed in range(200):
        truth, draws = rng.normal(size=(20, 3)), rng.normal(size=(20, 19, 3))
        trials = [
            Trial({n: t[[j]] for j, n in enumerate("abc")}, {n: d[:, [j]] for j, n in enumerate("abc")})
            for t, d in zip(truth, draws, strict=True)
        ]
        first = with_distance(trials[0])
        distances += rank(first.truth["distance to the mean"], first.draws["distance to the mean"], rng).tolist()
        test = correlation_test(trials, seed)
        assert test is not None
        correlations.append(test.p)
    counts = np.bincount(np.array(distances) // 5, minlength=4)
    assert (np.abs(counts - 50) < 4 * np.sqrt(200 * 0.25 * 0.75)).all()
    for level in (0.1, 0.5):
        assert np.mean(np.array(correlations) <= level) < level + 4 * np.sqrt(level * (1 - level) / 200)


GROUPS, ROWS, NOISE = 3, 5, 0.7


def simulate_groups(seed, sd=1.0):
    """Effects of three groups with a standard normal prior, and rows of each."""
    rng = np.random.default_rng(seed)
    effect = sd * rng.normal(size=GROUPS)
    return {"effect": effect}, effect[:, None] + NOISE * rng.normal(size=(GROUPS, ROWS))


def draw_effects(y, seed, spread=1.0, sd=1.0):
    """Exact draws under a prior with the given sd; ``spread`` multiplies theirs."""
    precision = sd**-2 + ROWS / NOISE**2
    noise = np.random.default_rng(seed).normal(size=(DRAWS, GROUPS)) / np.sqrt(precision)
    return {"effect": y.sum(1) / NOISE**2 / precision + spread * noise}


@pytest.mark.parametrize(
    ("sampler", "words"),
    [
        (lambda y, seed: draw_effects(y, seed), ""),
        (lambda y, seed: draw_effects(y, seed, spread=0.5), "too narrow"),
        (lambda y, seed: draw_effects(y, seed, sd=0.25), "too narrow"),
        (lambda y, seed: draw_effects(np.roll(y, 1, axis=0), seed), "too narrow"),
    ],
    ids=["exact", "halved guide", "wrong prior", "mislabelled plate"],
)
def test_a_wrong_program_is_found(sampler, words):
    result = calibrate_sampler(simulate_groups, sampler, simulations=50)
    wrong = [n for n in result.miscalibrated if n.startswith("effect")]
    assert len(wrong) == (3 if words else 0), str(result)
    assert all(words in result.table.finding[n] for n in wrong)
    assert bool(result.miscalibrated) == bool(words)


def sample_conjugate(data, seed, spread=1.0):
    """Draws of (a, b) in ``conjugate``, exact but for their spread."""
    y = data["y"]
    covariance = np.linalg.inv(np.diag([1.0, 0.25]) + len(y) / 4.0)
    mean = covariance @ np.full(2, y.sum() / 4.0)
    draws = np.random.default_rng(seed).multivariate_normal(np.zeros(2), covariance, size=DRAWS)
    return dict(zip("ab", (mean + spread * draws).T, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_log_joint_is_that_of_the_program(backend):
    model = read_program(conjugate(backend).with_settings(N=4))
    values, covariance = model.simulate(3), np.linalg.inv(np.diag([1.0, 0.25]) + 1.0)
    draws = sample_conjugate(values, 0)
    mean = covariance @ np.full(2, values["y"].sum() / 4)

    def log_posterior(a, b):  # up to a constant
        error = np.stack([a, b], -1) - mean
        return -0.5 * np.einsum("...i,ij,...j->...", error, np.linalg.inv(covariance), error)

    fit = sampled_fit(model, model.data_of(values), lambda data, seed: draws, 0)
    density = JointDensity()(fit, values, draws)
    expected = log_posterior(np.append(values["a"], draws["a"]), np.append(values["b"], draws["b"]))
    np.testing.assert_allclose(density - density[0], expected - expected[0], atol=1e-9)


def test_the_coverage_of_trusted_fits_has_its_binomial_interval():
    covered = {"a": np.array([1, 1, 1, 1, 0, 0], bool), "b": np.array([1, 1, 1, 1, 1, 0], bool)}
    table = trust_table(["yes"] * 4 + ["no"] * 2, covered)
    assert table.simulations.to_dict() == {"yes": 4, "no": 2, "all": 6}
    np.testing.assert_allclose(table.coverage, [1.0, 0.25, 0.75])
    exact = binomtest(4, 4).proportion_ci(0.95)
    np.testing.assert_allclose(table.loc["yes", ["low", "high"]].astype(float), [exact.low, exact.high])


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_simulations_are_the_fits_of_their_seeds_with_their_verdicts(backend):
    model = read_program(conjugate(backend).with_settings(N=6))
    options: dict[str, Any] = {"num_steps": 5, "num_draws": 99, "guide": "full_rank"}
    result = inference.calibrate(model, "svi", simulations=10, draws=99, **options)
    seeds = np.random.SeedSequence(0).generate_state(20).reshape(-1, 2) >> 1
    for i in (0, 9):
        values = model.simulate(int(seeds[i, 0]))
        fit = inference.fit(model, model.data_of(values), engine="svi", seed=int(seeds[i, 1]), **options)
        for name in "ab":
            assert result.ranks[name][i] == (fit.draws[name][0] < values[name]).sum()
        assert result.trust[i] == judge(fit).trust
    assert result.by_trust.simulations["all"] == 10
    assert f"of all {result.by_trust.coverage['all']:.1%}" in str(result)


DATA = 1.0 + 2 * np.random.default_rng(1).normal(size=8)


def test_exact_draws_are_calibrated_given_data_and_narrow_ones_are_not():
    model = conjugate("pyro")
    result = inference.calibrate(model, sample_conjugate, data=DATA, simulations=40)
    assert result.miscalibrated == [], str(result)
    assert result.title == "sample_conjugate on two_numbers given the data"

    def narrow(data, seed):
        return sample_conjugate(data, seed, spread=0.4)

    # a - b is not informed by the data, so that narrow draws of it agree with each other; a + b is
    result = inference.calibrate(model, narrow, data=DATA, simulations=40)
    assert {"log-likelihood", "log joint"} & {*result.miscalibrated}


def test_simulations_given_data_add_rows_to_it():
    sizes = []

    def sample(data, seed):
        sizes.append(len(data["y"]))
        np.testing.assert_array_equal(data["y"][:8], DATA)
        return sample_conjugate(data, seed)

    inference.calibrate(conjugate("pyro"), sample, data=DATA, simulations=10)
    assert sizes == [8] + [16] * 10


def one_number(y=None):
    from pyro import sample
    from pyro.distributions import Normal

    sample("y", Normal(sample("mu", Normal(0.0, 1.0)), 1.0), obs=y)


def test_what_has_no_rows_cannot_be_checked_given_data():
    model = zoo.read(zoo.Model(one_number, backend="pyro"), np.array(0.5))
    sampler = lambda data, seed: {"mu": np.random.default_rng(seed).normal(size=DRAWS)}  # noqa: E731
    with pytest.raises(ZooError, match="has no rows that are exchangeable: leave data out"):
        inference.calibrate(model, sampler, data={})
    with pytest.raises(ZooError, match="leave data out"):
        inference.calibrate(zoo.load("gaussian_mixture", "pyro", K=2), "exact", data=np.zeros((5, 2)))


@pytest.mark.slow
def test_svi_is_calibrated_given_data():
    """A full-rank guide, which has this posterior, against mean field, which has narrower ones.

    The parameters are draws of the guide itself, so that few simulations show little of its narrow spread; the
    verdicts on its fits do.
    """
    options: dict[str, Any] = {"data": DATA, "simulations": 20, "num_steps": 1500, "learning_rate": 0.02}
    full_rank = inference.calibrate(conjugate("numpyro"), "svi", guide="full_rank", **options)
    assert full_rank.miscalibrated == []
    assert full_rank.trust.count("yes") >= 15
    mean_field = inference.calibrate(conjugate("numpyro"), "svi", **options)
    assert mean_field.trust.count("yes") == 0
    assert mean_field.trust.count("means only") >= 15
