"""Posteriors, imputation and conditional distributions of factor models, against dense matrices and draws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

import zoo
from inference import enumeration, factors, fit, gaussian
from inference.exact.gaussian.mixtures import NormalMixture, mixture_quantile
from tests.table import EXACT

NAMES = [name for name in zoo.names() if zoo.card(name).linear]
SIZES: dict[str, dict[str, Any]] = {"mixture_of_factor_analysers": {"K": 2, "Z": 2}}


def table(seed: int = 0, N: int = 120, D: int = 5, rate: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Rows of two factors, complete and with missing values; one row is missing entirely."""
    rng = np.random.default_rng(seed)
    x = 3 + rng.normal(size=(N, 2)) @ rng.normal(size=(2, D)) + 0.5 * rng.normal(size=(N, D))
    missing = rng.random(x.shape) < rate
    missing[7] = True
    return x, np.where(missing, np.nan, x)


@pytest.fixture(scope="module")
def fits():
    _, x = table()
    options: dict[bool, dict[str, Any]] = {
        True: {"engine": "em", "objective": "map", "max_iter": 50},
        False: {"engine": "svi", "num_steps": 100, "learning_rate": 0.1, "dtype": "float64"},
    }
    return {
        name: fit(zoo.load(name, "pyro", **SIZES.get(name, {"Z": 2})), x, **options[name in EXACT]) for name in NAMES
    }


def joint_normals(f):
    """The joint normals of a row and its latents: weights, means (K, D + Z) and covariances."""
    linear = f.model.card.linear(f.params, f.keywords)
    normals = []
    for W, mu, Psi in zip(linear.W, linear.mu, linear.Psi, strict=True):
        Z = W.shape[1]
        covariance = np.block([[W @ W.T + np.diag(Psi), W], [W.T, np.eye(Z)]])
        normals.append((np.concatenate([mu, np.zeros(Z)]), covariance))
    return linear.pi, normals


def condition(f, row):
    """For one row: probabilities of the components, moments of everything unobserved, z last, and its positions."""
    pi, normals = joint_normals(f)
    observed = np.flatnonzero(~np.isnan(row))
    rest = np.setdiff1d(np.arange(len(normals[0][0])), observed)
    logs, moments = [], []
    for mean, C in normals:
        S, across = C[np.ix_(observed, observed)], C[np.ix_(observed, rest)]
        logs.append(multivariate_normal(mean[observed], S).logpdf(row[observed]) if observed.size else 0.0)
        gain = np.linalg.solve(S, across).T if observed.size else np.zeros((len(rest), 0))
        moments.append((mean[rest] + gain @ (row[observed] - mean[observed]), C[np.ix_(rest, rest)] - gain @ across))
    r = pi * np.exp(np.array(logs) - max(logs))
    return r / r.sum(), moments, rest


def mixture_moments(r, moments):
    """Mean and covariance of a mixture of normals with weights r."""
    means, covariances = (np.array(values) for values in zip(*moments, strict=True))
    mean = r @ means
    offset = means - mean
    return mean, np.einsum("k,kij->ij", r, covariances + offset[:, :, None] * offset[:, None, :])


@pytest.mark.parametrize("name", NAMES)
def test_posterior_of_z_is_that_of_the_joint_normal(name, fits):
    f = fits[name]
    (site,) = (n for n in f.model.card.local() if n not in f.model.card.enumerated)
    z = f.local()[site]
    D = f.data["x"].shape[1]
    for n in (0, 3, 7, 20):
        r, moments, rest = condition(f, f.data["x"][n])
        mean, covariance = mixture_moments(r, moments)
        at = rest >= D
        np.testing.assert_allclose(z.mean[n], mean[at], atol=1e-9)
        np.testing.assert_allclose(z.covariance[n], covariance[np.ix_(at, at)], atol=1e-9)
    assert f.predict()[site].shape == z.mean.shape
    S = 4000
    draws = gaussian.sample_latents(f.fitted_model, f.params, f.data, seed=1, draws=S)
    sd = np.sqrt(np.diagonal(z.covariance, axis1=1, axis2=2))
    assert (abs(draws.mean(0) - z.mean) < 5 * sd / np.sqrt(S)).all()
    # a mixture of two normals may have a kurtosis above 3: allow twice the normal's error
    assert (abs(draws.var(0) / sd**2 - 1) < 2 * 5 * np.sqrt(2 / S)).all()


