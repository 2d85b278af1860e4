"""Large counts: the Poisson density keeps its digits where x log(rate) - rate - log x! cancels."""

import numpy as np
import pytest

import inference
import zoo
from inference import fit
from tests.table import BACKENDS
from zoo._backend import in_backend

SCALES = (1e6, 1e10, 1e15)


def regimes(scale, N=60, seed=0):
    """Counts from two regimes about ``scale`` and a tenth of it."""
    rng = np.random.default_rng(seed)
    rate = np.where(rng.random(N) < 0.4, scale, 0.1 * scale)
    return np.round(rate + np.sqrt(rate) * rng.normal(size=N))


def exact_log_density(x, rate):
    """log p of counts in nats, (N, K), in 60 digits."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(60):
        return np.array([[float(n * mpmath.log(r) - r - mpmath.loggamma(n + 1)) for r in rate] for n in x])


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_density_has_all_digits(backend):
    x = np.array([0.0, 1.0, 2.0, 14.0, 15.0, 16.0, 1e3, 1e6, 1e6 + 3000, 1e10, 1e10 - 2e5, 1e15, 1e15 + 6e7])
    rates = np.array([1e-9, 0.3, 14.9, 15.2, 1010.0, 1e6 + 0.5, 1e10 - 0.3, 1e15 + 3e7])
    module = in_backend("zoo._distributions.counts", backend)
    with in_backend("zoo._backend", backend).runtime("float64"):
        array = in_backend("inference.engines.em", backend).BACKEND.to_array
        values = np.asarray(module.Poisson(array(rates)).log_prob(array(x)[:, None]))
    np.testing.assert_allclose(values, exact_log_density(x, rates), rtol=3e-14, atol=1e-14)


def test_the_gradient_is_that_of_the_density():
    torch = pytest.importorskip("torch")
    from zoo._distributions.counts.in_pyro import Poisson

    x = torch.tensor([0.0, 3.0, 1e6, 1e15], dtype=torch.float64)
    for ratio in (0.5, 0.999, 1.0, 1.3):
        rate = (ratio * x.clamp_min(2.0)).requires_grad_()
        (slope,) = torch.autograd.grad(Poisson(rate).log_prob(x).sum(), rate)
        np.testing.assert_allclose(slope, x / rate.detach() - 1, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_em_reaches_the_maximum(backend, scale):
    x = regimes(scale)
    model = zoo.load("poisson_mixture", backend, K=2)
    best = fit(model, x, "em")
    is_large = x > 0.5 * scale  # the regimes do not overlap
    order = np.argsort(best.params["rate"])
    np.testing.assert_allclose(best.params["rate"][order], [x[~is_large].mean(), x[is_large].mean()], rtol=1e-14)
    np.testing.assert_allclose(best.params["pi"][order], [1 - is_large.mean(), is_large.mean()], rtol=1e-12)
    log_p = np.logaddexp.reduce(np.log(best.params["pi"]) + exact_log_density(x, best.params["rate"]), axis=1)
    np.testing.assert_allclose(best.diagnostics["log_likelihood"], log_p.sum(), rtol=1e-13)
    np.testing.assert_allclose(best.log_likelihood(), log_p, rtol=1e-13)


def test_overlapping_regimes_converge_from_every_start():
    rng = np.random.default_rng(1)
    x = rng.poisson(rng.choice([1e6, 1.0015e6], size=200)).astype(float)
    for seed in range(6):
        assert fit(zoo.load("poisson_mixture", "pyro", K=3), x, "em", seed=seed).diagnostics.converged


def test_choose_compares_sizes_of_large_counts():
    choice = inference.choose(zoo.load("poisson_mixture", "pyro"), regimes(1e6), K=range(1, 4))
    assert choice.best.keywords["K"] == 2
