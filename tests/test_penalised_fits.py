"""Penalised objectives of svi: values and gradients of programs, fits, checkpoints, what is reported and refused."""

import os
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference.objectives import Objective
from inference.objectives.penalties import make, names
from tests.layer_programs import X as PIXELS
from tests.layer_programs import layers
from tests.layer_programs import library as layer_library
from tests.objectives import BACKEND_OBJECTIVES, SIGMAS
from tests.table import BACKENDS
from tests.test_cli import run_zoo
from tests.test_training import assert_same

N, ROWS = 12, range(6)
AT = {"W": np.array([[0.8, -0.2], [0.3, 0.5]]), "A": np.array([[0.9, 0.1], [0.4, -0.6]]), "s": np.array([0.7, 1.2])}
DATA = np.random.default_rng(0).normal(size=(6, 2))
WITHOUT = [
    "beta(beta=1)",
    "beta_tc(beta=1)",
    "beta_tc(beta=1, weights='stratified')",
    "factor(gamma=0, units=4)",
    "dip(lambda_od=0)",
]
STILL: dict[str, Any] = {"learning_rate": 1e-12}  # the parameters stay at those of the start


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request):
    return request.param


@pytest.fixture(scope="module")
def library(backend):
    return BACKEND_OBJECTIVES[backend]()


@cache
def linear(library):
    """z ~ N(0, I), x ~ N(z W, I); q(z | x) = N(x A, diag s^2)."""
    sample, plate, param, Normal = library.statements

    def program(x, *, N):
        W = param("W")
        with plate("N", N):
            z = sample("z", Normal(library.np.zeros(2), 1.0).to_event(1))
            sample("x", Normal(z @ W, 1.0).to_event(1), obs=x)

    def guide(x, *, N):
        A, s = param("A"), param("s")
        with plate("N", N):
            sample("z", Normal(x @ A, s).to_event(1))

    return program, guide


def bound(library, objective, beta=1.0):
    values, metrics, slopes = library.bounds(objective, linear(library), AT, {"x": DATA, "N": N}, beta, rows=ROWS)
    return values, metrics, slopes


@pytest.mark.parametrize("kl", ["sampled", "analytic"])
@pytest.mark.parametrize("penalty", WITHOUT)
def test_a_penalty_without_weight_is_the_plain_elbo(library, penalty, kl):
    plain, ours = (bound(library, Objective(kl=kl, penalty=p), 0.7) for p in (None, make(penalty)))
    np.testing.assert_allclose(ours[0], plain[0], rtol=1e-12)
    for name, slope in plain[2].items():
        np.testing.assert_allclose(ours[2][name], slope, rtol=1e-10, atol=1e-12, err_msg=name)
    for name, metric in plain[1].items():  # the metrics of the bound are at beta = 1
        np.testing.assert_allclose(ours[1][name], metric, rtol=1e-12)
    np.testing.assert_allclose(ours[1]["objective"], ours[0], rtol=1e-12)


@pytest.mark.parametrize("K", [1, 3])
def test_beta_is_the_weight_of_the_kl(library, K):
    plain, ours = (bound(library, Objective("elbo", K, penalty=p), b) for p, b in ((None, 4), (make("beta"), 1)))
    np.testing.assert_allclose(ours[0], plain[0], rtol=1e-12)
    for name, slope in plain[2].items():
        np.testing.assert_allclose(ours[2][name], slope, rtol=1e-10, err_msg=name)


def test_annealed_and_dip_are_in_nats_per_row_of_all_rows(library):
    mean, sd = DATA @ AT["A"], np.broadcast_to(AT["s"], DATA.shape)
    kl = ((mean**2 + sd**2 - 1) / 2 - np.log(sd)).sum(1).mean()
    C = np.cov(mean.T, bias=True) + np.diag(AT["s"] ** 2)
    dip = 10 * (2 * C[0, 1] ** 2 + ((np.diag(C) - 1) ** 2).sum())
    for K in (1, 2):
        for penalty, of_kl in (("annealed(gamma=3, capacity=5)", 3 * abs(kl - 5)), ("dip", kl + dip)):
            value, metrics, _ = bound(library, Objective("elbo", K, kl="analytic", penalty=make(penalty)), 0.5)
            np.testing.assert_allclose(value, metrics["reconstruction"] - 0.5 * N * of_kl, rtol=1e-10)