@pytest.mark.parametrize("backend", tuple(zoo.BACKENDS))
@pytest.mark.parametrize("name", [name for name in NAMES if zoo.load(name).collapsed])
def test_log_likelihood_is_that_of_the_program(name, backend, fits):
    f = fits[name]
    model = zoo.load(name, backend, **{k: v for k, v in f.fitted_model.settings.items() if k != "N"})
    by_program = enumeration.log_marginal(model, f.params, f.data)
    np.testing.assert_allclose(f.log_likelihood(), by_program, atol=1e-9)
    assert abs(by_program[7]) < 1e-12, "a row without values has log-likelihood 0"
    draws = {n: np.stack([v, v])[None] for n, v in f.params.items()}
    several = replace(f, draws=draws).log_likelihood()
    np.testing.assert_allclose(several, np.broadcast_to(by_program, (1, 2, len(by_program))), atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_imputation_is_the_conditional_normal(name, fits):
    f = fits[name]
    imputed = factors.impute(f, interval=0.9)
    x = f.data["x"]
    assert len(imputed) == np.isnan(x).sum()
    for n in (int(imputed["row"].iloc[0]), 7):
        r, moments, _ = condition(f, x[n])
        mean, covariance = mixture_moments(r, moments)
        row = imputed[imputed["row"] == n]
        np.testing.assert_allclose(row["mean"], mean[: len(row)], atol=1e-9)
        np.testing.assert_allclose(row["sd"], np.sqrt(np.diag(covariance)[: len(row)]), atol=1e-9)
        for j, ends in enumerate(zip(row["low"], row["high"], strict=True)):
            probabilities = [norm.cdf(ends, m[j], np.sqrt(C[j, j])) for m, C in moments]
            np.testing.assert_allclose(r @ np.array(probabilities), [0.05, 0.95], atol=1e-9)
    names = factors.impute(f, columns=list("abcde"))["column"]
    assert (names == np.array(list("abcde"))[imputed["column"]]).all()
    filled = factors.fill_missing(f)
    assert (filled[~np.isnan(x)] == x[~np.isnan(x)]).all()
    np.testing.assert_array_equal(filled[np.isnan(x)], imputed["mean"])
    complete = table()[0]
    assert len(factors.impute(f, complete)) == 0
    mean, sd = factors.reconstruct(f, complete)
    assert mean.shape == sd.shape == complete.shape
    assert np.sqrt(((mean - complete) ** 2).mean()) < complete.std(0).mean()


@pytest.mark.parametrize("name", NAMES)
def test_joint_marginal_and_conditional_distributions_agree(name, fits):
    f, (x, _) = fits[name], table(1)
    joint = factors.predictive_distribution(f)
    np.testing.assert_allclose(joint.log_density(x), f.log_likelihood(x), atol=1e-9)
    two_columns = np.full_like(x, np.nan)
    two_columns[:, [1, 3]] = x[:, [1, 3]]
    marginal = joint.marginal([1, 3])
    np.testing.assert_allclose(marginal.log_density(x[:, [1, 3]]), f.log_likelihood(two_columns), atol=1e-9)
    conditional = factors.conditional_distribution(f, {"b": x[0, 1], "d": x[0, 3]}, columns=list("abcde"))
    difference = joint.log_density(x[:1]) - marginal.log_density(x[:1, [1, 3]])
    np.testing.assert_allclose(conditional.log_density(x[:1, [0, 2, 4]]), difference, atol=1e-9)
    draws = joint.sample(20_000, seed=1)
    mean, covariance = joint.moments
    assert (abs(draws.mean(0) - mean) < 5 * np.sqrt(np.diag(covariance) / len(draws))).all()
    rows = f.simulate(4000, seed=2)["x"]
    assert (abs(rows.mean(0) - mean) < 5 * np.sqrt(np.diag(covariance) / len(rows))).all()


def test_intervals_cover_hidden_values():
    """Values removed from simulated rows lie in their 80% intervals 80% of the time."""
    x, with_missing = table(3, N=1500)
    imputed = factors.impute(fit(zoo.load("factor_analysis", "pyro", Z=2), with_missing, "em"), interval=0.8)
    truth = x[imputed["row"], imputed["column"]]
    inside = ((imputed["low"] < truth) & (truth < imputed["high"])).mean()
    # values of one row are dependent: count rows, which have about one missing value each
    assert abs(inside - 0.8) < 4 * np.sqrt(0.8 * 0.2 / len(np.unique(imputed["row"])))


def test_draws_of_the_parameters_widen_the_distributions():
    """Over draws, means and variances are those of the mixture of the distributions at each draw."""
    _, x = table(4, N=30)
    f = fit(zoo.load("factor_analysis", "pyro", Z=1), x, "em", objective="map")
    rng = np.random.default_rng(0)
    draws = {n: np.abs(v + 0.1 * rng.normal(size=(1, 40, *v.shape))) for n, v in f.params.items()}
    several = replace(f, draws=draws, stats={"lp": np.zeros((1, 40))})
    tables = [factors.impute(replace(f, params={n: v[0, s] for n, v in draws.items()})) for s in range(40)]
    means = np.array([t["mean"] for t in tables])
    expected = np.mean([t["sd"] ** 2 for t in tables], axis=0) + means.var(0)
    imputed = factors.impute(several)
    np.testing.assert_allclose(imputed["mean"], means.mean(0), atol=1e-9)
    np.testing.assert_allclose(imputed["sd"], np.sqrt(expected), atol=1e-9)
    posterior = several.local()["z"]
    assert (posterior.covariance[:, 0, 0] > f.local()["z"].covariance[:, 0, 0] * 0.9).all()
    assert len(factors.predictive_distribution(several).weight) == 40


def test_scores_are_rotated_as_the_loadings_are():
    """L z reconstructs a row, whatever the rotation of both."""
    x, _ = table(5)
    f = fit(zoo.load("factor_analysis", "pyro", Z=2), x, "em")
    reconstruction, _ = factors.reconstruct(f, x)
    for rotation in (None, "varimax", "oblimin"):
        L = factors.loadings(f, rotation, standardised=False).to_numpy()[:, :2]
        scores = factors.scores(f, rotation, standardised=False)
        mean = scores.xs("mean", axis=1, level=1).to_numpy()
        np.testing.assert_allclose(mean @ L.T + f.params["mu"], reconstruction, atol=1e-9)
    z = f.local()["z"]
    sd = factors.scores(f).xs("sd", axis=1, level=1)
    np.testing.assert_allclose(sd, np.sqrt(np.diagonal(z.covariance, axis1=1, axis2=2)))


def test_quantiles_of_one_normal_and_of_two_far_apart():
    mean, sd = np.array([[0.0], [100.0]]), np.array([[1.0], [2.0]])
    np.testing.assert_allclose(mixture_quantile(np.array([[1.0], [0.0]]), mean, sd, 0.3), norm.ppf(0.3), atol=1e-9)
    np.testing.assert_allclose(mixture_quantile(np.array([[0.4], [0.6]]), mean, sd, 0.2), norm.ppf(0.5), atol=1e-9)
    one = NormalMixture(np.ones(1), np.array([[2.0, 3.0]]), np.array([[[4.0, 0.0], [0.0, 9.0]]]))
    np.testing.assert_allclose(one.quantile(0.975), norm.ppf(0.975, [2, 3], [2, 3]))


def test_bad_arguments_are_refused_in_one_line(fits, old_faithful):
    f = fits["factor_analysis"]
    mixture = fit(zoo.load("poisson_mixture", "pyro", K=1), np.arange(9.0), "em")
    for call, message in [
        (lambda: factors.impute(mixture), "not linear-Gaussian; these models are: bayesian_pca"),
        (lambda: factors.impute(f, interval=94), "a probability between 0 and 1"),
        (lambda: factors.impute(f, columns=["a", "b"]), "columns has 2 names for D=5"),
        (lambda: factors.impute(f, np.zeros((3, 4))), "D=5 but x has D=4"),
        (lambda: factors.conditional_distribution(f, {"q": 1.0}, columns=list("abcde")), "no column 'q'"),
        (lambda: factors.conditional_distribution(f, dict.fromkeys(range(5), 1.0)), "leave one out"),
        (lambda: factors.conditional_distribution(f, {0: np.inf}), "infinite"),
        (lambda: factors.predictive_distribution(f).quantile(1.0), "between 0 and 1"),
    ]:
        with pytest.raises(zoo.ZooError) as caught:
            call()
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
