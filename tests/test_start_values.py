"""``start``: of some latents and of each chain; what a latent cannot have is refused by name, before it is used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference.engines.nuts import in_pyro
from inference.engines.starts import complete_start
from tests.programs import conjugate, sums

X = np.random.default_rng(0).normal(size=(30, 2))
START = {"pi": np.full(2, 0.5), "mu": np.array([[0.0, 0.0], [1.0, 1.0]]), "Lambda": np.stack([np.eye(2)] * 2)}
SHORT: dict[str, dict[str, Any]] = {
    "em": {"max_iter": 2},
    "svi": {"num_steps": 2, "num_draws": 10},
    "nuts": {"num_warmup": 2, "num_samples": 2, "num_chains": 1},
}
WRONG = {
    "no positive definite matrix": ("Lambda", np.stack([np.array([[1.0, 2.0], [2.0, 1.0]])] * 2), "positive definite"),
    "no symmetric matrix": ("Lambda", np.stack([np.array([[2.0, 1.0], [0.0, 2.0]])] * 2), "positive definite"),
    "a negative probability": ("pi", np.array([1.5, -0.5]), "sum to one"),
    "a sum above one": ("pi", np.array([0.9, 0.9]), "sum to one"),
    "NaN": ("mu", np.full((2, 2), np.nan), "any finite number"),
}


@pytest.mark.parametrize("engine", SHORT)
@pytest.mark.parametrize("backend", zoo.BACKENDS)
@pytest.mark.parametrize("fault", WRONG)
def test_a_start_outside_the_support_is_refused(backend, engine, fault):
    name, value, words = WRONG[fault]
    with pytest.raises(zoo.ZooError, match=f"start has a value of {name} that is not .*{words}"):
        inference.fit(
            zoo.load("gaussian_mixture", backend, K=2), X, engine=engine, start={**START, name: value}, **SHORT[engine]
        )


def test_other_latents_begin_as_usual_in_the_order_of_the_components_given():
    card, settings = zoo.card("gaussian_mixture"), {"K": 2, "D": 2, "N": 30}
    usual = {**START, "pi": np.array([0.2, 0.8]), "Lambda": np.stack([np.eye(2), 9 * np.eye(2)])}
    start = complete_start(card, settings, {"mu": START["mu"][::-1] + 0.1}, usual)
    np.testing.assert_array_equal(start["mu"], START["mu"][::-1] + 0.1)
    np.testing.assert_array_equal(start["pi"], [0.8, 0.2])
    np.testing.assert_array_equal(start["Lambda"], usual["Lambda"][::-1])


# svi and nuts find their starts by one function, and those of NumPyro compile for seconds
@pytest.mark.parametrize(("backend", "engine"), [("pyro", "em"), ("pyro", "nuts"), ("numpyro", "em")])
def test_a_start_may_be_of_some_latents(backend, engine):
    model = zoo.load("gaussian_mixture", backend, K=2)
    whole, partial = (
        inference.fit(model, X, engine=engine, start=start, **SHORT[engine]) for start in (START, {"mu": START["mu"]})
    )
    assert whole.diagnostics["start"] == "given"
    assert partial.diagnostics["start"] == "given mu, else k-means++"
    assert np.isfinite(partial.trace).all()


def test_principal_axes_complete_the_start_of_a_factor_model():
    model, x = zoo.load("factor_analysis", "pyro", Z=1), np.random.default_rng(1).normal(size=(40, 4))
    best = inference.fit(model, x, engine="em", tol=1e-12)
    again = inference.fit(model, x, engine="em", start={"W": best.params["W"], "Psi": best.params["Psi"]})
    assert again.diagnostics["start"] == "given W, Psi, else principal axes"
    assert abs(again.trace[0] - best.trace[-1]) < 1e-6  # the mean is that of the data in both


def test_weights_of_a_network_may_be_given_in_part():
    model = zoo.load("vae", "pyro", Z=1, width=3)
    pixels = (np.random.default_rng(0).random((20, 4)) < 0.5).astype(float)
    options: dict[str, Any] = {"engine": "svi", "num_steps": 2, "learning_rate": 1e-12, "batch_size": 20}
    usual, other = (inference.fit(model, pixels, seed=seed, **options).state for seed in (0, 1))
    name = next(n for n in usual if n.endswith("weight"))
    mixed = inference.fit(model, pixels, start={name: other[name]}, **options).state
    for n, value in mixed.items():
        np.testing.assert_allclose(value, (other if n == name else usual)[n], atol=1e-6)


def test_topics_may_begin_at_some_arrays_of_a_state():
    counts = np.random.default_rng(0).poisson(1.0, (8, 6))
    model = zoo.load("latent_dirichlet", "pyro", K=2)
    usual = inference.fit(model, counts, engine="em", max_iter=3)
    partial = inference.fit(model, counts, engine="em", max_iter=3, start={"alpha": np.array([0.5, 2.0])})
    assert partial.diagnostics["start"].startswith("given alpha, else random topics")
    np.testing.assert_array_equal(partial.keywords["alpha"], [0.5, 2.0])
    assert inference.fit(model, counts, engine="em", start=usual.state).diagnostics["start"] == "given"
    with pytest.raises(zoo.ZooError, match="theta, which follows from gamma: give gamma or phi"):
        inference.fit(model, counts, engine="em", start={"theta": usual.state["theta"]})


def chains(backend, start):
    options: dict[str, Any] = {"num_warmup": 3, "num_samples": 3, "num_chains": 2, "start": start}
    return inference.fit(conjugate(backend), sums(), "nuts", **options).draws


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_each_chain_may_have_a_start_of_its_own(backend, monkeypatch):
    monkeypatch.setattr(in_pyro, "run_processes", in_pyro.run_sequentially)
    first, second = {"a": -1.0, "b": 2.0}, {"a": 3.0, "b": -2.0}
    own = chains(backend, {"a": [-1.0, 3.0], "b": [2.0, -2.0]})
    both = chains(backend, second)
    if backend == "pyro":  # each costs a compilation
        np.testing.assert_array_equal(chains(backend, [first, second])["a"], own["a"])
        np.testing.assert_array_equal(chains(backend, {"a": [-1.0, 3.0], "b": 2.0})["a"][0], own["a"][0])
    np.testing.assert_array_equal(own["a"][1], both["a"][1])
    assert (own["a"][0] != both["a"][0]).any()


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ([{"a": 1.0}], "start is a list of 1, and there are 2 chains: give a dict for each"),
        ({"a": [1.0, 2.0, 3.0]}, r"start needs a of shape \(\), or \(2,\) for one start for each chain; given \(3,\)"),
        ([{"a": [1.0, 2.0]}, {"a": 1.0}], r"start needs a of shape \(\); given \(2,\)"),
        ({"a": "left"}, "start has a that is no array of numbers: str"),
        ({"a": [[1.0], [1.0, 2.0]]}, "start has a that is no array of numbers: list"),
        ({}, "start is a dict of arrays for some or all of a, b, or a list of such dicts, .*; given nothing in it"),
        ({"c": 1.0}, "start has c, which the program does not; its latents: a, b"),
    ],
)
def test_a_start_of_a_wrong_shape_is_one_line(start, message):
    with pytest.raises(zoo.ZooError, match=message) as raised:
        chains("pyro", start)
    assert "\n" not in str(raised.value)