def fit_linear(backend, x=None, **options):
    x = np.random.default_rng(1).normal(size=(300, 3)) @ np.diag([2.0, 1.0, 0.5]) if x is None else x
    options = {"num_steps": 30, "batch_size": 50, "dtype": "float64", **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return inference.fit(zoo.load("linear_vae", backend, Z=2), x, engine="svi", **options)


def test_a_fit_reports_the_terms_of_its_codes(backend, tmp_path):
    """At parameters that stay, with batches of all rows: each step has the exact total correlation of its draws."""
    fit = fit_linear(backend, objective="beta_tc(beta=5, weights='stratified')", batch_size=300, kl="analytic", **STILL)
    diagnostics, terms, errors = fit.diagnostics, fit.diagnostics["kl_terms"], fit.diagnostics["kl_terms_se"]
    codes = inference.latents.encode(fit)
    kl = (codes.mean**2 + codes.sd**2 - 1) / 2 - np.log(codes.sd)
    np.testing.assert_allclose(diagnostics["kl_by_dimension"], kl.mean(0), rtol=1e-6)
    assert sum(terms.values()) == pytest.approx(diagnostics["kl_by_latent"]["z"], rel=1e-6)
    assert sum(terms.values()) == pytest.approx(kl.sum(1).mean(), rel=1e-6)
    assert set(terms) == set(errors) == {"mutual_information", "total_correlation", "dimension_wise_kl"}
    assert diagnostics["penalty"] == "beta_tc(beta=5, alpha=1.0, gamma=1.0, weights='stratified')"
    epochs = diagnostics["epochs"]
    correlations = (
        -(epochs["bound_nats_per_row"] - epochs["reconstruction_nats_per_row"] + epochs["kl_nats_per_row"]) / 4
    )  # the trace is of what was optimised
    error = np.hypot(errors["total_correlation"], correlations.std() / np.sqrt(len(correlations)))
    assert abs(correlations.mean() - terms["total_correlation"]) < SIGMAS * error
    elbo = epochs["reconstruction_nats_per_row"] - epochs["kl_nats_per_row"]
    assert abs(diagnostics["elbo_nats_per_row"] - elbo.mean()) < SIGMAS * elbo.std() * np.sqrt(1 + 1 / len(elbo))
    table = fit.summary()["estimate"]
    for name, value in terms.items():
        assert table[f"{name}_nats_per_row"] == value
    assert table["elbo_nats_per_row"] == diagnostics["elbo_nats_per_row"]
    again = inference.load(fit.save(tmp_path / "fit"))
    assert again.diagnostics["kl_terms"] == terms
    np.testing.assert_array_equal(again.diagnostics["kl_by_dimension"], diagnostics["kl_by_dimension"])
    assert "trained on the ELBO with the penalty beta_tc(beta=5" in run_zoo("summary", tmp_path / "fit").stdout
    assert inference.latents.figures.training(fit).axes[0].get_title() == "penalised objective"


def test_a_plain_fit_reports_no_terms(backend):
    fit = fit_linear(backend, num_steps=2)
    assert not {"penalty", "kl_terms", "kl_by_dimension"} & set(fit.diagnostics)


@pytest.mark.slow
@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"])
def test_a_penalty_does_what_it_is_for(backend):
    """Two correlated columns: DIP leaves the codes less correlated, beta their KL smaller, annealed at its capacity."""
    x = np.random.default_rng(2).normal(size=(400, 3)) @ np.array([[2.0, 2.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.3]])

    def fitted(objective):
        return fit_linear(backend, x, objective=objective, num_steps=500, learning_rate=0.02, batch_size=200)

    kl = {o: fitted(o).diagnostics["kl_by_latent"]["z"] for o in ("elbo", "beta(beta=4)")}
    assert kl["beta(beta=4)"] < kl["elbo"] - 0.5
    annealed = fitted("annealed(gamma=50, capacity=1.0, rise=0.3)").diagnostics["kl_by_latent"]["z"]
    assert abs(annealed - 1.0) < 0.15 < kl["elbo"] - 1.0
    mean, sd = inference.latents.encode(fitted("dip(lambda_od=50)"))
    covariance = np.cov(mean.T, bias=True) + np.diag((sd**2).mean(0))
    assert np.abs(covariance - np.eye(2)).max() < 0.1


RESUMED = [("annealed", "pyro"), *(("factor(units=8, layers=2)", b) for b in BACKENDS)]


def schedule(fraction):
    return 1.0 + 3.0 * fraction


@pytest.mark.parametrize(("objective", "backend"), RESUMED)
def test_an_interrupted_run_resumes_bit_for_bit(backend, objective, tmp_path, monkeypatch):
    options = {"objective": objective, "num_steps": None, "num_epochs": 5}
    options = {n: v for n, v in options.items() if v is not None}
    options = {"dtype": "float32", **options}
    complete = fit_linear(backend, checkpoint=tmp_path / "whole", **options)
    replace, replaced = os.replace, []

    def killed(*paths):
        replace(*paths)
        replaced.append(paths)
        if len(replaced) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("inference.run.checkpoints.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        fit_linear(backend, checkpoint=tmp_path / "cut", **options)
    monkeypatch.undo()
    resumed = fit_linear(backend, checkpoint=tmp_path / "cut", **options)
    assert_same(complete, resumed)
    with np.load(tmp_path / "cut" / "checkpoint.npz") as file:
        learned = [n for n in file.files if n.startswith("state/estimators/")]
    assert bool(learned) == objective.startswith("factor")


@pytest.mark.slow
@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"])
def test_the_discriminator_of_a_fit_is_trained(backend):
    """Correlated codes by an encoder that stays: the penalty rises to gamma times their total correlation."""
    x = np.random.default_rng(3).normal(size=(1000, 3))
    start = fit_linear(backend, x, num_steps=1, batch_size=250).state
    weight = next(n for n in start if n.startswith("encoder") and start[n].shape == (3, 2))
    start = {**start, weight: np.array([[1.0, 1.0], [0.0, 0.5], [0.0, 0.0]]), "encoder.scale": np.full(2, 0.5)}
    options = {"start": start, "batch_size": 250, "num_steps": 800, "kl": "analytic", **STILL}
    fit = fit_linear(backend, x, objective="factor(gamma=2, units=32, layers=2, learning_rate=3e-3)", **options)
    epochs = fit.diagnostics["epochs"]
    penalty = epochs["reconstruction_nats_per_row"] - epochs["kl_nats_per_row"] - epochs["bound_nats_per_row"]
    correlation = fit.diagnostics["kl_terms"]["total_correlation"]
    last = penalty[-50:] / 2
    assert correlation > 0.2
    assert abs(last.mean() - correlation) < 0.15 * correlation + SIGMAS * last.std() / np.sqrt(50)


def test_a_schedule_depends_on_the_number_of_steps(tmp_path):
    for given, is_bound in (("beta(beta=2)", True), (inference.penalty("beta", beta=schedule), False)):
        options = {"objective": given, "checkpoint": tmp_path / str(is_bound)}
        fit_linear("pyro", num_steps=3, **options)
        if is_bound:
            assert len(fit_linear("pyro", num_steps=5, **options).trace) == 5
        else:
            with pytest.raises(zoo.ZooError, match="num_steps was 3, and is 5"):
                fit_linear("pyro", num_steps=5, **options)


def test_a_penalty_is_saved_as_the_text_that_makes_it(tmp_path):
    for given, text in (
        ("beta_tc(beta=2)", "beta_tc(beta=2)"),
        (inference.penalty("dip", lambda_od=2.0), "dip(variant='II', lambda_od=2.0, lambda_d=None)"),
        (inference.penalty("beta", beta=schedule), "beta(beta=schedule)"),
    ):
        saved = fit_linear("pyro", num_steps=2, objective=given).save(tmp_path / "fit")
        assert inference.load(saved).options["objective"] == text
    assert make("dip(variant='II', lambda_od=2.0, lambda_d=None)") == inference.penalty("dip", lambda_od=2.0)


INVALID = [
    ({"objective": "beta_vae"}, "no objective 'beta_vae'"),
    ({"objective": 3}, "objective is a word, an inference.penalty or an inference.objectives.Objective; given 3"),
    ({"objective": "beta", "beta": 2.0}, "the option beta is for elbo and iwae: beta has a weight of its own"),
    ({"objective": "factor(gamma=-1)"}, "gamma is a number from 0 up; given -1"),
    ({"objective": "beta", "free_bits": 0.1}, "free_bits and kl_balance are for elbo: beta has a weight of the KL"),
    ({"objective": "beta_tc", "num_particles": 2}, "beta_tc takes one draw of each code: num_particles=1"),
    ({"objective": "factor", "num_particles": 2}, "factor takes one draw of each code"),
    ({"objective": "dip", "batch_size": 1}, "dip compares the rows of a batch, and this one has 1 row: batch_size=2"),
    ({"objective": "beta", "gradient": "doubly_reparameterised"}, "doubly_reparameterised is a gradient of iwae"),
]


@pytest.mark.parametrize(("options", "message"), INVALID, ids=[str(o) for o, _ in INVALID])
def test_options_are_refused_in_one_line(options, message):
    assert_refused(lambda: fit_linear("pyro", **options), message)


def assert_refused(run, message):
    with pytest.raises(zoo.ZooError, match=message) as raised:
        run()
    assert "\n" not in str(raised.value)


def test_iwae_has_no_penalty():
    assert_refused(lambda: Objective("iwae", 2, penalty=make("beta")), "which iwae does not have: take elbo")


@pytest.mark.parametrize("penalty", names())
def test_guides_that_do_not_read_rows_are_refused(penalty):
    x = np.random.default_rng(0).normal(size=(20, 3))
    model = zoo.load("probabilistic_pca", Z=2)
    message = f"{penalty} penalises the codes of rows, and mean_field has no encoder: take a guide that reads the rows"
    assert_refused(lambda: inference.fit(model, x, engine="svi", objective=penalty, num_steps=1), message)


@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"])
def test_codes_that_are_not_one_normal_latent_are_refused(backend):
    short = {"engine": "svi", "num_steps": 2, "batch_size": 20}
    program, guide = layers(backend)
    several = zoo.Model(program, backend=backend)

    def fit(model, x, objective, **options):
        return inference.fit(model, x, objective=objective, **short, **options)

    for penalty in ("beta_tc", "factor", "dip"):
        message = f"{penalty} is for one latent of the rows, and the guide has z3, z2 and z1: take beta, or join them"
        assert_refused(lambda p=penalty: fit(several, PIXELS, p, guide=guide), message)
    trained = fit(several, PIXELS, "beta(beta=2)", guide=guide)  # the KL of all of them
    assert "kl_terms" not in trained.diagnostics
    data = {"x": PIXELS, "label": np.where(np.arange(60) % 2, np.nan, np.arange(60) % 3)}
    classes = zoo.load("semi_supervised_vae", backend, Z=2, C=3, width=4, depth=1)
    assert_refused(lambda: fit(classes, data, "dip"), "dip is for normal codes, and the guide has y, which is discrete")
    assert np.isfinite(fit(classes, data, "beta(beta=2)").trace).all()
    beliefs = zoo.load("sigmoid_belief_network", backend, Z=3)
    assert_refused(
        lambda: fit(beliefs, PIXELS, "beta", gradient="rloo"), "beta needs a gradient through every draw, and the guide"
    )

    own = layer_library(backend)
    sample, plate, distributions = own.sample, own.plate, own.distributions
    Normal = distributions.Normal

    def user(x):
        with plate("rows", len(x)):
            z = sample("z", Normal(0.0 * x, 1.0))
            sample("x", Normal(z, 1.0), obs=x)

    def laplace(x):
        with plate("rows", len(x)):
            sample("z", distributions.Laplace(own.param("a", own.array(0.5)) * x, 1.0))

    rows = np.random.default_rng(0).normal(size=40)
    message = "codes that are normal with independent numbers, and the guide draws z from Laplace: draw it from"
    assert_refused(lambda: fit(zoo.Model(user, backend=backend), rows, "dip", guide=laplace), message)


def test_codes_with_other_priors_have_the_terms_that_they_can(backend):
    """A prior without a closed form has the KL of each number by draws; one of dependent numbers has none."""
    own = layer_library(backend)
    sample, plate, param, array = own.sample, own.plate, own.param, own.array
    Normal, Laplace, MultivariateNormal = (
        getattr(own.distributions, n) for n in ("Normal", "Laplace", "MultivariateNormal")
    )
    x, W = np.random.default_rng(0).normal(size=(500, 3)), np.random.default_rng(1).normal(size=(2, 3))
    laplace = lambda: Laplace(array(np.zeros(2)), 1.0).to_event(1)  # noqa: E731
    dependent = lambda: MultivariateNormal(array(np.zeros(2)), array(np.array([[1.0, 0.5], [0.5, 1.0]])))  # noqa: E731

    def fit(prior):
        def program(x):
            with plate("rows", len(x)):
                z = sample("z", prior())
                sample("x", Normal(z @ array(W), 1.0).to_event(1), obs=x)

        def guide(x):
            A = param("A", array(0.3 * W.T))
            with plate("rows", len(x)):
                sample("z", Normal(x @ A, 0.5).to_event(1))

        model = zoo.Model(program, backend=backend)
        return inference.fit(
            model, x, engine="svi", guide=guide, objective="beta", batch_size=100, num_steps=2, **STILL
        ).diagnostics

    by_draws, without = fit(laplace), fit(dependent)
    assert by_draws["kl_by_dimension"].shape == (2,)
    assert by_draws["kl_by_dimension"].sum() == pytest.approx(by_draws["kl_by_latent"]["z"], rel=1e-5)
    assert "kl_by_dimension" not in without
    z = np.random.default_rng(2).normal(size=(200, *x[:, :2].shape)) * 0.5 + x @ (0.3 * W.T)
    q = np.log(1 / np.sqrt(2 * np.pi) / 0.5) - ((z - x @ (0.3 * W.T)) / 0.5) ** 2 / 2
    for diagnostics, log_prior in (
        (by_draws, (-np.abs(z) - np.log(2)).sum(-1)),
        (without, -(z[..., 0] ** 2 - z[..., 0] * z[..., 1] + z[..., 1] ** 2) / 1.5 - np.log(2 * np.pi * 0.75**0.5)),
    ):
        logs = q.sum(-1) - log_prior  # of 200 draws of each row; the fit has one
        error = np.sqrt(logs.var(0).mean() / len(x))
        assert abs(sum(diagnostics["kl_terms"].values()) - logs.mean()) < SIGMAS * error
