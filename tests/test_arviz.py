"""The ArviZ export: dimensions by letter, and a pointwise log-likelihood with the labels marginalised out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from arviz_stats.loo import loo
from arviz_stats.summary import summary
from synthetic import at_point, chains_of, correlated, guide_of, mixture, relabel

import zoo
from inference.arviz import to_arviz


@pytest.fixture(scope="module")
def fit():
    return mixture("nuts", shape=(4, 250))


@pytest.fixture(scope="module")
def tree(fit):
    return to_arviz(fit)


def test_groups_and_dimensions(fit, tree):
    assert set(tree.children) == {"posterior", "sample_stats", "log_likelihood", "observed_data"}
    posterior = tree.children["posterior"].dataset
    assert posterior["Lambda"].dims == ("chain", "draw", "K", "D", "D_bis")
    assert set(posterior.data_vars) == {"pi", "mu", "Lambda", "Sigma"}
    assert tree.children["log_likelihood"].dataset["x"].dims == ("chain", "draw", "N")
    assert tree.children["observed_data"].dataset["x"].shape == (40, 2)
    assert set(tree.children["sample_stats"].dataset.data_vars) == {"lp", "diverging"}
    product = posterior["Sigma"].values @ posterior["Lambda"].values
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(2), product.shape), atol=1e-9)


def test_log_likelihood_is_that_of_the_mixture(fit, tree):
    from scipy.stats import multivariate_normal

    draw = {n: v[1, 7] for n, v in fit.draws.items()}
    covariance = np.linalg.inv(draw["Lambda"])
    densities = [multivariate_normal(draw["mu"][k], covariance[k]).pdf(fit.data["x"]) for k in range(2)]
    expected = draw["pi"] @ np.array(densities)
    np.testing.assert_allclose(tree.children["log_likelihood"].dataset["x"].values[1, 7], np.log(expected), rtol=1e-10)


def test_arviz_functions_accept_the_tree(tree):
    table = summary(tree, var_names=["mu", "pi"])
    assert float(table["r_hat"].astype(float).max()) < 1.02
    estimate: Any = loo(tree)
    assert np.isfinite(estimate.elpd)


def test_labels_are_aligned(fit, tree):
    order = np.broadcast_to(np.arange(2), (4, 250, 2)).copy()
    order[1] = order[1, :, ::-1]
    again = to_arviz(relabel(fit, order))
    for name, values in tree.children["posterior"].dataset.items():
        np.testing.assert_array_equal(again.children["posterior"].dataset[name].values, values.values)
    one, other = (t.children["log_likelihood"].dataset["x"].values for t in (tree, again))
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_attributes(tree):
    assert tree.attrs["inference_library"] == "numpyro"
    assert tree.attrs["engine"] == "nuts"
    assert tree.attrs["backend"] == "numpyro"
    assert tree.attrs["seconds"] == 2.0
    assert tree.attrs["seed"] == 0


def test_a_point_is_one_draw(fit):
    point = at_point(fit)
    tree = to_arviz(point)
    assert tree.children["posterior"].dataset["mu"].shape == (1, 1, 2, 2)
    np.testing.assert_array_equal(tree.children["posterior"].dataset["mu"].values[0, 0], point.params["mu"])
    assert tree.children["log_likelihood"].dataset["x"].shape == (1, 1, 40)
    assert "sample_stats" not in tree.children


def test_a_guide_keeps_its_weights():
    tree = to_arviz(guide_of(correlated(0.5), correlated(0.5)))
    assert tree.children["sample_stats"].dataset["log_weight"].shape == (1, 2000)
    assert tree.children["posterior"].dataset["mu"].dims == ("chain", "draw", "D")


def rows(x=None, *, N):
    from numpyro import plate, sample
    from numpyro.distributions import Normal

    mu = sample("mu", Normal(0.0, 1.0))
    with plate("N", N):
        f = sample("f", Normal(mu, 1.0))
        sample("x", Normal(f, 1.0), obs=x)


def test_rows_without_a_likelihood_of_their_own_have_no_such_group():
    like = chains_of(correlated(0.5), draws=50)
    fit = replace(
        like,
        model=zoo.read(zoo.Model(rows, backend="numpyro"), np.zeros(3)),
        keywords={"N": 3},
        data={"x": np.zeros(3)},
        params={"mu": np.zeros(())},
        draws={"mu": like.draws["mu"][..., 0]},
    )
    tree = to_arviz(fit)
    assert "log_likelihood" not in tree.children
    assert tree.children["posterior"].dataset["mu"].dims == ("chain", "draw")
