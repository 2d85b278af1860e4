"""Rotations, tables of loadings and rotation invariants, against closed forms and statsmodels."""

from dataclasses import replace

import numpy as np
import pytest

import inference
import zoo
from inference import Fit, factors
from inference.analysis.factors import (
    ROTATION_METHODS,
    angles,
    covariances,
    explained_variance,
    factor_correlations,
    heatmap,
    rotate,
)
from inference.analysis.factors.rotations import criterion
from tests.synthetic import ChainDiagnostics, mixture
from zoo import ZooError

ROTATED = [m for m in ROTATION_METHODS if m != "principal"]
OBLIQUE = [m for m in ROTATION_METHODS if ROTATION_METHODS[m].oblique]
PHI = np.array([[1.0, 0.4, 0.3], [0.4, 1.0, 0.2], [0.3, 0.2, 1.0]])
SIMPLE = np.zeros((12, 3))
SIMPLE[np.arange(12), [0] * 5 + [1] * 4 + [2] * 3] = [0.8, 0.7, 0.9, 0.6, 0.75, 0.7, 0.65, 0.8, 0.5, 0.6, 0.7, 0.55]
NINE = ["visual perception", "cubes", "lozenges", "paragraphs", "sentences", "words", "addition", "dots", "capitals"]
# the correlations of the nine tests of Holzinger and Swineford (1939), 301 pupils: the lower triangle
CORRELATIONS = [
    *(0.2973, 0.4407, 0.3398, 0.3727, 0.1529, 0.1586, 0.2934, 0.1394, 0.0772, 0.7332, 0.3568, 0.1925, 0.1977),
    *(0.7045, 0.7200, 0.0669, -0.0757, 0.0719, 0.1738, 0.1020, 0.1211, 0.2239, 0.0923, 0.1860, 0.1069, 0.1387),
    *(0.1496, 0.4868, 0.3903, 0.2060, 0.3287, 0.2078, 0.2275, 0.2142, 0.3406, 0.4490),
]


def correlation():
    lower = np.zeros((9, 9))
    lower[np.tril_indices(9, -1)] = CORRELATIONS
    return lower + lower.T + np.eye(9)


def random_orthogonal(Z, seed=0, shape=()):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(*shape, Z, Z)))[0]


def make_fit(W, Psi, name="factor_analysis", draws=None, **more):
    """A fit with these W and Psi of factor analysis, or with other parameters beside them."""
    D, Z = W.shape[-2:]
    params = {"W": W, "mu": np.zeros(W.shape[:-1]), "Psi": Psi, **more}
    params = {n: v for n, v in params.items() if v is not None}
    keywords = {"N": 3, "D": D, "Z": Z} | ({"K": len(W)} if W.ndim == 3 else {})
    model = zoo.load(name, "numpyro", **({"K": len(W)} if W.ndim == 3 else {}))
    made = Fit(model, "em", keywords, {}, 0, "cpu", None, {"x": np.zeros((3, D))}, 1.0, params, np.zeros(0))
    if draws is None:
        return made
    stats = {"lp": np.zeros(draws["W"].shape[:2])}
    return replace(made, draws=draws, stats=stats, diagnostics=ChainDiagnostics())


def fit_with_draws(spread=0.02, shape=(4, 100)):
    """A fit whose draws scatter around simple loadings in units of 1 to 12, each draw on random axes."""
    rng = np.random.default_rng(0)
    units = np.arange(1.0, 13.0)
    W = SIMPLE + spread * rng.normal(size=(*shape, 12, 3))
    Psi = np.broadcast_to(1 - np.square(SIMPLE).sum(1), (*shape, 12))
    draws = {
        "W": units[:, None] * W @ random_orthogonal(3, 1, shape),
        "mu": np.zeros((*shape, 12)),
        "Psi": units**2 * Psi,
    }
    return make_fit(units[:, None] * SIMPLE, units**2 * Psi[0, 0], draws=draws)


