"""Saved fits of users' own programs: a round trip is exact, and the program is never taken for another."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import inference
import zoo
from inference.result import Fit
from tests.table import SLOW_IN_NUMPYRO
from tests.user_fits import fit_of, fit_with_draws
from tests.user_programs import BY_NAME
from zoo import ZooError

BACKENDS = ("numpyro", "pyro")


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request):
    return request.param


def library(backend):
    """``sample``, ``plate``, the distributions and ``zeros`` of a backend."""
    if backend == "numpyro":
        import jax.numpy as jnp
        import numpyro
        import numpyro.distributions as dist

        return numpyro.sample, numpyro.plate, dist, jnp
    import pyro
    import pyro.distributions as dist
    import torch

    return pyro.sample, pyro.plate, dist, torch


def draws_of(model: zoo.ReadModel) -> Fit:
    """A fit of one chain of two draws, from the program."""
    values = [model.simulate(seed) for seed in range(2)]
    names = [n for n in model.card.latents if n not in model.card.enumerated]
    return fit_of(model, {n: np.stack([v[n] for v in values])[None] for n in names})


def assert_same(one: Fit, other: Fit) -> None:
    """Every array, the card, and what is computed from both are the same."""
    for group in ("data", "params", "draws", "stats", "state"):
        ours, theirs = getattr(one, group), getattr(other, group)
        assert ours.keys() == theirs.keys()
        for name, value in ours.items():
            np.testing.assert_array_equal(value, theirs[name])
            assert value.dtype == theirs[name].dtype
    np.testing.assert_array_equal(one.trace, other.trace)
    assert one.keywords == other.keywords
    assert one.model.card == other.model.card
    mine, yours = one.log_likelihood(kind="conditional"), other.log_likelihood(kind="conditional")
    for name, value in mine.items():
        np.testing.assert_array_equal(value, yours[name])
    xs, ys = one.posterior_predictive(seed=3), other.posterior_predictive(seed=3)
    for name, value in xs.items():
        np.testing.assert_array_equal(value, ys[name])
    pd.testing.assert_frame_equal(one.summary(), other.summary())


@pytest.mark.parametrize("name", ["linear_regression", "item_response", "mixture_of_regressions", "radon", "rats"])
def test_round_trip(name, backend, tmp_path):
    fit = fit_with_draws(name, backend)
    fit.save(tmp_path / "fit")
    model = zoo.Model(BY_NAME[name].load(backend), backend=backend)
    loaded = inference.load(tmp_path / "fit", model=model)
    assert_same(fit, loaded)
    loaded.save(tmp_path / "again")
    assert_same(fit, inference.load(tmp_path / "again", model=model))


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_round_trip_of_a_run(backend, tmp_path):
    (X,), data = BY_NAME["plated_regression"].arguments()
    model = zoo.Model(BY_NAME["plated_regression"].load(backend), backend=backend)
    fit = inference.fit(model, X, engine="svi", num_steps=200, num_draws=50, **data)
    fit.save(tmp_path / "fit")
    loaded = inference.load(tmp_path / "fit", model=model)
    assert_same(fit, loaded)
    assert loaded.options == fit.options
    np.testing.assert_equal(dict(loaded.diagnostics), dict(fit.diagnostics))
    tree, again = fit.to_arviz(), loaded.to_arviz()
    for group in tree.children:
        assert tree[group].dataset.equals(again[group].dataset)
    x = np.ones((2, 3))
    ours, theirs = (f.posterior_predictive({"x": x})["y"] for f in (fit, loaded))
    np.testing.assert_array_equal(ours, theirs)


def test_labels_of_a_mixture_are_aligned_after_loading(backend, tmp_path):
    program, arguments = BY_NAME["mixture_of_regressions"].load(backend), BY_NAME["mixture_of_regressions"].arguments()
    model = inference.structure.describe_density(
        zoo.read(zoo.Model(program, backend=backend), *arguments[0], **arguments[1])
    )
    assert model.card.exchangeable
    fit = draws_of(model)
    fit.save(tmp_path / "fit")
    loaded = inference.load(tmp_path / "fit", model=zoo.Model(program, backend=backend))
    assert_same(fit, loaded)


def test_a_name_of_the_zoo_is_no_model_of_the_zoo(backend, tmp_path):
    sample, plate, dist, _ = library(backend)

    def gaussian_mixture(x):
        mu = sample("mu", dist.Normal(0.0, 1.0))
        with plate("points", len(x)):
            sample("x", dist.Normal(mu, 1.0), obs=x)

    model = zoo.Model(gaussian_mixture, backend=backend)
    fit = draws_of(zoo.read(model, np.arange(4.0)))
    fit.save(tmp_path / "fit")
    with pytest.raises(ZooError, match=r"program of your own.*model="):
        inference.load(tmp_path / "fit")
    with pytest.raises(ZooError, match="has a card"):
        inference.load(tmp_path / "fit", model=zoo.load("gaussian_mixture", backend=backend, K=1))
    assert_same(fit, inference.load(tmp_path / "fit", model=model))


def test_arguments_of_every_plain_type(backend, tmp_path):
    sample, plate, dist, xp = library(backend)
    calls = []

    def program(data, groups, sizes=(2, 3), *, name="a", options=None, scale=1.5, flags=None, **others):
        calls.append((sizes, name, options, scale, flags, others))
        mu = sample("mu", dist.Normal(xp.zeros(sizes[0]), scale).to_event(1))
        with plate("rows", len(data["y"])):
            sample("y", dist.Normal(mu[0] + data["nested"][0] + groups[0], others["noise"]), obs=data["y"])

    data = {"y": np.array([1.0, np.nan, 3.0]), "nested": [np.array([0.5, 0.25, 0.125])]}
    arguments = (data, (np.array([1, 2, 3]), 7), (2, 3))
    others = {"name": "b", "options": {"a": None, 1: [True, "x", (1, 2.5)]}, "flags": [1.0, 2.0], "noise": 0.1 + 0.2}
    model = zoo.Model(program, backend=backend)
    fit = draws_of(zoo.read(model, *arguments, **others))
    fit.save(tmp_path / "fit")
    before = calls[-1]
    loaded = inference.load(tmp_path / "fit", model=model)
    assert_same(fit, loaded)
    assert [repr(v) for v in calls[-1][:4]] == [repr(v) for v in before[:4]]
    assert calls[-1][5] == before[5] == {"noise": 0.1 + 0.2}


def test_what_cannot_be_saved_is_given_again(backend, tmp_path):
    sample, plate, dist, _ = library(backend)

    def program(x, y, *, link):
        slope = sample("slope", dist.Normal(0.0, 1.0))
        with plate("rows", len(y)):
            sample("y", dist.Normal(link(slope * x), 1.0), obs=y)

    def square(value):
        return value**2

    model = zoo.Model(program, backend=backend)
    fit = draws_of(zoo.read(model, np.arange(3.0), np.ones(3), link=square))
    fit.save(tmp_path / "fit")
    with pytest.raises(ZooError, match=r"link of program holds a function.*link="):
        inference.load(tmp_path / "fit", model=model)
    loaded = inference.load(tmp_path / "fit", model=zoo.Model(program, backend=backend, link=square))
    assert_same(fit, loaded)


def test_names_of_columns_and_choices_are_saved(backend, tmp_path):
    sample, plate, dist, xp = library(backend)

    def program(X, y):
        b = sample("b", dist.Normal(xp.zeros(X.shape[1]), 1.0).to_event(1))
        with plate("people", len(y)):
            sample("y", dist.Normal(X @ b, 1.0), obs=y)

    X = pd.DataFrame({"age": [1.0, 2.0, 3.0], "income": [0.0, 1.0, 0.0]})
    model = zoo.Model(program, backend=backend)
    coords = {"covariate": ["age", "income"], "people": ["x", "y", "z"]}
    read = zoo.read(
        model, X, np.zeros(3), dims={"b": ["covariate"]}, coords={"covariate": coords["covariate"]}, rows="people"
    )
    fit = draws_of(read)
    fit.save(tmp_path / "fit")
    loaded = inference.load(tmp_path / "fit", model=model)
    assert_same(fit, loaded)
    assert loaded.to_arviz()["posterior"].dataset["covariate"].to_numpy().tolist() == ["age", "income"]


def test_another_program_is_refused(backend, tmp_path):
    fit = fit_with_draws("plated_regression", backend)
    fit.save(tmp_path / "fit")
    sample, plate, dist, _ = library(backend)

    def plated_regression(x, y):
        c = sample("c", dist.Normal(0.0, 1.0))
        with plate("n", len(y)):
            sample("y", dist.Normal(c, 1.0), obs=y)

    with pytest.raises(ZooError, match=r"latents c.*saved with b"):
        inference.load(tmp_path / "fit", model=zoo.Model(plated_regression, backend=backend))
    text = json.loads((tmp_path / "fit" / "fit.json").read_text())
    assert text["is_own"]
    assert set(text["call"]["values"]) == {"x", "y"}
