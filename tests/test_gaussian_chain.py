"""The linear-Gaussian chain and its observations: densities and gradients against one joint normal distribution."""

import importlib
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import zoo

Z, D = 2, 3


@pytest.fixture(scope="module", params=zoo.BACKENDS)
def backend(request):
    with importlib.import_module(f"zoo._backend.in_{request.param}").runtime("float64"):
        yield request.param


def parts(seed=0, batch=(), num_offsets=1):
    rng = np.random.default_rng(seed)
    first, noise = np.tril(rng.normal(size=(2, *batch, Z, Z)), -1) + np.eye(Z) * rng.uniform(0.3, 2, (2, *batch, Z, 1))
    chain = {"loc": rng.normal(size=(*batch, Z)), "scale_tril": first, "noise_tril": noise}
    chain["offset"] = rng.normal(size=(*batch, num_offsets, Z))
    chain["transition"] = 0.6 * rng.normal(size=(*batch, Z, Z))
    rows = {"loading": rng.normal(size=(*batch, D, Z)), "loc": rng.normal(size=D), "cov_diag": rng.uniform(0.1, 2, D)}
    return chain, rows


def joint(chain, rows, T):
    """Mean and covariance of z (T Z), and of x (T D), as one vector each."""
    A = chain["transition"]
    means, covariances = [chain["loc"]], [chain["scale_tril"] @ chain["scale_tril"].T]
    for offset in np.broadcast_to(chain["offset"], (T - 1, Z)):
        means.append(A @ means[-1] + offset)
        covariances.append(A @ covariances[-1] @ A.T + chain["noise_tril"] @ chain["noise_tril"].T)
    z = np.zeros((T, Z, T, Z))
    for t in range(T):
        for s in range(t + 1):
            z[t, :, s] = np.linalg.matrix_power(A, t - s) @ covariances[s]
            z[s, :, t] = z[t, :, s].T
    z = z.reshape(T * Z, T * Z)
    W = np.kron(np.eye(T), rows["loading"])
    x_mean = W @ np.concatenate(means) + np.tile(rows["loc"], T)
    return (np.concatenate(means), z), (x_mean, W @ z @ W.T + np.diag(np.tile(rows["cov_diag"], T)))


def make(backend, chain, rows, T) -> Any:
    """The chain, and its observations."""
    module = importlib.import_module(f"zoo._distributions.gaussian_chain.in_{backend}")
    chain = module.GaussianChain(**{n: to_backend(backend, v) for n, v in chain.items()}, T=T)
    return chain, module.GaussianChainRows(chain, **{n: to_backend(backend, v) for n, v in rows.items()})


def to_backend(backend, value):
    if not isinstance(value, np.ndarray):  # an array of the backend
        return value
    return importlib.import_module(f"zoo._backend.in_{backend}").to_backend({"v": value})["v"]


