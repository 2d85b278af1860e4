"""Metrics of disentanglement against hand computations and definitions written again."""

import numpy as np
import pytest
from scipy import stats
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score, roc_auc_score
from sklearn.svm import LinearSVC

from inference.analysis.disentanglement.learners.density_kernels import sampled_information
from inference.analysis.disentanglement.learners.trees import bin_edges, boosted_trees
from inference.analysis.disentanglement.metrics.dci import importance_scores
from inference.analysis.disentanglement.metrics.factor_vae import TEST_VOTES
from inference.analysis.disentanglement.metrics.mig_sampled import MAX_DRAWS
from tests.disentanglement import METRICS, MIXED, SQUARE, frozen, rows_of, scores

# two binary factors


@pytest.mark.parametrize("name", ["mig", "modularity", "sap_r2", "irs", "factor_vae"])
def test_a_code_that_is_the_factors_scores_one(name):
    assert scores(name, SQUARE, SQUARE)[name] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mig", 0.5),  # v_0: ln 2 - 0; v_1: both codes have all of it
        ("modularity", 0.5),  # z_0 has ln 2 of both factors, z_1 of one
        ("sap_r2", 0.2),  # v_0: 0.2 - 0; v_1: 1 - 0.8
        ("irs", (1.25 * 2 / 3 + 0.25) / 1.5),  # z_0: 1 - 0.5 / 1.5; weights are variances
    ],
)
def test_a_mixed_code_has_the_scores_computed_by_hand(name, expected):
    assert scores(name, MIXED, SQUARE)[name] == pytest.approx(expected, abs=1e-12)


def test_importances_have_the_scores_computed_by_hand():
    entropy = -(2 / 3 * np.log2(2 / 3) + 1 / 3 * np.log2(1 / 3))
    got = importance_scores(np.array([[1.0, 0.5], [0.0, 0.5]]))
    assert got == pytest.approx({"D": 0.75 * (1 - entropy) + 0.25, "C": 0.5})


# definitions written again


def entropies(factors):
    return np.array([stats.entropy(np.unique(v, return_counts=True)[1]) for v in factors.T])


def binned_information(codes, factors):
    bins = [np.digitize(z, np.linspace(z.min(), z.max(), 21)[1:-1]) for z in codes.T]
    return np.array([[mutual_info_score(b, v) for v in factors.T] for b in bins])


def gap(matrix):
    return np.mean([np.diff(np.sort(column)[-2:])[0] for column in matrix.T])


def test_mig_is_its_definition():
    codes, factors = frozen()
    expected = gap(binned_information(codes, factors) / entropies(factors))
    assert scores("mig", codes, factors)["mig"] == pytest.approx(expected, abs=1e-9)


def test_information_of_draws_is_its_definition():
    (mean, factors), rng = frozen(300), np.random.default_rng(0)
    sd, own = rng.uniform(0.1, 0.5, mean.shape), np.arange(0, 300, 7)
    z = rng.normal(mean[own], sd[own])
    got = sampled_information(z, own, mean, sd, factors)
    for j in range(mean.shape[1]):
        q = stats.norm.pdf(z[:, j, None], mean[:, j], sd[:, j])
        for k in range(factors.shape[1]):
            same = factors[own, k][:, None] == factors[:, k]
            expected = np.mean(np.log((q * same).sum(1) / same.sum(1)) - np.log(q.mean(1)))
            assert got[j, k] == pytest.approx(expected, abs=1e-9)


