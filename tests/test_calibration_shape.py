"""Tests of the shape of ranks: exact under calibration, with the power that the documentation states, named rightly."""

import numpy as np
import pytest
from scipy.stats import norm

from inference.evaluation.calibration import shape
from inference.evaluation.calibration.result import Calibration
from inference.evaluation.comparison.agreement import FALSE_ALARM_RATE

DRAWS = 99


def simulate_ranks(n, shift=0.0, spread=1.0, repeats=100, seed=0):
    """Ranks of a N(0, 1) truth among draws from N(shift, spread^2), (repeats, n)."""
    rng = np.random.default_rng([seed, n])
    truth, draws = rng.normal(size=(repeats, n, 1)), rng.normal(size=(repeats, n, DRAWS))
    return (shift + spread * draws < truth).sum(-1)


def found(ranks):
    return np.array([shape.uniformity_p(r, DRAWS) <= FALSE_ALARM_RATE for r in ranks])


@pytest.mark.parametrize("power", [1, 2])
def test_sums_of_scores_have_their_exact_distribution(power):
    scores, probabilities = shape.score_sums(3, 4, power)
    expected = np.zeros(len(probabilities))
    for ranks in np.ndindex(5, 5, 5):
        expected[scores[list(ranks)].sum()] += 1 / 125
    np.testing.assert_allclose(probabilities, expected, atol=1e-14)
    exact = norm.ppf((np.arange(5) + 0.5) / 5) ** power
    assert np.abs(scores * shape.STEP - (exact - exact.min())).max() <= shape.STEP / 2 + 1e-12


def test_p_values_of_sums_are_uniform_up_to_their_steps():
    ranks = np.random.default_rng(0).integers(0, DRAWS + 1, (2000, 30))
    for power in (1, 2):
        p = np.array([shape.sum_p(r, DRAWS, power) for r in ranks])
        for level in (0.01, 0.1, 0.5):
            assert abs((p <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 2000)


@pytest.mark.parametrize(
    ("spread", "n", "chance"),
    [
        (0.5, 10, 0.54),
        (0.5, 20, 0.91),
        (0.5, 50, 0.99),
        (0.8, 100, 0.51),
        (2.0, 20, 0.73),
        (1.0, 10, 0.01),
        (1, 100, 0),
    ],
)
def test_power_is_that_of_the_documentation(spread, n, chance):
    assert abs(found(simulate_ranks(n, spread=spread)).mean() - chance) < 4 * np.sqrt(0.25 / 100) * max(chance, 0.3)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"spread": 0.5}, "too narrow"), ({"spread": 2.0}, "too wide"), ({"shift": 1.0}, "too high"),
     ({"shift": -1.0}, "too low")],
)  # fmt: skip
def test_a_detected_error_is_named_rightly_from_few_simulations(wrong, words):
    for n, least in ((10, 0.85), (20, 0.9), (50, 0.95)):
        ranks = [r for r in simulate_ranks(n, **wrong) if shape.uniformity_p(r, DRAWS) <= FALSE_ALARM_RATE]
        names = [shape.describe_errors(shape.draw_errors(r, DRAWS)).removeprefix("the draws are ") for r in ranks]
        right = [name in (words, f"probably {words}") for name in names]
        assert len(right) < 10 or np.mean(right) >= least, (n, names)


def test_two_errors_have_both_names_and_sizes():
    (ranks,) = simulate_ranks(200, shift=0.5, spread=0.5, repeats=1)
    errors = shape.draw_errors(ranks, DRAWS)
    assert shape.describe_errors(errors) == "the draws are too high and too narrow"
    assert errors.shift_interval[0] < 0.5 < errors.shift_interval[1]
    assert errors.spread_interval[0] < 0.5 < errors.spread_interval[1]
    verdict = Calibration("draws", {"theta": ranks}, DRAWS, 200, np.full(200, np.inf), {}).verdict
    assert f"their sd is {errors.spread:.2g} of the posterior's" in verdict
    assert f"their mean is off by {errors.shift:.2g} sd" in verdict


def test_intervals_of_errors_contain_them():
    ranks = simulate_ranks(60, shift=0.3, spread=0.7, repeats=200)
    errors = [shape.draw_errors(r, DRAWS) for r in ranks]
    for truth, intervals in ((0.3, [e.shift_interval for e in errors]), (0.7, [e.spread_interval for e in errors])):
        low, high = np.array(intervals).T
        assert abs(np.mean((low < truth) & (truth < high)) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 200) + 0.02


@pytest.mark.parametrize("end", [0, DRAWS])
def test_ranks_at_one_end_have_finite_errors(end):
    errors = shape.draw_errors(np.full(30, end), DRAWS)
    assert np.isfinite([errors.shift, errors.spread, *errors.shift_interval, *errors.spread_interval]).all()
    assert ("too high" if end == 0 else "too low") in shape.describe_errors(errors)


def test_detectable_errors_are_found_in_half_of_all_cases():
    smallest, factor = shape.detectable_errors(50, DRAWS, FALSE_ALARM_RATE)
    for shift, spread in ((smallest, 1.0), (0.0, 1 / factor)):
        assert abs(found(simulate_ranks(50, shift, spread, repeats=200)).mean() - 0.5) < 4 * np.sqrt(0.25 / 200)
