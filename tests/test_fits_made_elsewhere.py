"""Fits of other libraries' draws: read in full, compared beside our own, and honest about what was not recorded."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from synthetic import at_point, chains_of, correlated, guide_of, mixture, relabel

import inference
import zoo
from inference import compare, from_arviz, from_mcmc, from_svi, load
from inference.draws_model import has_program
from zoo import ZooError
from zoo._backend import backend_of

BACKENDS = ("numpyro", "pyro")
rng = np.random.default_rng(3)
X = np.column_stack([np.ones(30), rng.normal(size=30)])
Y = X @ [0.5, -1.0] + rng.normal(size=30)
# closed form of y ~ Normal(X beta, 1), beta ~ Normal(0, 2)
PRECISION = X.T @ X + np.eye(2) / 4
COVARIANCE = np.linalg.inv(PRECISION)
MEAN = COVARIANCE @ X.T @ Y
MARGINAL = np.eye(30) + 4 * X @ X.T
LOG_EVIDENCE = -0.5 * (Y @ np.linalg.solve(MARGINAL, Y) + np.linalg.slogdet(2 * np.pi * MARGINAL)[1])


def numpyro_regression(X, y):
    import numpyro
    import numpyro.distributions as dist

    beta = numpyro.sample("beta", dist.Normal(0.0, 2.0).expand([2]).to_event(1))
    numpyro.deterministic("slope", beta[1])
    with numpyro.plate("rows", len(X)):
        numpyro.sample("y", dist.Normal(X @ beta, 1.0), obs=y)


def pyro_regression(X, y):
    import pyro
    import pyro.distributions as dist
    import torch

    beta = pyro.sample("beta", dist.Normal(torch.zeros(2), 2.0).to_event(1))
    pyro.deterministic("slope", beta[1])
    with pyro.plate("rows", len(X)):
        pyro.sample("y", dist.Normal(X @ beta, 1.0), obs=y)


def run_numpyro_mcmc(num_chains=2, num_samples=500):
    import jax
    from numpyro.infer import MCMC, NUTS

    mcmc = MCMC(
        NUTS(numpyro_regression), num_warmup=200, num_samples=num_samples, num_chains=num_chains, progress_bar=False,
        chain_method="sequential",
    )  # fmt: skip
    mcmc.run(jax.random.PRNGKey(0), X, Y, extra_fields=("num_steps",))
    return mcmc


@pytest.fixture(scope="module")
def numpyro_mcmc():
    return run_numpyro_mcmc()


@pytest.fixture(scope="module")
def pyro_mcmc():
    import pyro
    import torch
    from pyro.infer import MCMC, NUTS

    pyro.set_rng_seed(0)
    arguments = (torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(Y, dtype=torch.float32))
    mcmc = MCMC(NUTS(pyro_regression), num_samples=400, warmup_steps=100, disable_progbar=True)
    mcmc.run(*arguments)
    return mcmc


def as_mcmc(fit, backend):
    """An MCMC of a library that holds the draws of a fit."""
    if backend == "numpyro":
        from numpyro.infer import MCMC, NUTS

        class Stored(MCMC):
            def get_samples(self, group_by_chain=False):
                return fit.draws

            def get_extra_fields(self, group_by_chain=False):
                return {"diverging": fit.stats["diverging"]}

        return Stored(NUTS(fit.model.program), num_warmup=1, num_samples=1)
    import torch
    from pyro.infer import MCMC as PyroMCMC
    from pyro.infer import NUTS as PyroNUTS

    class StoredPyro(PyroMCMC):
        def get_samples(self, num_samples=None, group_by_chain=False):
            return {n: torch.as_tensor(v.copy()) for n, v in fit.draws.items()}

        def diagnostics(self):
            chains = enumerate(fit.stats["diverging"])
            return {"divergences": {f"chain {i}": list(np.flatnonzero(d)) for i, d in chains}}

    return StoredPyro(PyroNUTS(fit.model.program), num_samples=1, warmup_steps=1)


@pytest.fixture(scope="module")
def own():
    x = np.random.default_rng(1).poisson(np.where(np.arange(60) < 25, 2.0, 9.0)).astype(float)
    model = zoo.load("poisson_mixture", K=2)
    return inference.fit(model, x, "nuts", num_warmup=200, num_samples=250, num_chains=2)


@pytest.fixture(scope="module")
def guide(own):
    return inference.fit(own.model, own.data, "svi", num_steps=300)


@pytest.mark.parametrize("backend", BACKENDS)
def test_compare_is_that_of_our_own_fit_of_the_same_draws(own, guide, backend):
    model = zoo.load("poisson_mixture", K=2, backend=backend)
    fit = from_mcmc(as_mcmc(own, backend), model=model, data=own.data)
    np.testing.assert_allclose(fit.stats["lp"], own.stats["lp"], rtol=1e-9)
    np.testing.assert_equal(fit.draws, own.draws)
    np.testing.assert_allclose(fit.log_likelihood(), own.log_likelihood(), rtol=1e-9)
    ours, theirs = compare(own, guide, names=("a", "b")), compare(fit, guide, names=("a", "b"))
    assert ours.verdicts == theirs.verdicts
    assert ours.verdict == theirs.verdict
    numbers = ours.table.select_dtypes("number")
    np.testing.assert_allclose(theirs.table[numbers.columns], numbers, rtol=1e-12, equal_nan=True)


def test_compare_without_a_program_agrees_and_aligns_labels(own, guide):
    order = np.broadcast_to(np.arange(2), (2, 250, 2)).copy()
    order[1] = order[1, :, ::-1]
    fit = from_mcmc(as_mcmc(relabel(own, order), "numpyro"))
    assert not has_program(fit.model)
    ours, theirs = compare(own, guide, names=("a", "b")), compare(fit, guide, names=("a", "b"))
    assert theirs.verdicts["a"].trust == ours.verdicts["a"].trust
    np.testing.assert_allclose(theirs.table["mean"], ours.table["mean"], rtol=1e-12)
    assert np.isnan(theirs.fits_table.loc["a", "log_likelihood"])
    assert theirs.fits_table.loc["b", "log_likelihood"] == ours.fits_table.loc["b", "log_likelihood"]


def test_numpyro_chains_of_a_regression(numpyro_mcmc):
    fit = from_mcmc(numpyro_mcmc)
    assert fit.kind == "chains"
    assert fit.engine == "NUTS"
    assert fit.model.name == "numpyro_regression"
    assert fit.draws["beta"].shape == (2, 500, 2)
    assert fit.stats["num_steps"].shape == (2, 500)
    assert fit.diagnostics["divergences"] == int(fit.stats["diverging"].sum())
    check_moments(fit)
    np.testing.assert_allclose(fit.draws["slope"], fit.draws["beta"][..., 1], rtol=1e-6)


def test_pyro_chains_of_a_regression(pyro_mcmc):
    fit = from_mcmc(pyro_mcmc, name="regression")
    assert fit.model.name == "regression"
    assert fit.draws["beta"].shape == (1, 400, 2)
    assert fit.stats["diverging"].shape == (1, 400)
    check_moments(fit)


def check_moments(fit):
    """Posterior means within four Monte Carlo errors of the closed form."""
    table = fit.summary().loc[["beta[0]", "beta[1]"]]
    error = table["sd"] / np.sqrt(table["ess_bulk"])
    assert (np.abs(table["mean"] - MEAN) < 4 * error).all()


def test_two_languages_are_compared_on_common_names(numpyro_mcmc, pyro_mcmc):
    c = compare(from_mcmc(numpyro_mcmc), from_mcmc(pyro_mcmc))
    assert list(c.fits) == ["NUTS (numpyro)", "NUTS (pyro)"]
    assert set(c.table["quantity"]) == {"beta[0]", "beta[1]"}
    assert any("slope is not compared" in warning for warning in c.warnings)
    assert "NUTS" in str(c)


def test_a_comparison_with_a_fit_without_a_program_is_written_as_a_page(numpyro_mcmc, tmp_path):
    a, b = from_mcmc(numpyro_mcmc), from_mcmc(numpyro_mcmc)
    page = compare(a, b).save(tmp_path / "report.html").read_text()
    assert "The data is not recorded" in page
    assert "made elsewhere, by NUTS" in page


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


@pytest.mark.parametrize("backend", BACKENDS)
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


def rates_guide(x=None, *, K, **settings):
    import jax.numpy as jnp
    from numpyro import plate, sample
    from numpyro.distributions import Dirichlet, LogNormal

    sample("pi", Dirichlet(jnp.array([20.0, 30.0])))
    with plate("K", K):
        sample("rate", LogNormal(jnp.log(jnp.array([2.0, 9.0])), 0.1))


def rates_svi(own):
    import numpyro
    from numpyro.infer import SVI, Trace_ELBO

    return SVI(own.model.program, rates_guide, numpyro.optim.Adam(0.01), Trace_ELBO())


def test_weights_of_a_guide_without_labels_need_the_program(own):
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


def test_a_tree_makes_the_round_trip():
    ours = mixture("nuts", shape=(2, 50))
    tree = ours.to_arviz()
    fit = from_arviz(tree)
    assert fit.engine == "nuts"
    assert fit.seconds == ours.seconds
    assert fit.model.name == "gaussian_mixture"
    again = fit.to_arviz()
    assert set(again.children) == set(tree.children)
    for group, child in tree.children.items():
        for name, values in child.dataset.items():
            np.testing.assert_array_equal(again.children[group].dataset[name].values, values.values)
    table, expected = fit.summary(), ours.summary()
    np.testing.assert_allclose(table.loc[expected.index], expected, rtol=1e-12)
    whole = from_arviz(tree, model=ours.model, data=ours.data)
    np.testing.assert_allclose(whole.summary(), expected, rtol=1e-12)


def test_a_guide_makes_the_round_trip_with_its_weights():
    ours = guide_of(correlated(0.5), correlated(0.5))
    fit = from_arviz(ours.to_arviz())
    assert fit.kind == "guide"
    names = ("guide", "chains")
    a, b = (compare(one, chains_of(correlated(0.5)), names=names).fits_table for one in (ours, fit))
    columns = ["max_delta", "k_hat", "elbo", "kl"]
    np.testing.assert_allclose(b.loc["guide", columns].astype(float), a.loc["guide", columns].astype(float))


def schools(num_chains=2, dims=("school",), whole_numbers=True):
    from arviz_base import from_dict

    posterior = {"theta": np.random.default_rng(0).normal([0.0, 1.0, 2.0], size=(num_chains, 300, 3))}
    posterior |= {"count": np.ones((num_chains, 300), int)} if whole_numbers else {}
    coords = {dims[0]: ["Choate", "Deerfield", "Exeter"]}
    return from_dict({"posterior": posterior}, coords=coords, dims={"theta": list(dims)})


def test_dimensions_and_coordinates_are_those_of_the_tree(tmp_path):
    fit = from_arviz(schools(), name="schools")
    assert fit.model.card.sites()["theta"].dims == ("school",)
    assert fit.model.card.sites()["count"].kind == "count"
    again = load(fit.save(tmp_path / "fit"))
    assert again.model.card.sites() == fit.model.card.sites()
    for one in (fit, again):
        posterior = one.to_arviz().children["posterior"].dataset
        assert list(posterior["school"].values) == ["Choate", "Deerfield", "Exeter"]


def test_a_dimension_called_K_is_not_taken_for_exchangeable_components():
    tree = schools(dims=("K",))
    fit = from_arviz(tree)
    np.testing.assert_array_equal(fit.aligned()["theta"], tree["posterior"]["theta"].values)


def test_a_fit_without_a_program_is_saved_and_loaded(numpyro_mcmc, tmp_path):
    fit = from_mcmc(numpyro_mcmc)
    again = load(fit.save(tmp_path / "fit"))
    check_refusal("saved without a program", lambda: load(tmp_path / "fit", model=zoo.load("poisson_mixture", K=2)))
    assert repr(again) == repr(fit)
    assert type(again.diagnostics) is type(fit.diagnostics)
    assert dict(again.diagnostics) == dict(fit.diagnostics)
    for group in ("params", "draws", "stats"):
        np.testing.assert_equal(getattr(again, group), getattr(fit, group))
    assert again.to_arviz().attrs == fit.to_arviz().attrs


def test_divergences_that_were_not_recorded_are_said_to_be_unknown():
    fit = from_arviz(schools(4, whole_numbers=False))
    assert "divergences" not in fit.diagnostics
    c = compare(fit, fit)
    assert all("divergences not recorded" in v.explanation for v in c.verdicts.values())
    assert c.fits_table["divergences"].isna().all()


def test_fits_to_different_data_are_refused():
    ours = mixture("nuts", shape=(2, 50))
    fit = from_arviz(ours.to_arviz())
    compare(ours, replace(fit, data={"x": fit.data["x"].astype(np.float32)}))
    with pytest.raises(ZooError, match="different data"):
        compare(ours, replace(fit, data={"x": fit.data["x"] + 1.0}))


def test_data_of_a_tree_may_be_one_number_or_text():
    from arviz_base import from_dict

    posterior = {"mu": np.random.default_rng(0).normal(size=(2, 100))}
    observed = {"y": np.array(3), "names": np.array(["a", "b"])}
    fit = from_arviz(from_dict({"posterior": posterior, "observed_data": observed}))
    assert list(fit.data) == ["y"]
    assert "1 rows" in repr(fit)


def test_convergence_that_was_not_recorded_is_said_to_be_unknown():
    point = from_arviz(at_point(mixture("nuts", shape=(2, 50))).to_arviz())
    c = compare(point, mixture("nuts", shape=(2, 200)), names=("point", "nuts"))
    assert "whether it converged is not recorded" in c.verdicts["point"].explanation


def test_fits_without_a_common_name_are_refused():
    with pytest.raises(ZooError, match=r"share no name of one shape: .* has theta, count; .* has mu"):
        compare(from_arviz(schools()), chains_of(correlated(0.5)))


@pytest.mark.skipif(
    not any(importlib.util.find_spec(name) for name in ("h5netcdf", "netCDF4")),
    reason="netCDF files with groups need h5netcdf or netCDF4",
)
def test_a_netcdf_file(tmp_path):
    tree = schools()
    tree.to_netcdf(tmp_path / "schools.nc")
    fit = from_arviz(tmp_path / "schools.nc")
    assert fit.model.name == "schools"
    np.testing.assert_array_equal(fit.draws["theta"], tree["posterior"]["theta"].values)
    assert list(fit.to_arviz().children["posterior"].dataset["school"].values) == ["Choate", "Deerfield", "Exeter"]


class InferenceData:
    """The interface of that of ArviZ before version 1."""

    def __init__(self, tree):
        self.tree, self.attrs = tree, {"inference_library": "pymc"}

    def groups(self):
        return [f"/{name}" for name in self.tree.children]

    def __getitem__(self, name):
        return self.tree[name].to_dataset()


def test_inference_data_of_older_versions():
    tree = schools()
    fit = from_arviz(InferenceData(tree))
    assert fit.engine == "pymc"
    np.testing.assert_array_equal(fit.draws["theta"], tree["posterior"]["theta"].values)


def write_csv(path, draws, warmup=0):
    """A file as CmdStan writes it, with theta[2, 2] in column-major order."""
    columns = ["lp__", "divergent__", "mu", "theta.1.1", "theta.2.1", "theta.1.2", "theta.2.2"]
    lines = [
        "# stan_version_major = 2", "# stan_version_minor = 36", "# stan_version_patch = 0", "# model = rats_model",
        f"#     num_warmup = {warmup or 1000} (Default)", f"#     save_warmup = {int(warmup > 0)}", "#     thin = 1",
        ",".join(columns), "# Adaptation terminated",
        *(",".join(map(str, row)) for row in draws),
        "# Elapsed Time: 0.1 seconds (Total)",
    ]  # fmt: skip
    path.write_text("\n".join(lines))
    return path


def test_csv_files_of_cmdstan(tmp_path):
    draws = np.random.default_rng(0).normal(size=(2, 40, 7))
    draws[..., 1] = np.arange(40) == 7
    paths = [write_csv(tmp_path / f"rats-{i}.csv", chain) for i, chain in enumerate(draws)]
    fit = from_arviz(paths)
    assert fit.model.name == "rats"
    assert fit.engine == "cmdstan"
    assert fit.diagnostics["divergences_by_chain"] == [1, 1]
    np.testing.assert_array_equal(fit.draws["mu"], draws[..., 2])
    np.testing.assert_array_equal(fit.draws["theta"][..., 1, 0], draws[..., 4])
    np.testing.assert_array_equal(fit.draws["theta"][..., 0, 1], draws[..., 5])
    np.testing.assert_array_equal(fit.stats["lp"], draws[..., 0])
    assert fit.to_arviz().attrs["inference_library_version"] == "2.36.0"
    with_warmup = write_csv(tmp_path / "warm.csv", np.concatenate([draws[1], draws[0]]), warmup=40)
    np.testing.assert_array_equal(from_arviz(with_warmup).draws["mu"][0], draws[0, :, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# method = sample\n", "holds no draws"),
        ("lp__,mu\n1,two\n", "is no CSV file of CmdStan"),
        ("lp__,mu\n1,2,3\n", "2 names and 3 columns"),
        ("lp__\n1\n", "has no parameters"),
    ],
)
def test_damaged_csv_files_are_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "chain.csv"
    path.write_text(text)
    check_refusal(message, lambda: from_arviz(path))


def check_refusal(message, call):
    with pytest.raises(ZooError, match=message) as refusal:
        call()
    assert "\n" not in str(refusal.value)


def unfinished(backend):
    if backend == "numpyro":
        from numpyro.infer import MCMC, NUTS

        return MCMC(NUTS(numpyro_regression), num_warmup=1, num_samples=1)
    from pyro.infer import MCMC as PyroMCMC
    from pyro.infer import NUTS as PyroNUTS

    return PyroMCMC(PyroNUTS(pyro_regression), num_samples=1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_chains_that_have_not_run_are_refused(backend):
    check_refusal("holds no draws: run it first", lambda: from_mcmc(unfinished(backend)))


def test_other_objects_are_refused(numpyro_mcmc):
    check_refusal("after run; given list", lambda: from_mcmc([1]))
    check_refusal("given NUTS", lambda: from_mcmc(numpyro_mcmc.sampler))
    check_refusal("given dict", lambda: from_svi({}))
    check_refusal("given MCMC", lambda: from_svi(numpyro_mcmc))
    check_refusal("given int", lambda: from_arviz(3))
    check_refusal("no file 'absent.nc'", lambda: from_arviz("absent.nc"))
    check_refusal(r"no group posterior \(groups: prior\)", lambda: from_arviz(schools().assign(
        prior=schools()["posterior"]).drop_nodes("posterior")))  # fmt: skip


def test_a_file_that_is_not_netcdf_is_refused(tmp_path):
    path = tmp_path / "text.nc"
    path.write_text("no netCDF")
    check_refusal("as netCDF", lambda: from_arviz(path))


def test_numpyro_svi_without_parameters_is_refused(own):
    check_refusal("params is what SVI.run", lambda: from_svi(rates_svi(own), own.data["x"], **own.keywords))


def test_draws_of_another_model_are_refused(numpyro_mcmc, own):
    check_refusal(
        "poisson_mixture has pi, rate, and the draws have beta, slope",
        lambda: from_mcmc(numpyro_mcmc, model=own.model, data=own.data),
    )
    check_refusal("needs data=", lambda: from_mcmc(numpyro_mcmc, model=own.model))
    check_refusal("model is zoo.load", lambda: from_mcmc(numpyro_mcmc, model=0, data=own.data))  # type: ignore[arg-type]
    check_refusal("give model=", lambda: from_mcmc(numpyro_mcmc, data=Y))
    wide = replace(own, draws={n: np.concatenate([v, v], -1) for n, v in own.draws.items()})
    check_refusal("has the shape", lambda: from_mcmc(as_mcmc(wide, "numpyro"), model=own.model, data=own.data))


def test_what_needs_a_program_says_that_it_is_missing():
    fit = from_arviz(schools())
    calls = (
        fit.log_likelihood,
        fit.local,
        fit.predict,
        lambda: fit.simulate(3),
        lambda: fit.model.log_joint({}),
        lambda: fit.model.program,
        lambda: inference.fit(fit.model, np.zeros(3), "nuts"),
    )
    for call in calls:
        check_refusal("has no program", call)
    point = from_arviz(at_point(mixture("nuts", shape=(2, 50))).to_arviz())
    assert point.kind == "point"
    check_refusal("has no program", lambda: inference.standard_errors(point))
    check_refusal("has its own spread", lambda: inference.standard_errors(fit))
    check_refusal("has no program", lambda: inference.held_out(fit, np.zeros(3)))


@pytest.mark.parametrize(
    ("low", "high", "kind"), [(0.0, 1.0, "unit"), (0, 1, "unit"), (0.0, 2.0, "real"), (-1.0, 1.0, "real")]
)
def test_kinds_are_those_of_the_support_in_both_languages(low, high, kind):
    from numpyro.distributions import Uniform
    from pyro.distributions import Uniform as PyroUniform

    from zoo._backend import in_numpyro, in_pyro

    assert in_numpyro.kind_of(Uniform(low, high)) == kind
    assert in_pyro.kind_of(PyroUniform(low, high)) == kind


def test_half_lines_are_positive_in_both_languages():
    import numpyro.distributions as numpyro_distributions
    import pyro.distributions as pyro_distributions

    from zoo._backend import in_numpyro, in_pyro

    for name in ("HalfNormal", "HalfCauchy", "Exponential"):
        assert in_numpyro.kind_of(getattr(numpyro_distributions, name)(1.0)) == "positive"
        assert in_pyro.kind_of(getattr(pyro_distributions, name)(1.0)) == "positive"
    assert in_numpyro.kind_of(numpyro_distributions.Pareto(1.0, 1.0)) == "real"
    assert in_pyro.kind_of(pyro_distributions.Pareto(1.0, 1.0)) == "real"
