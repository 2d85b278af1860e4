"""Fairness reports: planted parity gaps in closed form, cross-fitting, intervals, display, bad input."""

import numpy as np
import pandas as pd
import pytest

import inference
import zoo
from inference import fairness
from inference.analysis.fairness.inputs import check_data
from inference.analysis.fairness.measures import collect_cells
from inference.analysis.fairness.prediction import ALL, COMPLEMENT, PREDICTORS, assign_folds, predict_rows
from zoo import ZooError, datasets

BOOTSTRAP = 4000
# the error of a 95% interval's length by its quantiles: each has sqrt(.025 .975 / B) / phi(1.96) standard deviations
LENGTH_ERROR = np.sqrt(2 * 0.025 * 0.975 / BOOTSTRAP) / 0.0584 / 3.92


def expand(counts):
    """Codes (N, 2), group and target from {(group, b, y): rows}: z_0 is the group and z_1 is b."""
    rows = np.repeat(np.array(list(counts)), list(counts.values()), axis=0)
    group, b, y = rows.T
    return np.column_stack([group, b]).astype(float), group, y


# P(b = 1) is 0.7 in group 0 and 0.4 in group 1; P(y = 1) is 0.9 and 0.3 where b = 1, and 0.1 where b = 0.
PLANTED = {
    (0, 1, 1): 630, (0, 1, 0): 70, (0, 0, 1): 30, (0, 0, 0): 270,
    (1, 1, 1): 120, (1, 1, 0): 280, (1, 0, 1): 60, (1, 0, 0): 540,
}  # fmt: skip
# The likeliest target is 1 where b = 1 and, if the group is known, in group 0 alone.
EXACT = {
    ALL: {"rates": [0.7, 0], "true_positive_rates": [630 / 660, 0], "accuracy": (630 + 270 + 280 + 540) / 2000},
    COMPLEMENT: {
        "rates": [0.7, 0.4],
        "true_positive_rates": [630 / 660, 120 / 180],
        "accuracy": (630 + 270 + 120 + 540) / 2000,
    },
}


@pytest.fixture(scope="module")
def planted():
    codes, group, y = expand(PLANTED)
    return fairness.report(codes, sensitive=group, target=y, num_bootstrap=BOOTSTRAP)


@pytest.mark.parametrize("codes", [ALL, COMPLEMENT])
@pytest.mark.parametrize("predictor", PREDICTORS)
def test_planted_gaps_are_exact(planted, predictor, codes):
    measures, exact = planted.predictors[predictor].codes[codes], EXACT[codes]
    for name, value in exact.items():
        np.testing.assert_allclose(getattr(measures, name).value, value, atol=1e-12)
    assert measures.parity_difference.value == pytest.approx(exact["rates"][0] - exact["rates"][1])
    opportunity = exact["true_positive_rates"]
    assert measures.opportunity_difference.value == pytest.approx(opportunity[0] - opportunity[1])
    assert measures.parity_groups == measures.opportunity_groups == (0, 1)
    # with z_0 the group is known; by b it is group 0 where b = 1
    recognised = 1 if codes == ALL else (700 + 600) / 2000
    assert measures.sensitive_accuracy.value == pytest.approx(recognised)
    assert measures.sensitive_balanced_accuracy.value == pytest.approx(recognised)


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_intervals_have_the_length_of_the_sampling_error(planted, predictor):
    loss = planted.predictors[predictor].accuracy_loss
    assert loss.value == pytest.approx(0.08)  # 280 - 120 of 2000 rows
    parity = planted.predictors[predictor].codes[COMPLEMENT].parity_difference
    # the loss is paired by row: 280 rows count +1, and 120 rows -1
    errors = {
        "loss": (loss, np.sqrt((400 / 2000 - 0.08**2) / 2000)),
        "parity": (parity, np.sqrt(0.7 * 0.3 / 1000 + 0.4 * 0.6 / 1000)),
    }
    for name, (estimate, sd) in errors.items():
        assert (estimate.high - estimate.low) / (2 * 1.96 * sd) == pytest.approx(1, abs=5 * LENGTH_ERROR), name
        assert estimate.low < estimate.value < estimate.high, name


def test_sizes_base_rates_and_chance(planted):
    assert planted.groups == ("0", "1")
    assert planted.counts.tolist() == [1000, 1000]
    assert planted.positives.tolist() == [660, 180]
    assert planted.recorded_parity_difference == pytest.approx(0.48)
    assert planted.sensitive_chance == planted.sensitive_balanced_chance == 0.5
    assert planted.target_chance == pytest.approx(1 - 840 / 2000)


