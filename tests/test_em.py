"""EM against scikit-learn, against itself in other forms, and against closed forms."""

import functools
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.mixture import GaussianMixture

import zoo
from inference import choose, fit, standard_errors
from inference.engines.em.acceleration import SquaremStep
from tests.programs import exponentials
from tests.table import BACKENDS, CASES, EXACT, IDS, invariant_params, required_sizes, simulate_case, variants

COVARIANCES = list(zoo.card("gaussian_mixture").variants["covariance"])
OF_SCIKIT_LEARN = ("full", "tied", "diag", "spherical")


def standardised(x):
    return (x - x.mean(0)) / x.std(0)


@functools.cache
def easy_data(case):
    """Simulated rows on which EM converges in few steps inside the boundary: the first such seed."""
    name, settings = CASES[case]
    for seed in range(100):
        _, x = simulate_case(name, settings, seed=seed, N=200)
        try:
            fitted = fit(zoo.load(name, "pyro", **required_sizes(name), **settings), x, "em", tol=1e-11, max_iter=100)
        except zoo.ZooError:
            continue
        inside = all((v > 0.02).all() and (v < 0.98).all() for n, v in fitted.params.items() if n in ("pi", "theta"))
        inside = inside and all((v > 0.02).all() for n, v in fitted.params.items() if n.endswith("_sd"))
        inside = inside and not fitted.diagnostics.get("heywood")
        if fitted.diagnostics["converged"] and (len(fitted.trace) > 5 or zoo.card(name).linear) and inside:
            return x
    raise AssertionError("no such data: simulate more rows")


# tests/test_linear_gaussian.py compares linear models with the general M-step: here one, to compile it in NumPyro,
# which runs the first variant of each model: the variants of both have one log joint
GENERAL = [
    (case, backend)
    for case, (name, settings) in enumerate(CASES)
    for backend in BACKENDS
    if name in EXACT and (not zoo.card(name).linear or (name, backend) == ("factor_analysis", "numpyro"))
    if backend == "pyro" or settings == variants(name)[0]
]


def is_costly(case, backend):
    """Whether a case has tests of its own, or NumPyro compiles what Pyro runs too: it compiles one fast case."""
    name, settings = CASES[case]
    card = zoo.card(name)
    # tests/test_hidden_markov.py compares some; items with classes are a case of mixed columns
    if name == "latent_class" or ("N", "T") in [card.sites()[n].dims for n in card.enumerated]:
        return True
    is_compiled = backend == "numpyro" and name != "poisson_mixture"
    has_simpler_variant = {"tied", "tied_diag", "general", "local_level", "local_trend"} & {*settings.values()}
    return bool(has_simpler_variant) or is_compiled


@pytest.mark.parametrize(
    ("case", "backend"),
    [pytest.param(*pair, marks=[pytest.mark.slow] if is_costly(*pair) else []) for pair in GENERAL],
    ids=[f"{IDS[case]}-{backend}" for case, backend in GENERAL],
)
def test_the_general_m_step_reaches_the_maximum_of_the_closed_form(case, backend):
    name, settings = CASES[case]
    x = easy_data(case)
    model = zoo.load(name, backend, **required_sizes(name), **settings)
    start = fit(model, x, "em", max_iter=1, tol=0.0).params
    options = {"start": start, "tol": 1e-11, "max_iter": 200}
    closed, general = fit(model, x, "em", **options), fit(model, x, "em", closed_form=False, **options)
    assert closed.diagnostics["converged"]
    assert general.diagnostics["converged"]
    assert abs(closed.trace[0] - general.trace[0]) < 1e-9 * abs(closed.trace[0]), "not from the same start"
    assert abs(closed.trace[-1] - general.trace[-1]) / len(x) < 1e-8
    one, other = (invariant_params(name, f.params) for f in (closed, general))
    for site, value in one.items():
        # where the objective is flat to 1e-8 a row, parameters may differ by the square root of that
        np.testing.assert_allclose(other[site], value, atol=1e-3 * max(1, abs(value).max()), err_msg=site)
    assert abs(general.diagnostics["icl"] - closed.diagnostics["icl"]) < 1e-3


