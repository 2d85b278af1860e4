"""Guides of NumPyro and Pyro: their draws, log weights and ELBO against closed forms."""

import numpy as np
import pytest
from fits_elsewhere import (
    BACKENDS,
    COVARIANCE,
    LOG_EVIDENCE,
    MEAN,
    X,
    Y,
    numpyro_regression,
    own_fit,
    pyro_regression,
    rates_svi,
)
from synthetic import chains_of, correlated, guide_of

from inference import compare, from_arviz, from_svi
from tests.table import SLOW_IN_NUMPYRO
from zoo._backend import backend_of


def exact_guide(backend):
    """A guide that is the posterior, by a mean and a Cholesky factor that are parameters."""
    L = np.linalg.cholesky(COVARIANCE)
    if backend == "numpyro":
        import numpyro
        from numpyro.distributions import MultivariateNormal, constraints

        def numpyro_guide(X, y):
            scale = numpyro.param("L", np.eye(2), constraint=constraints.lower_cholesky)
            numpyro.sample("beta", MultivariateNormal(numpyro.param("m", np.zeros(2)), scale_tril=scale))

        return numpyro_guide, {"m": MEAN, "L": L}
    import pyro
    import torch
    from pyro.distributions import MultivariateNormal as PyroNormal

    def pyro_guide(X, y):
        scale = pyro.param("L", torch.as_tensor(L))
        pyro.sample("beta", PyroNormal(pyro.param("m", torch.as_tensor(MEAN)), scale_tril=scale))

    return pyro_guide, None


def read_regression_svi(backend, guide, params, num_draws=200, losses=None):
    if backend == "numpyro":
        import jax
        import numpyro
        from numpyro.infer import SVI, Trace_ELBO

        with jax.enable_x64(True):
            svi = SVI(numpyro_regression, guide, numpyro.optim.Adam(0.01), Trace_ELBO())
            return from_svi(svi, X, Y, params=params, num_draws=num_draws)
    import pyro
    import torch
    from pyro.infer import SVI as PyroSVI
    from pyro.infer import Trace_ELBO as PyroELBO
    from pyro.optim import ClippedAdam

    pyro.clear_param_store()
    svi = PyroSVI(pyro_regression, guide, ClippedAdam({"lr": 0.01}), PyroELBO())
    return from_svi(svi, torch.as_tensor(X), torch.as_tensor(Y), params=losses, num_draws=num_draws)


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_log_weights_of_the_exact_guide_are_the_log_evidence(backend):
    fit = read_regression_svi(backend, *exact_guide(backend))
    assert fit.kind == "guide"
    np.testing.assert_allclose(fit.stats["log_weight"], LOG_EVIDENCE, rtol=1e-6)  # pyro draws normals in 32 bits
    assert fit.diagnostics["elbo"] == pytest.approx(LOG_EVIDENCE, rel=1e-6)
    assert fit.options["guide"] == f"{backend}_guide"
    draws = fit.draws["beta"][0]
    assert (np.abs(draws.mean(0) - MEAN) < 4 * np.sqrt(np.diag(COVARIANCE) / len(draws))).all()
    c = compare(fit, fit)
    assert (c.fits_table["k_hat"] == 0).all()  # the weights differ by rounding alone


@pytest.mark.slow
def test_a_trained_autoguide_and_its_losses():
    import jax
    import numpyro
    from numpyro.infer import SVI, Trace_ELBO
    from numpyro.infer.autoguide import AutoMultivariateNormal

    guide = AutoMultivariateNormal(numpyro_regression)
    svi = SVI(numpyro_regression, guide, numpyro.optim.Adam(0.05), Trace_ELBO())
    result = svi.run(jax.random.PRNGKey(0), 1500, X, Y, progress_bar=False)
    fit = from_svi(svi, X, Y, params=result)
    assert set(fit.draws) == {"beta", "slope"}  # and no auxiliary site
    np.testing.assert_allclose(fit.trace, -np.asarray(result.losses))
    # the ELBO is below the log evidence, by KL(guide || posterior): small after training
    assert LOG_EVIDENCE - 1 < fit.diagnostics["elbo"] < LOG_EVIDENCE + 4 * fit.diagnostics["elbo_se"]
    of_guide = from_svi(guide, X, Y, params=result.params)
    np.testing.assert_array_equal(of_guide.draws["beta"], fit.draws["beta"])
    of_state = from_svi(svi, X, Y, params=result.state)
    np.testing.assert_array_equal(of_state.draws["beta"], fit.draws["beta"])


def test_a_guide_without_spread_is_a_point():
    import numpyro
    from numpyro import infer

    guide = infer.autoguide.AutoDelta(numpyro_regression)
    svi = infer.SVI(numpyro_regression, guide, numpyro.optim.Adam(0.05), infer.Trace_ELBO())
    fit = from_svi(svi, X, Y, params={"beta_auto_loc": MEAN}, num_draws=10)
    assert fit.kind == "point"
    assert not fit.draws
    np.testing.assert_allclose(fit.params["beta"], MEAN, rtol=1e-6)
    assert list(fit.summary().columns) == ["estimate"]


