"""The Kalman filter and smoother against the joint normal distribution of latents and values."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from inference.exact.kalman import draw, filter_chains, smooth
from tests.test_gaussian_chain import D, Z, joint, parts
from zoo.linear_chain import LinearChain

T = 20


@pytest.fixture(scope="module")
def case():
    """A chain, three sequences with missing values, and the exact posterior of the latents of each."""
    chain, rows = parts(7)
    chain["offset"] = np.zeros((1, Z))
    chain["transition"] *= (
        0.9 / np.abs(np.linalg.eigvals(chain["transition"])).max()
    )  # else the reference has no digits
    (z_mean, z_cov), (x_mean, x_cov) = joint(chain, rows, T)
    x = np.random.default_rng(8).normal(size=(3, T, D)) * 2
    x[0, 3, 1], x[1, 15:], x[1, 4], x[2] = np.nan, np.nan, np.nan, np.nan
    across = z_cov @ np.kron(np.eye(T), rows["loading"]).T
    posteriors = []
    for row in x.reshape(3, -1):
        known = ~np.isnan(row)
        gain = across[:, known] @ np.linalg.inv(x_cov[np.ix_(known, known)])
        density = (
            multivariate_normal(x_mean[known], x_cov[np.ix_(known, known)]).logpdf(row[known]) if any(known) else 0
        )
        posteriors.append((density, z_mean + gain @ (row[known] - x_mean[known]), z_cov - gain @ across[:, known].T))
    form = LinearChain(
        chain["loc"], chain["scale_tril"], chain["transition"], chain["noise_tril"],
        rows["loading"], rows["loc"], rows["cov_diag"],
    )  # fmt: skip
    return form, x, posteriors


def test_moments_given_the_sequence_are_those_of_the_joint_distribution(case):
    form, x, posteriors = case
    result = smooth(form, x)
    for n, (density, mean, cov) in enumerate(posteriors):
        np.testing.assert_allclose(result.log_p[n], density, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(result.mean[n].ravel(), mean, rtol=1e-9, atol=1e-9)
        blocks = cov.reshape(T, Z, T, Z)
        for t in range(T):
            np.testing.assert_allclose(result.cov[n, t], blocks[t, :, t], rtol=1e-9, atol=1e-9)
            if t:
                np.testing.assert_allclose(result.lag[n, t - 1], blocks[t, :, t - 1], rtol=1e-9, atol=1e-9)


def test_filtered_moments_are_those_of_the_sequence_cut_off(case):
    form, x, _ = case
    filtered = filter_chains(form, x)
    for t in (0, 4, T - 1):
        cut = smooth(form, x[:, : t + 1])
        np.testing.assert_allclose(filtered.mean[:, t], cut.mean[:, t], rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(filtered.cov[:, t], cut.cov[:, t], rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(filtered.log_p[:, : t + 1].sum(1), cut.log_p, rtol=1e-10, atol=1e-10)


def test_draws_have_the_moments_given_the_sequence(case):
    form, x, posteriors = case
    draws, rng = 20_000, np.random.default_rng(9)
    z = draw(form, np.repeat(x[:1], draws, axis=0), rng).reshape(draws, -1)
    _, mean, cov = posteriors[0]
    assert np.abs((z.mean(0) - mean) / np.sqrt(np.diag(cov) / draws)).max() < 4.5
    sd = np.sqrt((cov**2 + np.outer(np.diag(cov), np.diag(cov))) / draws)
    assert (np.abs(np.cov(z.T) - cov) / sd).max() < 5


def test_a_long_sequence_with_hardly_any_noise_stays_exact():
    """A constant level seen 100,000 times: the variance of its posterior is 1 / (1 + T / Psi)."""
    one, length = np.ones((1, 1)), 100_000
    form = LinearChain(np.zeros(1), one, one, 1e-12 * one, one, np.zeros(1), np.full(1, 1e-4))
    x = 1.0 + 1e-2 * np.random.default_rng(0).normal(size=(1, length, 1))
    result = smooth(form, x)
    np.testing.assert_allclose(result.cov[0, :, 0, 0], 1 / (1 + length / 1e-4), rtol=1e-6)
    np.testing.assert_allclose(result.mean[0, :, 0], x.sum() / 1e-4 / (1 + length / 1e-4), rtol=1e-9)
