"""Tables with words as rows of latent classes, and the questions to such fits: profiles, imputation, coefficients."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import inference
import zoo
from inference import classes
from tests.table import BACKENDS
from tests.test_cli import run_zoo
from zoo import columns

RNG = np.random.default_rng(0)
N = 120
Z = RNG.integers(2, size=N)
FRAME = pd.DataFrame(
    {
        "work": pd.Categorical(np.where(RNG.random(N) < 0.8, np.where(Z == 1, "state", "private"), "none")),
        "hours": RNG.normal(40 - 15.0 * Z, 5.0),
        "member": RNG.random(N) < 0.2 + 0.6 * Z,
        "visits": RNG.poisson(np.where(Z == 0, 2.0, 8.0)),
        "age": 40 + 10 * RNG.normal(size=N) + 8 * Z,
    }
)
FRAME.loc[3, "work"] = None
FRAME.loc[4, "hours"] = np.nan
FRAME["visits"] = FRAME["visits"].astype(float)
FRAME.loc[4, "visits"] = np.nan
READ = columns.read(FRAME, counts=["visits"], covariates=["age"])
MIXED = FRAME[["age", "visits", "work", "member", "hours"]].assign(other="word")


def mixed(backend: str = "pyro", **settings: Any) -> zoo.Model:
    return zoo.load("mixed_latent_class", backend, K=2, columns=READ, **settings)


@pytest.fixture(scope="module")
def fit():
    return inference.fit(mixed(), FRAME, engine="em", tol=1e-10)


def test_the_kinds_of_columns_are_read():
    assert READ.levels == (3, 0, 2, "count", "covariate")
    assert columns.read(FRAME).levels == (3, 0, 2, 0, 0)
    x = READ.encode(FRAME)
    np.testing.assert_array_equal(columns.read(READ.decode(x), ["visits"], ["age"]).encode(READ.decode(x)), x)
    smoker = FRAME.assign(smoker=RNG.random(N) < 0.5)
    assert set(np.unique(columns.read(smoker, covariates=["smoker"]).encode(smoker)[:, 5])) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ({"counts": ["vists"]}, "no column 'vists'; did you mean 'visits'"),
        ({"counts": ["work"]}, "column work has other values than numbers"),
        ({"covariates": ["work"]}, "column work is a covariate, and has words"),
        ({"counts": ["age"], "covariates": ["age"]}, "column age is a count or a covariate, not both"),
    ],
)
def test_kinds_that_columns_cannot_have(names, line):
    with pytest.raises(zoo.ZooError) as caught:
        columns.read(FRAME, **names)
    assert line in str(caught.value)


@pytest.mark.parametrize("backend", BACKENDS)
def test_tables_with_words_are_fitted_as_their_codes(backend, fit):
    codes = inference.fit(
        zoo.load("mixed_latent_class", backend, K=2, columns=READ.levels), READ.encode(FRAME), engine="em", tol=1e-10
    )
    np.testing.assert_allclose(codes.trace[-1], fit.trace[-1], rtol=1e-9)
    words = fit if backend == "pyro" else inference.fit(mixed(backend), FRAME, engine="em", tol=1e-10)
    assert words.trace[-1] == codes.trace[-1]


def test_columns_are_matched_by_name(fit):
    np.testing.assert_array_equal(fit.local(MIXED)["z"], fit.local()["z"])
    np.testing.assert_array_equal(fit.log_likelihood(MIXED), fit.log_likelihood())
    assert (fit.predict(MIXED.iloc[:5])["z"] == fit.predict()["z"][:5]).all()
    labels = fit.predict()["z"] == Z
    assert max(labels.mean(), 1 - labels.mean()) > 0.9
    with pytest.raises(zoo.ZooError, match="no level of column work 'stat'; did you mean 'state'"):
        fit.local(FRAME.assign(work="stat"))
    with pytest.raises(zoo.ZooError, match="row 2 has no value of the covariate age"):
        fit.local(FRAME.assign(age=np.where(np.arange(N) == 2, np.nan, 1.0)))
    with pytest.raises(zoo.ZooError, match="the table has no column age"):
        fit.local(FRAME.drop(columns="age"))


def test_summaries_have_the_names_of_items_and_categories(fit):
    index = set(fit.summary().index)
    assert {"pi[0]", "mu[1,hours]", "Sigma[0,hours]", "rate[0,visits]", "beta[age,1]"} <= index
    assert {"theta0[0,work=none]", "theta0[1,work=state]", "theta2[0,member=True]"} <= index
    assert len(index) == 2 + 2 + 2 + 2 + 2 + 6 + 4
    posterior = fit.to_arviz().posterior
    assert list(posterior["theta0"].coords["theta0_dim_1"].values) == ["work=none", "work=private", "work=state"]
    numbered = inference.fit(zoo.load("mixed_latent_class", "pyro", K=2, columns=(2, 0)), X2, engine="em", max_iter=2)
    assert {"theta0[0,a=1]", "mu[1,b]"} <= set(numbered.summary().index)


X2 = pd.DataFrame({"a": (RNG.random(40) < 0.5) * 1.0, "b": RNG.normal(size=40)})


def test_a_saved_fit_takes_tables_too(fit, tmp_path):
    loaded = inference.load(fit.save(tmp_path / "fit"))
    assert loaded.model.settings["columns"] == READ
    np.testing.assert_array_equal(loaded.log_likelihood(MIXED), fit.log_likelihood())
    assert list(loaded.summary().index) == list(fit.summary().index)


def test_levels_that_files_do_not_hold_are_refused(tmp_path):
    bins = pd.DataFrame({"a": pd.cut(FRAME["age"], 2)})
    one = inference.fit(
        zoo.load("mixed_latent_class", "pyro", K=1, columns=columns.read(bins)), bins, engine="em", max_iter=1
    )
    with pytest.raises(zoo.ZooError, match="column a has levels of type Interval"):
        one.save(tmp_path / "fit")


def test_profiles_are_the_parameters_by_name(fit):
    table = classes.profiles(fit)
    np.testing.assert_allclose(table.loc[("class", "size")], fit.params["pi"])
    np.testing.assert_allclose(table.loc[("work", "state")], fit.params["theta0"][:, 2])
    np.testing.assert_allclose(table.loc[("hours", "sd")], fit.params["Lambda"][:, 0] ** -0.5)
    np.testing.assert_allclose(table.loc[("visits", "mean")], fit.params["rate"][:, 0])
    assert "age" not in table.index.get_level_values("column")


def test_missing_values_are_mixtures_over_the_classes(fit):
    r = fit.local()["z"]
    table = classes.impute(fit).set_index(["row", "column"])
    assert set(table.index) == {(3, "work"), (4, "hours"), (4, "visits")}
    p = r[3] @ fit.params["theta0"]
    assert table.loc[(3, "work"), "value"] == ["none", "private", "state"][p.argmax()]
    np.testing.assert_allclose(table.loc[(3, "work"), "probability"], p.max())
    mean, variance = fit.params["mu"][:, 0], 1 / fit.params["Lambda"][:, 0]
    np.testing.assert_allclose(table.loc[(4, "hours"), "value"], r[4] @ mean)
    sd = np.sqrt(r[4] @ (variance + mean**2) - (r[4] @ mean) ** 2)
    np.testing.assert_allclose(table.loc[(4, "hours"), "sd"], sd)
    rate = fit.params["rate"][:, 0]
    np.testing.assert_allclose(table.loc[(4, "visits"), "value"], r[4] @ rate)
    full = classes.fill_missing(fit)
    assert not np.isnan(full).any()
    assert full[3, 0] == p.argmax()
    np.testing.assert_array_equal(full[5:], READ.encode(FRAME)[5:])
    assert classes.impute(fit, FRAME.iloc[10:12]).empty


def test_answers_of_latent_class_are_imputed_at_draws():
    x = (RNG.random((60, 3)) < 0.3 + 0.4 * Z[:60, None]).astype(float)
    x[5, 1] = np.nan
    point = inference.fit(zoo.load("latent_class", "pyro", K=2), x, engine="em", objective="map", max_iter=20)
    expected = point.local()["z"][5] @ point.params["theta"][:, 1]
    row = classes.impute(point).iloc[0]
    np.testing.assert_allclose(row["probability"], max(expected, 1 - expected))
    assert row["value"] == (expected > 0.5)
    draws = inference.fit(zoo.load("latent_class", "pyro", K=2), x, engine="svi", num_steps=20, num_draws=50)
    z, theta = draws.aligned()["pi"], draws.aligned()["theta"]
    own = np.nan_to_num(x[5]) * theta[0] + (1 - np.nan_to_num(x[5])) * (1 - theta[0])
    joint = z[0] * own[..., [0, 2]].prod(-1)
    yes = ((joint / joint.sum(-1, keepdims=True)) * theta[0, ..., 1]).sum(-1).mean()
    np.testing.assert_allclose(classes.impute(draws).iloc[0]["probability"], max(yes, 1 - yes), rtol=1e-5)


def test_coefficients_are_log_odds_in_the_units_of_the_covariates(fit):
    table = classes.coefficients(fit, reference=1)
    assert list(table.index) == ["intercept", "age"]
    assert list(table.columns) == [0]
    ages = np.array([[20.0], [60.0]])
    x = np.full((2, 5), np.nan)
    x[:, [4]] = ages
    z = fit.local(x)["z"]  # nothing but the covariate is known
    np.testing.assert_allclose(
        np.log(z[:, 0] / z[:, 1]), table.loc["intercept", 0] + table.loc["age", 0] * ages[:, 0], rtol=1e-8
    )
    months = inference.fit(mixed(), FRAME.assign(age=12 * FRAME["age"]), engine="em", tol=1e-10)
    np.testing.assert_allclose(classes.coefficients(months, reference=1).loc["age"], table.loc["age"] / 12, rtol=1e-4)
    with pytest.raises(zoo.ZooError, match="reference is a class from 0 to 1; given 2"):
        classes.coefficients(fit, reference=2)


def test_other_models_have_no_classes(old_faithful):
    mixture = inference.fit(zoo.load("gaussian_mixture", "pyro", K=2), old_faithful, engine="em", max_iter=2)
    with pytest.raises(zoo.ZooError, match="these models have: latent_class, mixed_latent_class"):
        classes.impute(mixture)
    plain = inference.fit(zoo.load("mixed_latent_class", "pyro", K=2), old_faithful, engine="em", max_iter=2)
    with pytest.raises(zoo.ZooError, match="was fitted without covariates"):
        classes.coefficients(plain)
    assert list(classes.profiles(plain, columns=["a", "b"]).index)[:2] == [("class", "size"), ("a", "mean")]


def test_the_command_names_the_kinds_of_columns(tmp_path):
    pd.DataFrame(READ.encode(FRAME), columns=list(READ.names)).to_csv(tmp_path / "codes.csv", index=False)
    settings = ["--set", "K=2", "--set", "columns=3,0,2,count,covariate", "--backend", "pyro", "--engine", "em"]
    result = run_zoo(
        "fit", "mixed_latent_class", "--data", tmp_path / "codes.csv", *settings, "--out", tmp_path / "fit"
    )
    assert "theta0[0,work=2]" in result.stdout
    assert "beta[age,1]" in result.stdout
    run_zoo("impute", tmp_path / "fit", "--out", tmp_path / "filled.csv")
    filled = pd.read_csv(tmp_path / "filled.csv")
    assert not filled.isna().any(axis=None)
    run_zoo("impute", tmp_path / "fit", "--cells", "--out", tmp_path / "cells.csv")
    cells = pd.read_csv(tmp_path / "cells.csv").set_index(["row", "column"])
    assert cells.loc[(4, "hours"), "value"] == filled.loc[4, "hours"]
