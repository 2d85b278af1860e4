"""Guides that users give to SVI of their own programs: functions, automatic guides, networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import inference
import zoo
from tests.table import BACKENDS, SLOW_IN_NUMPYRO
from tests.user_guides import (
    MEASURED,
    PIXELS,
    X,
    Y,
    autoencoder,
    evidence,
    library,
    measurement_evidence,
    measurements,
    posterior,
    regression,
)

FROZEN: dict[str, Any] = {"num_steps": 1, "learning_rate": 1e-300}
TRAINED: dict[str, Any] = {"num_steps": 400, "learning_rate": lambda step: 0.05 * 0.99**step, "num_particles": 2}


def fit_regression(backend: str, guide: Any, model: Any = None, **options: Any) -> inference.Fit:
    """SVI of the regression by positional arguments."""
    program = zoo.Model(model or regression(backend)[0], backend=backend)
    return inference.fit(program, X, Y, engine="svi", guide=guide, **options)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_function_of_the_arguments_of_the_program_is_a_guide(backend):
    model, guide = regression(backend)
    fitted = fit_regression(backend, guide, model, num_draws=1000, **FROZEN)
    np.testing.assert_allclose(fitted.stats["log_weight"], evidence(), atol=1e-8)  # the guide is the posterior
    mean, covariance = posterior()
    sd = np.sqrt(np.diag(covariance))
    draws = fitted.draws["weights"][0]
    assert (abs(draws.mean(0) - mean) < 5 * sd / np.sqrt(1000)).all()
    assert (abs(draws.std(0) / sd - 1) < 5 / np.sqrt(2 * 1000)).all()
    assert set(fitted.state) == {"loc", "tril"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_guide_may_name_its_arguments_as_it_likes(backend):
    model, guide = regression(backend)
    fitted = fit_regression(backend, lambda a, b: guide(a, b), model, num_draws=30, **FROZEN)
    np.testing.assert_allclose(fitted.stats["log_weight"], evidence(), atol=1e-8)


def automatic(backend: str, name: str, model: Any) -> Any:
    """An automatic guide as a class, an instance, or a list of one part."""
    at = library(backend)
    if name == "AutoGuideList":
        parts = at.auto.AutoGuideList(model)
        parts.append(at.auto.AutoMultivariateNormal(at.block(model, expose=["weights"])))
        return parts
    guide = getattr(at.auto, name.removesuffix("()"))
    return guide(model, init_scale=0.3) if name.endswith("()") else guide


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["AutoMultivariateNormal", "AutoGuideList"])
def test_automatic_guides_are_the_posterior_where_they_can_be(backend, name):
    model, _ = regression(backend)
    fitted = fit_regression(backend, automatic(backend, name, model), model, num_draws=400, **TRAINED)
    assert fitted.diagnostics["guide"] == name
    gap = evidence() - fitted.diagnostics["elbo"]  # KL(q || p) >= (mean difference / sd)^2 / 2 for normals
    assert -5 * fitted.diagnostics["elbo_se"] < gap < 0.05
    mean, covariance = posterior()
    sd = np.sqrt(np.diag(covariance))
    error = abs(fitted.draws["weights"][0].mean(0) - mean) / sd
    assert (error < np.sqrt(2 * 0.05) + 5 / np.sqrt(400)).all()


@pytest.mark.parametrize(
    ("backend", "name"),
    [
        (backend, name)
        for backend in BACKENDS
        for name in ("AutoNormal", "AutoNormal()", "AutoLowRankMultivariateNormal", "AutoDelta")
    ]
    + [("pyro", "AutoIAFNormal")]  # NumPyro compiles flows for long
    + [pytest.param("numpyro", name, marks=pytest.mark.slow) for name in ("AutoIAFNormal", "AutoBNAFNormal")],
)
def test_other_automatic_guides_are_trained(backend, name):
    model, _ = regression(backend)
    options: dict[str, Any] = {"num_steps": 150, "learning_rate": 0.02, "num_draws": 100}
    fitted = fit_regression(backend, automatic(backend, name, model), model, **options)
    if name == "AutoDelta":
        assert fitted.kind == "point"
    else:
        assert fitted.diagnostics["elbo"] < evidence() + 5 * fitted.diagnostics["elbo_se"]
    assert fitted.trace[-30:].mean() > fitted.trace[:3].mean() - 3 * fitted.trace[:30].std()
    assert all(isinstance(v, np.ndarray) and v.dtype.kind == "f" for v in fitted.state.values())


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_instance_is_rebuilt_and_left_as_it_was(backend):
    model, _ = regression(backend)
    guide = automatic(backend, "AutoNormal()", model)
    one, same = (fit_regression(backend, guide, model, num_steps=20, num_draws=30) for _ in range(2))
    np.testing.assert_array_equal(one.trace, same.trace)
    assert guide.prototype_trace is None
    scales = next(v for n, v in one.state.items() if "scale" in n)
    assert (abs(scales - 0.3) < 0.2).all()  # begun at its own init_scale, and not at the default 0.1


@pytest.mark.parametrize("backend", BACKENDS)
def test_guides_that_cannot_be_used_are_refused_in_one_line(backend):
    at = library(backend)
    model, guide = regression(backend)

    def without_site(features, outcome=None):
        at.lib.param("loc", 0.0)

    def with_other_site(features, outcome=None):
        guide(features)
        at.lib.sample("intercept", at.dist.Normal(at.lib.param("centre", 0.0), 1.0))

    def broken(features, outcome=None):
        raise ValueError("no such column")

    refusals = [
        (without_site, "the guide has no site weights"),
        (with_other_site, "the guide has intercept, which the program does not"),
        (lambda a, b, c: None, "takes a, b, c, and model is called with features, outcome"),
        (broken, "the guide broken cannot run on this data: ValueError: no such column"),
        (at.auto.AutoGuideList, "AutoGuideList is a class without parts"),
        (at.auto.AutoLaplaceApproximation, "take guide='full_rank'"),
        (at.auto.AutoNormal(guide), "made for another program"),
        (3, "guide is the name of a guide"),
    ]
    for refused, message in refusals:
        with pytest.raises(zoo.ZooError, match=message) as raised:
            fit_regression(backend, refused, model, **FROZEN)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_a_discrete_latent_is_summed_out_of_program_and_guide(backend):
    at = library(backend)

    def mixture(measured):
        means = at.lib.sample("means", at.dist.Normal(at.zeros(2), 3.0).to_event(1))
        with at.lib.plate("objects", len(measured)):
            label = at.lib.sample("label", at.dist.Categorical(at.zeros(2) + 0.5))
            at.lib.sample("measured", at.dist.Normal(means[label], 1.0), obs=measured)

    def guide(measured):
        loc = at.lib.param("loc", at.array(np.array([-1.0, 1.0])))
        at.lib.sample("means", at.dist.Normal(loc, 0.3).to_event(1))

    def with_labels(measured):
        guide(measured)
        with at.lib.plate("objects", len(measured)):
            at.lib.sample("label", at.dist.Categorical(at.zeros(2) + 0.5))

    program = zoo.Model(mixture, backend=backend)
    fitted = inference.fit(program, MEASURED, engine="svi", guide=guide, num_steps=20, num_draws=30)
    assert set(fitted.draws) == {"means"}
    # a guide that has the labels too is trained on the joint density: labels of equal probability cost KL
    for options in ({}, {"gradient": "rloo", "num_particles": 2}):
        joint = inference.fit(program, MEASURED, engine="svi", guide=with_labels, num_steps=20, num_draws=30, **options)
        assert set(joint.draws) == {"means", "label"}
        assert joint.diagnostics["elbo"] < fitted.diagnostics["elbo"] - 1.0


@pytest.mark.parametrize("backend", BACKENDS)
def test_batches_of_a_guide_that_reads_the_rows_are_unbiased(backend):
    model, guide = measurements(backend)
    program = zoo.Model(model, backend=backend)
    every = inference.fit(program, MEASURED, engine="svi", guide=guide, num_draws=30, **FROZEN)
    np.testing.assert_allclose(every.stats["log_weight"], measurement_evidence(), atol=1e-8)
    options: dict[str, Any] = {"num_steps": 4, "learning_rate": 1e-300, "batch_size": 6}
    batches = inference.fit(program, MEASURED, engine="svi", guide=guide, **options)
    # the guide is the posterior: each batch has its rows' evidence times 4, and an epoch has every row once
    np.testing.assert_allclose(batches.trace.mean(), measurement_evidence(), atol=1e-8)
    assert batches.trace.std() > 0.1
    assert batches.kind == "amortised"
    assert set(batches.params) == set()


@pytest.mark.parametrize("backend", BACKENDS)
def test_batches_need_a_guide_that_reads_the_rows(backend):
    at = library(backend)
    model, _ = measurements(backend)
    program = zoo.Model(model, backend=backend)

    def another_plate(measured):
        slope = at.lib.param("slope", 0.5)
        with at.lib.plate("things", len(measured)):
            at.lib.sample("size", at.dist.Normal(slope * measured, 1.0))

    for refused, message in [
        (at.auto.AutoNormal, "AutoNormal, which has parameters for size of every row"),
        (another_plate, "size outside of the plate objects"),
    ]:
        with pytest.raises(zoo.ZooError, match=message):
            inference.fit(program, MEASURED, engine="svi", guide=refused, batch_size=6, num_steps=5)


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_an_autoencoder_trains_with_its_own_guide(backend, tmp_path):
    model, guide = autoencoder(backend)
    program = zoo.Model(model, backend=backend)
    options: dict[str, Any] = {"num_steps": 300, "learning_rate": 0.03, "guide": guide, "num_draws": 30}
    before = [p.detach().clone() for p in model.__self__.parameters()] if backend == "pyro" else []
    for batch_size in (None, 20):
        fitted = inference.fit(program, PIXELS, engine="svi", batch_size=batch_size, **options)
        start, end = fitted.trace[:20].mean(), fitted.trace[-60:].mean()
        assert end > start + 20
        assert fitted.kind == ("amortised" if batch_size else "guide")
        learned = {n for n in fitted.params if n.startswith("decoder.")}
        assert learned == (
            {"decoder.weight", "decoder.bias"} if backend == "pyro" else {"decoder.kernel", "decoder.bias"}
        )
        assert {n.partition(".")[0] for n in fitted.state} == {"decoder", "encoder", "scale"}
        loaded = inference.load(fitted.save(tmp_path / fitted.kind), model=program)
        for group in ("params", "state", "draws"):
            stored, own = getattr(loaded, group), getattr(fitted, group)
            assert set(stored) == set(own)
            assert all(np.array_equal(stored[n], own[n]) and stored[n].dtype == own[n].dtype for n in own)
        assert len(fitted.summary()) > 5
    if backend == "pyro":  # the user's networks are as they were
        after = list(model.__self__.parameters())
        assert all((a == b).all() and a.dtype == b.dtype for a, b in zip(after, before, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
def test_latents_of_rows_are_in_tables_unless_there_are_many(backend):
    model, guide = measurements(backend)
    fitted = inference.fit(
        zoo.Model(model, backend=backend), MEASURED, engine="svi", guide=guide, num_draws=50, **FROZEN
    )
    assert list(fitted.summary().index) == [f"size[{i}]" for i in range(len(MEASURED))]
    with pytest.warns(UserWarning, match="leaves out size .24 entries.: see fit.draws.'size'.") as caught:
        assert len(fitted.summary(max_entries=10)) == 0
    assert len(caught) == 1
    assert inference.compare(fitted, fitted).statistics["svi"].quantities == list(fitted.summary().index)


def test_weights_with_priors_are_latents_and_others_are_learned():
    import numpyro
    import numpyro.distributions as dist
    from flax import linen
    from numpyro.contrib.module import random_flax_module

    def network(features, outcome=None):
        layer = random_flax_module("layer", linen.Dense(1), {"kernel": dist.Normal(0, 1)}, input_shape=(1, 2))
        with numpyro.plate("people", len(features)):
            numpyro.sample("outcome", dist.Normal(layer(features)[:, 0], 0.5), obs=outcome)

    model = zoo.read(zoo.Model(network, backend="numpyro"), X, Y)
    assert set(model.card.latents) == {"layer/kernel"}
    assert set(model.card.learned) == {"layer.bias"}
    fitted = inference.fit(model, guide="full_rank", engine="svi", num_draws=30, **FROZEN)
    assert fitted.params["layer.bias"].shape == (1,)
    assert fitted.draws["layer/kernel"].shape == (1, 30, 2, 1)


def test_networks_with_state_are_refused_in_one_line():
    import numpyro
    import numpyro.distributions as dist
    from flax import linen
    from numpyro.contrib.module import flax_module

    class Normalised(linen.Module):
        @linen.compact
        def __call__(self, x):
            return linen.BatchNorm(use_running_average=False)(linen.Dense(1)(x))

    def network(features, outcome=None):
        layer = flax_module("layer", Normalised(), input_shape=(2, 2), mutable=["batch_stats"])
        with numpyro.plate("people", len(features)):
            numpyro.sample("outcome", dist.Normal(layer(features)[:, 0], 0.5), obs=outcome)

    with pytest.raises(zoo.ZooError, match="layer has state that changes in every run") as raised:
        zoo.read(zoo.Model(network, backend="numpyro"), X, Y)
    assert "\n" not in str(raised.value)


def test_modules_of_pyro_have_the_precision_of_the_fit():
    import pyro
    import pyro.distributions as dist
    import torch
    from pyro.nn import PyroModule, PyroParam, PyroSample

    class Network(PyroModule):
        def __init__(self):
            super().__init__()
            self.layer = PyroModule[torch.nn.Linear](2, 1)  # pyright: ignore[reportCallIssue]
            self.layer.bias = PyroSample(dist.Normal(torch.zeros(1), 1.0).to_event(1))

        def forward(self, features, outcome=None):
            mean = self.layer(features)[:, 0]
            with pyro.plate("people", len(features)):
                pyro.sample("outcome", dist.Normal(mean, 0.5), obs=outcome)

    class Guide(PyroModule):
        def __init__(self):
            super().__init__()
            self.loc = PyroParam(torch.zeros(1))

        def forward(self, features, outcome=None):
            loc: Any = self.loc
            pyro.sample("layer.bias", dist.Normal(loc, 0.1).to_event(1))

    network = Network()
    for dtype in ("float64", "float32"):
        fitted = fit_regression("pyro", Guide(), network, num_steps=20, num_draws=30, dtype=dtype)
        assert {v.dtype for v in (*fitted.params.values(), *fitted.draws.values())} == {np.dtype(dtype)}
        assert set(fitted.state) == {"layer.weight", "loc"}
    assert network.layer.weight.dtype == torch.float32
    with pytest.raises(zoo.ZooError, match=r"layer\.weight belongs to a module, which only engine='svi' trains"):
        inference.fit(zoo.Model(network, backend="pyro"), X, Y, engine="em")