@pytest.fixture(scope="module")
def holzinger_swineford():
    """Maximum likelihood by statsmodels: a fit with its loadings, and statsmodels' own result."""
    from statsmodels.multivariate.factor import Factor

    reference = Factor(corr=correlation(), n_factor=3, method="ml", nobs=301).fit(rng=0)
    return make_fit(reference.loadings_no_rot, reference.uniqueness), reference


@pytest.mark.parametrize("method", ROTATION_METHODS)
def test_a_rotation_preserves_the_covariance_and_ignores_the_axes(method):
    W = SIMPLE @ np.linalg.cholesky(PHI) + 0.05 * np.random.default_rng(0).normal(size=SIMPLE.shape)
    rotation, again = rotate(W, method), rotate(W @ random_orthogonal(3), method)
    np.testing.assert_allclose(rotation.loadings @ rotation.phi @ rotation.loadings.T, W @ W.T, atol=1e-12)
    np.testing.assert_allclose(rotation.structure, rotation.loadings @ rotation.phi)
    np.testing.assert_allclose(rotation.apply(W), rotation.loadings, atol=1e-12)
    np.testing.assert_allclose(rotation.T.T @ rotation.T, rotation.phi, atol=1e-12)
    np.testing.assert_allclose(np.diag(rotation.phi), 1.0)
    assert (np.abs(rotation.phi - np.eye(3)).max() > 0.1) == (method in OBLIQUE)
    # the tolerance is the square root of the rounding error of the criterion
    np.testing.assert_allclose(again.loadings, rotation.loadings, atol=1e-5)
    assert rotation.variance.sum() == pytest.approx(np.square(W).sum())
    assert (np.diff(rotation.variance) <= 0).all()
    assert (rotation.loadings.sum(0) > 0).all()


@pytest.mark.parametrize("method", ROTATED)
def test_simple_structure_is_recovered(method):
    np.testing.assert_allclose(rotate(SIMPLE @ random_orthogonal(3), method).loadings, SIMPLE, atol=1e-6)
    if method == "oblimin":  # with correlated factors simple structure minimises this criterion only
        rotation = rotate(SIMPLE @ np.linalg.cholesky(PHI) @ random_orthogonal(3), method)
        np.testing.assert_allclose(rotation.loadings, SIMPLE, atol=1e-5)
        np.testing.assert_allclose(rotation.phi, PHI, atol=1e-5)
    if method == "promax":
        rotation = rotate(SIMPLE @ np.linalg.cholesky(PHI) @ random_orthogonal(3), method)
        np.testing.assert_allclose(rotation.phi, PHI, atol=0.01)


def test_one_factor_is_not_changed():
    w = np.array([[0.5], [0.7], [-0.1]])
    for method in ROTATION_METHODS:
        np.testing.assert_allclose(rotate(-w, method).loadings, w)


def test_several_starts_escape_a_local_minimum():
    W = np.random.default_rng(7).normal(size=(8, 4))  # about two starts in five end above its minimum
    rule = ROTATION_METHODS["quartimax"]
    one, ten, forty = (rotate(W, "quartimax", starts=starts) for starts in (1, 10, 40))
    least = criterion(forty.loadings, rule)
    assert criterion(ten.loadings, rule) == pytest.approx(least, rel=1e-9)
    assert criterion(one.loadings, rule) > least + 0.1
    assert 10 < forty.agreeing_starts[0] < 40


