"""What a factor model says of rows: posteriors, imputation, conditionals, held against dense matrices and draws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

import zoo
from inference import enumeration, factors, fit, gaussian
from inference.exact.gaussian.mixtures import Mixture, quantile
from tests.table import EXACT

NAMES = [name for name in zoo.names() if zoo.card(name).linear]
SIZES: dict[str, dict[str, Any]] = {"mixture_of_factor_analysers": {"K": 2, "Z": 2}}


def table(seed: int = 0, N: int = 120, D: int = 5, holes: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Rows of two factors, whole and with holes, one row of nothing but holes."""
    rng = np.random.default_rng(seed)
    x = 3 + rng.normal(size=(N, 2)) @ rng.normal(size=(2, D)) + 0.5 * rng.normal(size=(N, D))
    missing = rng.random(x.shape) < holes
    missing[7] = True
    return x, np.where(missing, np.nan, x)


@pytest.fixture(scope="module")
def fits():
    _, x = table()
    options: dict[bool, dict[str, Any]] = {
        True: {"engine": "em", "objective": "map", "max_iter": 50},
        False: {"engine": "svi", "num_steps": 400, "learning_rate": 0.05, "dtype": "float64"},
    }
    return {
        name: fit(zoo.load(name, "pyro", **SIZES.get(name, {"Z": 2})), x, **options[name in EXACT]) for name in NAMES
    }


def dense(f):
    """The fit as normals of the row and its latents together: weights, means (K, D + Z), covariances."""
    linear = f.model.card.linear(f.params, f.keywords)
    parts = []
    for W, mu, Psi in zip(linear.W, linear.mu, linear.Psi, strict=True):
        Z = W.shape[1]
        both = np.block([[W @ W.T + np.diag(Psi), W], [W.T, np.eye(Z)]])
        parts.append((np.concatenate([mu, np.zeros(Z)]), both))
    return linear.pi, parts


def by_hand(f, row):
    """For one row: the components' probabilities, and mean and covariance of all that was not seen, z last."""
    pi, parts = dense(f)
    seen = np.flatnonzero(~np.isnan(row))
    rest = np.setdiff1d(np.arange(len(parts[0][0])), seen)
    logs, moments = [], []
    for mean, both in parts:
        S = both[np.ix_(seen, seen)]
        logs.append(multivariate_normal(mean[seen], S).logpdf(row[seen]) if seen.size else 0.0)
        gain = np.linalg.solve(S, both[np.ix_(seen, rest)]).T if seen.size else np.zeros((len(rest), 0))
        moments.append(
            (mean[rest] + gain @ (row[seen] - mean[seen]), both[np.ix_(rest, rest)] - gain @ both[np.ix_(seen, rest)])
        )
    r = pi * np.exp(np.array(logs) - max(logs))
    return r / r.sum(), moments, rest


def together(r, moments):
    means, covariances = (np.array(part) for part in zip(*moments, strict=True))
    mean = r @ means
    away = means - mean
    return mean, np.einsum("k,kij->ij", r, covariances + away[:, :, None] * away[:, None, :])


@pytest.mark.parametrize("name", NAMES)
def test_the_posterior_of_z_is_that_of_the_joint_normal(name, fits):
    f = fits[name]
    (site,) = (n for n in f.model.card.local() if n not in f.model.card.enumerated)
    z = f.local()[site]
    D = f.data["x"].shape[1]
    for n in (0, 3, 7, 20):
        r, moments, rest = by_hand(f, f.data["x"][n])
        mean, covariance = together(r, moments)
        at = rest >= D
        np.testing.assert_allclose(z.mean[n], mean[at], atol=1e-9)
        np.testing.assert_allclose(z.covariance[n], covariance[np.ix_(at, at)], atol=1e-9)
    assert f.predict()[site].shape == z.mean.shape
    S = 4000
    drawn = gaussian.sampled(f.fitted_model, f.params, f.data, seed=1, draws=S)
    sd = np.sqrt(np.diagonal(z.covariance, axis1=1, axis2=2))
    assert (abs(drawn.mean(0) - z.mean) < 5 * sd / np.sqrt(S)).all()
    # the kurtosis of a mixture of two normals may pass 3: twice the normal's error
    assert (abs(drawn.var(0) / sd**2 - 1) < 2 * 5 * np.sqrt(2 / S)).all()


