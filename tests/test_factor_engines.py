"""SVI and NUTS on factor models: with z integrated out and with z sampled, in both backends, one posterior."""

from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference.analysis.factors import covariances, reconstruct

SHORT: dict[str, dict[str, Any]] = {
    "numpyro": {"num_warmup": 300, "num_samples": 600, "num_chains": 2},
    "pyro": {"num_warmup": 150, "num_samples": 400, "num_chains": 1},
}


def table(missing: bool = True) -> np.ndarray:
    rng = np.random.default_rng(0)
    x = 2 + rng.normal(size=(60, 1)) @ np.array([[1.0, -0.8, 0.6, 0.9]]) + 0.6 * rng.normal(size=(60, 4))
    return np.where(rng.random(x.shape) < 0.1, np.nan, x) if missing else x


def invariant(fit: Any) -> np.ndarray:
    """What no turn of the axes changes, (draws, quantities): mu, log Psi and the products of loadings."""
    W, mu, Psi = (np.concatenate(fit.draws[n]) for n in ("W", "mu", "Psi"))
    i, j = np.triu_indices(W.shape[1], 1)
    return np.column_stack([mu, np.log(Psi), np.einsum("siz,sjz->sij", W, W)[:, i, j]])


def agree(a: Any, b: Any, draws: int) -> None:
    one, other = invariant(a), invariant(b)
    error = np.sqrt((one.var(0) + other.var(0)) / draws)  # `draws` effective ones on each side, at least
    assert (abs(one.mean(0) - other.mean(0)) < 5 * error).all()
    # a variance of `draws` normal draws is known to sqrt(2 / draws) of itself
    assert (abs(np.log(one.var(0) / other.var(0))) < 5 * 2 / np.sqrt(draws)).all()


@pytest.mark.slow
def test_nuts_finds_one_posterior_four_ways():
    """Z = 2 factors where one is there: collapsed and full, NumPyro and Pyro."""
    x = table()
    fits = {}
    for backend, lengths in SHORT.items():
        model = zoo.load("factor_analysis", backend, Z=2)
        fits[backend, "collapsed"] = inference.fit(model, x, "nuts", **lengths)
        if backend == "numpyro":
            fits[backend, "full"] = inference.fit(model, x, "nuts", collapsed=False, **lengths)
    assert "z" in fits["numpyro", "full"].draws
    assert "z" not in fits["numpyro", "collapsed"].draws
    for key in [("numpyro", "full"), ("pyro", "collapsed")]:
        agree(fits["numpyro", "collapsed"], fits[key], 120)
    # the loadings mix once their axes are aligned
    checked = covariances(fits["numpyro", "collapsed"])
    assert checked["r_hat"].max() < 1.03
    summary = fits["numpyro", "collapsed"].summary()
    assert summary.loc[[q for q in summary.index if q.startswith("W")], "r_hat"].max() < 1.05
    # the posterior of z given the draws is that of the draws of z
    aligned = fits["numpyro", "full"].aligned()
    made = np.einsum("cndz,cnrz->rd", aligned["W"], aligned["z"]) / np.prod(aligned["W"].shape[:2])
    mean, sd = reconstruct(fits["numpyro", "collapsed"])
    centred = mean - fits["numpyro", "collapsed"].params["mu"]
    assert (abs(made - centred) < 0.5 * sd).all()


@pytest.mark.slow
@pytest.mark.parametrize("backend", tuple(zoo.BACKENDS))
def test_svi_puts_the_means_where_nuts_does(backend):
    x, lengths = table(missing=False), SHORT["numpyro"]
    nuts = inference.fit(zoo.load("factor_analysis", Z=1), x, "nuts", **lengths)
    steps = 3000 if backend == "numpyro" else 1200
    model = zoo.load("factor_analysis", backend, Z=1)
    svi = inference.fit(model, x, "svi", guide="full_rank", num_steps=steps, learning_rate=0.02)
    one, other = invariant(svi), invariant(nuts)
    # half a posterior sd is what the verdict allows a guide
    assert (abs(one.mean(0) - other.mean(0)) < 0.5 * other.std(0)).all()
    rows = inference.fit(model, x, "svi", num_steps=steps, batch_size=20, learning_rate=0.02)
    assert (abs(invariant(rows).mean(0) - other.mean(0)) < other.std(0)).all()


def test_standard_errors_of_loadings_are_in_the_frame_of_the_fit():
    x = table(missing=False)
    fit = inference.fit(zoo.load("factor_analysis", "pyro", Z=2), x, "em", objective="map")
    with pytest.raises(zoo.ZooError, match="method='bootstrap', which aligns them"):
        inference.standard_errors(fit)
    errors = inference.standard_errors(fit, "bootstrap", replicates=100)
    assert errors["W"].shape == fit.params["W"].shape
    # a mean of 60 rows: its error is known to 1/sqrt(200) of itself
    np.testing.assert_allclose(errors["mu"], x.std(0) / np.sqrt(60), rtol=5 / np.sqrt(200) + 0.05)
    align_to = np.abs(fit.params["W"]).max()
    assert errors["W"][:, 0].max() < 0.5 * align_to, "axes that wander would have errors as large as the loadings"
