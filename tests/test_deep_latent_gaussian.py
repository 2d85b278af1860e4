"""The deep latent Gaussian model: bounds in order, groups that sum to the KL divergence, one run or two, refusals."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import inference
import zoo
from inference.objectives import Objective
from tests.objectives import BACKEND_OBJECTIVES
from zoo import ZooError
from zoo._backend import in_backend

BACKENDS = ("numpyro", "pyro")
X = (np.random.default_rng(0).uniform(size=(60, 16)) < np.linspace(0.2, 0.8, 16)).astype(float)
SMALL = {"widths": (4, 3, 2), "width": 8, "depth": 1}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((backend, encoder), id=f"{backend}-{encoder}", marks=marks)
        for backend, encoder, marks in (
            ("pyro", "bottom_up", ()),
            ("numpyro", "ladder", pytest.mark.slow),
        )
    ],
)
def fit(request):
    backend, encoder = request.param
    model = zoo.load("deep_latent_gaussian", backend, encoder=encoder, **SMALL)
    return inference.fit(model, X, engine="svi", num_steps=400, warm_up=0.2, batch_size=30, progress=False)


def test_importance_weighted_bounds_rise_to_the_evidence(fit):
    """With K draws the mean is below log p by Jensen's inequality, and rises with K (Burda et al. 2016)."""
    logs = [np.stack([inference.log_marginal(fit, X, K, seed=s).log_p for s in range(4)]) for K in (2, 20, 2000)]
    for fewer, more in pairwise(logs):
        differences = (more - fewer).ravel()
        assert differences.mean() > -4 * differences.std() / differences.size**0.5
    differences = (logs[2] - logs[0]).ravel()
    assert differences.mean() > 0


def test_the_kl_of_the_groups_is_the_kl_of_the_bound(fit):
    diagnostics = fit.diagnostics
    assert list(diagnostics.kl_by_latent) == ["z3", "z2", "z1"]
    split = inference.elbo_split(fit, num_samples=200)
    by_group = {name: values.sum() for name, values in split.kl_by_dimension.items()}
    assert list(by_group) == list(diagnostics.kl_by_latent)
    np.testing.assert_allclose(sum(by_group.values()), split.kl.mean(), rtol=1e-5)
    for name, value in diagnostics.kl_by_latent.items():  # by one draw of each row, in training's own evaluation
        assert value == pytest.approx(by_group[name], abs=0.2)


def test_units_of_a_hierarchy_are_active_by_their_kl(fit):
    """A posterior that is the prior has means that vary with the layer above; a bottom-up layer has one KL alone."""
    split = inference.elbo_split(fit, num_samples=10)
    variances = {n: np.full_like(v, 1.0) for n, v in split.variances.items()}
    kl = {n: np.zeros_like(v) for n, v in split.kl_by_dimension.items()}
    collapsed = replace(split, variances=variances, kl_by_dimension=kl)
    has_kl = fit.keywords["encoder"] == "ladder"
    assert collapsed.active_units == (0 if has_kl else split.variances["z2"].size + split.variances["z1"].size)
    assert not collapsed.is_active["z3"].any()
    only = {"z3": variances["z3"]}
    assert replace(split, variances=only, kl_by_dimension={"z3": kl["z3"]}).active_units == only["z3"].size


@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"])
def test_one_run_is_two(backend):
    model = zoo.load("deep_latent_gaussian", backend, **SMALL)
    module = in_backend("guides.deep_latent_gaussian", backend)
    keywords = model.bind(X)[1]
    weights = inference.fit(
        model, X, engine="svi", num_steps=1, warm_up=0.0, kl_balance=False, batch_size=30, progress=False
    ).state
    once, twice = (
        BACKEND_OBJECTIVES[backend]().bounds(
            Objective(),
            (model.program, module.SharedGuide(model.program, module.posterior, module.messages, separate)),
            weights,
            {**keywords, "x": X},
        )
        for separate in (False, True)
    )
    np.testing.assert_allclose(once[0], twice[0], rtol=1e-9)
    for name in weights:
        np.testing.assert_allclose(once[2][name], twice[2][name], atol=1e-8, err_msg=name)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": (8,)}, "or take vae"),
        ({"widths": "8"}, "or take vae"),
        ({"widths": "8-a"}, "as in '64-32-16'"),
        ({"widths": (8, 0)}, "as in '64-32-16'"),
        ({"widths": 8}, "as in '64-32-16'"),
        ({"width": 0}, "width"),
        ({"depth": -1}, "depth"),
    ],
)
def test_sizes_that_are_no_hierarchy_are_refused_in_one_line(settings, message):
    with pytest.raises(ZooError, match=message) as error:
        inference.fit(zoo.load("deep_latent_gaussian", **settings), X, engine="svi", num_steps=1)
    assert "\n" not in str(error.value)