def test_a_frequent_group_does_not_hide_what_codes_show():
    """Three times as many rows of group 1: the most probable group is always 1, and b still tells them apart."""
    counts = {key: rows * (3 if key[0] else 1) for key, rows in PLANTED.items()}
    codes, group, y = expand(counts)
    result = fairness.report(codes, sensitive=group, target=y, num_bootstrap=100)
    assert result.sensitive_chance == 0.75
    for measures in result.predictors.values():
        assert measures.codes[COMPLEMENT].sensitive_accuracy.value == pytest.approx(0.75)
        assert measures.codes[COMPLEMENT].sensitive_balanced_accuracy.value == pytest.approx((0.7 + 0.6) / 2)


def test_predictors_do_not_see_the_row_that_they_predict():
    """Thirty coordinates of noise for 300 rows: trees that were trained on a row would recognise it."""
    rng = np.random.default_rng(0)
    codes, group, y = rng.normal(size=(300, 30)), np.arange(300) % 2, np.arange(300) // 2 % 2
    result = fairness.report(codes, sensitive=group, target=y, num_bootstrap=100)
    error = np.sqrt(0.25 / 300)
    for predictor, measures in result.predictors.items():
        for name in (ALL, COMPLEMENT):
            assert measures.codes[name].sensitive_balanced_accuracy.value < 0.5 + 4 * error, predictor
            assert measures.codes[name].accuracy.value < 0.5 + 4 * error, predictor
    memorised = PREDICTORS["boosted trees"](0).fit(codes, group).score(codes, group)
    assert memorised > 0.99


def test_three_groups_have_the_largest_difference():
    share = {0: 0.5, 1: 0.8, 2: 0.2}
    counts = {}
    for group, rate in share.items():
        for b, rows in ((1, round(200 * rate)), (0, round(200 * (1 - rate)))):
            counts[group, b, b] = round(0.8 * rows)
            counts[group, b, 1 - b] = rows - round(0.8 * rows)
    codes, group, y = expand(counts)
    names = np.array(["b", "a", "c"])[group]
    result = fairness.report(codes, sensitive=names, target=y.astype(bool), num_bootstrap=100, min_rows=5)
    assert result.groups == ("a", "b", "c")
    assert result.positive == "True"
    assert result.sensitive_balanced_chance == pytest.approx(1 / 3)
    for measures in result.predictors.values():
        assert measures.codes[COMPLEMENT].parity_groups == (0, 2)
        np.testing.assert_allclose(measures.codes[COMPLEMENT].rates.value, [0.8, 0.5, 0.2])
        assert measures.codes[COMPLEMENT].parity_difference.value == pytest.approx(0.6)
    assert "of more than two groups the largest difference" in str(result)
    assert "exactly 0 or 1" not in str(result)


def test_the_positive_value_can_be_the_smaller_one(planted):
    codes, group, y = expand(PLANTED)
    result = fairness.report(codes, sensitive=group, target=y, positive=0, num_bootstrap=100)
    for predictor, measures in result.predictors.items():
        before = planted.predictors[predictor].codes[ALL]
        np.testing.assert_allclose(measures.codes[ALL].rates.value, 1 - before.rates.value)
        assert measures.codes[ALL].parity_groups == (1, 0)


def test_the_seed_decides_on_every_number():
    rng = np.random.default_rng(1)
    codes, group, y = rng.normal(size=(200, 3)), np.arange(200) % 2, np.arange(200) // 2 % 2
    results = [fairness.report(codes, sensitive=group, target=y, num_bootstrap=100, seed=s) for s in (0, 0, 1)]
    assert results[0].table.equals(results[1].table)
    assert not results[0].table.equals(results[2].table)


def test_bootstrap_counts_are_samples_of_all_rows():
    codes, group, y = expand(PLANTED)
    problem = check_data(codes, group, y, (0,), None, 20)
    cells = collect_cells(problem, predict_rows(problem, "logistic regression", 5, 0), 1000, seed=0)
    assert (cells.counts.sum(1) == 2000).all()
    share, samples = cells.counts[0] / 2000, cells.counts[1:] / 2000
    error = np.sqrt(share * (1 - share) / 2000)
    np.testing.assert_array_less(np.abs(samples.mean(0) - share), 5 * error / np.sqrt(1000))
    np.testing.assert_allclose(samples.std(0), error, rtol=5 / np.sqrt(2 * 1000))


def test_folds_have_equal_shares_of_every_stratum():
    strata = np.random.default_rng(0).integers(0, 4, 103)
    fold = assign_folds(strata, 5, seed=0)
    for stratum in range(4):
        assert np.ptp(np.bincount(fold[strata == stratum], minlength=5)) <= 1
    assert not np.array_equal(fold, assign_folds(strata, 5, seed=1))


def test_a_fit_is_reported_by_the_means_of_its_codes():
    images, digit = datasets.observed("digits_static", "test"), datasets.labels("digits_static", "test")
    fit = inference.fit(zoo.load("vae", "pyro", Z=3), images, "svi", num_steps=20, seed=0)
    options = {"sensitive": digit % 2, "target": digit >= 5, "coordinates": [1], "num_bootstrap": 100}
    result = fairness.report(fit, **options)
    by_hand = fairness.report(inference.latents.encode(fit).mean, **options)
    assert result.table.equals(by_hand.table)
    half = fairness.report(fit, images[:200], **{**options, "sensitive": digit[:200] % 2, "target": digit[:200] >= 5})
    assert half.rows == 200


