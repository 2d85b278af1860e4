"""Columns are matched by name: order makes no difference, and tables and messages use the names."""

import json

import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
import pyro
import pyro.distributions
import pytest
import torch

import inference
import zoo

NAMES = ["age", "dose", "weight"]
RNG = np.random.default_rng(0)
X = pd.DataFrame(
    RNG.normal(size=(60, 1)) @ [[1.0, 2.0, -1.0]] + RNG.normal(size=(60, 3)) * [0.3, 1, 2] + 5, columns=NAMES
)
MIXED = X[["weight", "age", "dose"]]
OTHER = X.rename(columns={"dose": "rate"})


@pytest.fixture(scope="module", params=zoo.BACKENDS)
def mixture(request):
    return inference.fit(zoo.load("gaussian_mixture", request.param, K=2), X, engine="em", max_iter=5)


@pytest.fixture(scope="module")
def factors():
    return inference.fit(zoo.load("factor_analysis", Z=1), X, engine="em")


def test_the_order_of_columns_makes_no_difference(mixture):
    np.testing.assert_array_equal(mixture.log_likelihood(MIXED), mixture.log_likelihood(X))
    np.testing.assert_array_equal(mixture.local(MIXED)["z"], mixture.local(X)["z"])
    np.testing.assert_array_equal(mixture.predict(MIXED)["z"], mixture.predict()["z"])
    np.testing.assert_array_equal(mixture.log_likelihood(X.to_numpy()), mixture.log_likelihood())  # by position


def test_the_order_of_columns_makes_no_difference_to_scores_and_imputation(factors):
    pd.testing.assert_frame_equal(inference.factors.scores(factors, data=MIXED), inference.factors.scores(factors))
    gap = X.copy()
    gap.loc[3, "dose"] = np.nan
    expected, imputed = (inference.factors.impute(factors, d) for d in (gap, gap[MIXED.columns]))
    pd.testing.assert_frame_equal(imputed, expected)
    assert list(imputed["column"]) == ["dose"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (OTHER, "without dose and with rate, which the fit does not have"),
        (X[["age", "dose"]], "without weight"),
        (X.assign(more=1.0), "with more, which the fit does not have"),
    ],
)
def test_other_names_are_refused(mixture, data, words):
    with pytest.raises(zoo.ZooError, match=words) as caught:
        mixture.log_likelihood(data)
    assert "age, dose, weight" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_columns_numbered_by_pandas_have_no_names(mixture):
    numbered = pd.DataFrame(X.to_numpy())
    np.testing.assert_array_equal(mixture.log_likelihood(numbered), mixture.log_likelihood())
    fit = inference.fit(zoo.load("gaussian_mixture", K=1), numbered, engine="em")
    np.testing.assert_array_equal(fit.log_likelihood(numbered[[2, 0, 1]]), fit.log_likelihood(X))
    assert "mu[0,2]" in fit.summary().index


def test_summaries_and_loadings_use_the_names(mixture, factors):
    assert {"mu[0,dose]", "Sigma[1,weight,age]"} <= set(mixture.summary().index)
    assert list(inference.factors.loadings(factors).index) == NAMES
    assert list(mixture.to_arviz().posterior.coords["D"].values) == NAMES


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (X.assign(dose=np.nan), "row 0, column dose and more is missing"),
        (X.assign(dose=4.0), "column dose of x is constant"),
        (X.assign(dose=[np.inf] * 60), "row 0, column dose and more is infinite"),
    ],
)
def test_messages_use_the_names(data, words):
    with pytest.raises(zoo.ZooError, match=words):
        inference.fit(zoo.load("gaussian_mixture", K=2), data, engine="em")


def test_messages_of_factor_models_use_the_names():
    double = X.assign(copy=X["dose"] * 2)
    with pytest.raises(zoo.ZooError, match="columns dose, copy determine each other"):
        inference.fit(zoo.load("factor_analysis", Z=1), double, engine="em")
    with pytest.raises(zoo.ZooError, match="column dose of x is missing throughout"):
        inference.fit(zoo.load("factor_analysis", Z=1), X.assign(dose=np.nan), engine="em")


def test_a_saved_fit_keeps_the_names(mixture, tmp_path):
    mixture.save(tmp_path / "fit")
    loaded = inference.load(tmp_path / "fit")
    assert loaded.columns == {"x": tuple(NAMES)}
    np.testing.assert_array_equal(loaded.log_likelihood(MIXED), mixture.log_likelihood())
    plain = json.loads((tmp_path / "fit" / "fit.json").read_text())
    plain.pop("columns")  # as fits of earlier versions are
    (tmp_path / "fit" / "fit.json").write_text(json.dumps(plain))
    assert not inference.load(tmp_path / "fit").columns


def test_names_twice_are_taken_in_order_alone():
    twice = X.set_axis(["a", "a", "b"], axis=1)
    fit = inference.fit(zoo.load("gaussian_mixture", K=1), twice, engine="em")
    np.testing.assert_array_equal(fit.log_likelihood(twice), fit.log_likelihood())
    with pytest.raises(zoo.ZooError, match="a names two columns"):
        fit.log_likelihood(twice.iloc[:, [2, 0, 1]])


def regression_in_numpyro(X, y=None):
    beta = numpyro.sample("beta", dist.Normal(0, 1).expand([3]).to_event(1))
    with numpyro.plate("rows", len(X)):
        numpyro.sample("y", dist.Normal(X @ beta, 1.0), obs=y)


def regression_in_pyro(X, y=None):
    beta = pyro.sample("beta", pyro.distributions.Normal(torch.zeros(3), 1.0).to_event(1))
    with pyro.plate("rows", len(X)):
        pyro.sample("y", pyro.distributions.Normal(X @ beta, 1.0), obs=y)


@pytest.mark.parametrize(("program", "backend"), [(regression_in_numpyro, "numpyro"), (regression_in_pyro, "pyro")])
def test_covariates_of_a_program_are_matched_by_name(program, backend):
    y = X.to_numpy() @ [1.0, -1.0, 0.5]
    fit = inference.fit(zoo.Model(program, backend=backend), X, y, engine="em", objective="map")
    expected = fit.log_likelihood({"X": X.iloc[:40], "y": y[:40]})
    np.testing.assert_array_equal(fit.log_likelihood({"X": MIXED.iloc[:40], "y": y[:40]}), expected)
    with pytest.raises(zoo.ZooError, match="X: the columns are not those of the fit"):
        fit.log_likelihood({"X": OTHER, "y": y})


def test_encoders_match_words_and_columns_by_name():
    words = ["law", "court", "rain", "sun"]
    counts = RNG.poisson(3, size=(30, 4))
    options = {"engine": "svi", "num_steps": 2, "batch_size": 10}
    fit = inference.fit(zoo.load("prod_lda", K=2), pd.DataFrame(counts, columns=words), **options)
    expected = inference.latents.encode(fit, pd.DataFrame(counts, columns=words)).mean
    mixed = inference.latents.encode(fit, pd.DataFrame(counts[:, ::-1], columns=words[::-1])).mean
    np.testing.assert_allclose(mixed, expected)
