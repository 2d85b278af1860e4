"""The guides, where what they should become is known exactly."""

import numpy as np
import pytest

import guides
import zoo
from inference import fit
from tests.programs import conjugate, evidence, posterior, sums
from tests.table import BACKENDS, CASES, EXACT, SLOW_IN_NUMPYRO, invariant_params, required_sizes, simulate_case

FROZEN = {"num_steps": 1, "learning_rate": 1e-300}
DRAWS = {"numpyro": 4000, "pyro": 500}  # Pyro makes one after another


def test_every_guide_tells_what_it_is():
    assert {"mean_field", "full_rank", "point"} <= set(guides.names())
    for name in guides.names():
        assert guides.about(name)
    with pytest.raises(zoo.ZooError, match="no guide 'meanfield'; did you mean 'mean_field'"):
        guides.about("meanfield")


@pytest.mark.parametrize("backend", BACKENDS)
def test_full_rank_is_exact_where_the_posterior_is_normal(backend):
    count = DRAWS[backend]
    fitted = fit(conjugate(backend), sums(), "svi", guide="full_rank", num_draws=count, **FROZEN)
    mean, covariance = posterior()
    np.testing.assert_allclose(fitted.stats["log_weight"], evidence(), atol=1e-5)
    assert abs(fitted.diagnostics["elbo"] - evidence()) < 1e-5
    draws = np.stack([fitted.draws["a"][0], fitted.draws["b"][0]])
    sd = np.sqrt(np.diag(covariance))
    assert (abs(draws.mean(1) - mean) < 5 * sd / np.sqrt(count)).all()
    assert abs(np.corrcoef(draws)[0, 1] - covariance[0, 1] / sd.prod()) < 5 / np.sqrt(count)


@pytest.mark.parametrize("backend", BACKENDS)
def test_mean_field_has_the_gap_that_correlation_makes(backend):
    count = DRAWS[backend]
    fitted = fit(conjugate(backend), sums(), "svi", guide="mean_field", num_draws=count, **FROZEN)
    precision = np.linalg.inv(posterior()[1])
    gap = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])  # KL(q || p), in closed form
    assert gap > 0.5
    assert abs(fitted.diagnostics["elbo"] - (evidence() - gap)) < 5 * fitted.diagnostics["elbo_se"]
    for i, name in enumerate("ab"):
        assert abs(fitted.draws[name].std() * np.sqrt(precision[i, i]) - 1) < 5 / np.sqrt(2 * count)


# two states of two items, or of three symbols, have several maxima, and EM may end at another
SEVERAL_MAXIMA = [{"emission": "bernoulli"}, {"emission": "categorical"}]
CASES_EXACT = [(name, settings) for name, settings in CASES if name in EXACT and settings not in SEVERAL_MAXIMA]


def marks(name, settings):
    """Of the emissions and noises of sequences the first is enough, and of linear-Gaussian ones the local level."""
    card = zoo.card(name)
    has_states = ("N", "T") in [card.sites()[n].dims for n in card.enumerated]
    is_repeated = has_states and {"name": name, **settings} != first_variant(name)
    return [pytest.mark.slow] if is_repeated or card.linear_chain is not None else []


def first_variant(name):
    return {"name": name, **zoo.card(name).variant({})}


# compiling takes NumPyro ten seconds a model: it is held against Pyro below
POINTS = [
    *(
        pytest.param("pyro", *case, marks=marks(*case), id="-".join([case[0], *case[1].values(), "pyro"]))
        for case in CASES_EXACT
    ),
    pytest.param("numpyro", "poisson_mixture", {}, marks=pytest.mark.slow, id="poisson_mixture-numpyro"),
]


@pytest.mark.parametrize(("backend", "name", "settings"), POINTS)
def test_a_point_is_the_maximum_that_em_finds(backend, name, settings):
    _, x = simulate_case(name, settings, seed=1 if name == "hidden_markov" else 2, N=400)  # a maximum inside
    model = zoo.load(name, backend, **required_sizes(name), **settings)
    start = fit(model, x, "em", objective="map", max_iter=1, tol=0.0).params
    summit = fit(model, x, "em", objective="map", start=start, tol=1e-11, max_iter=3000)
    point = fit(model, x, "svi", guide="point", start=start, num_draws=1, **FROZEN)
    assert point.draws == {}
    assert abs(point.diagnostics["elbo"] - summit.trace[-1]) < 1e-5, "not the density that EM climbs"
    reached = invariant_params(name, point.params)
    for site, value in invariant_params(name, summit.params).items():
        np.testing.assert_allclose(reached[site], value, atol=2e-3 * max(1, abs(value).max()), err_msg=site)


# one is enough of compiling
ALIKE = ["poisson_mixture"]
REST = [pytest.param(n, marks=pytest.mark.slow) for n in ("gaussian_mixture", "factor_analysis")]


@pytest.mark.parametrize("name", [*ALIKE, *REST])
def test_both_backends_begin_alike(name):
    _, x = simulate_case(name, {}, seed=2)  # components apart
    sizes = required_sizes(name)
    start = fit(zoo.load(name, "pyro", **sizes), x, "em", objective="map", max_iter=1, tol=0.0).params
    one, other = (fit(zoo.load(name, b, **sizes), x, "svi", guide="full_rank", start=start, **FROZEN) for b in BACKENDS)
    for site, draws in one.draws.items():  # 1000 draws each
        sd = np.maximum(draws.std(1), 1e-12)
        difference = abs(draws.mean(1) - other.draws[site].mean(1)) / sd
        assert difference.max() < 5 * np.sqrt(2 / 1000), site
        assert abs(np.log(other.draws[site].std(1) / sd)).max() < 0.25, site
    noise = np.hypot(one.diagnostics["elbo_se"], other.diagnostics["elbo_se"])
    assert abs(one.diagnostics["elbo"] - other.diagnostics["elbo"]) < 5 * noise


def test_units_make_no_difference():
    _, x = simulate_case("gaussian_mixture", {})
    model, stretch = zoo.load("gaussian_mixture", "pyro", K=2, covariance="diag"), 1e4
    options = {"guide": "full_rank", "num_steps": 20, "num_draws": 100}
    one, other = (fit(model, x * s, "svi", **options) for s in (1.0, stretch))
    np.testing.assert_allclose(other.trace + x.size * np.log(stretch), one.trace, rtol=1e-5)
    np.testing.assert_allclose(other.draws["mu"] / stretch, one.draws["mu"], rtol=1e-3, atol=1e-3 * x.std())


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_a_guide_of_every_row_sees_no_batch_alone(backend):
    def program(x=None, *, N):
        from importlib import import_module

        language, normal = import_module(backend), import_module(f"{backend}.distributions").Normal
        mu = language.sample("mu", normal(0.0, 1.0))
        with language.plate("N", N):
            language.sample("x", normal(language.sample("h", normal(mu, 1.0)), 1.0), obs=x)

    model = zoo.Model(program, backend=backend)
    assert fit(model, np.arange(6.0), "svi", num_steps=2).draws["h"].shape == (1, 1000, 6)
    with pytest.raises(zoo.ZooError, match="leave batch_size out"):
        fit(model, np.arange(6.0), "svi", num_steps=2, batch_size=3)