@pytest.mark.parametrize("T", [1, 2, 20])
def test_densities_are_those_of_one_normal_distribution(backend, T):
    chain, rows = parts(num_offsets=max(1, T - 1))
    rng = np.random.default_rng(1)
    (z_mean, z_cov), (x_mean, x_cov) = joint(chain, rows, T)
    z, x = rng.normal(size=(4, T, Z)), rng.normal(size=(4, T, D))
    x[0, :, 0], x[1, T // 2], x[2, T // 2 :], x[3] = np.nan, np.nan, np.nan, np.nan  # whole steps, the end, everything
    latent, observed = make(backend, chain, rows, T)
    expected = multivariate_normal(z_mean, z_cov).logpdf(z.reshape(4, -1))
    np.testing.assert_allclose(np.asarray(latent.log_prob(to_backend(backend, z))), expected, rtol=1e-11)
    for row, value in zip(x.reshape(4, -1), np.asarray(observed.log_prob(to_backend(backend, x))), strict=True):
        known = ~np.isnan(row)
        right = multivariate_normal(x_mean[known], x_cov[np.ix_(known, known)]).logpdf(row[known]) if known.any() else 0
        np.testing.assert_allclose(value, right, rtol=1e-9, atol=1e-9)


def test_each_row_of_a_plate_has_parameters_of_its_own(backend):
    chain, rows = parts(batch=(4,))
    x = np.random.default_rng(2).normal(size=(4, 6, D))
    _, observed = make(backend, chain, rows, 6)
    assert observed.batch_shape == (4,)
    values = np.asarray(observed.log_prob(to_backend(backend, x)))
    for i in range(4):
        own = {n: v[i] for n, v in chain.items()}
        _, (mean, cov) = joint(own, {**rows, "loading": rows["loading"][i]}, 6)
        np.testing.assert_allclose(values[i], multivariate_normal(mean, cov).logpdf(x[i].ravel()), rtol=1e-10)


def test_the_gradient_of_the_density_is_that_of_finite_differences(backend):
    chain, rows = parts(3)
    x = np.random.default_rng(4).normal(size=(5, D))
    x[2, 1] = x[3] = np.nan

    def value(A):
        return make(backend, {**chain, "transition": A}, rows, 5)[1].log_prob(to_backend(backend, x))

    A = chain["transition"]
    if backend == "numpyro":
        import jax

        slope = np.asarray(jax.grad(value)(to_backend(backend, A)))
    else:
        at = to_backend(backend, A).requires_grad_()
        value(at).backward()
        slope = at.grad.numpy()
    for i in range(Z):
        for j in range(Z):
            step = np.zeros((Z, Z))
            step[i, j] = 1e-5
            difference = float(value(A + step)) - float(value(A - step))
            np.testing.assert_allclose(slope[i, j], difference / 2e-5, rtol=1e-6, atol=1e-7)


def test_draws_have_the_moments_of_the_normal_distribution(backend):
    chain, rows = parts(5)
    T, draws = 3, 40_000
    (z_mean, z_cov), (x_mean, x_cov) = joint(chain, rows, T)
    if backend == "numpyro":
        import jax

        both = [d.sample(jax.random.PRNGKey(0), (draws,)) for d in make(backend, chain, rows, T)]
    else:
        import torch

        torch.manual_seed(0)
        both = [d.sample((draws,)) for d in make(backend, chain, rows, T)]
    for values, mean, cov in zip(both, (z_mean, x_mean), (z_cov, x_cov), strict=True):
        flat = np.asarray(values).reshape(draws, -1)
        error = (flat.mean(0) - mean) / np.sqrt(np.diag(cov) / draws)
        assert np.abs(error).max() < 4.5
        sd = np.sqrt((cov**2 + np.outer(np.diag(cov), np.diag(cov))) / draws)  # of a sample covariance
        assert (np.abs(np.cov(flat.T) - cov) / sd).max() < 4.5


def test_shapes_that_do_not_fit_are_refused(backend):
    chain, rows = parts()
    with pytest.raises(zoo.ZooError, match=r"transition is \(\.\.\., 2, 2\), not \(3, 3\)"):
        make(backend, {**chain, "transition": np.eye(3)}, rows, 4)
    with pytest.raises(zoo.ZooError, match="T is the number of steps"):
        make(backend, chain, rows, 0)
    with pytest.raises(zoo.ZooError, match=r"offset of a GaussianChain is \(\.\.\., 3, 2\)"):
        make(backend, {**chain, "offset": np.zeros((4, 2))}, rows, 4)
    with pytest.raises(zoo.ZooError, match=r"loading is \(\.\.\., D, 2\), not \(3, 3\)"):
        make(backend, chain, {**rows, "loading": np.eye(3)}, 4)


@pytest.mark.parametrize("first", [2.0, 200.0])
@pytest.mark.parametrize("move", [1e-2, 1e-4, 1e-6])
def test_moves_far_below_the_noise_cost_no_digits(backend, move, first):
    """A random walk with noise 1, against the scalar filter, whose variances are positive sums and quotients.

    Centred values of 60 noises are squared, which leaves 1e-12 of the density where ``first`` is large.
    """
    x = np.random.default_rng(6).normal(size=30) + 0.3 * first
    mean, variance, expected = 0.0, first**2, 0.0
    for value in x:
        total = variance + 1
        expected -= 0.5 * (np.log(2 * np.pi * total) + (value - mean) ** 2 / total)
        mean, variance = mean + variance / total * (value - mean), variance / total + move**2
    chain = {"loc": np.zeros(1), "scale_tril": np.full((1, 1), first), "noise_tril": np.full((1, 1), move)}
    rows = {"loading": np.eye(1), "loc": np.zeros(1), "cov_diag": np.ones(1)}
    observed = make(backend, {**chain, "transition": np.eye(1)}, rows, 30)[1]
    value = float(observed.log_prob(to_backend(backend, x[:, None])))
    assert abs(value - expected) < (1e-11 if first > 100 else 1e-13) * abs(expected)