# Pyro compiles nothing and runs all covariances; NumPyro one, which is enough of compiling
@pytest.mark.parametrize(
    ("backend", "covariance"),
    [pytest.param("numpyro", "full", marks=pytest.mark.slow), *(("pyro", c) for c in COVARIANCES)],
)
def test_both_m_steps_end_at_one_mode(covariance, backend, old_faithful):
    """MAP, where the closed form moves means and precisions in turn, and the general M-step moves all together."""
    model = zoo.load("gaussian_mixture", backend, K=2, covariance=covariance)
    start = fit(model, old_faithful, "em", max_iter=1, tol=0.0).params
    options = {"objective": "map", "start": start, "tol": 1e-11}
    closed = fit(model, old_faithful, "em", **options)
    general = fit(model, old_faithful, "em", closed_form=False, **options)
    assert closed.diagnostics["converged"]
    assert general.diagnostics["converged"]
    assert abs(closed.trace[-1] - general.trace[-1]) / 272 < 1e-8
    for site, value in closed.params.items():
        np.testing.assert_allclose(general.params[site], value, rtol=1e-3, atol=1e-4, err_msg=site)


@pytest.mark.parametrize("covariance", OF_SCIKIT_LEARN)
@pytest.mark.parametrize("data", ["faithful", "iris", "wine"])
def test_maximum_likelihood_is_that_of_scikit_learn(data, covariance, old_faithful):
    x = {"faithful": lambda: old_faithful, "iris": lambda: load_iris().data, "wine": lambda: load_wine().data}[data]()
    x, K = standardised(x), 2 if data == "faithful" else 3
    # the backends agree in tests/test_weights.py: NumPyro compiles the forms once
    model = zoo.load("gaussian_mixture", "numpyro" if data == "faithful" else "pyro", K=K, covariance=covariance)
    start = fit(model, x, "em", max_iter=1, tol=0.0).params
    ours = fit(model, x, "em", start=start, tol=1e-10, covariance_floor=1e-10, max_iter=2000)
    theirs = GaussianMixture(
        K,
        covariance_type=covariance,
        reg_covar=1e-10,
        tol=1e-10,
        max_iter=2000,
        weights_init=start["pi"],
        means_init=start["mu"],
        precisions_init=start["Lambda"],
    ).fit(x)
    assert abs(ours.trace[-1] / len(x) - theirs.score(x)) < 1e-6
    assert abs(ours.log_likelihood() - theirs.score_samples(x)).max() < 1e-4
    assert ours.diagnostics["parameters"] == theirs._n_parameters()
    np.testing.assert_allclose(ours.diagnostics["bic"], theirs.bic(x), rtol=1e-6)
    np.testing.assert_allclose(ours.diagnostics["aic"], theirs.aic(x), rtol=1e-6)
    np.testing.assert_allclose(ours.local()["z"], theirs.predict_proba(x), atol=1e-3)


# the closed forms are in tests/test_weights.py; of NumPyro one, which is enough of compiling
COSTLY = {name for name in EXACT if zoo.card(name).regression or zoo.card(name).linear_chain is not None}
WEIGHTED = [pytest.param(name, "pyro", marks=pytest.mark.slow if name in COSTLY else []) for name in EXACT]
WEIGHTED += [pytest.param("poisson_mixture", "numpyro", marks=pytest.mark.slow)]


@pytest.mark.parametrize(("name", "backend"), WEIGHTED)
def test_weight_two_equals_a_repeated_row_without_a_closed_form(name, backend):
    _, x = simulate_case(name, {}, seed=1, N=20)
    model = zoo.load(name, backend, **required_sizes(name))
    priors = {k: v for k, v in model.bind(x)[1].items() if k in model.keywords and len(k) > 1}
    model = model.with_settings(**priors)
    start = fit(model, x, "em", max_iter=1, tol=0.0).params
    weights = np.where(np.arange(20) < 7, 2.0, 1.0)
    options = {"start": start, "max_iter": 3, "tol": 0.0, "closed_form": False}
    weighted = fit(model, x, "em", sample_weight=weights, **options)
    doubled = fit(model, np.concatenate([x, x[:7]]), "em", **options)
    steps = min(len(weighted.trace), len(doubled.trace))  # at the maximum, rounding decides when EM ends
    assert steps > 2
    if model.card.linear or model.card.linear_chain or model.card.regression:
        # later steps depend on the units of rows, or enlarge rounding errors: tests/test_linear_gaussian.py compares
        # the maxima, and tests/test_weights.py the closed form of regressions
        steps = 2
    np.testing.assert_allclose(weighted.trace[:steps], doubled.trace[:steps], rtol=1e-7)


