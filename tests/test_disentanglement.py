"""Reports of disentanglement: codes whose order is known, ceilings, invariances, dead dimensions, bad input."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import inference
import zoo
from inference import disentanglement
from inference.analysis.disentanglement import metrics as metrics_package
from tests.disentanglement import METRICS, SQUARE, frozen, rows_of, scores
from zoo import ZooError, datasets


@pytest.fixture(scope="module")
def ordered():
    """Reports on a perfect, a rotated and a permuted code of three factors, with narrow posteriors."""
    rng, N = np.random.default_rng(2), 2000
    factors = np.stack([rng.integers(size, size=N) for size in (3, 4, 5)], 1)
    perfect = (factors - factors.mean(0)) / factors.std(0) + 0.005 * rng.normal(size=(N, 3))
    third = np.array([[1, np.sqrt(2), 0], [1, -np.sqrt(0.5), np.sqrt(1.5)], [1, -np.sqrt(0.5), -np.sqrt(1.5)]])
    codes = {"perfect": perfect, "rotated": perfect @ third / np.sqrt(3), "permuted": rng.permutation(perfect)}
    return {n: disentanglement.report((z, np.full(z.shape, 0.05)), factors) for n, z in codes.items()}


ROTATIONS_DO_NOT_COUNT = ("explicitness", "infomec InfoE", "dci I")  # predictions by all codes
RATIOS_OF_NOISE = ("infomec InfoM", "infomec InfoC", "modularity")  # informations compared with each other


@pytest.mark.slow
def test_perfect_rotated_and_permuted_codes_are_in_this_order_with_disjoint_intervals(ordered):
    labels = [s.label for s in ordered["perfect"].scores]
    for label in labels:
        perfect, rotated, permuted = (ordered[n][label].interval for n in ("perfect", "rotated", "permuted"))
        if label not in RATIOS_OF_NOISE:
            assert perfect[0] > permuted[1], label
        if label not in ROTATIONS_DO_NOT_COUNT:
            assert perfect[0] > rotated[1], label
        if label not in RATIOS_OF_NOISE:
            assert rotated[0] > permuted[1], label


def test_predictions_by_all_codes_miss_a_rotation(ordered):
    for label in ROTATIONS_DO_NOT_COUNT:
        bound = 0.1 if label == "dci I" else 0.01  # trees split by one code at a time
        assert ordered["rotated"][label].value == pytest.approx(ordered["perfect"][label].value, abs=bound)


def test_ratios_of_information_take_noise_for_order(ordered):
    """Permuted codes have next to no information, whose ratios are anything up to 1; a rotated code is not above."""
    assert ordered["permuted"].matrices["infomec"].max() < 0.05
    for label in RATIOS_OF_NOISE:
        assert ordered["permuted"][label].interval[1] > ordered["rotated"][label].interval[0], label
        assert label in str(ordered["rotated"]).split("no evidence of order: ")[1]


def test_a_perfect_code_is_at_the_ceiling_and_a_permuted_one_at_the_floor(ordered):
    noisy = (*ROTATIONS_DO_NOT_COUNT, *RATIOS_OF_NOISE)
    for s in ordered["perfect"].scores:
        assert s.value == pytest.approx(s.ceiling, abs=0.03), s.label
    for s in ordered["permuted"].scores:
        if s.label not in noisy:
            assert s.value == pytest.approx(s.floor, abs=0.06), s.label


def test_ceilings_of_factors_as_those_of_dsprites():
    """A perfect code does not score 1 everywhere: 40 and 32 values do not go into 20 bins, nor apart by lines."""
    rng, sizes = np.random.default_rng(0), (3, 6, 40, 32, 32)
    factors = np.stack([rng.integers(size, size=10_000) for size in sizes], 1)
    rows = rows_of(factors, factors).perfect()
    in_bins = [min(1.0, stats.entropy(np.bincount(np.arange(s) * 20 // s)) / np.log(s)) for s in sizes]
    shares = METRICS["mig"].values(rows).matrix
    assert shares is not None
    assert shares.diagonal() == pytest.approx(in_bins, abs=0.02)
    assert in_bins[3] == pytest.approx(0.85, abs=0.005)  # of 32 values
    assert METRICS["mig"].values(rows).scores["mig"] == pytest.approx(0.90, abs=0.01)
    assert METRICS["sap_r2"].values(rows).scores["sap_r2"] == pytest.approx(1.0, abs=0.002)
    assert METRICS["sap_svm"].values(rows).scores["sap_svm"] == pytest.approx(0.24, abs=0.01)
    assert METRICS["modularity"].values(rows).scores["modularity"] == pytest.approx(1.0, abs=0.002)
    infomec = METRICS["infomec"].values(rows).scores
    assert infomec == pytest.approx({"InfoM": 1.0, "InfoC": 1.0, "InfoE": 1.0}, abs=0.01)


# what changes no score


@pytest.mark.parametrize("name", METRICS)
def test_scores_are_invariant_to_what_they_promise(name):
    codes, factors = frozen()
    sd = np.full(codes.shape, 0.2) if METRICS[name].needs_sd else None
    order, units = [2, 0, 3, 1], np.array([10.0, 0.01, 3.0, 1.0])
    assert {"permutation", "scale"} >= set(METRICS[name].invariances) >= {"permutation"}
    before = scores(name, codes, factors, sd)
    assert scores(name, codes[:, order], factors, None if sd is None else sd[:, order]) == pytest.approx(before)
    if "scale" in METRICS[name].invariances:
        scaled = scores(name, codes * units, factors, None if sd is None else sd * abs(units))
        if name == "mig":  # a bin is open to the left or to the right where a code changes its sign
            scaled = scores(name, codes * abs(units), factors)
        assert scaled == pytest.approx(before, abs=1e-6 if name != "mig_sampled" else 0.05)


def test_dead_dimensions_are_named_and_change_no_score():
    (codes, factors), rng = frozen(), np.random.default_rng(0)
    names = ["mig", "sap_r2", "sap_svm", "modularity", "factor_vae", "irs", "infomec"]
    plain = disentanglement.report(codes, factors, metrics=names, num_resamples=3)
    dead = np.insert(codes, [1, 4], np.stack([np.full(600, 3.0), 0.01 * rng.random(600)], 1), axis=1)
    more = disentanglement.report(dead, factors, metrics=names, num_resamples=3)
    pd.testing.assert_frame_equal(more.table, plain.table)
    assert list(more.dead) == [1, 5]
    assert more.dead[1] == "constant"
    assert "dead dimensions, in no score: 1 (constant), 5 (range" in str(more)
    assert np.isnan(more.matrices["mig"][[1, 5]]).all()
    assert more.matrices["mig"][[0, 2, 3, 4]] == pytest.approx(plain.matrices["mig"])


def test_dimensions_of_posteriors_are_dead_by_their_divergence_from_the_prior():
    codes, factors = frozen()
    mean, sd = codes.copy(), np.full(codes.shape, 0.3)
    mean[:, 2], sd[:, 2] = 0.01 * mean[:, 2], 0.999
    report = disentanglement.report((mean, sd), factors, metrics=["mig_sampled"], num_resamples=0)
    assert list(report.dead) == [2]
    assert "below 0.01" in report.dead[2]


# intervals and tiers


def test_intervals_have_the_spread_over_data_sets():
    """The half-width of the interval over t is the standard deviation of the score over independent data."""
    rng, values, widths = np.random.default_rng(3), [], []
    for _ in range(120):
        factors = np.stack([rng.integers(size, size=500) for size in (3, 4)], 1)
        codes = factors @ np.array([[1.0, 0.4], [-0.3, 1.0]]) + 0.4 * rng.normal(size=(500, 2))
        s = disentanglement.report(codes, factors, metrics=["sap_r2"], num_resamples=50)["sap_r2"]
        values.append(s.value)
        widths.append((s.interval[1] - s.interval[0]) / 2 / stats.t.ppf(0.975, 49))
    spread = np.std(values, ddof=1)
    assert np.mean(widths) == pytest.approx(spread, rel=3.5 / np.sqrt(2 * 119))


def test_the_fast_tier_is_labelled_and_agrees():
    codes, factors = frozen(4000)
    exact = disentanglement.report(codes, factors, metrics=["dci"], num_resamples=0)
    fast = disentanglement.report(codes, factors, metrics=["dci"], fast=True, num_resamples=2)
    assert list(fast.table.index) == ["dci D (random forest)", "dci C (random forest)", "dci I (random forest)"]
    assert "fast: DCI by a random forest" in str(fast)
    assert "dci from 2000 rows" in str(fast)
    for label in ("dci D", "dci C", "dci I"):
        assert fast[label].value == pytest.approx(exact[label].value, abs=0.1)
        assert fast[label].num_rows == 2000


def test_a_seed_gives_the_same_report():
    codes, factors = frozen()
    reports = [disentanglement.report(codes, factors, num_resamples=2, seed=seed) for seed in (1, 1, 2)]
    pd.testing.assert_frame_equal(reports[0].table, reports[1].table)
    assert not reports[0].table.equals(reports[2].table)


def test_progress_is_printed(capsys):
    codes, factors = frozen()
    disentanglement.report(codes, factors, metrics=["mig", "dci"], num_resamples=0, progress=True)
    assert "scores" in capsys.readouterr().err


# kinds of factors, and the display


def test_factors_have_names_words_and_kinds():
    codes, factors = frozen()
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"shape": np.array(["disc", "square"])[factors[:, 0]], "x": factors[:, 2] + rng.random(600), "y": factors[:, 1]}
    )
    report = disentanglement.report(codes, table, num_resamples=2)
    assert report.factors == ("shape", "x", "y")
    assert report.is_discrete == (True, False, True)
    assert "x (continuous)" in str(report)
    assert set(report.skipped) == {"explicitness", "factor_vae", "irs", "mig_sampled", "sap_svm"}
    assert "is for discrete factors, and x is continuous" in report.skipped["irs"]
    assert report["dci I"].ceiling > 0.99
    numbers = disentanglement.report(codes, factors, metrics=["dci", "infomec"], continuous=[2], num_resamples=0)
    assert numbers.is_discrete == (True, True, False)


def test_one_active_dimension_has_no_completeness():
    codes, factors = frozen()
    report = disentanglement.report(codes[:, :1], factors, num_resamples=2)
    assert np.isnan(report["dci C"].value)
    assert np.isnan(report["infomec InfoC"].value)
    assert "-: not defined for one active dimension" in str(report)
    report.figure()


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_few_rows_and_rare_values_have_scores(seed, fast):
    rng = np.random.default_rng(seed)
    N = [4, 5, 20, 40, 45, 60][seed]
    factors = {
        "binary": np.arange(N) % 2,
        "rare": np.arange(N) == rng.integers(N),
        "pairs": np.arange(N) // 2,
        "words": rng.permutation(np.array(["a", "b", "c"])[np.arange(N) % 3]),
    }
    codes = rng.integers(3, size=(N, 2)) + 1e-3 * rng.normal(size=(N, 2))
    report = disentanglement.report((1e3 * codes, np.full((N, 2), 1e-6)), factors, num_resamples=3, fast=fast)
    for s in report.scores:
        assert np.isfinite(s.value) or (s.name == "explicitness" and N < 6), s.label
        assert not np.isfinite(s.value) or -1 <= s.value <= 1 + 1e-9
    assert all(s.num_resamples <= 3 for s in report.scores)
    report.figure()


def test_another_metric_is_one_file(tmp_path, monkeypatch):
    (tmp_path / "halves.py").write_text(
        "from inference.analysis.disentanglement.metrics import Metric, MetricValues\n"
        "class Half(Metric):\n"
        "    name, scores, citation = 'half', {'half': 'one half'}, 'a test'\n"
        "    def values(self, rows):\n"
        "        return MetricValues({'half': 0.5})\n"
        "METRIC = Half()\n"
    )
    monkeypatch.setattr(metrics_package, "__path__", [*metrics_package.__path__, str(tmp_path)])
    metrics_package.all_metrics.cache_clear()
    try:
        report = disentanglement.report(SQUARE, SQUARE, metrics=["half"])
    finally:
        metrics_package.all_metrics.cache_clear()
    assert report["half"].value == 0.5


@pytest.mark.parametrize("name", METRICS)
def test_metrics_declare_their_contract(name):
    metric = METRICS[name]
    assert metric.citation.endswith(")") or "Locatello" in metric.citation
    assert all(len(text) > 20 for text in metric.scores.values())


def test_a_fit_has_posteriors_and_traversals(tmp_path):
    rng = np.random.default_rng(0)
    factors = pd.DataFrame({"left": rng.integers(2, size=120), "right": rng.integers(3, size=120)})
    images = np.zeros((120, 4, 4))
    images[:, :, 0] = factors["left"].to_numpy()[:, None]
    images[np.arange(120), factors["right"], 3] = 1.0
    fit = inference.fit(zoo.load("vae", Z=3, width=8, depth=1), images.reshape(120, 16), num_epochs=30)
    report = disentanglement.report(fit, None, factors, metrics=["mig", "mig_sampled", "dci"], num_resamples=2)
    assert report.traversals is not None
    assert sorted([*report.traversals, *report.dead]) == [0, 1, 2]
    code = inference.latents.encode(fit)
    same = disentanglement.report(code, factors, metrics=["mig", "mig_sampled", "dci"], num_resamples=2)
    pd.testing.assert_frame_equal(report.table, same.table)
    with pytest.raises(ZooError, match=r"z9"):
        disentanglement.report(fit, None, factors, group="z9")
    path = tmp_path / "report.png"
    report.figure().savefig(path)
    replace(report, traversals=None).figure()
    assert path.stat().st_size > 10_000


# bad input


CODES, FACTORS = frozen(60)
NAN = np.where(np.arange(240).reshape(60, 4) == 5, np.nan, CODES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((CODES, FACTORS[:, :1]), "two factors or more; given 1"),
        ((CODES, FACTORS[:, 0]), "disentanglement compares factors with each other"),
        ((CODES, {"a": FACTORS[:, 0], "b": np.ones(60)}), "factor b is constant"),
        ((NAN, FACTORS), "codes: row 1, column 1 is nan, and 1 rows in all"),
        ((CODES, FACTORS.T), "factors have 3 rows and codes 60"),
        ((CODES[:3], FACTORS.T), "60 factors of 3 rows"),
        ((CODES[:3], FACTORS[:3]), "4 rows or more"),
        ((CODES, FACTORS[:59]), "factors have 59 rows and codes 60"),
        ((CODES, {"a": FACTORS[:, 0], "b": [*FACTORS[:59, 1], np.nan]}), "factor b: row 59 is missing"),
        ((CODES, {"a": FACTORS[:, 0], "b": ["p", None] * 30}), "factor b: row 1 is missing"),
        ((CODES[:, 0], FACTORS), "codes is .N, Z."),
        ((np.ones((60, 2)), FACTORS), "all 2 dimensions of the codes are dead"),
        (((CODES, CODES[:, :2]), FACTORS), "sd has shape"),
        (((CODES, 0 * CODES), FACTORS), "sd is above 0"),
        ((CODES, FACTORS, FACTORS), "codes are followed by their factors alone"),
        ((CODES, datasets.factors("sprites", shape=1)), "factors have 1024 rows and codes 60"),
        ((CODES,), "codes are followed by their factors alone"),
    ],
)
def test_bad_input_is_one_line(arguments, message):
    with pytest.raises(ZooError, match=message) as error:
        disentanglement.report(*arguments)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ["mgi"]}, "did you mean 'mig'"),
        ({"metrics": []}, "no metric is named"),
        ({"metrics": ["irs"], "continuous": ["v[2]"]}, r"irs is for discrete factors, and v\[2\] is continuous"),
        ({"metrics": ["mig_sampled"]}, "is of posteriors"),
        ({"continuous": ["x"]}, "no factor 'x' to be continuous"),
        ({"num_resamples": -1}, "num_resamples is a whole number from 0 up"),
        ({"group": "z1"}, "group names latents of a fit"),
        ({"seed": 0.5}, "seed is a whole number"),
        ({"min_range": 2}, "min_range is a share"),
    ],
)
def test_bad_options_are_one_line(options, message):
    with pytest.raises(ZooError, match=message) as error:
        disentanglement.report(CODES, FACTORS, **options)
    assert "\n" not in str(error.value)


def test_a_label_without_a_score_is_refused():
    report = disentanglement.report(CODES, FACTORS, metrics=["mig"], num_resamples=0)
    with pytest.raises(ZooError, match="no score"):
        report["dci"]
