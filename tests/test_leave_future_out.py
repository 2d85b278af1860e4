"""Leave-future-out cross-validation of sequences, against quadrature and against fits to parts of them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import halfnorm, invgamma

import inference
import zoo
from inference.evaluation.leave_one_out import steps
from inference.evaluation.leave_one_out.future import predict_forward
from inference.evaluation.leave_one_out.pareto import smooth_weights
from inference.evaluation.leave_one_out.steps import StepDensities
from inference.exact import kalman
from tests.loops import COVARIATE, LENGTHS, Y, in_pyro
from tests.table import BACKENDS
from tests.test_loops import every_path, read, values_of
from tests.user_fits import fit_of
from zoo.linear_dynamical_system import linear_chain

RNG = np.random.default_rng(0)
T, START = 40, 10
WALKS = RNG.normal(size=(2, T, 1)).cumsum(1) + RNG.normal(size=(2, T, 1))


@pytest.fixture(scope="module")
def walks():
    """The densities of the steps of two walks at a grid of the parameters, and the log prior of the grid.

    The grid is the model, so that its sums are exact.
    """
    level_sd, Psi = (v.ravel() for v in np.meshgrid(np.geomspace(0.1, 4, 70), np.geomspace(0.05, 8, 70)))
    settings = {"D": 1, "loc": 0.0, "scale": 2.0, "spread": 1.0}
    params = np.stack([level_sd, Psi], 1)[:, :, None]
    chains = [linear_chain({"level_sd": a, "Psi": b}, settings) for a, b in params]
    log_p = np.stack([kalman.filter_chains(chain, WALKS).log_p for chain in chains])  # (grid, N, T)
    log_prior = halfnorm.logpdf(level_sd) + invgamma.logpdf(Psi, 2.0, scale=0.5) + np.log(level_sd) + np.log(Psi)
    return log_p, log_prior


def exact_predictions(log_p, log_prior):
    """log p(x_nt | the steps before of both sequences), (N, T - START)."""
    predictions = []
    for t in range(START, T):
        weights = log_prior + log_p[:, :, :t].sum((1, 2))
        predictions.append(logsumexp((weights - logsumexp(weights))[:, None] + log_p[:, :, t], axis=0))
    return np.stack(predictions, 1)


def sampler(walks, rng, draws=2000):
    """A function that draws from the posterior given t steps, and the steps at which it was called."""
    log_p, log_prior = walks
    calls = []

    def refit(t):
        calls.append(t)
        weights = log_prior + log_p[:, :, :t].sum((1, 2))
        at = rng.choice(len(weights), draws, p=np.exp(weights - logsumexp(weights)))
        return StepDensities(log_p[at])

    return refit, calls


@pytest.mark.parametrize("limit", [-np.inf, 0.5, 0.7])
def test_predictions_are_those_of_quadrature(walks, limit):
    exact = exact_predictions(*walks)
    errors, calls = [], []
    for seed in range(12):
        refit, calls = sampler(walks, np.random.default_rng(seed))
        result = predict_forward(refit, T, START, limit)
        assert list(result.refitted) == calls
        errors.append((result.log_p - exact).sum())
        assert abs(result.log_p - exact).max() < 0.3
    assert abs(np.mean(errors)) < 4 * np.std(errors, ddof=1) / np.sqrt(12)
    assert len(calls) == (T - START if limit < 0 else pytest.approx(T / 8, abs=T / 8))


def test_draws_that_are_never_made_anew_lose_the_later_steps(walks):
    refit, calls = sampler(walks, np.random.default_rng(1))
    never = predict_forward(refit, T, START, np.inf)
    assert calls == [START]
    assert never.k_hat[0] == 0.0
    assert never.k_hat[-10:].mean() > never.k_hat[1:6].mean()


def test_draws_of_a_guide_count_by_their_weights(walks):
    log_p, log_prior = walks
    exact = exact_predictions(log_p, log_prior)
    rng = np.random.default_rng(2)

    def refit(t, is_weighted=True):
        weights = log_prior + log_p[:, :, :t].sum((1, 2))
        proposal = 0.7 * weights  # wider than the posterior
        at = rng.choice(len(weights), 20_000, p=np.exp(proposal - logsumexp(proposal)))
        return StepDensities(log_p[at], (weights - proposal)[at] if is_weighted else None)

    weighted = predict_forward(refit, T, START, 0.7).log_p
    unweighted = predict_forward(lambda t: refit(t, False), T, START, 0.7).log_p
    assert abs((weighted - exact).sum()) < 0.1
    assert abs((weighted - exact).sum()) < abs((unweighted - exact).sum())


@pytest.mark.slow
def test_fits_by_nuts_predict_as_quadrature_does(walks):
    """The prior is that of the grid, whose limits cut off little of it."""
    settings = {"structure": "local_level", "loc": 0.0, "scale": 2.0, "spread": 1.0}
    options: dict[str, Any] = {"num_warmup": 300, "num_samples": 500, "num_chains": 2}
    fit = inference.fit(zoo.load("linear_dynamical_system", "numpyro", **settings), WALKS, engine="nuts", **options)
    result = inference.leave_future_out(fit, start=START)
    exact = exact_predictions(*walks)
    assert abs(result.pointwise - exact).max() < 0.15
    assert abs(result.elpd - exact.sum()) < 0.5
    assert (result.k_hat < result.k_limit).all()


def simulated(name, **settings):
    values = zoo.load(name, "pyro", **settings).simulate(3, N=2, T=20, D=1)
    return values["x"]


MODELS = {
    "hidden_markov": ({"K": 2}, "gibbs", {"num_warmup": 50, "num_samples": 100, "num_chains": 1}),
    "linear_dynamical_system": ({"structure": "local_level"}, "svi", {"num_steps": 20, "num_draws": 100}),
    "autoregressive_hmm": ({"K": 1}, "svi", {"num_steps": 20, "num_draws": 100}),
}


@pytest.mark.parametrize(
    "name", ["hidden_markov", *(pytest.param(n, marks=pytest.mark.slow) for n in list(MODELS)[1:])]
)
def test_the_first_prediction_is_that_of_a_fit_to_the_steps_before(name):
    settings, engine, options = MODELS[name]
    model, x = zoo.load(name, "pyro", **settings), simulated(name, **settings)
    x[0, 19] = np.nan if name != "autoregressive_hmm" else x[0, 19]
    fit = inference.fit(model, x, engine, **options)
    result = inference.leave_future_out(fit, start=18)
    partial = inference.fit(model, x[:, :18], engine, **options)
    whole, before = (partial.log_likelihood(x[:, :t]).reshape(-1, 2) for t in (19, 18))
    log_weight = partial.stats.get("log_weight")
    log_ratio = np.zeros(len(whole)) if log_weight is None else log_weight.ravel()
    expected = logsumexp(log_ratio[:, None] + whole - before, axis=0) - logsumexp(log_ratio)
    np.testing.assert_allclose(result.pointwise[:, 0], expected, atol=0.02 if log_weight is not None else 1e-8)
    assert result.pointwise.shape == (2, 2)
    assert result.refitted[0] == 18
    assert np.isnan(result.pointwise[0, 1]) == (name != "autoregressive_hmm")
    assert result.elpd == pytest.approx(np.nansum(result.pointwise))
    assert "steps 19 to 20, each from those before" in str(result)


@pytest.fixture
def fixed_draws(monkeypatch):
    """Fits to parts of sequences have the draws of the fit to all of them: what is left is the code of the steps."""
    monkeypatch.setattr(steps, "fit_again", lambda fit, part, data=None: fit_of(part, fit.draws, data))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["first_order", pytest.param("dependent_chains", marks=pytest.mark.slow)])
@pytest.mark.usefixtures("fixed_draws")
def test_predictions_of_a_users_chain_are_sums_over_every_path(name, backend):
    """The second sequence has ended before the last step, which is masked; arguments are cut along two dimensions."""
    draws = {n: np.broadcast_to(v, (1, 30, *v.shape)) for n, v in values_of(name).items()}
    result = inference.leave_future_out(fit_of(read(name, backend), draws), start=2, site="x")
    whole, before = (logsumexp(every_path(name, backend, 0, t)[0]) for t in (3, 2))
    np.testing.assert_allclose(result.pointwise, [[whole - before], [np.nan]], rtol=1e-6)
    assert result.elpd == pytest.approx(whole - before, rel=1e-6)
    assert list(result.refitted) == [2]


def users_hidden_markov(backend):
    """The program of ``hidden_markov`` with one column, as a loop over time, for one sequence."""
    library = pytest.importorskip(backend)
    dist, sample = library.distributions, library.sample
    ones = pytest.importorskip({"numpyro": "jax.numpy", "pyro": "torch"}[backend]).ones

    def program(x, num_steps):
        pi = sample("pi", dist.Dirichlet(ones(2)))
        A = sample("A", dist.Dirichlet(ones((2, 2))).to_event(1))
        mu = sample("mu", dist.Normal(0.0, 5.0).expand([2]).to_event(1))
        Lambda = sample("Lambda", dist.Gamma(1.5, 0.5).expand([2]).to_event(1))

        def step(z, x_t, t=""):
            z = sample(f"z{t}", dist.Categorical(pi if z is None else A[z]))
            sample(f"x{t}", dist.Normal(mu[z], Lambda[z] ** -0.5), obs=x_t)
            return z, None

        if backend == "pyro":
            z = None
            for t in library.markov(range(num_steps)):
                z, _ = step(z, x[t], t)
        else:
            from numpyro.contrib.control_flow import scan

            z, _ = step(None, x[0], "_first")
            scan(step, z, x[1:])

    return zoo.Model(program, backend=backend)


@pytest.mark.usefixtures("fixed_draws")
def test_a_users_program_of_the_zoos_model_has_its_predictions():
    """Without a plate of sequences, and with the number of steps as an argument, which is cut too."""
    x, rng = simulated("hidden_markov", K=2)[:1, :12], np.random.default_rng(4)
    values = {"pi": rng.dirichlet([5.0, 5.0], (1, 40)), "A": rng.dirichlet([5.0, 5.0], (1, 40, 2))}
    values |= {"mu": x.mean() + rng.normal(size=(1, 40, 2)), "Lambda": rng.gamma(20.0, 0.05, (1, 40, 2))}
    own = fit_of(zoo.read(users_hidden_markov("pyro"), x[0, :, 0], num_steps=12), values)
    columns = {n: v[..., None] if n in ("mu", "Lambda") else v for n, v in values.items()}
    theirs = fit_of(zoo.load("hidden_markov", "pyro", K=2), columns, x)
    results = [inference.leave_future_out(fit, start=6) for fit in (own, theirs)]
    np.testing.assert_allclose(results[0].pointwise, results[1].pointwise, rtol=1e-9)
    np.testing.assert_allclose(results[0].k_hat, results[1].k_hat, rtol=1e-6)
    assert results[0].elpd == pytest.approx(results[1].elpd, rel=1e-9)


def test_fits_to_parts_of_a_users_program_are_those_to_its_arguments_cut():
    y, options = Y[:, :3], {"engine": "svi", "num_steps": 30, "num_draws": 60}
    model = zoo.Model(in_pyro.first_order, backend="pyro")
    fit = inference.fit(model, y, LENGTHS, COVARIATE, **options)
    result = inference.leave_future_out(fit, start=2)
    partial = inference.fit(model, y[:, :2], np.minimum(LENGTHS, 2), COVARIATE[:2], **options)
    whole = replace(partial, model=fit.model, data=fit.data, keywords=fit.keywords)
    log_weights, _ = smooth_weights(partial.stats["log_weight"][0])
    log_p = whole.log_likelihood()[0, :, 0] - partial.log_likelihood()[0, :, 0]
    assert result.pointwise[0, 0] == pytest.approx(logsumexp(log_weights + log_p), rel=1e-6)
    assert np.isnan(result.pointwise[1, 0])


def test_programs_whose_steps_cannot_be_cut_are_refused():
    """One has a prior that depends on the number of steps, and one observes more than its chain."""
    import pyro
    import torch
    from pyro import distributions as dist

    def program(y, weight=None):
        mu = pyro.sample("mu", dist.Normal(torch.zeros(2), 1.0).to_event(1))
        x = 0
        for t in pyro.markov(range(len(y))):
            x = pyro.sample(f"x_{t}", dist.Categorical(torch.tensor([[0.9, 0.1], [0.2, 0.8]])[x]))
            pyro.sample(f"y_{t}", dist.Normal(mu[x], 1.0 if weight is None else len(y) / 4), obs=y[t])
        if weight is None:
            pyro.sample("total", dist.Normal(mu.sum(), 1.0), obs=y[0])

    draws = {"mu": np.random.default_rng(0).normal(size=(1, 30, 2))}
    for weight, words in (((), "densities beside those of the steps"), ((1.0,), "cannot be cut at 2 steps")):
        fit = fit_of(zoo.read(zoo.Model(program, backend="pyro"), Y[0], *weight), draws)
        with pytest.raises(zoo.ZooError, match=words) as caught:
            inference.leave_future_out(fit, start=2)
        assert "\n" not in str(caught.value)


def test_what_has_no_future_is_refused_in_one_line():
    x = simulated("hidden_markov", K=2)
    model = zoo.load("hidden_markov", "pyro", K=2)
    few = inference.fit(model, x, "gibbs", num_warmup=5, num_samples=1, num_chains=1)
    cases = {
        "has none": inference.fit(model, x, "em"),
        "1 are too few": few,
        "loo\\(fit\\) leaves rows out": inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), x[0], "em"),
        "no program": inference.from_arviz(few.to_arviz()),
        "fit autoregressive_hmm": fit_of(zoo.load("switching_lds", "pyro", K=2, Z=1), {"mu": x[None]}, np.tile(x, 2)),
    }
    for words, fit in cases.items():
        with pytest.raises(zoo.ZooError, match=words) as caught:
            inference.leave_future_out(fit)
        assert "\n" not in str(caught.value)
    fit = inference.fit(model, x, "gibbs", num_warmup=5, num_samples=30, num_chains=1)
    starts: list[Any] = [1, 20, 2.5]
    for start in starts:
        with pytest.raises(zoo.ZooError, match="start is a number of steps from 2 to 19"):
            inference.leave_future_out(fit, start=start)