def test_nine_tests_have_the_three_published_factors(holzinger_swineford):
    fit, reference = holzinger_swineford
    for method in ROTATED:
        table = factors.loadings(fit, method, columns=NINE)
        assert list(table.index) == NINE
        L = np.abs(table.iloc[:, :3].to_numpy())
        # verbal, visual and speed; capitals are known to load on the visual factor as well
        verbal, visual, speed = (int(L[rows].sum(0).argmax()) for rows in (slice(3, 6), slice(0, 3), slice(6, 9)))
        assert {verbal, visual, speed} == {0, 1, 2}
        assert L.argmax(1).tolist() == [visual] * 3 + [verbal] * 3 + [speed] * 3
        own = L[np.arange(9), L.argmax(1)]
        assert (own > 0.45).all()
        assert (np.sort(L, axis=1)[:8, 1] < 0.36).all()  # the second largest, except for capitals
        np.testing.assert_allclose(table["communality"], 1 - reference.uniqueness, atol=1e-6)
        if method == "promax":  # that of statsmodels is varimax at its default power
            continue
        reference.rotate(method)
        L = factors.loadings(fit, method, kaiser=False).iloc[:, :3].to_numpy()
        order = np.abs(L.T @ reference.loadings).argmax(1)
        other = reference.loadings[:, order]
        np.testing.assert_allclose(
            L, other * np.sign((other * L).sum(0)), atol=1e-4
        )  # statsmodels stops at a slope of 1e-5
    assert (factor_correlations(fit, "oblimin").to_numpy() > 0.2).all()  # abilities are positively correlated


def test_em_and_statsmodels_give_the_same_loadings(holzinger_swineford):
    fit, _ = holzinger_swineford
    rows = np.random.default_rng(0).normal(size=(301, 9))
    exact = np.linalg.qr(rows - rows.mean(0))[0] * np.sqrt(301)  # sample covariance 1
    data = exact @ np.linalg.cholesky(correlation()).T
    em = inference.fit(zoo.load("factor_analysis", "numpyro", Z=3), data, engine="em")
    np.testing.assert_allclose(factors.loadings(em, "varimax"), factors.loadings(fit, "varimax"), atol=3e-4)
    assert angles(em, fit).max() < 3e-4


def test_tables_of_a_point(holzinger_swineford):
    fit, reference = holzinger_swineford
    L = factors.loadings(fit)
    assert list(L.columns) == ["factor 1", "factor 2", "factor 3", "communality", "uniqueness"]
    np.testing.assert_allclose(L.iloc[:, :3], reference.loadings_no_rot, atol=1e-4)  # already standardised
    share = explained_variance(fit)["share"]
    assert share["all"] == pytest.approx(L["communality"].mean()) == pytest.approx(share[:-1].sum())
    assert share["all"] == pytest.approx(explained_variance(fit, "oblimin").loc["all", "share"])
    values = np.linalg.eigvalsh(reference.loadings_no_rot.T @ reference.loadings_no_rot)[::-1] / 9
    np.testing.assert_allclose(share[:-1], values, atol=1e-4)
    # raw loadings are in the units of the data
    units = np.arange(1.0, 10.0)
    scaled = make_fit(fit.params["W"] * units[:, None], fit.params["Psi"] * units**2)
    np.testing.assert_allclose(factors.loadings(scaled, "varimax"), factors.loadings(fit, "varimax"), atol=1e-5)
    raw = factors.loadings(scaled, "varimax", standardised=False)
    np.testing.assert_allclose(raw.iloc[:, :3], scaled.params["W"] @ rotate(scaled.params["W"]).T, atol=1e-12)


def test_draws_on_random_axes_give_the_posterior_of_rotated_loadings():
    fit = fit_with_draws()
    table = factors.loadings(fit, "varimax")
    mean, sd, low, high = (
        table.xs(name, axis=1, level=1).iloc[:, :3].to_numpy() for name in ("mean", "sd", "eti_3%", "eti_97%")
    )
    np.testing.assert_allclose(mean, SIMPLE, atol=0.01)
    assert (sd < 0.025).all()  # the spread of the draws, not that of their axes
    assert ((low < SIMPLE) & (high > SIMPLE)).all()
    np.testing.assert_allclose(table[("communality", "mean")] + table[("uniqueness", "mean")], 1.0)
    share = explained_variance(fit, "varimax")["share"]
    np.testing.assert_allclose(share["mean"][:-1], np.square(SIMPLE).sum(0) / 12, atol=0.01)
    point = factors.loadings(replace(fit, draws={}, stats={}), "varimax").to_numpy()
    np.testing.assert_allclose(mean, point[:, :3], atol=0.01)


