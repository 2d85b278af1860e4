"""Gibbs sampling of hidden Markov models, against sums over all paths in which the parameters are integrated out."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.special import betaln, gammaln, logsumexp

import inference
import zoo
from inference import enumeration
from inference.exact.markov import SequenceStates
from tests.paths import list_paths, simulated

EMISSIONS = tuple(zoo.card("hidden_markov").variants["emission"])
K, STICKINESS, SHAPE, MEAN, V = 2, 1.5, 2.0, 3.0, 3
X = {
    "bernoulli": np.array([[[1.0], [1.0], [np.nan], [0.0], [0.0]], [[0.0], [1.0], [0.0], [np.nan], [np.nan]]]),
    "poisson": np.array([[[6.0], [4.0], [np.nan], [0.0], [1.0]], [[1.0], [7.0], [0.0], [np.nan], [np.nan]]]),
    "categorical": np.array([[[2.0], [2.0], [np.nan], [0.0], [0.0]], [[0.0], [1.0], [0.0], [np.nan], [np.nan]]]),
}


def sample(emission: str, x: Any, **options: Any) -> inference.Fit:
    settings: dict[str, Any] = {"stickiness": STICKINESS, "mean": MEAN, "shape": SHAPE, "V": V}
    model = zoo.load("hidden_markov", "pyro", K=K, emission=emission, **settings)
    return inference.fit(model, x, engine="gibbs", **options)


def of_states(z: tuple[int, ...], values: np.ndarray, emission: str) -> tuple[float, np.ndarray]:
    """log p(values | states), parameters integrated out, and their mean in each state: (K,), or (K, V)."""
    total, means = 0.0, []
    for k in range(K):
        own = values[np.array(z) == k]
        own = own[~np.isnan(own)]
        match emission:
            case "bernoulli":
                yes, no = 1 + own.sum(), 1 + (1 - own).sum()
                total += betaln(yes, no)
                means.append(yes / (yes + no))
            case "poisson":
                shape, rate = SHAPE + own.sum(), SHAPE / MEAN + len(own)
                total += gammaln(shape) - shape * np.log(rate)
                means.append(shape / rate)
            case _:
                counts = 1 + np.bincount(own.astype(int), minlength=V)
                total += gammaln(counts).sum() - gammaln(counts.sum())
                means.append(counts / counts.sum())
    return total, np.array(means)


def exact_moments(emission: str) -> dict[str, float]:
    """Posterior means of functions that do not depend on the labels, from all paths of both sequences."""
    values = np.concatenate([X[emission][0, :, 0], X[emission][1, :3, 0]])
    prior = 1 + STICKINESS * np.eye(K)
    logs, rows = [], []
    for z in itertools.product(range(K), repeat=8):
        first = 1 + np.bincount([z[0], z[5]], minlength=K)
        counts = prior.copy()
        for a, b in [*itertools.pairwise(z[:5]), *itertools.pairwise(z[5:])]:
            counts[a, b] += 1
        log, mean = of_states(z, values, emission)
        log += gammaln(first).sum() + gammaln(counts).sum() - gammaln(counts.sum(1)).sum()
        pi, A = first / first.sum(), counts / counts.sum(1, keepdims=True)
        logs.append(log)
        rows.append(summarise(pi, A, mean))
    p = np.exp(np.array(logs) - logsumexp(logs))
    return {n: float(p @ [row[n] for row in rows]) for n in rows[0]}


def summarise(pi: np.ndarray, A: np.ndarray, mu: np.ndarray) -> dict[str, Any]:
    """Functions that are linear in each parameter, and so have the mean of the means given the path."""
    mu = mu if mu.ndim == pi.ndim else mu[..., 0]  # of symbols the first
    return {
        "stay": A[..., 0, 0] + A[..., 1, 1],
        "product": mu[..., 0] * mu[..., 1],
        "sum": mu.sum(-1),
        "first": (pi * mu).sum(-1),
        "next": A[..., 0, 0] * mu[..., 0] + A[..., 1, 1] * mu[..., 1],
    }


@pytest.mark.parametrize("emission", X)
def test_moments_are_those_of_all_paths(emission):
    num_samples, num_batches = 2000, 20
    fit = sample(emission, X[emission], num_warmup=50, num_samples=num_samples, seed=1)
    assert fit.draws["A"].shape == (1, num_samples, K, K)
    pi, A, mu = (fit.draws[n][0] for n in ("pi", "A", "mu"))
    draws = summarise(pi, A, mu[:, :, 0])  # of the one column
    for name, expected in exact_moments(emission).items():
        means = draws[name].reshape(num_batches, -1).mean(1)  # of consecutive draws, which depend on each other
        error = means.std(ddof=1) / np.sqrt(num_batches)
        assert abs(means.mean() - expected) < 5 * error, name
        assert error < 0.1 * max(1.0, abs(expected)), name


@pytest.mark.parametrize("emission", EMISSIONS)
def test_the_density_is_that_of_the_program_and_the_states_are_kept(emission):
    _, x = simulated(emission, 3, N=4, T=8, K=2)
    fit = sample(emission, x, num_warmup=5, num_samples=5, num_chains=2, num_draws=2)
    draw = {n: v[1, -1] for n, v in fit.draws.items()}
    log_likelihood = enumeration.log_marginal(fit.fitted_model, draw, x).sum()
    N, T = x.shape[:2]
    states, empty = np.zeros((N, T), int), np.full_like(x, np.nan)
    joint = fit.fitted_model.log_joint({**draw, "x": empty, "z": states}, N=N, T=T)
    prior = joint - N * (np.log(draw["pi"][0]) + (T - 1) * np.log(draw["A"][0, 0]))
    np.testing.assert_allclose(fit.stats["lp"][1, -1], log_likelihood + prior, rtol=1e-10)
    assert fit.state["z"].shape == (2, N, T)
    assert (fit.state["z"][:, 2, 4:] == -1).all()  # this sequence ends there
    assert set(np.unique(fit.state["z"][:, [0, 1, 3]])) <= {0, 1}


def test_a_run_continues_where_it_was_saved(tmp_path):
    x = X["poisson"]
    options: dict[str, Any] = {"num_warmup": 4, "num_chains": 2, "checkpoint_every": 3, "every": 1}
    whole = sample("poisson", x, num_samples=8, **options)
    sample("poisson", x, num_samples=4, checkpoint=tmp_path / "run", **options)
    continued = sample("poisson", x, num_samples=8, checkpoint=tmp_path / "run", **options)
    for name, draws in whole.draws.items():
        np.testing.assert_array_equal(continued.draws[name], draws)
    np.testing.assert_array_equal(continued.state["z"], whole.state["z"])
    with pytest.raises(zoo.ZooError, match="data x"):
        sample("poisson", x + 1, num_samples=8, checkpoint=tmp_path / "run", **options)


def test_without_draws_the_fit_is_a_point_of_high_density():
    fit = sample("bernoulli", X["bernoulli"], num_warmup=5, num_samples=50, num_draws=0, every=1)
    assert fit.kind == "point"
    assert fit.log_likelihood().sum() > -10
    with pytest.raises(zoo.ZooError, match="no option of gibbs 'learn_alpha'"):
        sample("bernoulli", X["bernoulli"], learn_alpha="symmetric")


@pytest.mark.parametrize("has_zeros", [False, True])
def test_paths_of_sequences_are_drawn_by_their_probability(has_zeros):
    params, x = simulated("normal", K=2, T=4, N=3)
    A = np.array([[1.0, 0.0], [0.3, 0.7]]) if has_zeros else params["A"]
    x = x[:1]
    with np.errstate(divide="ignore"):
        logs, log_A = list_paths({**params, "A": A}, x[0], "normal", {}), np.log(A)
    fit = inference.fit(zoo.load("hidden_markov", "pyro", K=2), x, engine="em", start=params, max_iter=1)
    log_states = enumeration.chain(fit.fitted_model, params, x).log_states
    states, rng, num_draws = SequenceStates(np.array([0, 4]), np.ones(1)), np.random.default_rng(0), 3000
    counts, log_sums = np.zeros(16), np.empty(1)
    for _ in range(num_draws):
        log_sums, path = states.draw(log_states[0].copy(), log_A, rng)
        counts[int(path @ [8, 4, 2, 1])] += 1
    np.testing.assert_allclose(log_sums, logsumexp(logs), rtol=1e-12)
    p = np.exp(logs - logsumexp(logs))
    assert (counts[p == 0] == 0).all()
    expected = num_draws * p[p > 0]
    chi_squared = ((counts[p > 0] - expected) ** 2 / expected).sum()
    assert abs(chi_squared - len(expected) + 1) < 5 * np.sqrt(2 * len(expected) + (1 / expected).sum())


@pytest.mark.slow
@pytest.mark.parametrize("emission", ["normal", "full_normal", "tied_normal", "poisson"])
def test_ranks_of_the_truth_are_uniform(emission):
    """Simulation-based calibration (Talts et al. 2018) of functions that do not depend on the labels."""
    model = zoo.load(
        "hidden_markov", "pyro", K=2, emission=emission, loc=0.0, scale=2.0, spread=1.0, mean=4.0, shape=2.0
    )
    ranks: dict[str, list[int]] = {}
    for seed in range(80 if emission.endswith("_normal") else 200):  # matrices take longer
        values = model.simulate(seed, N=2, T=6, D=2)
        x = values["x"].astype(float)
        x[0, 2, 0] = x[1, 4] = np.nan
        try:
            fit = inference.fit(model, x, engine="gibbs", num_warmup=40, num_samples=152, num_draws=19, seed=seed)
        except zoo.ZooError:  # fewer than two different steps of counts
            continue
        truth = label_free({n: values[n] for n in fit.draws})
        for name, draws in label_free({n: v[0] for n, v in fit.draws.items()}).items():
            ranks.setdefault(name, []).append(int((draws < truth[name]).sum()))
    for name, of_name in ranks.items():
        counts = np.bincount(np.array(of_name) // 2, minlength=10)
        chi_squared = ((counts - len(of_name) / 10) ** 2 / (len(of_name) / 10)).sum()
        assert chi_squared < 33.7, name  # probability 1e-4 with 9 degrees of freedom


def label_free(params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Numbers of draws (..., *shape) that do not depend on the order of the states."""
    sums = {"stay": np.einsum("...kk->...", params["A"]), "mu": params["mu"][..., 0].sum(-1)}
    sums["first"] = (params["pi"] * params["mu"][..., 1]).sum(-1)
    if "Lambda" in params:
        leading = params["mu"].shape[:-2]
        sums["Lambda"] = params["Lambda"].reshape(*leading, -1).sum(-1)
    return sums
