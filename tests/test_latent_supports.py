"""Supports that depend on latents: the density is 0 beyond them, in every engine and both languages."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from arviz_stats import ess  # pyright: ignore[reportPrivateImportUsage]
from scipy import stats
from scipy.integrate import quad

import inference
import zoo
from inference.exact.enumeration import log_marginal
from zoo._backend import in_backend

X = np.array([3.0, 7.2, 1.1, 5.5, 8.1, 0.4, 2.2, 6.0])
SHORT: dict[str, dict[str, Any]] = {
    "em": {"objective": "map"},
    "svi": {"num_steps": 20},
    "nuts": {"num_warmup": 100, "num_samples": 200, "num_chains": 1},
}
# proposals beyond the bound repeat draws
SAMPLES: dict[str, dict[str, Any]] = {"numpyro": {"num_warmup": 500, "num_samples": 3000}, "pyro": {}}


def language(backend):
    """The statements and distributions of a backend, and its functions of arrays."""
    if backend == "numpyro":
        import jax.numpy as arrays
        import numpyro as statements
        import numpyro.distributions as dist
        from numpyro.distributions import transforms

        from zoo._programs.supports.in_numpyro import within_support
    else:
        import pyro as statements
        import pyro.distributions as dist
        import torch as arrays
        from pyro.distributions import transforms

        from zoo._programs.supports.in_pyro import within_support
    return SimpleNamespace(
        sample=statements.sample,
        plate=statements.plate,
        dist=dist,
        transforms=transforms,
        array=arrays.asarray,
        within_support=within_support,
    )


def shifted(lang, base, shift):
    return lang.dist.TransformedDistribution(base, [lang.transforms.AffineTransform(shift, 1.0)])


VALUES = np.array([-1.0, 0.5, 3.0, 7.0])
# a distribution at one parameter, and its log density by SciPy
DISTRIBUTIONS = {
    "Uniform": (lambda lang, t: lang.dist.Uniform(0.0 * t, t), lambda t: stats.uniform(0, t).logpdf(VALUES)),
    "Pareto": (lambda lang, t: lang.dist.Pareto(t, 2.0), lambda t: stats.pareto(2, scale=t).logpdf(VALUES)),
    "shifted exponential": (
        lambda lang, t: shifted(lang, lang.dist.Exponential(1.0 + 0 * t), t),
        lambda t: stats.expon(t).logpdf(VALUES),
    ),
    "shifted log-normal": (
        lambda lang, t: shifted(lang, lang.dist.LogNormal(0.0 * t, 1.0), t),
        lambda t: stats.lognorm(1, loc=t).logpdf(VALUES),
    ),
    "half-normal": (lambda lang, t: lang.dist.HalfNormal(t), lambda t: stats.halfnorm(0, t).logpdf(VALUES)),
    "beta": (lambda lang, t: lang.dist.Beta(t, 2.0), lambda t: stats.beta(t, 2).logpdf(VALUES)),
}


@pytest.mark.parametrize("backend", zoo.BACKENDS)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_density_is_zero_outside_and_its_gradient_a_number(backend, name):
    lang, (make, log_density) = language(backend), DISTRIBUTIONS[name]

    with in_backend("zoo._backend", backend).runtime("float64"):
        if backend == "pyro":
            import torch

            with torch.enable_grad():
                t = torch.tensor(2.5, requires_grad=True)
                log = lang.within_support(make(lang, t)).log_prob(torch.as_tensor(VALUES))
                log.sum().backward()
            assert t.grad is not None
            values, slope = log.detach().numpy(), float(t.grad)
        else:
            import jax

            values = np.asarray(lang.within_support(make(lang, jax.numpy.asarray(2.5))).log_prob(VALUES))
            slope = float(jax.grad(lambda t: lang.within_support(make(lang, t)).log_prob(VALUES).sum())(2.5))
    np.testing.assert_allclose(values, log_density(2.5), rtol=1e-12)
    inside, h = np.isfinite(values), 1e-6
    difference = (log_density(2.5 + h)[inside] - log_density(2.5 - h)[inside]).sum() / (2 * h)
    np.testing.assert_allclose(slope, difference, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_wrappers_keep_the_support_of_what_they_hold(backend):
    lang = language(backend)
    with in_backend("zoo._backend", backend).runtime("float64"):
        values, mask = lang.array(VALUES), lang.array(np.array([True, False, True, False]))
        uniform = lang.dist.Uniform(lang.array(np.zeros(4)), 5.0)
        parts = lang.dist.HalfNormal(lang.array(np.array([1.0, 2.0])))
        mixture = lang.dist.MixtureSameFamily(lang.dist.Categorical(lang.array(np.array([0.3, 0.7]))), parts)
        logs = {
            name: np.asarray(lang.within_support(fn).log_prob(values))
            for name, fn in {
                "masked": uniform.mask(mask),
                "event": uniform.to_event(1),
                "mixture": mixture,
                "circle": lang.dist.VonMises(lang.array(np.array(3.0)), 1.0),
            }.items()
        }
    np.testing.assert_allclose(logs["masked"], [-np.inf, 0.0, -np.log(5), 0.0])  # what is masked does not count
    assert logs["event"] == -np.inf
    inside = np.array([0.3, 0.7]) @ np.stack([stats.halfnorm(0, s).pdf(VALUES[1:]) for s in (1, 2)])
    np.testing.assert_allclose(logs["mixture"], [-np.inf, *np.log(inside)])
    assert np.isfinite(logs["circle"]).all()


def uniform_program(backend):
    lang = language(backend)

    def program(x):
        top = lang.sample("top", lang.dist.HalfNormal(20.0))
        with lang.plate("rows", len(x)):
            lang.sample("x", lang.dist.Uniform(0.0, top), obs=x)

    return zoo.Model(program, backend=backend)


def pareto_program(backend):
    lang = language(backend)

    def program(x):
        scale = lang.sample("scale", lang.dist.LogNormal(4.0, 3.0))  # its median is far above the data
        with lang.plate("rows", len(x)):
            lang.sample("x", lang.dist.Pareto(scale, 1.5), obs=x)

    return zoo.Model(program, backend=backend)


def posterior_of_top():
    """Mean and sd of the posterior of ``top``, by quadrature."""
    moments = [quad(lambda t, k=k: t ** (k - 8) * np.exp(-(t**2) / 800), 8.1, 200)[0] for k in range(3)]
    mean = moments[1] / moments[0]
    return mean, np.sqrt(moments[2] / moments[0] - mean**2)


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_em_finds_the_maximum_on_the_bound(backend):
    fit = inference.fit(uniform_program(backend), X, engine="em", **SHORT["em"])
    np.testing.assert_allclose(fit.params["top"], 8.1, rtol=1e-6)
    assert fit.params["top"] >= 8.1


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_nuts_draws_above_the_bound(backend):
    fit = inference.fit(uniform_program(backend), X, engine="nuts", **SHORT["nuts"] | SAMPLES[backend])
    top, (mean, sd) = fit.draws["top"], posterior_of_top()
    assert top.min() >= 8.1
    assert abs(top.mean() - mean) < 4 * sd / np.sqrt(ess(top, chain_axis=0, draw_axis=1))
    if backend == "numpyro":
        assert 0.6 < top.std() / sd < 1.6


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_svi_says_that_a_guide_cannot_keep_the_bound(backend):
    with pytest.raises(zoo.ZooError) as caught:
        inference.fit(uniform_program(backend), X, engine="svi", **SHORT["svi"])
    message = str(caught.value)
    assert "\n" not in message
    assert "whatever the latents" not in message
    for words in ("of x", "support of Uniform depends on the latents", "engine='nuts'", "x.max()"):
        assert words in message


@pytest.mark.parametrize(("backend", "engine"), [("pyro", "em"), ("numpyro", "em"), ("pyro", "nuts")])
def test_a_start_is_sought_where_the_data_are_possible(backend, engine):
    options: dict[str, Any] = SHORT[engine] | ({"num_warmup": 20, "num_samples": 20} if engine == "nuts" else {})
    fit = inference.fit(pareto_program(backend), X, engine=engine, **options)
    scale = fit.params["scale"] if engine == "em" else fit.draws["scale"]
    assert (scale <= X.min()).all()
    if engine == "em":
        np.testing.assert_allclose(scale, X.min(), rtol=1e-6)


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_a_start_outside_is_refused(backend):
    with pytest.raises(zoo.ZooError, match="let start= have every value inside"):
        inference.fit(uniform_program(backend), X, engine="svi", start={"top": np.array(5.0)}, **SHORT["svi"])


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_discrete_latents_are_summed_over_the_possible_values(backend):
    lang = language(backend)

    def program(x):
        mu = lang.sample("mu", lang.dist.Normal(lang.array(np.zeros(2)), 10.0).to_event(1))
        with lang.plate("rows", len(x)):
            z = lang.sample("z", lang.dist.Categorical(lang.array(np.array([0.3, 0.7]))))
            lang.sample("x", lang.dist.Uniform(mu[z], mu[z] + 5.0), obs=x)

    model, mu = zoo.read(zoo.Model(program, backend=backend), X), np.array([0.0, 3.5])
    by_row = log_marginal(model, {"mu": mu}, X)
    inside = (mu <= X[:, None]) & (mu + 5 >= X[:, None])
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(by_row, np.log(inside @ [0.3, 0.7] / 5), rtol=1e-12)
    assert (log_marginal(model, {"mu": mu - 100}, X) == -np.inf).all()


def test_data_above_a_fixed_bound_are_refused():
    lang = language("numpyro")

    def program(x):
        rate = lang.sample("rate", lang.dist.Normal(0.0, 1.0))
        with lang.plate("rows", len(x)):
            lang.sample("x", lang.dist.TruncatedNormal(rate, 1.0, high=5.0), obs=x)

    with pytest.raises(zoo.ZooError, match=r"row 1 of x \(and 3 more\) is 7.2, where .* whatever the latents"):
        inference.fit(zoo.Model(program, backend="numpyro"), X, engine="em", **SHORT["em"])