def test_a_pyro_autoguide_has_the_weights_of_its_unconstrained_draws():
    import pyro
    import torch
    from pyro.distributions import Gamma, Poisson
    from pyro.infer import SVI, Trace_ELBO
    from pyro.infer.autoguide import AutoNormal
    from pyro.optim import ClippedAdam

    def counts(y):
        rate = pyro.sample("rate", Gamma(2.0, 1.0))
        with pyro.plate("rows", len(y)):
            pyro.sample("y", Poisson(rate), obs=y)

    pyro.clear_param_store()
    y, guide = torch.tensor([3.0, 1.0, 4.0]), AutoNormal(counts)
    guide(y)
    svi = SVI(counts, guide, ClippedAdam({"lr": 0.01}), Trace_ELBO())
    fit = from_svi(svi, y, num_draws=50)
    assert set(fit.draws) == {"rate"}
    from scipy import stats

    rate = fit.draws["rate"]
    location, scale = (float(p.detach()) for p in (guide.locs.rate, guide.scales.rate))
    log_q = stats.lognorm(scale, scale=np.exp(location)).logpdf(rate)
    log_p = stats.gamma(2.0).logpdf(rate) + stats.poisson(rate[..., None]).logpmf(y.numpy()).sum(-1)
    np.testing.assert_allclose(fit.stats["log_weight"], log_p - log_q, rtol=1e-4, atol=1e-4)  # float32


def test_weights_of_a_guide_without_labels_need_the_program():
    own = own_fit()
    arguments = {"params": {}, "num_draws": 40, **own.keywords}
    fit = from_svi(rates_svi(own), own.data["x"], **arguments)
    assert set(fit.draws) == {"pi", "rate"}  # labels drawn from their prior are no draws of the guide
    assert "log_weight" not in fit.stats
    c = compare(own, fit)
    (name,) = [n for n in c.fits if n.startswith("SVI")]
    assert "log p - log q of its draws is not recorded and needs the program" in c.verdicts[name].explanation
    whole = from_svi(rates_svi(own), own.data["x"], model=own.model, data=own.data, **arguments)
    from scipy import stats

    log_q = stats.dirichlet([20.0, 30.0]).logpdf(whole.draws["pi"][0].T / whole.draws["pi"][0].sum(-1))
    log_q += stats.lognorm(0.1, scale=[2.0, 9.0]).logpdf(whole.draws["rate"][0]).sum(-1)
    expected = whole.stats["lp"][0] - log_q
    np.testing.assert_allclose(whole.stats["log_weight"][0], expected, rtol=1e-4)
    joint = backend_of(own.model).log_joint  # of the full program: the labels summed out by hand
    values = {n: v[0, 0] for n, v in whole.draws.items()}
    x = own.data["x"]
    log_rows = stats.poisson(values["rate"]).logpmf(x[:, None]) + np.log(values["pi"])
    ones = joint(own.model.program, {"x": x, **own.keywords}, {**values, "z": np.ones(len(x), int)})
    prior = ones - log_rows[:, 1].sum()
    expected = prior + np.logaddexp.reduce(log_rows, axis=1).sum()
    np.testing.assert_allclose(whole.stats["lp"][0, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_subsampled_rows_give_no_weights(backend):
    if backend == "numpyro":
        import numpyro as library
        from numpyro.distributions import Normal
        from numpyro.infer import SVI, Trace_ELBO

        optimizer, params = library.optim.Adam(0.1), {}
    else:
        import pyro as library
        from pyro.distributions import Normal
        from pyro.infer import SVI, Trace_ELBO
        from pyro.optim import ClippedAdam

        optimizer, params = ClippedAdam({"lr": 0.1}), None
        library.clear_param_store()

    def program():
        m = library.sample("m", Normal(0.0, 1.0))
        with library.plate("rows", 100, subsample_size=10):
            library.sample("y", Normal(m, 1.0), obs=m * 0.0)

    def guide():
        library.sample("m", Normal(0.0, 1.0))

    fit = from_svi(SVI(program, guide, optimizer, Trace_ELBO()), params=params, num_draws=5)
    assert "log_weight" not in fit.stats
    assert fit.draws["m"].shape == (1, 5)


def test_a_guide_makes_the_round_trip_with_its_weights():
    ours = guide_of(correlated(0.5), correlated(0.5))
    fit = from_arviz(ours.to_arviz())
    assert fit.kind == "guide"
    names = ("guide", "chains")
    a, b = (compare(one, chains_of(correlated(0.5)), names=names).fits_table for one in (ours, fit))
    columns = ["max_delta", "k_hat", "elbo", "kl"]
    np.testing.assert_allclose(b.loc["guide", columns].astype(float), a.loc["guide", columns].astype(float))
