"""Selection of a size: criteria computed another way, simulated rows of known dimension, and errors."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.decomposition import _pca as scikit_learn

import zoo
from inference import choose, fit
from inference.engines.em.probabilistic_pca import maximum_likelihood
from inference.evaluation.selection.laplace import log_evidence

# Pyro, which does not compile: the code under test is the same for both backends
PPCA, FA = zoo.load("probabilistic_pca", "pyro"), zoo.load("factor_analysis", "pyro")
TRUE = 3


def simulate_rows(Z, N=600, D=10, noise=0.8, seed=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, Z)) @ rng.normal(size=(Z, D)) + noise * rng.normal(size=(N, D))


def standardise(x):
    return (x - x.mean(0)) / x.std(0)


@pytest.fixture(scope="module")
def known():
    return choose(PPCA, simulate_rows(TRUE), Z=range(7), folds=5)


def test_every_criterion_selects_the_true_dimension(known):
    assert known.sizes == dict.fromkeys(("bic", "sabic", "caic", "aic", "laplace", "cv", "ard"), TRUE)
    assert known.best.keywords["Z"] == TRUE
    assert set(known.unavailable) == {"icl", "blrt"}
    assert (known.table["note"] == "").all()
    result = choose(FA, simulate_rows(TRUE), Z=range(2, 5), folds=2, criterion="cv")
    assert result.sizes == dict.fromkeys(("bic", "sabic", "caic", "aic", "cv"), TRUE)
    assert set(result.unavailable) == {"icl", "laplace", "ard", "blrt"}


@pytest.mark.parametrize("model", [PPCA, FA], ids=lambda m: m.name)
def test_bic_does_not_count_rotations(model):
    x = simulate_rows(2, N=80, D=5)
    result = choose(model, x, Z=(0, 2), tol=1e-10)
    for Z, one in result.fits.items():
        W, mu = one.params["W"], one.params["mu"]
        noise = one.params["Psi" if model is FA else "sigma2"]
        log_likelihood = multivariate_normal(mu, W @ W.T + noise * np.eye(5)).logpdf(x).sum()
        # x ~ N(mu, C): C has 5 noises or 1, and 5 x 2 loadings less the one angle that they may be turned by
        p = 5 + np.size(noise) + (10 - 1 if Z else 0)
        assert result.table.loc[Z, "parameters"] == p
        np.testing.assert_allclose(result.table.loc[Z, "bic"], -2 * log_likelihood + p * np.log(80), rtol=1e-9)


@pytest.mark.parametrize("x", [load_iris().data, load_wine().data, standardise(load_wine().data), simulate_rows(TRUE)])
def test_evidence_equals_scikit_learn_up_to_a_constant(x):
    """scikit-learn omits terms that do not depend on Z, and Z = 0, where the evidence is the log-likelihood."""
    N, D = x.shape
    eigenvalues = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
    ours = log_evidence(eigenvalues, N)
    np.testing.assert_allclose(ours[0], fit(PPCA.with_settings(Z=0), x, "em").trace[-1], rtol=1e-9)
    assert ours[1:].argmax() + 1 == PCA("mle", svd_solver="full").fit(x).n_components_
    if hasattr(scikit_learn, "_assess_dimension"):
        theirs = [scikit_learn._assess_dimension(eigenvalues, Z, N) for Z in range(1, D)]
        np.testing.assert_allclose(np.diff(ours[1:]), np.diff(theirs), atol=1e-9 * abs(ours).max())


def test_evidence_integrates_over_the_axes():
    """With two columns and one axis the integral is over one angle: the trapezoidal rule on a circle."""
    eigenvalues, N = np.array([3.0, 1.0]), 2000
    angle = np.linspace(0, 2 * np.pi, 100_000, endpoint=False)
    along = eigenvalues @ [np.cos(angle) ** 2, np.sin(angle) ** 2]  # variance along the axis, and beyond it 4 - along
    fall = -N / 2 * (along / 3 + (4 - along) / 1 - 2)
    log_likelihood = -N / 2 * (np.log(3) + 2 * (1 + np.log(2 * np.pi)))
    exact = log_likelihood + np.log(np.exp(fall).mean()) + np.log(2 * np.pi / N) / 2
    # one of two maxima is counted; the next term of the expansion is of the order of 1 / N
    np.testing.assert_allclose(log_evidence(eigenvalues, N)[1] + np.log(2), exact, atol=5 / N)


def test_evidence_of_weighted_rows_and_of_tied_eigenvalues():
    x = simulate_rows(1, N=40, D=4)
    weights = np.where(np.arange(40) < 10, 2.0, 1.0)
    weighted = choose(PPCA, x, Z=(1, 2), sample_weight=weights).table["laplace"]
    np.testing.assert_allclose(weighted, choose(PPCA, np.r_[x, x[:10]], Z=(1, 2)).table["laplace"], rtol=1e-9)
    assert np.isnan(log_evidence(np.array([5.0, 1.0, 1.0, 1.0]), 100)).tolist() == [False, False, True, True]


def test_leave_one_out_cross_validation():
    """Leave-one-out has no random folds, and the maximum without a row is known from eigenvectors."""
    x = simulate_rows(1, N=15, D=3)
    expected = []
    for n in range(15):
        seen = np.delete(x, n, axis=0)
        W, sigma2 = maximum_likelihood(np.cov(seen.T, bias=True), 1)
        expected.append(multivariate_normal(seen.mean(0), W @ W.T + sigma2 * np.eye(3)).logpdf(x[n]))
    row = choose(PPCA, x, Z=(1, 2), folds=15, tol=1e-12).table.loc[1]
    np.testing.assert_allclose(row["cv"], np.mean(expected), rtol=1e-6)
    np.testing.assert_allclose(row["cv_se"], np.std(expected) / np.sqrt(15), rtol=1e-6)
    assert row["cv_behind_se"] < row["cv_se"]


def test_ard_keeps_the_true_dimensions(known):
    ard = known.ard
    assert ard.fit.model.name == "bayesian_pca"
    assert ard.lengths.shape == ard.relevance.shape == (6,)
    assert (np.diff(ard.lengths) <= 0).all()
    assert ard.lengths[TRUE - 1] > 1
    assert ard.lengths[TRUE] < 1e-5
    assert (ard.relevance[:TRUE] > 100 * ard.relevance[TRUE]).all()


def test_missing_values():
    x = simulate_rows(TRUE, N=300, D=7)
    x[np.random.default_rng(0).random(x.shape) < 0.1] = np.nan
    result = choose(PPCA, x, Z=range(2, 5), folds=2)
    assert result.sizes == dict.fromkeys(("bic", "sabic", "caic", "aic", "cv", "ard"), TRUE)
    assert result.table["laplace"].isna().all()
    assert "missing" in result.unavailable["laplace"]


def test_components_and_factors_within_them_can_be_selected(old_faithful):
    model = zoo.load("gaussian_mixture", "pyro", covariance="tied")
    result = choose(model, old_faithful, K=(1, 2), criterion="icl")
    assert result.letter == "K"
    assert result.sizes == dict.fromkeys(("bic", "sabic", "caic", "icl", "aic"), 2)
    assert set(result.unavailable) == {"laplace", "cv", "ard", "blrt"}
    diagnostics = fit(model.with_settings(K=2), old_faithful, "em").diagnostics
    for name in ("log_likelihood", "parameters", "bic", "sabic", "caic", "icl", "aic"):
        assert result.table.loc[2, name] == diagnostics[name]
    mixed = zoo.load("mixture_of_factor_analysers", "pyro", K=1)
    x = simulate_rows(1, N=60, D=3)
    bic = choose(mixed, x, Z=(0, 1), tol=1e-10).table["bic"]
    np.testing.assert_allclose(bic, choose(FA, x, Z=(0, 1), tol=1e-10).table["bic"], rtol=1e-6)


def test_a_size_that_cannot_be_fitted_has_a_note_in_the_table():
    result = choose(PPCA, simulate_rows(1, N=30, D=3), Z=range(1, 5), folds=2)
    assert list(result.fits) == [1, 2]
    assert list(result.table.index) == [1, 2, 3, 4]
    assert "D=3" in result.table.loc[3, "note"]
    assert result.ard is not None
    assert result.ard.lengths.shape == (2,)


def test_an_unavailable_criterion_raises():
    x = simulate_rows(1, N=20, D=4)
    x[0, 0] = np.nan
    with pytest.raises(zoo.ZooError, match="values are missing"):
        choose(PPCA, x, Z=(1,), criterion="laplace")
    x[1:, 0] = 3.0
    x[0, 0] = 5.0  # without this row the column is constant
    with pytest.raises(zoo.ZooError, match="no size has cv: cv: column 0 of x is constant"):
        choose(PPCA, x, Z=(1,), criterion="cv")


def test_the_figure_has_a_panel_for_each_criterion(known):
    figure = known.figure()
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in panels] == [
        f"{name}: Z = 3" for name in ("BIC", "SABIC", "CAIC", "AIC", "Laplace evidence", "cross-validation", "ARD")
    ]
    figure.canvas.draw()
    bic = np.asarray(panels[0].lines[0].get_ydata(), dtype=float)  # in nats behind the best: half of the criterion
    np.testing.assert_allclose(bic, (known.table["bic"] - known.table["bic"].min()) / 2)


@pytest.mark.parametrize(
    ("model", "options", "line"),
    [
        (PPCA, {}, r"give Z=range\(1, 7\); given none"),
        (PPCA, {"K": range(3)}, r"give Z=range\(1, 7\); given K"),
        (PPCA, {"Z": range(3), "D": range(3)}, "one size"),
        (PPCA, {"N": range(3)}, "that the data leaves open"),
        (zoo.load("mixture_of_factor_analysers", "pyro"), {}, r"K=range\(1, 7\) or Z=range\(1, 7\)"),
        (PPCA, {"Z": 3}, "give sizes"),
        (PPCA, {"Z": range(0)}, "empty"),
        (PPCA, {"Z": (1, -1)}, "from 0 up"),
        (PPCA, {"Z": (7, 8)}, "Z=7"),
        (PPCA, {"Z": (1,), "criterion": "bix"}, "did you mean 'bic'"),
        (PPCA, {"Z": (1,), "criterion": "icl"}, "labels"),
        (FA, {"Z": (1,), "criterion": "laplace"}, "evidence of probabilistic_pca"),
        (PPCA, {"Z": (1,), "criterion": "cv", "folds": 1}, "folds from 2 to 20"),
        (PPCA, {"Z": (1,), "folds": 2.5}, "folds from 2 to 20"),
        (PPCA, {"Z": (1,), "tolerance": 1}, "tol"),
    ],
)
def test_errors_name_what_is_allowed(model, options, line):
    with pytest.raises(zoo.ZooError, match=line) as caught:
        choose(model, simulate_rows(1, N=20, D=4), **options)
    assert "\n" not in str(caught.value)
