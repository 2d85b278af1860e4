"""Weights of rows: a row of weight w counts as w copies of it, and a row of weight 0 as none, in every engine."""

from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference import engines, fit
from tests.table import BACKENDS, CASES, EXACT, IDS, invariant_params, required_sizes, simulate_case

OUTLIER = 1000.0
WEIGHTED = [engine for engine in engines.names() if engines.get(engine).has_option("sample_weight")]
# the models whose every variant is tested in one backend, and one variant in the other, which compiles each
TABLE = [
    pytest.param(name, settings, backend, id=f"{label}-{backend}")
    for (name, settings), label in zip(CASES, IDS, strict=True)
    for backend in BACKENDS
    if name in EXACT and (backend == "pyro" or not zoo.card(name).linear)
    if backend == "pyro" or not [n for n, s in CASES[: CASES.index((name, settings))] if n == name]
    if "sample_weight" in engines.get("em").default_options(zoo.card(name)).as_dict()
]


def weighted_rows(name, settings):
    """Rows, their weights from 0 to 3, and the copies that these stand for; rows of weight 0 are far away."""
    x = np.array(simulate_case(name, settings, seed=3, **{**zoo.card(name).sizes, "N": 40})[1], dtype=float)
    weights = np.random.default_rng(1).integers(0, 4, len(x))
    if zoo.card(name).sites(settings)["x"].kind not in ("binary", "category"):
        x[weights == 0] = OUTLIER * np.arange(1, 1 + (weights == 0).sum()).reshape(-1, *[1] * (x.ndim - 1))
    return x, weights, np.repeat(x, weights, axis=0)


def assert_equal_fits(name, weighted, copied):
    left, right = (invariant_params(name, f.params) if name else f.params for f in (weighted, copied))
    for site in left:
        np.testing.assert_allclose(left[site], right[site], rtol=1e-6, atol=1e-9 * np.abs(right[site]).max())
    np.testing.assert_allclose(weighted.trace, copied.trace, rtol=1e-9)
    for criterion in ("log_likelihood", "bic", "icl"):
        np.testing.assert_allclose(weighted.diagnostics[criterion], copied.diagnostics[criterion], rtol=1e-8)


def test_the_engines_with_weights_are_in_this_table():
    assert WEIGHTED == ["em"]


@pytest.mark.parametrize(("name", "settings", "backend"), TABLE)
def test_weights_are_copies(name, settings, backend):
    x, weights, copies = weighted_rows(name, settings)
    model = zoo.load(name, backend, **{**required_sizes(name), **settings})
    options: dict[str, Any] = {"objective": "map", "max_iter": 6}
    assert_equal_fits(name, fit(model, x, "em", sample_weight=weights, **options), fit(model, copies, "em", **options))


@pytest.mark.parametrize("closed_form", [True, False], ids=["closed", "general"])
@pytest.mark.parametrize("name", ["gaussian_mixture", "factor_analysis"])
def test_an_outlier_of_weight_zero_is_no_row(name, closed_form):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)) * [1, 2, 3] + np.where(np.arange(200) < 100, 0.0, 6.0)[:, None]
    weights = np.ones(201)
    weights[77] = 0
    model = zoo.load(name, "pyro", **required_sizes(name))
    options: dict[str, Any] = {"objective": "ml", "max_iter": 4 if closed_form else 1, "closed_form": closed_form}
    alone = fit(model, x, "em", **options)
    for outlier in (1e3, 1e6, 1e150) if closed_form else (1e6,):
        far = np.insert(x, 77, outlier, axis=0)
        assert_equal_fits(name, fit(model, far, "em", sample_weight=weights, **options), alone)


def test_a_row_of_weight_zero_may_be_missing_or_constant():
    x = np.random.default_rng(0).normal(size=(50, 4))
    weights = np.append(np.ones(50), 0.0)
    model = zoo.load("factor_analysis", "pyro", Z=1)
    alone = fit(model, x, "em", max_iter=3)
    for row in (np.full(4, np.nan), np.zeros(4)):
        assert_equal_fits(model.name, fit(model, np.vstack([x, row]), "em", max_iter=3, sample_weight=weights), alone)
    x[:, 2] = 1.0
    with pytest.raises(zoo.ZooError, match="column 2 of x is constant"):  # the rows that count have no variance
        fit(model, np.vstack([x, x[0] + 1]), "em", sample_weight=weights)


def test_rows_on_disk_have_weights(tmp_path):
    x, weights, copies = weighted_rows("factor_analysis", {})
    np.save(tmp_path / "x.npy", x)
    model = zoo.load("factor_analysis", "pyro", Z=1)
    on_disk = fit(model, np.load(tmp_path / "x.npy", mmap_mode="r"), "em", sample_weight=weights, max_iter=5)
    assert_equal_fits(model.name, on_disk, fit(model, copies, "em", max_iter=5))


def test_a_program_of_ones_own_has_weights():
    import torch
    from pyro import distributions as dist
    from pyro import plate, sample

    def program(x):
        mu = sample("mu", dist.Normal(torch.zeros(2), 10.0).to_event(1))
        with plate("rows", len(x)):
            z = sample("z", dist.Categorical(torch.tensor([0.3, 0.7])), infer={"enumerate": "parallel"})
            sample("x", dist.Uniform(mu[z], mu[z] + 5.0), obs=x)  # impossible where the row is far away

    x = np.append(np.random.default_rng(0).uniform(0, 4, size=20), OUTLIER)
    options = {"objective": "map", "max_iter": 2, "start": {"mu": np.array([-0.5, -0.4])}}
    alone = fit(zoo.Model(program, backend="pyro"), x=x[:20], engine="em", **options)
    weighted = fit(
        zoo.Model(program, backend="pyro"), x=x, engine="em", sample_weight=np.append(np.ones(20), 0.0), **options
    )
    assert_equal_fits("", weighted, alone)


@pytest.mark.parametrize("name", ["probabilistic_pca", "factor_analysis", "bayesian_pca"])
def test_rows_of_enormous_weight_are_near_a_plane_for_map(name):
    """Rounding is that of squares over the noise that the prior leaves, 1e-9 of the variance here."""
    x = np.random.default_rng(0).normal(size=(12, 5))
    weights = np.where(np.arange(12) % 4 == 1, 1e8, 1.0)
    map_fit = fit(zoo.load(name, "pyro", Z=2), x, "em", objective="map", sample_weight=weights, max_iter=50)
    assert (np.diff(map_fit.trace) > -1e-6 * np.abs(map_fit.trace[1:])).all()
    assert np.isfinite(map_fit.params["W"]).all()


def test_standard_errors_and_criteria_count_copies():
    x, weights, copies = weighted_rows("gaussian_mixture", {"covariance": "diag"})
    model = zoo.load("gaussian_mixture", "pyro", K=1, covariance="diag")
    pair = fit(model, x, "em", sample_weight=weights), fit(model, copies, "em")
    left, right = (inference.standard_errors(f) for f in pair)
    for name in left:
        np.testing.assert_allclose(left[name], right[name], rtol=1e-5)
