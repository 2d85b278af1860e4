"""Reading a user's program: names, rows, static arrays, missing values, learned parameters, and errors in one line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference.structure import describe_density
from tests.table import BACKENDS
from tests.user_programs import BY_NAME
from tests.user_programs.truths.reference import Moments
from zoo._backend import backend_of


def language(backend: str) -> Any:
    """The statements and distributions of a backend under the same names."""
    if backend == "numpyro":
        import jax.numpy as xp
        import numpyro as ppl
        import numpyro.distributions as dist

        return SimpleNamespace(ppl=ppl, dist=dist, zeros=xp.zeros, ones=xp.ones, eye=xp.eye)
    import pyro as ppl  # type: ignore[no-redef]
    import pyro.distributions as dist  # type: ignore[no-redef]
    import torch

    return SimpleNamespace(ppl=ppl, dist=dist, zeros=torch.zeros, ones=torch.ones, eye=torch.eye)


def read(program, backend, *args, **kwargs):
    return zoo.read(zoo.Model(program, backend=backend), *args, **kwargs)


def lines(model):
    return {n: str(s) for n, s in model.card.sites().items()}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_plate_called_k_is_not_a_mixture(backend):
    """Coefficients in a plate called K keep their order in the parameters: exact posterior means in closed form."""
    program = BY_NAME["plated_regression"]
    truth = program.truth() if program.truth else None
    assert isinstance(truth, Moments)
    args, kwargs = program.arguments()
    model = zoo.Model(program.load(backend), backend=backend)
    fit = inference.fit(model, *args, engine="em", objective="map", **kwargs)
    np.testing.assert_allclose(
        fit.params["b"], truth.mean["b"], atol=1e-3
    )  # of a normal posterior the mode is the mean
    assert list(fit.summary().index) == ["b[0]", "b[1]", "b[2]"]
    assert fit.to_arviz()["posterior"]["b"].dims == ("chain", "draw", "K")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_size_that_is_written_out_is_not_the_number_of_rows(backend):
    here = language(backend)

    def program(x):
        w = here.ppl.sample("w", here.dist.Normal(0.0, 1.0).expand([7]).to_event(1))
        with here.ppl.plate("observations", len(x)):
            here.ppl.sample("y", here.dist.Normal(w.sum(), 1.0), obs=x)

    model = read(program, backend, np.zeros(7))
    assert lines(model) == {"w": "real [w_dim_0]", "y": "real [N]"}
    assert model.card.dim_names == {"N": "observations"}
    # every entry has the same part in the sum: these can be exchanged, and the rows cannot
    assert describe_density(model).card.exchangeable == ("w_dim_0",)


@pytest.mark.parametrize("backend", BACKENDS)
def test_equal_sizes_and_crossed_plates_keep_their_names(backend):
    here = language(backend)

    def program(scores):
        people, items = scores.shape
        outer, inner = here.ppl.plate("people", people, dim=-2), here.ppl.plate("items", items, dim=-1)
        with outer:
            ability = here.ppl.sample("ability", here.dist.Normal(0.0, 1.0))
        with inner:
            difficulty = here.ppl.sample("difficulty", here.dist.Normal(0.0, 1.0))
        with outer, inner:
            here.ppl.sample("score", here.dist.Normal(ability - difficulty, 1.0), obs=scores)

    model = read(program, backend, np.arange(16.0).reshape(4, 4))
    assert lines(model)["difficulty"] == "real [items]"
    assert lines(model)["score"] == "real [N items]"
    assert model.reading.rows.plate == "people"
    assert read(program, backend, np.zeros((4, 3)), rows="items").reading.rows.size == 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_learned_is_maximised_and_never_frozen(backend):
    here = language(backend)
    y = 1.5 + 0.5 * np.random.default_rng(0).standard_normal(40)

    def program(y):
        mu = here.ppl.param("mu", here.zeros(()))
        sigma = here.ppl.sample("sigma", here.dist.Exponential(1.0))
        with here.ppl.plate("n", len(y)):
            here.ppl.sample("y", here.dist.Normal(mu, sigma), obs=y)

    model = zoo.Model(program, backend=backend)
    fit = inference.fit(model, y, engine="em", objective="ml")
    np.testing.assert_allclose(fit.params["mu"], y.mean(), atol=1e-4)
    np.testing.assert_allclose(fit.params["sigma"], y.std(), rtol=1e-3)
    with pytest.raises(zoo.Refusal, match="mu is learned without a prior"):
        inference.fit(model, y, engine="nuts")


@pytest.mark.parametrize("backend", BACKENDS)
def test_em_maximises_the_posterior_where_the_likelihood_does_not_see_a_latent(backend):
    here = language(backend)
    group = np.repeat(np.arange(4), 5)
    y = group + np.random.default_rng(0).standard_normal(20)

    def program(group, y):
        mu = here.ppl.sample("mu", here.dist.Normal(0.0, 5.0))
        with here.ppl.plate("groups", 4):
            a = here.ppl.sample("a", here.dist.Normal(mu, 1.0))
        with here.ppl.plate("rows", len(y)):
            here.ppl.sample("y", here.dist.Normal(a[group], 1.0), obs=y)

    model = zoo.Model(program, backend=backend)
    # normal throughout: the mode is the mean, in closed form
    design = np.column_stack([np.zeros(4), np.eye(4)])[group]
    prior = np.diag([1 / 25, 0, 0, 0, 0]) + sum(np.outer(c, c) for c in np.eye(5)[1:] - np.eye(5)[0])
    mode = np.linalg.solve(prior + design.T @ design, design.T @ y)
    for seed in (0, 1):
        fit = inference.fit(model, group, y, engine="em", seed=seed)
        np.testing.assert_allclose([fit.params["mu"], *fit.params["a"]], mode, atol=2e-3)
    with pytest.raises(zoo.ZooError, match="likelihood does not depend on mu"):
        inference.fit(model, group, y, engine="em", objective="ml")


@pytest.mark.parametrize("backend", BACKENDS)
def test_missing_values_have_no_part_in_the_density(backend):
    here = language(backend)
    x, y = np.arange(6.0), np.array([0.5, np.nan, 2.0, 3.5, np.nan, 5.0])

    def program(x, y=None):
        b = here.ppl.sample("b", here.dist.Normal(0.0, 1.0))
        with here.ppl.plate("n", len(x)):
            here.ppl.sample("y", here.dist.Normal(b * x, 1.0), obs=y)

    present = np.isfinite(y)
    masked = np.ma.masked_invalid(y)
    for values in (y, masked):
        model = read(program, backend, x, values)
        complete = read(program, backend, x[present], y[present])
        np.testing.assert_allclose(
            model.log_joint({"b": np.array(0.7)}), complete.log_joint({"b": np.array(0.7)}), rtol=1e-12
        )
        assert model.card.missing == ("y",)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_part_of_the_rows_counts_for_all(backend):
    here = language(backend)
    x, y = np.arange(8.0), np.arange(8.0) + 0.5

    def program(x, y=None):
        b = here.ppl.sample("b", here.dist.Normal(0.0, 1.0))
        with here.ppl.plate("n", x.shape[0]):
            here.ppl.sample("y", here.dist.Normal(b * x, 1.0), obs=y)

    model = read(program, backend, x, y)
    b = {"b": np.array(0.7)}
    prior = -0.5 * 0.49 - 0.5 * np.log(2 * np.pi)
    half = backend_of(model).log_joint(model.program, {"N": 8, "x": x[:4], "y": y[:4]}, b)
    rest = backend_of(model).log_joint(model.program, {"N": 8, "x": x[4:], "y": y[4:]}, b)
    np.testing.assert_allclose((half + rest) / 2 - prior, model.log_joint(b) - prior, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_tables_keep_the_names_of_their_columns_and_integers_stay_integers(backend):
    import pandas as pd

    here = language(backend)

    def program(X, county, y):
        assert "int" in str(county.dtype)
        b = here.ppl.sample("b", here.dist.Normal(here.zeros(X.shape[1]), 1.0).to_event(1))
        with here.ppl.plate("counties", 3):
            a = here.ppl.sample("a", here.dist.Normal(0.0, 1.0))
        with here.ppl.plate("n", len(y)):
            here.ppl.sample("y", here.dist.Normal(a[county] + X @ b, 1.0), obs=y)

    X = pd.DataFrame({"age": [1.0, 2, 3, 4], "dose": [0.0, 1, 0, 1]})
    model = read(program, backend, X, np.array([0, 1, 2, 1]), pd.Series([1.0, 2, 3, 4]), dims={"b": ["column"]})
    assert model.card.coords["X_dim_1"] == ["age", "dose"]
    assert lines(model)["b"] == "real [column]"
    assert model.reading.rows.entries == ("X", "county", "y")


@pytest.mark.parametrize("backend", BACKENDS)
def test_many_arrays_that_go_with_the_rows_are_told_from_one_that_does_not(backend):
    """Ten covariates of N rows, and a prior scale for each of as many coefficients."""
    here = language(backend)

    def program(scales, y, **columns):
        b = here.ppl.sample("b", here.dist.Normal(here.zeros(len(scales)), scales).to_event(1))
        mean = sum(b[i] * column for i, column in enumerate(columns.values()))
        with here.ppl.plate("rows", len(y)):
            here.ppl.sample("y", here.dist.Normal(mean, 1.0), obs=y)

    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=10) for i in range(10)}
    model = read(program, backend, np.ones(10), rng.normal(size=10), **columns)
    assert set(model.reading.rows.entries) == {"y", *columns}


def program_that_raises(y):
    raise KeyError("no such column")


@pytest.mark.parametrize("backend", BACKENDS)
def test_mistakes_are_told_in_one_line(backend):
    here = language(backend)

    def program(x, y=None):
        b = here.ppl.sample("b", here.dist.Normal(0.0, 1.0))
        with here.ppl.plate("n", len(x)):
            here.ppl.sample("y", here.dist.Normal(b * x, 1.0), obs=y)

    def twice(y):
        here.ppl.sample("b", here.dist.Normal(0.0, 1.0))
        b = here.ppl.sample("b", here.dist.Normal(0.0, 1.0))
        with here.ppl.plate("n", len(y)):
            here.ppl.sample("y", here.dist.Normal(b, 1.0), obs=y)

    def silent(y):
        here.ppl.sample("b", here.dist.Normal(0.0, 1.0))

    def joint(y):
        mu = here.ppl.sample("mu", here.dist.Normal(0.0, 1.0))
        with here.ppl.plate("n", len(y)):
            here.ppl.sample("y", here.dist.MultivariateNormal(mu + here.zeros(2), here.eye(2)), obs=y)

    x = np.arange(4.0)
    for call, words in {
        (lambda: zoo.read(zoo.Model(program), x, x)): "in which language is program written?",
        (lambda: read(joint, backend, np.array([[1.0, 2.0], [np.nan, 3.0]]))): "y misses a part of an event",
        (lambda: zoo.read(program, x, x)): "read takes zoo.Model(program, backend=...); given program",  # type: ignore
        (lambda: read(program, backend)): "program needs x",
        (lambda: read(program, backend, x, x, x)): "takes 2 positional arguments",
        (lambda: read(program, backend, x, z=x)): "no argument of program 'z'",
        (lambda: read(program, backend, x)): "observes nothing",
        (lambda: read(program, backend, x, np.arange(3.0))): "(3,)",
        (lambda: read(program_that_raises, backend, x)): "no such column",
        (lambda: read(silent, backend, x)): "observes nothing",
        (lambda: read(twice, backend, x)): "cannot run on this data",
        (lambda: read(program, backend, np.array(["a", "b"]), x[:2])): "code words as whole numbers",
        (lambda: read(program, backend, x, x, rows="p")): "no plate of the program",
        (lambda: read(program, backend, x, np.full(4, np.nan))): "every value of an observed array is missing",
    }.items():
        with pytest.raises(zoo.ZooError) as caught:
            call()
        message = str(caught.value)
        assert words in message
        assert "\n" not in message
    with pytest.raises(zoo.ZooError) as caught:
        read(program_that_raises, backend, x)
    assert isinstance(caught.value.__cause__, KeyError)