def test_tables_text_and_figure(planted):
    assert planted.table.loc[("boosted trees", "target: accuracy", ALL), "value"] == pytest.approx(0.86)
    assert planted.table.loc[("boosted trees", "target: accuracy", ALL), "chance"] == pytest.approx(0.58)
    assert planted.table.loc["logistic regression", "target: accuracy"]["value"].tolist() == pytest.approx([0.86, 0.78])
    groups = planted.group_table.loc["logistic regression", COMPLEMENT]
    assert groups["rates"].tolist() == pytest.approx([0.7, 0.4])
    assert (groups["rates_low"] < groups["rates"]).all()
    text = str(planted)
    for words in (
        "target = 1 by sensitive, from all 2 coordinates of the codes and from the 1 other than z_0",
        "2000 rows, 5-fold cross-fitting, 95% intervals by 4000 bootstrap samples",
        "the recorded target has a demographic parity difference of 0.480",
        "without z_0 the accuracy falls by 0.080",
        "a rate is exactly 0 or 1 for 1: resampling cannot change it",
        "what these numbers show and do not show",
        "no decision fair or lawful",
    ):
        assert " ".join(words.split()) in " ".join(text.split())
    panels = planted.figure().axes
    assert [axes.get_title() for axes in panels] == [
        "sensitive from the codes",
        "target = 1: differences",
        "target from the codes",
    ]
    (line,) = [line for line in panels[2].get_lines() if line.get_linestyle() == ":"]
    assert line.get_xdata()[0] == pytest.approx(0.58)


def test_names_come_from_series():
    codes, group, y = expand(PLANTED)
    sex = pd.Series(np.where(group, "F", "M"), name="sex").astype("category")
    income = pd.Series(np.where(y, "high", "low"), name="income")
    result = fairness.report(codes, sensitive=sex, target=income, positive="high", num_bootstrap=100)
    assert "income = high by sex" in str(result)
    np.testing.assert_allclose(result.predictors["boosted trees"].codes[ALL].rates.value, [0, 0.7])


CODES, GROUP, TARGET = np.random.default_rng(0).normal(size=(80, 3)), np.arange(80) % 2, np.arange(80) // 2 % 2
GOOD = {"codes": CODES, "sensitive": GROUP, "target": TARGET, "min_rows": 20}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sensitive": np.ones(80)}, "sensitive has one value, 1.0: groups are compared"),
        ({"target": np.arange(80) % 3}, "target has two values; given 3 (0, 1, 2): give target == value"),
        ({"target": np.zeros(80)}, "target has two values; given 1"),
        ({"codes": np.where(np.arange(240).reshape(80, 3) == 7, np.nan, CODES)}, "row 2 has nan in dimension 1"),
        ({"codes": CODES[:, 0]}, "codes are an array (N, Z)"),
        ({"codes": [["a"] * 3] * 80}, "codes are a rectangular array of numbers"),
        ({"sensitive": GROUP[:79]}, "sensitive has a value for each of the 80 rows of codes, (N,); given shape (79,)"),
        ({"target": TARGET[:, None]}, "target has a value for each of the 80 rows"),
        ({"sensitive": np.where(np.arange(80) < 3, np.nan, GROUP)}, "sensitive has 3 missing values: leave these rows"),
        ({"target": np.array([None, *TARGET[1:]], object)}, "target has 1 missing values"),
        ({"sensitive": np.array(["a", 1] * 40, object)}, "values of one kind"),
        ({"sensitive": np.arange(80) < 19}, "sensitive = True has 19 rows, and a rate needs min_rows=20"),
        ({"target": GROUP * (np.arange(80) > 50)}, "sensitive = 0 has 0 rows whose target is 1, and a rate needs"),
        ({"positive": 2}, "positive is a value of target, 0 or 1; given 2"),
        ({"coordinates": (3,)}, "coordinates are dimensions of the codes, 0 to 2; given 3"),
        ({"coordinates": (-1,)}, "given -1"),
        ({"coordinates": (0, 1, 2)}, "some of the 3 dimensions of the codes, not none and not all"),
        ({"coordinates": ()}, "not none and not all; given ()"),
        ({"folds": 1}, "folds is a whole number from 2 up"),
        ({"min_rows": 0}, "min_rows is a whole number from 2 up"),
        ({"num_bootstrap": 10}, "num_bootstrap is a whole number from 100 up"),
        ({"data": CODES}, "data belongs to a fit"),
    ],
    ids=range(22),
)
def test_bad_input_raises_one_line(change, words):
    with pytest.raises(ZooError) as error:
        fairness.report(**{**GOOD, **change})
    assert words in str(error.value)
    assert "\n" not in str(error.value)