@pytest.mark.parametrize("backend", tuple(zoo.BACKENDS))
@pytest.mark.parametrize("name", [name for name in NAMES if zoo.load(name).collapsed])
def test_the_log_likelihood_is_that_of_the_program(name, backend, fits):
    f = fits[name]
    model = zoo.load(name, backend, **{k: v for k, v in f.fitted_model.settings.items() if k != "N"})
    by_program = enumeration.log_marginal(model, f.params, f.data)
    np.testing.assert_allclose(f.log_likelihood(), by_program, atol=1e-9)
    assert abs(by_program[7]) < 1e-12, "a row of holes tells nothing"
    draws = {n: np.stack([v, v])[None] for n, v in f.params.items()}
    several = replace(f, draws=draws).log_likelihood()
    np.testing.assert_allclose(several, np.broadcast_to(by_program, (1, 2, len(by_program))), atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_imputation_is_the_conditional_normal(name, fits):
    f = fits[name]
    found = factors.impute(f, interval=0.9)
    x = f.data["x"]
    assert len(found) == np.isnan(x).sum()
    for n in (int(found["row"].iloc[0]), 7):
        r, moments, _ = by_hand(f, x[n])
        mean, covariance = together(r, moments)
        mine = found[found["row"] == n]
        holes = len(mine)
        np.testing.assert_allclose(mine["mean"], mean[:holes], atol=1e-9)
        np.testing.assert_allclose(mine["sd"], np.sqrt(np.diag(covariance)[:holes]), atol=1e-9)
        for j, ends in enumerate(zip(mine["low"], mine["high"], strict=True)):
            each = [norm.cdf(ends, m[j], np.sqrt(C[j, j])) for m, C in moments]
            np.testing.assert_allclose(r @ np.array(each), [0.05, 0.95], atol=1e-9)
    named = factors.impute(f, columns=list("abcde"))["column"]
    assert (named == np.array(list("abcde"))[found["column"]]).all()
    whole = factors.imputed(f)
    assert (whole[~np.isnan(x)] == x[~np.isnan(x)]).all()
    np.testing.assert_array_equal(whole[np.isnan(x)], found["mean"])
    complete = table()[0]
    assert len(factors.impute(f, complete)) == 0
    mean, sd = factors.reconstruct(f, complete)
    assert mean.shape == sd.shape == complete.shape
    assert np.sqrt(((mean - complete) ** 2).mean()) < complete.std(0).mean()


@pytest.mark.parametrize("name", NAMES)
def test_the_law_of_a_row_and_of_its_parts(name, fits):
    f, (x, _) = fits[name], table(1)
    law = factors.law(f)
    np.testing.assert_allclose(law.log_density(x), f.log_likelihood(x), atol=1e-9)
    holes = np.full_like(x, np.nan)
    holes[:, [1, 3]] = x[:, [1, 3]]
    np.testing.assert_allclose(law.marginal([1, 3]).log_density(x[:, [1, 3]]), f.log_likelihood(holes), atol=1e-9)
    given = factors.conditional(f, {"b": x[0, 1], "d": x[0, 3]}, columns=list("abcde"))
    joint = law.log_density(x[:1]) - law.marginal([1, 3]).log_density(x[:1, [1, 3]])
    np.testing.assert_allclose(given.log_density(x[:1, [0, 2, 4]]), joint, atol=1e-9)
    drawn = law.sample(20_000, seed=1)
    mean, covariance = law.moments
    assert (abs(drawn.mean(0) - mean) < 5 * np.sqrt(np.diag(covariance) / len(drawn))).all()
    rows = f.simulate(4000, seed=2)["x"]
    assert (abs(rows.mean(0) - mean) < 5 * np.sqrt(np.diag(covariance) / len(rows))).all()


def test_intervals_hold_what_was_hidden():
    """Values blanked out of simulated rows lie in their 80% intervals 80% of the time."""
    x, holes = table(3, N=1500)
    found = factors.impute(fit(zoo.load("factor_analysis", "pyro", Z=2), holes, "em"), interval=0.8)
    truth = x[found["row"], found["column"]]
    inside = ((found["low"] < truth) & (truth < found["high"])).mean()
    # values of one row move together: count rows, of which each has about one hole
    assert abs(inside - 0.8) < 4 * np.sqrt(0.8 * 0.2 / len(np.unique(found["row"])))


def test_draws_of_the_parameters_widen_what_is_said():
    """Over draws, means and variances are those of the mixture of what each draw says."""
    _, x = table(4, N=30)
    f = fit(zoo.load("factor_analysis", "pyro", Z=1), x, "em", objective="map")
    rng = np.random.default_rng(0)
    draws = {n: np.abs(v + 0.1 * rng.normal(size=(1, 40, *v.shape))) for n, v in f.params.items()}
    several = replace(f, draws=draws, stats={"lp": np.zeros((1, 40))})
    each = [factors.impute(replace(f, params={n: v[0, s] for n, v in draws.items()})) for s in range(40)]
    means = np.array([e["mean"] for e in each])
    expected = np.mean([e["sd"] ** 2 for e in each], axis=0) + means.var(0)
    found = factors.impute(several)
    np.testing.assert_allclose(found["mean"], means.mean(0), atol=1e-9)
    np.testing.assert_allclose(found["sd"], np.sqrt(expected), atol=1e-9)
    posterior = several.local()["z"]
    assert (posterior.covariance[:, 0, 0] > f.local()["z"].covariance[:, 0, 0] * 0.9).all()
    assert len(factors.law(several).weight) == 40


def test_scores_go_with_the_loadings_whatever_the_rotation():
    """L z is what the factors make of a row: turning both by one rotation leaves it where it is."""
    x, _ = table(5)
    f = fit(zoo.load("factor_analysis", "pyro", Z=2), x, "em")
    made, _ = factors.reconstruct(f, x)
    for rotation in (None, "varimax", "oblimin"):
        L = factors.loadings(f, rotation, standardised=False).to_numpy()[:, :2]
        found = factors.scores(f, rotation, standardised=False)
        mean = found.xs("mean", axis=1, level=1).to_numpy()
        np.testing.assert_allclose(mean @ L.T + f.params["mu"], made, atol=1e-9)
    z = f.local()["z"]
    plain = factors.scores(f).xs("sd", axis=1, level=1)
    np.testing.assert_allclose(plain, np.sqrt(np.diagonal(z.covariance, axis1=1, axis2=2)))


def test_quantiles_of_one_normal_and_of_two_far_apart():
    mean, sd = np.array([[0.0], [100.0]]), np.array([[1.0], [2.0]])
    np.testing.assert_allclose(quantile(np.array([[1.0], [0.0]]), mean, sd, 0.3), norm.ppf(0.3), atol=1e-9)
    np.testing.assert_allclose(quantile(np.array([[0.4], [0.6]]), mean, sd, 0.2), norm.ppf(0.5), atol=1e-9)
    one = Mixture(np.ones(1), np.array([[2.0, 3.0]]), np.array([[[4.0, 0.0], [0.0, 9.0]]]))
    np.testing.assert_allclose(one.quantile(0.975), norm.ppf(0.975, [2, 3], [2, 3]))


def test_what_cannot_be_asked_says_so(fits, old_faithful):
    f = fits["factor_analysis"]
    mixture = fit(zoo.load("poisson_mixture", "pyro", K=1), np.arange(9.0), "em")
    for call, words in [
        (lambda: factors.impute(mixture), "not linear-Gaussian; these models are: bayesian_pca"),
        (lambda: factors.impute(f, interval=94), "a probability between 0 and 1"),
        (lambda: factors.impute(f, columns=["a", "b"]), "columns has 2 names for D=5"),
        (lambda: factors.impute(f, np.zeros((3, 4))), "D=5 but x has D=4"),
        (lambda: factors.conditional(f, {"q": 1.0}, columns=list("abcde")), "no column 'q'"),
        (lambda: factors.conditional(f, dict.fromkeys(range(5), 1.0)), "leave one out"),
        (lambda: factors.conditional(f, {0: np.inf}), "infinite"),
        (lambda: factors.law(f).quantile(1.0), "between 0 and 1"),
    ]:
        with pytest.raises(zoo.ZooError) as caught:
            call()
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