@pytest.mark.parametrize("backend", BACKENDS)
def test_32_bits_agree_with_64_and_an_offset_costs_nothing(backend, old_faithful):
    model = zoo.load("gaussian_mixture", backend, K=2)
    wide = fit(model, old_faithful, "em", tol=1e-9)
    narrow = fit(model, old_faithful, "em", tol=1e-9, dtype="float32")
    assert abs(wide.trace[-1] - narrow.trace[-1]) / 272 < 1e-5
    far = old_faithful + 1e4
    for dtype in ("float64", "float32"):
        moved = fit(model, far, "em", tol=1e-9, dtype=dtype)
        # in 32 bits a number near 1e4 is known to 5e-4, an eighth of a percent of the smallest spread here
        assert abs(moved.trace[-1] - wide.trace[-1]) / 272 < (1e-8 if dtype == "float64" else 1e-4)
        np.testing.assert_allclose(moved.params["mu"] - 1e4, wide.params["mu"], rtol=1e-3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_order_of_the_columns_makes_no_difference_with_as_many_components(backend, old_faithful):
    model = zoo.load("gaussian_mixture", backend, K=2, covariance="spherical")
    one, other = (fit(model, x, "em", max_iter=2) for x in (old_faithful, old_faithful[:, ::-1]))
    np.testing.assert_allclose(one.trace, other.trace, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("K", [2, 3])
def test_the_objective_never_falls(K, backend, old_faithful):
    for objective in ("ml", "map"):
        trace = fit(zoo.load("gaussian_mixture", backend, K=K), old_faithful, "em", objective=objective).trace
        assert (np.diff(trace) > -1e-9 * abs(trace[-1])).all()
        assert len(trace) > 2


def test_a_fall_is_an_error():
    from inference.engines.em.iteration import run_em

    values = iter([1.0, 2.0, 1.5])
    with pytest.raises(ArithmeticError, match=r"fell from 2.0 to 1.5 at iteration 2"):
        run_em(lambda params: (params, next(values)), None, max_iter=9, tol=0.0, rounding=lambda *_: 1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_component_that_collapses_is_named(backend):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(30, 2)), np.full((3, 2), 9.0)])  # three equal rows far from the rest
    with pytest.raises(zoo.ZooError, match=r"component \d collapsed.*objective='map'"):
        fit(zoo.load("gaussian_mixture", backend, K=2), x, "em")
    rescued = fit(zoo.load("gaussian_mixture", backend, K=2), x, "em", objective="map")
    assert rescued.diagnostics["converged"]
    assert np.sort(rescued.predict()["z"].tolist()).tolist().count(rescued.predict()["z"][-1]) == 3


def test_restarts_keep_the_best_and_report_all(old_faithful):
    fitted = fit(zoo.load("gaussian_mixture", K=3), old_faithful, "em", restarts=4)
    assert len(fitted.diagnostics["restarts"]) + fitted.diagnostics["collapsed_restarts"] == 4
    assert fitted.trace[-1] == max(fitted.diagnostics["restarts"])