def test_the_other_linear_models():
    W, sigma2 = 2 * SIMPLE[:6, :2], np.array(0.5)
    for name, more in (("probabilistic_pca", {}), ("bayesian_pca", {"alpha": np.ones(2)})):
        table = factors.loadings(make_fit(W, None, name, sigma2=sigma2, **more))
        np.testing.assert_allclose(table["uniqueness"], 0.5 / (np.square(W).sum(1) + 0.5))
    two_components = make_fit(np.stack([W, W[::-1]]), np.ones((2, 6)), "mixture_of_factor_analysers", pi=np.ones(2) / 2)
    first, second = (factors.loadings(two_components, k=k).to_numpy() for k in (0, 1))
    np.testing.assert_allclose(first, second[::-1])
    with pytest.raises(ZooError, match="choose one by k=0"):
        factors.loadings(two_components)
    with pytest.raises(ZooError, match="from 0 to 1"):
        covariances(two_components, k=2)


def test_covariances_and_angles_do_not_depend_on_the_axes():
    fit = fit_with_draws()
    aligned_fit = replace(fit, draws=fit.aligned())
    a, b = covariances(fit), covariances(aligned_fit)
    np.testing.assert_allclose(a[["mean", "sd"]], b[["mean", "sd"]], rtol=1e-8)
    assert a["r_hat"].max() < 1.05
    assert a.loc[("x[1]", "x[0]"), "mean"] == pytest.approx(2 * 0.8 * 0.7, abs=0.03)
    assert len(a) == 12 * 13 // 2
    assert angles(fit, fit).shape == (4, 100, 3)
    assert angles(fit, fit).max() < 0.2
    point = make_fit(SIMPLE, np.ones(12))
    np.testing.assert_allclose(angles(point, SIMPLE @ random_orthogonal(3) * 2), 0.0, atol=1e-12)
    plane = np.eye(4)[:, :2]
    tilted = np.array([[1.0, 0, 0, 0], [0, np.cos(0.3), np.sin(0.3), 0]]).T
    np.testing.assert_allclose(angles(plane, tilted), [0.3, 0.0], atol=1e-12)
    with pytest.raises(ZooError, match="of 12 and of 4 columns"):
        angles(point, plane)


def test_heatmap_shows_every_loading():
    from matplotlib.figure import Figure

    for table in (factors.loadings(fit_with_draws(), "oblimin"), factors.loadings(make_fit(SIMPLE, np.ones(12)))):
        axes = Figure().add_subplot()
        assert heatmap(table, axes) is axes
        assert [t.get_text() for t in axes.get_xticklabels()] == ["factor 1", "factor 2", "factor 3"]
        assert len(axes.texts) == 36
        assert heatmap(table).figure is not None
    bold = [t.get_fontweight() == "bold" for t in heatmap(factors.loadings(fit_with_draws(), "varimax")).texts]
    assert (np.reshape(bold, (12, 3)) >= (SIMPLE > 0)).all()


BAD_ARGUMENTS = {
    "unknown": (lambda: rotate(SIMPLE, "varymax"), "did you mean 'varimax'"),
    "NaN": (lambda: rotate(SIMPLE * np.nan), "not finite"),
    "wide": (lambda: rotate(SIMPLE.T), "12 factors of 3 columns"),
    "vector": (lambda: rotate(SIMPLE[:, 0]), r"\(D, Z\)"),
    "rank": (lambda: rotate(SIMPLE @ np.diag([1.0, 1.0, 0.0]), "oblimin"), "rank 2"),
    "power": (lambda: rotate(SIMPLE, "promax", power=0), "power"),
    "names": (lambda: factors.loadings(fit_with_draws(), columns=["a"]), "1 names for 12 columns"),
    "no factors": (lambda: factors.loadings(make_fit(SIMPLE[:, :0], np.ones(12))), "Z=1 or more"),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_bad_arguments_are_refused_in_one_line(case):
    call, message = BAD_ARGUMENTS[case]
    with pytest.raises(ZooError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_the_error_for_a_model_without_loadings_names_models_that_have_them():
    with pytest.raises(ZooError, match="these have: bayesian_pca, factor_analysis"):
        factors.loadings(mixture("nuts"))
