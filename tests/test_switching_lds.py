"""Switching linear dynamical systems, and continuous latents that depend on discrete ones, against sums over paths."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import dirichlet, invgamma, norm

import inference
import zoo
from inference import enumeration, sequences
from tests.table import BACKENDS, SLOW_IN_NUMPYRO
from tests.test_chain_programs import language
from zoo._backend import in_backend

N, T, D, K, Z = 3, 5, 3, 2, 2
PATHS = np.array(list(itertools.product(range(K), repeat=T)))
PARAMETERS = tuple(zoo.card("switching_lds").parameters())


def switching_lds(backend: str, **settings: Any) -> zoo.Model:
    return zoo.load("switching_lds", backend, **{"K": K, "Z": Z, **settings})


@pytest.fixture(scope="module")
def simulated():
    values = switching_lds("pyro").simulate(1, N=N, T=T, D=D)
    values["x"][0, 1, 0] = values["x"][1, 3] = values["x"][2, 4:] = np.nan
    return values


def list_paths(values: dict[str, np.ndarray], n: int) -> np.ndarray:
    """log p(x, z, path | parameters) of sequence n for every path, (K^T,)."""
    z, x = values["z"][n], values["x"][n]
    rest = norm.logpdf(x, z @ values["W"].T + values["mu"], np.sqrt(values["Psi"]))
    emitted = np.where(np.isnan(x), 0.0, rest).sum() + norm.logpdf(z[0]).sum()
    moves = np.empty((T - 1, K))
    for t, k in np.ndindex(T - 1, K):
        moves[t, k] = norm.logpdf(z[t + 1], values["A"][k] @ z[t] + values["b"][k]).sum()
    logs = np.log(values["pi"])[PATHS[:, 0]] + np.log(values["transition"])[PATHS[:, :-1], PATHS[:, 1:]].sum(1)
    return emitted + logs + moves[np.arange(T - 1), PATHS[:, 1:]].sum(1)


def log_prior(values: dict[str, np.ndarray], spread: np.ndarray, loc: np.ndarray) -> float:
    """log p of the parameters."""
    total = dirichlet.logpdf(values["pi"], np.ones(K))
    total += sum(dirichlet.logpdf(values["transition"][k], 1 + np.eye(K)[k]) for k in range(K))
    total += norm.logpdf(values["A"], scale=0.5).sum() + norm.logpdf(values["b"]).sum()
    total += norm.logpdf(values["W"], scale=spread[:, None]).sum() + norm.logpdf(values["mu"], loc, 2 * spread).sum()
    return float(total + invgamma.logpdf(values["Psi"], 2, scale=spread**2 / 2).sum())


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_chain_is_summed_out_over_all_paths(simulated, backend):
    params = {n: simulated[n] for n in (*PARAMETERS, "z")}
    by_row = np.array([logsumexp(list_paths(simulated, n)) for n in range(N)])
    np.testing.assert_allclose(
        enumeration.log_marginal(switching_lds(backend), params, simulated["x"]), by_row, rtol=1e-10
    )
    spread, loc = np.array([0.7, 1.0, 1.5]), np.array([0.1, 0.0, -0.2])
    model = switching_lds(backend, spread=spread, loc=loc, scale=2 * spread)
    table, keywords = model.bind(simulated["x"])
    language = in_backend("zoo._backend", backend)
    with language.runtime("float64"):
        module = in_backend("inference.unconstrained", backend)
        program = in_backend("inference.exact.enumeration", backend).marginalize(model.program)
        density = module.UnconstrainedModel(program, language.to_backend(keywords), language.to_backend(table))
        vector = density.unconstrain_numpy(language.to_backend(params))
        total = density.value_grad_hvp(jacobian=False)(vector, np.zeros_like(vector))[0]
    np.testing.assert_allclose(total, by_row.sum() + log_prior(simulated, spread, loc), rtol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_state_without_an_offset_is_a_linear_dynamical_system(backend):
    values = switching_lds("pyro", K=1).simulate(2, N=N, T=T, D=D)
    values["b"] = np.zeros((1, Z))
    linear = {n: values[n] for n in ("W", "mu", "Psi", "z", "x")} | {"A": values["A"][0]}
    sizes = {"N": N, "T": T, "D": D}
    log_joint = switching_lds(backend, K=1).log_joint(values, **sizes)
    other = zoo.load("linear_dynamical_system", backend, Z=Z).log_joint(linear, **sizes)
    np.testing.assert_allclose(log_joint, other + norm.logpdf(np.zeros(Z)).sum(), rtol=1e-12)


@pytest.fixture(scope="module")
def fitted(simulated):
    """A fit whose draws are the values simulated, twice."""
    options: dict[str, Any] = {"num_warmup": 1, "num_samples": 2, "num_chains": 1, "max_tree_depth": 1}
    fit = inference.fit(switching_lds("pyro"), simulated["x"], "nuts", **options)
    fit.draws.update({n: np.stack([simulated[n]] * 2)[None] for n in fit.draws})
    fit.params.update({n: v[0, 0] for n, v in fit.aligned().items() if n in PARAMETERS})
    return fit


def test_states_are_those_of_all_paths_given_the_factors(simulated, fitted):
    smoothed, best = sequences.smoothed(fitted), sequences.most_probable_path(fitted, num_paths=3)
    draws = sequences.paths(fitted, num_paths=2000, seed=1) @ K ** np.arange(T)[::-1]
    np.testing.assert_allclose(fitted.local()["s"], smoothed, atol=1e-12)
    for n in range(N):
        logs = list_paths(simulated, n)
        p = np.exp(logs - logsumexp(logs))
        expected = np.einsum("p,ptk->tk", p, np.eye(K)[PATHS])
        # labels and axes are aligned, which permutes the states
        order = min(([0, 1], [1, 0]), key=lambda k: abs(smoothed[n][:, k] - expected).max())
        np.testing.assert_allclose(smoothed[n][:, order], expected, atol=1e-9)
        np.testing.assert_allclose(best.log_probability[n], np.sort(np.log(p))[::-1][:3], atol=1e-9)
        index = np.array(order)[PATHS] @ K ** np.arange(T)[::-1]
        counts = np.bincount(draws[:, n], minlength=len(p))[index]
        is_likely = p * 2000 > 1
        chi_squared = ((counts - 2000 * p) ** 2 / (2000 * p))[is_likely].sum()
        assert chi_squared < is_likely.sum() + 5 * np.sqrt(2 * is_likely.sum())


def test_moments_and_paths_of_the_factors_are_those_of_the_draws(fitted):
    moments, paths = sequences.latents(fitted), sequences.latent_paths(fitted, num_paths=3)
    np.testing.assert_allclose(moments.mean["z"], fitted.aligned()["z"][0, 0], atol=1e-12)
    np.testing.assert_allclose(moments.sd["z"], 0.0, atol=1e-12)
    assert paths["z"].shape == (3, N, T, Z)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (sequences.filtered, "filtered of switching_lds is of given steps, and the fit has z of all of them"),
        (sequences.forecast, "forecast of switching_lds"),
        (sequences.predictive_log_likelihood, "log p of steps of switching_lds is of given steps"),
        (lambda fit: sequences.latents(fit, so_far=True), "so_far"),
        (
            lambda fit: sequences.smoothed(fit, np.zeros((1, 4, D))),
            "leave data out, or fit the model to the other rows",
        ),
        (lambda fit: sequences.latents(fit, np.zeros((1, 4, D))), "leave data out"),
        (lambda fit: fit.local(np.zeros((1, 4, D))), "leave data out"),
        (lambda fit: fit.log_likelihood(), "is an integral over z and has no exact form"),
        (lambda fit: enumeration.log_marginal(fit.model, fit.params, fit.data), "give values of z too"),
    ],
)
def test_questions_without_an_exact_answer_say_why(fitted, question, message):
    with pytest.raises(zoo.ZooError, match=message):
        question(fitted)


def test_what_cannot_be_fitted():
    x = np.random.default_rng(0).normal(size=(6, 3))
    with pytest.raises(zoo.ZooError, match="z is a continuous latent of each row, and EM sums over discrete ones"):
        inference.fit(switching_lds("pyro"), x, "em")
    with pytest.raises(zoo.ZooError, match="T=1: sequences of one step have no dynamics"):
        inference.fit(switching_lds("pyro"), x[:, None], "svi")
    with pytest.raises(zoo.ZooError, match="stickiness is a number from 0 up"):
        inference.fit(switching_lds("pyro", stickiness=-1.0), x, "svi")


def two_regimes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """States (3, 120), and columns of factors that turn slowly in one state and fast in the other."""
    rng = np.random.default_rng(seed)

    def turn(angle, length):
        return length * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    A, W = np.stack([turn(0.1, 0.95), turn(1.5, 0.9)]), 2 * rng.normal(size=(4, 2))
    s, z = np.zeros((3, 120), int), rng.normal(size=(3, 120, 2))
    for n, t in np.ndindex(3, 119):
        s[n, t + 1] = s[n, t] if rng.random() < 0.96 else 1 - s[n, t]
        z[n, t + 1] += A[s[n, t + 1]] @ z[n, t]
    return s, z @ W.T + 0.3 * rng.normal(size=(3, 120, 4))


@pytest.mark.slow
def test_two_regimes_are_recovered():
    s, x = two_regimes(0)
    fit = inference.fit(switching_lds("numpyro", stickiness=10.0), x, "svi", num_steps=1000, num_draws=100)
    for states in (sequences.smoothed(fit).argmax(-1), sequences.most_probable_path(fit).states):
        correct = (states == s)[:, 1:].mean()  # nothing depends on the first state but the second
        assert max(correct, 1 - correct) > 0.9


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_a_continuous_latent_may_depend_on_a_label(backend):
    """Each row has a normal number around the mean of its component, which is seen with noise."""
    x = np.array([-1.5, 0.25, 2.0, 2.5])
    fit = inference.fit(*labelled_program(backend, x, "rows"), "nuts", num_warmup=20, num_samples=20, num_chains=1)
    p, means, y = (fit.draws[n][0] for n in ("p", "means", "y"))
    parts = np.log(p)[:, None] + norm.logpdf(y[..., None], means[:, None])
    log_joint = logsumexp(parts, axis=-1).sum(-1) + norm.logpdf(x, y, 0.5).sum(-1) + norm.logpdf(means, 0, 3.0).sum(-1)
    lp = fit.stats["lp"][0]
    np.testing.assert_allclose(lp - lp[0], log_joint - log_joint[0], atol=1e-6)


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_em_counts_the_density_of_a_latent_that_depends_on_a_label_once(backend):
    x = np.array([-1.5, 0.25, 2.0, 2.5])
    fit = inference.fit(*labelled_program(backend, x, "one"), "em", objective="map", max_iter=3)
    p, means, y = (fit.params[n] for n in ("p", "means", "y"))
    parts = np.log(p) + norm.logpdf(y, means)
    log_joint = logsumexp(parts) + norm.logpdf(x, y, 0.5).sum() + norm.logpdf(means, 0.0, 3.0).sum()
    np.testing.assert_allclose(fit.trace[-1], log_joint, rtol=1e-6)


def labelled_program(backend: str, x: np.ndarray, place: str) -> tuple[zoo.Model, Any]:
    """A program with a label and a normal number for each row, or with one of both, and its data."""
    pp, dist, xp = language(backend)

    def program(x):
        p = pp.sample("p", dist.Dirichlet(xp.ones(2)))
        means = pp.sample("means", dist.Normal(xp.zeros(2), 3.0).to_event(1))

        def latent():
            c = pp.sample("c", dist.Categorical(p))
            return pp.sample("y", dist.Normal(means[c], 1.0))

        y = latent() if place == "one" else None
        with pp.plate("rows", len(x)):
            pp.sample("x", dist.Normal(latent() if y is None else y, 0.5), obs=x)

    return zoo.Model(program, backend=backend), xp.asarray(x)