@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"])
def test_standard_errors_of_one_normal_are_the_textbook_s(backend, old_faithful):
    """K = 1: sd/sqrt(N) for a mean, sqrt(2/N) Sigma_ii for a variance; all known in closed form."""
    fitted = fit(zoo.load("gaussian_mixture", backend, K=1), old_faithful, "em", tol=1e-12)
    N = len(old_faithful)
    Sigma = np.cov(old_faithful.T, bias=True)
    errors = standard_errors(fitted)
    np.testing.assert_allclose(errors["mu"][0], np.sqrt(np.diag(Sigma) / N), rtol=1e-5)
    exact = np.sqrt((Sigma**2 + np.outer(np.diag(Sigma), np.diag(Sigma))) / N)
    np.testing.assert_allclose(errors["Sigma"][0], exact, rtol=1e-5)
    resampled = standard_errors(fitted, "bootstrap", replicates=300, seed=1)
    # an sd from 300 replicates is known to 1/sqrt(600): four of those, and the bootstrap's own 1/N
    np.testing.assert_allclose(resampled["mu"][0], np.sqrt(np.diag(Sigma) / N), rtol=4 / np.sqrt(600) + 0.01)


def test_standard_errors_at_a_boundary_suggest_the_bootstrap():
    x = np.array([[1, 1], [1, 1], [1, 0], [1, 0], [1, 1.0]])  # an item that all answered yes
    fitted = fit(zoo.load("latent_class", "pyro", K=1), x, "em")
    with pytest.raises(zoo.ZooError, match="method='bootstrap'"):
        standard_errors(fitted)


def test_bic_chooses_two_eruptions(old_faithful):
    choice = choose(zoo.load("gaussian_mixture", K=1), old_faithful, K=range(1, 4), restarts=2)
    assert choice.best.keywords["K"] == 2
    assert list(choice.table.index) == [1, 2, 3]
    assert choice.table["bic"].idxmin() == 2
    with pytest.raises(zoo.ZooError, match="bic"):
        choose(zoo.load("gaussian_mixture", K=1), old_faithful, criterion="bix")


@pytest.mark.parametrize("backend", BACKENDS)
def test_missing_answers_are_marginalised(backend):
    """Deleting answers at random and fitting the rest recovers the classes; a row without values has log p 0."""
    rng = np.random.default_rng(0)
    truth = {"pi": np.array([0.4, 0.6]), "theta": np.array([[0.9] * 6, [0.15] * 6])}
    z = rng.random(1500) < 0.6
    x = (rng.random((1500, 6)) < truth["theta"][z.astype(int)]).astype(float)
    x[rng.random(x.shape) < 0.3] = np.nan
    fitted = fit(zoo.load("latent_class", backend, K=2), x, "em", seed=1)
    order = np.argsort(-fitted.params["theta"][:, 0])
    # about 1500 * 0.4 * 0.7 answers an item and class: five binomial standard errors
    np.testing.assert_allclose(fitted.params["theta"][order], truth["theta"], atol=5 * 0.5 / np.sqrt(420))
    empty = np.concatenate([x, np.full((1, 6), np.nan)])
    np.testing.assert_allclose(fitted.log_likelihood(empty)[-1], 0.0, atol=1e-12)
    np.testing.assert_allclose(fitted.local(empty)["z"][-1], fitted.params["pi"], atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_program_of_four_lines_is_fitted(backend):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.exponential(0.2, 300), rng.exponential(5.0, 300)])
    fitted = fit(exponentials(backend), x, "em")
    assert fitted.diagnostics["converged"]
    rates = np.sort(fitted.params["rate"])
    # each mean of 300 exponentials is known to 1/sqrt(300) of itself, a little more where they overlap
    np.testing.assert_allclose(rates, [0.2, 5.0], rtol=5 / np.sqrt(300))
    assert fitted.log_likelihood().sum() == pytest.approx(fitted.trace[-1], abs=1e-6)


def test_no_warning_is_hidden_by_the_engine(old_faithful):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(zoo.load("gaussian_mixture", K=2), old_faithful, "em")


def test_an_extrapolation_that_overflows_is_not_made_and_gives_no_warning():
    def step(x):  # the extrapolation of 0, 1, 2.001 is 3000, where exp is infinite
        far = np.exp(x)
        return x + 1 + 1e-3 * x, x + (far - far)

    accelerated, x = SquaremStep(step, lambda x: np.array([x]), lambda vector: vector[0]), np.float64(0.0)
    for _ in range(3):
        x, value = accelerated(x)
        assert np.isfinite(value)
    assert 2 < x < 4