def test_sampled_mig_is_the_integral_within_its_error():
    """One dimension is Normal(2 v - 1, 0.8²), the other noise: I(z; v) by quadrature."""
    N = 4000
    factors = np.stack([np.arange(N) % 2, np.arange(N) // 2 % 2], 1)
    mean, sd = 2.0 * factors - 1, np.full((N, 2), 0.8)
    z, step = np.linspace(-8, 8, 20001, retstep=True)
    p = [stats.norm.pdf(z, m, 0.8) for m in (-1, 1)]
    terms = np.log(p[0] / (0.5 * p[0] + 0.5 * p[1]))
    information = (p[0] * terms).sum() * step
    sd_of_terms = np.sqrt((p[0] * terms**2).sum() * step - information**2)
    got = scores("mig_sampled", mean, factors, sd=sd)["mig_sampled"]
    # the draws of both dimensions share their noise, so the mean over factors is as noisy as one
    assert abs(got - information / np.log(2)) < 4 * sd_of_terms / np.sqrt(MAX_DRAWS) / np.log(2)


def test_modularity_is_its_definition():
    codes, factors = frozen()
    deviations = []
    for m in binned_information(codes, factors):
        template = np.where(m == m.max(), m.max(), 0.0)
        deviations.append(((m - template) ** 2).sum() / (m.max() ** 2 * (len(m) - 1)))
    assert scores("modularity", codes, factors)["modularity"] == pytest.approx(1 - np.mean(deviations), abs=1e-9)


def test_sap_r2_is_its_definition():
    codes, factors = frozen()
    matrix = np.array(
        [[LinearRegression().fit(z[:, None], v).score(z[:, None], v) for v in factors.T] for z in codes.T]
    )
    assert scores("sap_r2", codes, factors)["sap_r2"] == pytest.approx(gap(matrix), abs=1e-9)


def test_sap_svm_is_that_of_liblinear():
    codes, factors = frozen()
    rows = rows_of(codes, factors)
    train, test = rows.split
    assert sorted([*train, *test]) == list(range(600))
    x = (codes - codes.mean(0)) / codes.std(0)
    expected = [
        [
            LinearSVC(C=0.01, class_weight="balanced", dual=False, tol=1e-10)
            .fit(z[train, None], v[train])
            .score(z[test, None], v[test])
            for v in factors.T
        ]
        for z in x.T
    ]
    assert METRICS["sap_svm"].values(rows).matrix == pytest.approx(np.array(expected), abs=1e-9)


def test_explicitness_is_that_of_scikit_learn():
    codes, factors = frozen()
    rows = rows_of(codes, factors)
    train, test = rows.split
    x = (codes - codes.mean(0)) / codes.std(0)
    areas = [
        np.mean(
            [
                roc_auc_score(
                    v[test] == c, LogisticRegression(tol=1e-10).fit(x[train], v[train] == c).decision_function(x[test])
                )
                for c in np.unique(v)
            ]
        )
        for v in factors.T
    ]
    got = METRICS["explicitness"].values(rows).scores["explicitness"]
    assert got == pytest.approx(2 * np.mean(areas) - 1, abs=1e-6)


def test_infomec_is_its_definition():
    codes, factors = frozen()
    information = np.stack([mutual_info_classif(codes, v, n_neighbors=10, random_state=0) for v in factors.T], 1)
    (Z, K), shares = information.shape, information / entropies(factors)
    losses = [
        log_loss(v, LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(codes, v).predict_proba(codes))
        for v in factors.T
    ]
    expected = {
        "InfoM": (np.mean(shares.max(1) / shares.sum(1)) - 1 / K) / (1 - 1 / K),
        "InfoC": (np.mean(shares.max(0) / shares.sum(0)) - 1 / Z) / (1 - 1 / Z),
        "InfoE": np.mean(1 - losses / entropies(factors)),
    }
    assert scores("infomec", codes, factors) == pytest.approx(expected, abs=1e-6)


def test_irs_is_its_definition():
    codes, factors = frozen()
    matrix = np.zeros((4, 3))
    for j, z in enumerate(codes.T):
        for k, v in enumerate(factors.T):
            groups = [z[v == c] for c in np.unique(v)]
            reach = [np.quantile(np.abs(g - g.mean()), 0.99) for g in groups]
            matrix[j, k] = 1 - np.mean(reach) / np.abs(z - z.mean()).max()
    expected = (codes.var(0) * matrix.max(1)).sum() / codes.var(0).sum()
    assert scores("irs", codes, factors)["irs"] == pytest.approx(expected, abs=1e-9)


def test_factor_vae_is_another_implementation_within_its_error():
    (codes, factors), rng = frozen(), np.random.default_rng(1)
    codes = codes + 1.5 * rng.normal(size=codes.shape)
    votes = []
    for _ in range(6000):
        k = rng.integers(3)
        same = np.flatnonzero(factors[:, k] == factors[rng.integers(600), k])
        batch = codes[rng.choice(same, 64)]
        votes.append((int((batch.var(0) / codes.var(0)).argmin()), k))
    table = np.zeros((4, 3))
    np.add.at(table, tuple(np.transpose(votes[:3000])), 1)
    p = np.mean([table[j].argmax() == k for j, k in votes[3000:]])
    assert 0.4 < p < 0.95
    error = np.sqrt(p * (1 - p) * (1 / TEST_VOTES + 1 / 3000))
    assert abs(scores("factor_vae", codes, factors)["factor_vae"] - p) < 4 * error


def noisy_trees():
    """Codes of few values, and noisy numbers and classes: every node has many rows, so that no two splits are equal."""
    rng = np.random.default_rng(4)
    codes = rng.integers(7, size=(1500, 4)).astype(float)
    return codes, codes @ np.array([1.0, -0.6, 0.3, 0.0]) + 2 * rng.normal(size=1500)


@pytest.mark.parametrize("num_classes", [2, 3, 5])
def test_boosted_trees_are_those_of_scikit_learn(num_classes):
    codes, number = noisy_trees()
    v = np.digitize(number, np.quantile(number, np.arange(1, num_classes) / num_classes))
    reference = GradientBoostingClassifier(random_state=0).fit(codes[:1200], v[:1200])
    got = boosted_trees(codes[:1200], v[:1200], codes[1200:], num_classes)
    assert got.importance == pytest.approx(reference.feature_importances_, abs=1e-6)
    assert (got.predicted == reference.predict(codes[1200:])).all()


def test_boosted_trees_of_a_number_are_those_of_scikit_learn():
    codes, v = noisy_trees()
    reference = GradientBoostingRegressor(random_state=0).fit(codes[:1200], v[:1200])
    got = boosted_trees(codes[:1200], v[:1200], codes[1200:], 0)
    assert got.importance == pytest.approx(reference.feature_importances_, abs=1e-6)
    assert got.predicted == pytest.approx(reference.predict(codes[1200:]), abs=1e-6)


def test_dci_is_its_definition():
    (codes, number), rng = noisy_trees(), np.random.default_rng(0)
    other = codes[:, 3] + rng.normal(size=1500)
    factors = np.stack([np.digitize(v, np.quantile(v, [0.4, 0.7])) for v in (number, other)], 1)
    rows = rows_of(codes, factors)
    train, test = rows.split
    learners = [GradientBoostingClassifier(random_state=0).fit(codes[train], v[train]) for v in factors.T]
    R = np.stack([learner.feature_importances_ for learner in learners], 1)
    accuracy = [learner.score(codes[test], v[test]) for learner, v in zip(learners, factors.T, strict=True)]
    expected = {
        "D": sum(row.sum() / R.sum() * (1 - stats.entropy(row, base=2)) for row in R),
        "C": np.mean([1 - stats.entropy(column, base=4) for column in R.T]),
        "I": np.mean(accuracy),
    }
    assert METRICS["dci"].values(rows).scores == pytest.approx(expected, abs=1e-6)


def test_edges_are_between_clusters():
    rng = np.random.default_rng(0)
    edges = bin_edges(rng.integers(40, size=5000) + 0.01 * rng.normal(size=5000))
    assert len(edges) <= 63
    assert all(np.min(np.abs(edges - (c + 0.5))) < 0.1 for c in range(39))


# codes whose order is known
