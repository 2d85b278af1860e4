"""Estimators: the checks of scikit-learn, and the numbers of ``inference.fit`` and of scikit-learn's own models."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn import decomposition, mixture
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

import inference
import zoo
import zoo.sklearn as estimators
from zoo import ZooError
from zoo.data.corpus.synthetic import sample_lda
from zoo.sklearn.checks import FITTING_CHECKS
from zoo.sklearn.classes import class_names

SMALL: dict[str, dict[str, Any]] = {  # for the rows of the checks, which are few or have two columns
    "GaussianMixture": {"K": 2, "covariance": "spherical", "objective": "map"},
    "MixtureOfFactorAnalysers": {"K": 2, "Z": 1, "objective": "map", "uniqueness": "shared"},
    "FactorAnalysis": {"Z": 1, "objective": "map"},
    "ProbabilisticPCA": {"Z": 1},
    "BayesianPCA": {"Z": 1},
    "MixedLatentClass": {"K": 2, "objective": "map"},
    "LatentDirichlet": {"K": 2},
}


def small(name: str) -> Any:
    """An estimator in Pyro, where nothing is compiled."""
    return getattr(estimators, name)(backend="pyro", random_state=0, **SMALL.get(name, {}))


def as_zeros_and_ones(X):
    return np.where(np.isnan(X), np.nan, np.floor(1.7 * X) % 2)


def as_one_column(X):
    return np.rint(X.sum(1, keepdims=True))


def make_adapter(cls: Any, convert: Any) -> Any:
    """A class that turns the rows of the checks into rows that its model has, each row by itself."""

    def _observed_data(self, X):
        return cls._observed_data(self, convert(np.asarray(X)))

    name = f"Adapter{cls.__name__}"
    globals()[name] = type(name, (cls,), {"_observed_data": _observed_data, "__module__": __name__})  # to be pickled
    return globals()[name]


def estimator_of(name: str) -> Any:
    """The estimator of a model that the checks are run on."""
    cls = getattr(estimators, name)
    site = cls._site()
    if len(site.dims) == 1 or site.kind == "binary":
        convert = as_one_column if len(site.dims) == 1 else as_zeros_and_ones
        return make_adapter(cls, convert)(backend="pyro", random_state=0, max_iter=5000)
    return small(name)


def expected_failed_checks(estimator: Any) -> dict[str, str]:
    """Those of an estimator, apart from the ones that fail on rows which its model does not have."""
    reasons = estimators.expected_failed_checks(estimator)
    is_adapter = type(estimator).__name__.startswith("Adapter")
    return {name: why for name, why in reasons.items() if not (is_adapter and name in FITTING_CHECKS)}


ESTIMATORS = {name: estimator_of(name) for name in class_names()}


@parametrize_with_checks([ESTIMATORS["GaussianMixture"]], expected_failed_checks=expected_failed_checks)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [estimator for name, estimator in ESTIMATORS.items() if name != "GaussianMixture"],
    expected_failed_checks=expected_failed_checks,
)
def test_checks_of_scikit_learn_on_every_model(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LatentClass", "PoissonMixture"])
def test_every_check_that_fails_on_rows_the_model_does_not_have_is_expected(name):
    estimator = small(name)
    results = check_estimator(
        estimator, expected_failed_checks=estimators.expected_failed_checks(estimator), on_skip=None, on_fail=None
    )
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []


@pytest.fixture(scope="module")
def blobs():
    """Three far clusters of 20 rows in two columns."""
    return np.concatenate([np.random.default_rng(k).normal(m, 1.0, (20, 2)) for k, m in enumerate((-20, 0, 20))])


@pytest.fixture(scope="module")
def gaussian(blobs):
    return estimators.GaussianMixture(K=3, backend="pyro", random_state=0).fit(blobs)


@pytest.fixture(scope="module")
def documents():
    return sample_lda(N=40, T=30, V=12, K=2, seed=0)[0]


def test_mixtures_factor_models_and_topics_have_a_class():
    assert {*SMALL, "LatentClass", "PoissonMixture"} <= set(class_names()) <= set(dir(estimators))
    assert {getattr(estimators, n).__module__ for n in class_names()} == {"zoo.sklearn"}
    assert not [model for model in class_names().values() if zoo.card(model).networks]
    with pytest.raises(AttributeError, match="no attribute 'Vae'"):
        _ = estimators.Vae


def test_the_parameters_are_the_settings_of_the_model_and_the_options_of_its_engine():
    parameters = estimators.GaussianMixture(K=4).get_params()
    assert parameters["K"] == 4
    assert parameters["covariance"] == "full"
    assert parameters["backend"] == "numpyro"
    assert parameters["engine"] == "em"
    assert parameters["loc"] is None
    options = inference.engines.get("em").default_options(zoo.card("gaussian_mixture")).as_dict()
    assert options.keys() - parameters.keys() == {"sample_weight"}
    assert "alpha" in estimators.LatentDirichlet().get_params()
    assert "V" not in estimators.LatentDirichlet().get_params()
    with pytest.raises(TypeError, match="no parameter 'n_components'"):
        estimators.GaussianMixture(n_components=3)


def test_the_documentation_has_the_story_and_every_parameter():
    text = estimators.FactorAnalysis.__doc__
    assert zoo.card("factor_analysis").story in text
    assert all(f"\n{name} : " in text for name in estimators.FactorAnalysis().get_params())


def test_the_fit_is_that_of_inference(gaussian, blobs):
    fit = inference.fit(zoo.load("gaussian_mixture", "pyro", K=3), blobs, "em", seed=0)
    np.testing.assert_array_equal(gaussian.predict_proba(blobs), fit.local()["z"])
    np.testing.assert_array_equal(gaussian.transform(blobs), fit.local()["z"])
    np.testing.assert_array_equal(gaussian.predict(blobs), fit.predict()["z"])
    np.testing.assert_allclose(gaussian.score_samples(blobs), fit.log_likelihood(), rtol=1e-12)
    np.testing.assert_array_equal(gaussian.mu_, fit.params["mu"])
    np.testing.assert_allclose(gaussian.Sigma_, np.linalg.inv(fit.params["Lambda"]))
    assert gaussian.n_iter_ == fit.diagnostics["iterations"]
    assert gaussian.converged_


def test_the_mixture_has_the_likelihood_of_scikit_learns(gaussian, blobs):
    peer = mixture.GaussianMixture(3, tol=1e-10, reg_covar=0, random_state=0).fit(blobs)
    assert gaussian.score(blobs) == pytest.approx(peer.score(blobs), abs=1e-9)
    assert gaussian.fit_predict(blobs).shape == (60,)


@pytest.mark.parametrize(
    ("name", "peer"),
    [
        ("FactorAnalysis", decomposition.FactorAnalysis(1, tol=1e-12, max_iter=20_000, svd_method="lapack")),
        ("ProbabilisticPCA", decomposition.PCA(1)),
    ],
)
def test_factor_models_have_the_likelihood_of_scikit_learns(name, peer):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 1)) @ rng.normal(size=(1, 4)) + 0.5 * rng.normal(size=(80, 4))
    ours = getattr(estimators, name)(Z=1, tol=1e-12).fit(x)
    # scikit-learn's PCA takes the variances over N - 1 rows
    x_peer = x if name == "FactorAnalysis" else x.mean(0) + (x - x.mean(0)) * np.sqrt(79 / 80)
    assert ours.score(x) == pytest.approx(peer.fit(x_peer).score(x), abs=1e-6)
    z, z_peer = ours.transform(x)[:, 0], peer.transform(x)[:, 0]
    assert abs(np.corrcoef(z, z_peer)[0, 1]) == pytest.approx(1, abs=1e-6)


def test_weights_equal_copies_from_one_start(blobs):
    start = {"pi": np.ones(2) / 2, "mu": blobs[[0, 30]], "Lambda": np.tile(np.eye(2), (2, 1, 1))}
    weights = np.arange(60) % 3
    estimator = estimators.GaussianMixture(K=2, backend="pyro", start=start, tol=1e-12)
    copies = clone(estimator).fit(blobs.repeat(weights, axis=0))
    weighted = clone(estimator).fit(blobs, sample_weight=weights)
    np.testing.assert_allclose(weighted.predict_proba(blobs), copies.predict_proba(blobs), atol=1e-9)


def test_a_pipeline_in_a_search_finds_the_number_of_components(blobs):
    estimator = estimators.GaussianMixture(backend="pyro", covariance="diag", objective="map", random_state=0)
    search = GridSearchCV(make_pipeline(StandardScaler(), estimator), {"gaussianmixture__K": [1, 2, 3]}, cv=3)
    order = np.random.default_rng(0).permutation(60)
    search.fit(blobs[order])
    assert search.best_params_ == {"gaussianmixture__K": 3}
    assert search.predict(blobs).shape == (60,)


def test_names_of_columns_are_those_of_the_frame(blobs):
    frame = pd.DataFrame(blobs, columns=["length", "width"])
    estimator = clone(estimators.ProbabilisticPCA(Z=1, random_state=0)).set_output(transform="pandas").fit(frame)
    assert list(estimator.feature_names_in_) == ["length", "width"]
    assert estimator.fit_.columns == {"x": ("length", "width")}
    assert list(estimator.transform(frame).columns) == ["probabilisticpca0"]
    with pytest.raises(ValueError, match="feature names should match"):
        estimator.transform(frame[["width", "length"]])


def test_missing_values_are_left_out(blobs):
    x = np.column_stack([blobs, blobs[:, :1] + 0.1 * blobs[:, 1:]])
    x[3, 1] = x[40, 2] = np.nan
    estimator = estimators.FactorAnalysis(Z=1, objective="map", max_iter=5000).fit(x)
    np.testing.assert_allclose(estimator.transform(x), estimator.fit_.local()["z"].mean)
    assert np.isfinite(estimator.score_samples(x)).all()
    with pytest.raises(ValueError, match="NaN"):
        estimators.GaussianMixture(backend="pyro").fit(x)


def test_samples_have_the_moments_of_the_mixture(gaussian):
    x, labels = gaussian.sample(3000)
    assert x.shape == (3000, 2)
    shares = np.bincount(labels, minlength=3) / 3000
    np.testing.assert_allclose(shares, gaussian.pi_, atol=5 * np.sqrt(0.25 / 3000))
    for k in range(3):
        np.testing.assert_allclose(x[labels == k].mean(0), gaussian.mu_[k], atol=5 * 1.5 / np.sqrt(3000 / 3.5))
    with pytest.raises(ZooError, match="n_samples is a whole number from 1 up"):
        gaussian.sample(0)


@pytest.mark.slow
def test_topics_of_sparse_counts(documents):
    counts = documents.sparse()
    estimator = estimators.LatentDirichlet(K=2, random_state=0, threads=1).fit(counts)
    theta = estimator.transform(counts)
    np.testing.assert_array_equal(theta, inference.topics.mixtures(estimator.fit_, documents))
    np.testing.assert_allclose(estimator.transform(counts.toarray()), theta)
    left_to_right = inference.topics.perplexity(estimator.fit_, documents, method="left_to_right")
    assert estimator.score(counts) == pytest.approx(left_to_right.nats_per_token)
    np.testing.assert_array_equal(estimator.score_samples(counts), left_to_right.log_likelihood)
    assert estimator.sample(3).shape == (3, 12)
    assert estimator.phi_.shape == (2, 12)
    assert sp.issparse(counts)


def test_the_names_of_the_columns_are_the_words_of_topics():
    texts = ["law court judge law", "rain sun wind", "court judge", "sun wind rain sun"] * 5
    vectorizer = CountVectorizer()
    frame = pd.DataFrame(vectorizer.fit_transform(texts).toarray(), columns=vectorizer.get_feature_names_out())
    estimator = estimators.LatentDirichlet(K=2, random_state=0, threads=1).fit(frame)
    words = inference.topics.top_words(estimator.fit_, top=3)["word"]
    assert set(words) == set(vectorizer.get_feature_names_out())


def test_a_model_of_one_column_takes_no_more():
    x = np.random.default_rng(0).poisson([2.0, 30.0], (20, 2)).reshape(-1, 1)
    estimator = estimators.PoissonMixture(backend="pyro", random_state=0).fit(x)
    np.testing.assert_allclose(np.sort(estimator.rate_), [2.0, 30.0], rtol=0.3)
    with pytest.raises(ValueError, match="PoissonMixture takes one column; given 2 features"):
        estimator.fit(x.reshape(-1, 2))


def test_options_belong_to_their_engine(blobs):
    with pytest.raises(ZooError, match="no option of svi 'max_iter'"):
        estimators.GaussianMixture(backend="pyro", engine="svi", max_iter=5).fit(blobs)


@pytest.mark.slow
def test_score_samples_average_the_density_over_draws(blobs):
    options = {"num_steps": 3, "num_draws": 20}
    estimator = estimators.GaussianMixture(K=1, backend="pyro", engine="svi", options=options, random_state=0)
    with pytest.warns(ConvergenceWarning):
        estimator.fit(blobs)
    by_draw = estimator.fit_.log_likelihood(blobs)
    assert by_draw.shape == (1, 20, 60)
    np.testing.assert_allclose(estimator.score_samples(blobs), np.log(np.exp(by_draw).mean((0, 1))))
    assert estimator.predict_proba(blobs).shape == (60, 1)


def test_a_fit_that_stopped_early_warns(blobs):
    with pytest.warns(ConvergenceWarning, match="em stopped before it converged"):
        estimators.FactorAnalysis(Z=1, max_iter=1).fit(blobs)


def test_pickles_predict_the_same(gaussian, blobs):
    again = pickle.loads(pickle.dumps(gaussian))
    np.testing.assert_array_equal(again.predict_proba(blobs), gaussian.predict_proba(blobs))
    assert type(again) is estimators.GaussianMixture


def test_an_estimator_that_is_not_fitted_says_so(blobs):
    for method in ("predict", "transform", "score_samples"):
        with pytest.raises(NotFittedError):
            getattr(estimators.GaussianMixture(), method)(blobs)
    with pytest.raises(NotFittedError):
        estimators.GaussianMixture().sample()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SMALL, "LatentClass", "PoissonMixture"])
def test_both_backends_agree(name, documents):
    rng = np.random.default_rng(0)
    x = {"LatentDirichlet": documents.sparse(), "PoissonMixture": rng.poisson([[2.0], [30.0]] * 20)}.get(name)
    binary = (rng.random((40, 4)) < [[0.9] * 4, [0.1] * 4] * 20).astype(float)
    x = binary if name == "LatentClass" else rng.normal(size=(40, 3)) * [3, 1, 1] if x is None else x
    keywords = {**SMALL.get(name, {}), "random_state": 0, "max_iter": 5000}
    fits = [getattr(estimators, name)(backend=b, **keywords).fit(x) for b in zoo.BACKENDS]
    np.testing.assert_allclose(fits[0].score(x), fits[1].score(x), atol=1e-5)
