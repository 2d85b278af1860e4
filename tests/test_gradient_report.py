"""The report of gradient estimators: closed forms of one Bernoulli latent, and biases on a small belief network."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference.evaluation.gradients import moments
from inference.evaluation.gradients.record import ALL
from inference.objectives.estimators import reinforce
from inference.plots.numbers import with_error
from tests.objectives import BACKEND_OBJECTIVES
from tests.pages import check_page
from tests.table import BACKENDS, SLOW_IN_NUMPYRO, SLOW_IN_PYRO
from tests.test_cli import error_line, run_zoo

ALPHA, PRIOR, X, MEANS = 0.8, 0.35, 1.2, (-0.4, 0.9)
P = 1 / (1 + np.exp(-ALPHA))
BASELINE = -1.0
SIGMAS = 4.5


def one_bernoulli(backend, alpha=ALPHA):
    """z ~ Bernoulli(PRIOR), x ~ Normal(MEANS[z], 1), with the guide Bernoulli(logit = alpha)."""
    here = BACKEND_OBJECTIVES[backend]()
    sample, plate, _, Normal = here.statements
    Bernoulli, xp = here.distributions.Bernoulli, here.np
    if backend == "numpyro":
        from numpyro import param
    else:
        from pyro import param

    def program(x):
        z = sample("z", Bernoulli(PRIOR))
        with plate("rows", len(x)):
            sample("x", Normal(MEANS[0] + (MEANS[1] - MEANS[0]) * z, 1.0), obs=x)

    def guide(x):
        sample("z", Bernoulli(logits=param("alpha", xp.asarray(alpha))))

    return zoo.Model(program, backend=backend), guide


def objective_at(z):
    """log p(x, z) - log q(z)."""
    prior, q = (PRIOR, P) if z else (1 - PRIOR, 1 - P)
    return -0.5 * (X - MEANS[z]) ** 2 - 0.5 * np.log(2 * np.pi) + np.log(prior) - np.log(q)


F0, F1 = objective_at(0), objective_at(1)
DELTA, M, m = F1 - F0, max(P, 1 - P), min(P, 1 - P)
VARIANCES = {
    "reinforce": P * (1 - P) * ((1 - P) * F1 + P * F0) ** 2,
    "reinforce(baseline=-1.0)": P * (1 - P) * ((1 - P) * F1 + P * F0 - BASELINE) ** 2,
    "rloo": DELTA**2 * P * (1 - P) * (0.5 - P * (1 - P)),
    "disarm": DELTA**2 * P * (1 - P) * (0.5 * M - P * (1 - P)),
    "arm": DELTA**2 * ((1 - (1 - 2 * m) ** 3) / 12 - P**2 * (1 - P) ** 2),
}
EVALUATIONS = {"reinforce": 1, "reinforce(baseline=-1.0)": 1, "rloo": 2, "disarm": 2, "arm": 2}


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_bernoulli_has_the_variances_of_its_closed_form(backend):
    model, guide = one_bernoulli(backend)
    given = ["reinforce", reinforce.Reinforce(baseline=BASELINE), "rloo", "disarm", {"z": "arm"}]
    num_draws, precision = (20_000, 0.05) if backend == "numpyro" else (500, 0.25)
    report = inference.gradient_report(model, np.array([X]), guide=guide, estimators=given, num_draws=num_draws)
    assert report.groups == ["alpha"]
    assert report.reference.is_exact
    assert report.reference.norms["alpha"] == pytest.approx(abs(P * (1 - P) * DELTA), abs=1e-10)
    table = report.table.loc["alpha"].rename({"z: arm": "arm"})
    assert set(table.index) == set(VARIANCES)
    for name, variance in VARIANCES.items():
        row = table.loc[name]
        assert abs(row.variance - variance) < SIGMAS * row.variance_se
        assert row.variance_se < precision * variance
        assert row.evaluations == EVALUATIONS[name]
        assert row.per_evaluation == pytest.approx(row.variance * row.evaluations)
        assert row.bias < SIGMAS * np.sqrt(variance / num_draws)
        assert row.p > 1e-4
    assert not report.biased


@pytest.mark.parametrize("backend", SLOW_IN_PYRO)
def test_a_running_mean_is_at_the_mean_of_the_objective(backend):
    model, guide = one_bernoulli(backend)
    given = ["reinforce(baseline='running_mean')", "rebar", "muprop"]
    num_draws = 20_000 if backend == "numpyro" else 500
    report = inference.gradient_report(model, np.array([X]), guide=guide, estimators=given, num_draws=num_draws)
    table = report.table.loc["alpha"]
    row = table.loc[given[0]]
    # the mean of the last steps has the standard deviation of f over the root of their number, about 200
    error = SIGMAS * abs(DELTA) * np.sqrt(P * (1 - P) / 200)
    baselines = P * F1 + (1 - P) * F0 + np.linspace(-error, error, 100)
    variances = P * (1 - P) * ((1 - P) * F1 + P * F0 - baselines) ** 2
    assert variances.min() - SIGMAS * row.variance_se < row.variance < variances.max() + SIGMAS * row.variance_se
    assert variances.max() < VARIANCES["reinforce"]
    assert table.loc[["rebar", "muprop"], "evaluations"].tolist() == [3, 2]
    assert not report.biased


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_logit_of_zero_has_its_derivative(backend):
    model, guide = one_bernoulli(backend, alpha=0.0)
    report = inference.gradient_report(model, np.array([X]), guide=guide, estimators="rloo", num_draws=2)
    delta = F1 - F0 + np.log(P / (1 - P))  # log q is log 1/2 for both values
    assert report.reference.norms["alpha"] == pytest.approx(0.25 * abs(delta), rel=1e-6)


def belief_network(backend, L=1, **settings):
    x = (np.random.default_rng(0).random((8, 5)) < 0.4).astype(float)
    return zoo.load("sigmoid_belief_network", backend=backend, L=L, Z=3, **settings), x


@functools.cache
def fit_of(backend, L=1):
    """A fit whose parameters are random numbers, the same ones in both backends."""
    model, x = belief_network(backend, L)
    fit = inference.fit(model, x, engine="svi", num_steps=1, gradient="disarm", dtype="float64")
    rng = np.random.default_rng(0)
    fit.state.update({n: rng.normal(size=fit.state[n].shape) for n in sorted(fit.state)})
    return fit


@pytest.mark.parametrize(
    ("backend", "num_draws"), [("numpyro", 4000), pytest.param("pyro", 1000, marks=pytest.mark.slow)]
)
def test_unbiased_estimators_of_a_belief_network_have_no_bias_and_straight_through_does(backend, num_draws):
    model, _ = belief_network(backend)
    given = ["reinforce", "rloo", "disarm", "straight_through"]
    report = inference.gradient_report(model, at=fit_of(backend), estimators=given, num_draws=num_draws, seed=1)
    assert set(report.groups) == {"decoder", "encoder", "logits", ALL}
    assert report.groups[-1] == ALL
    assert report.reference.is_exact
    assert "8 values" in report.reference.source
    assert report.biased == ["straight_through"]
    table = report.table
    for name in given[:-1]:
        for group in report.groups:
            row = table.loc[group, name]
            assert row.bias < SIGMAS * np.sqrt(row.variance / num_draws)
            assert row.p > 1e-4
    row = table.loc[("encoder", "straight_through")]
    assert row.bias_low > 0.8 * row.bias
    assert row.bias_percent_low > 5
    assert row.p < 1e-4
    variances = table.loc[ALL].variance
    assert variances["disarm"] < variances["rloo"] < variances["reinforce"]
    text = str(report)
    assert "straight_through is biased" in text
    assert "the exact sum over 8 values" in text


def test_the_bias_of_relaxed_draws_falls_with_the_temperature_and_their_variance_rises():
    model, _ = belief_network("numpyro")
    given = [f"gumbel_softmax(temperature={temperature})" for temperature in (1.0, 0.4, 0.1)]
    report = inference.gradient_report(model, at=fit_of("numpyro"), estimators=["rloo", *given], num_draws=4000)
    warm, middle, cold = (report.table.loc[("encoder", name)] for name in given)
    assert warm.bias_percent_low > middle.bias_percent_high
    assert middle.bias_percent_low > cold.bias_percent_high
    assert warm.variance < middle.variance < cold.variance
    assert set(report.biased) >= set(given[:2])


@pytest.mark.slow  # one Bernoulli number has its closed form in both
def test_the_enumerated_gradient_is_the_same_in_both_backends():
    norms = {}
    for backend in BACKENDS:
        model, x = belief_network(backend, L=2)
        report = inference.gradient_report(model, x, at=fit_of(backend, L=2), estimators="disarm", num_draws=2)
        assert "64 values" in report.reference.source
        norms[backend] = report.reference.norms
    assert norms["numpyro"] == pytest.approx(norms["pyro"], rel=1e-9)


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_a_reference_that_is_not_exact_has_its_error(backend):
    model, x = belief_network(backend, L=1)
    model = model.with_settings(Z=13)  # 2^13 values
    report = inference.gradient_report(model, x[:4], estimators=["rloo", "disarm"], num_draws=60)
    assert not report.reference.is_exact
    assert "further draws of disarm" in report.reference.source
    error, norm = report.reference.errors[ALL], report.reference.norms[ALL]
    variance = report.table.loc[(ALL, "disarm")].variance
    assert error == pytest.approx(np.sqrt(variance / report.reference.num_draws), rel=0.3)
    assert f"{100 * error / norm:.2g}% of its norm" in str(report)
    assert not report.biased


@pytest.mark.parametrize("backend", SLOW_IN_PYRO)
def test_continuous_latents_beside_discrete_ones_are_drawn_in_the_reference(backend):
    here = BACKEND_OBJECTIVES[backend]()
    sample, plate, _, Normal = here.statements
    Bernoulli, xp = here.distributions.Bernoulli, here.np
    if backend == "numpyro":
        from numpyro import param
    else:
        from pyro import param

    def program(x):
        k = sample("k", Bernoulli(0.3))
        c = sample("c", Normal(1.0 * k, 0.5))
        with plate("rows", len(x)):
            z = sample("z", Bernoulli(0.4))
            sample("x", Normal(c + z, 1.0), obs=x)

    def guide(x):
        k = sample("k", Bernoulli(logits=param("k_logit", xp.asarray(0.5))))
        sample("c", Normal(param("loc", xp.asarray(0.2)) + 0.6 * k, 0.4))
        with plate("rows", len(x)):
            sample("z", Bernoulli(logits=param("z_logit", xp.asarray(-0.3)) + 0.5 * x))

    x = np.array([0.3, 1.4, -0.2])
    model = zoo.Model(program, backend=backend)
    num_draws = 2000 if backend == "numpyro" else 100
    report = inference.gradient_report(model, x, guide=guide, estimators=["rloo"], num_draws=num_draws)
    assert "the sum over 4 values" in report.reference.source
    assert not report.biased
    for group, norm in report.reference.norms.items():
        assert report.reference.errors[group] < 0.2 * norm
    # the exact ELBO, by quadrature over c
    slopes = {n: abs(slope) for n, slope in exact_slopes(x).items()}
    for group, slope in slopes.items():
        assert abs(report.reference.norms[group] - slope) < SIGMAS * report.reference.errors[group]


def exact_slopes(x):
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
    normal = lambda v, loc, sd: -0.5 * ((v - loc) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)  # noqa: E731

    def elbo(k_logit, loc, z_logit):
        total, q = 0.0, sigmoid(z_logit + 0.5 * x)
        for k, qk, pk in ((0, 1 - sigmoid(k_logit), 0.7), (1, sigmoid(k_logit), 0.3)):
            c = (loc + 0.6 * k + 0.4 * nodes)[:, None]
            rows = q * (normal(x, c + 1, 1.0) + np.log(0.4) - np.log(q))
            rows += (1 - q) * (normal(x, c, 1.0) + np.log(0.6) - np.log(1 - q))
            rest = np.log(pk) - np.log(qk) + normal(c[:, 0], 1.0 * k, 0.5) - normal(c[:, 0], loc + 0.6 * k, 0.4)
            total += qk * (weights @ (rows.sum(1) + rest))
        return total / len(x)

    at, step = np.array([0.5, 0.2, -0.3]), 1e-5
    slopes = [(elbo(*(at + e)) - elbo(*(at - e))) / (2 * step) for e in step * np.eye(3)]
    return dict(zip(("k_logit", "loc", "z_logit"), slopes, strict=True))


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_a_batch_has_the_same_rows_in_every_draw(backend):
    model, x = belief_network(backend)
    report = inference.gradient_report(model, x, estimators=["disarm"], num_draws=400, batch_size=4)
    assert report.rows == 4
    assert "4 rows" in str(report)
    assert not report.biased  # the reference has the same rows


@pytest.mark.slow
def test_estimators_that_do_not_suit_are_left_out_with_the_reason():
    model, x = belief_network("numpyro")
    report = inference.gradient_report(model, x, num_draws=2)
    assert "straight_through" in report.estimators
    assert "enumerate" in report.skipped
    assert "left out: enumerate (" in str(report)


def test_iwae_has_the_mean_of_draws_as_its_reference():
    model, x = belief_network("pyro")
    options: dict[str, Any] = {"objective": "iwae", "num_particles": 3, "num_draws": 50}
    report = inference.gradient_report(model, x, estimators=["rloo", "reinforce"], **options)
    assert "further draws of rloo" in report.reference.source
    assert not report.biased
    assert report.table.loc[(ALL, "rloo")].variance < report.table.loc[(ALL, "reinforce")].variance
    assert set(report.table.evaluations) == {3}


def test_moments_of_normal_draws(monkeypatch):
    """Variances and biases of known distributions, over many reports."""
    monkeypatch.setattr(moments, "NUM_FLIPS", 1000)
    rng, scale, bias = np.random.default_rng(3), np.array([1.0, 0.5, 0.1]), np.array([0.05, 0.0, 0.02])
    every, results, ps = np.arange(3), [], []
    for i in range(300):
        g = rng.normal(size=(50, 10, 3)) * scale
        for shift in (0.0, 1.0):
            draws = g + shift * bias
            means = draws.mean(1)
            squares = ((draws - means[:, None]) ** 2).sum((1, 2))[:, None]
            made = moments.GradientDraws(means, squares, 10, 0.0)
            result = moments.group_moments(made, np.zeros(3), every, [0], seed=i)
            (results if shift else ps).append(result if shift else result.p)
    variances = np.array([r.variance for r in results])
    assert abs(variances.mean() - (scale**2).sum()) < SIGMAS * variances.std() / np.sqrt(300)
    assert np.mean([r.variance_se for r in results]) == pytest.approx(variances.std(), rel=0.1)
    squares = np.array([r.bias_squared for r in results])
    assert abs(squares.mean() - (bias**2).sum()) < SIGMAS * squares.std() / np.sqrt(300)
    assert np.mean([r.bias_squared_se for r in results]) == pytest.approx(squares.std(), rel=0.15)
    # p is uniform where there is no bias
    assert abs(np.mean(ps) - 0.5) < SIGMAS * np.sqrt(1 / 12 / 300)
    assert np.mean(np.array(ps) < 0.1) < 0.1 + SIGMAS * np.sqrt(0.09 / 300)


def test_the_figure_and_the_page_have_every_estimator(tmp_path):
    model, x = belief_network("pyro")
    report = inference.gradient_report(model, x, estimators=["disarm", "straight_through"], num_draws=20)
    figure = report.figure()
    assert [axes.get_title() for axes in figure.axes[: len(report.groups)]] == report.groups
    assert {label.get_text() for label in figure.axes[0].get_yticklabels()} == set(report.estimators)
    page = report.save(tmp_path / "gradients.html", "zoo gradients").read_text()
    check_page(page)
    assert "straight_through" in page
    assert "data:image/png" in page
    assert "<pre>zoo gradients</pre>" in page
    row = report.table.iloc[0]
    assert f"<td>{with_error(row['variance'], row['variance_se'])}</td>" in page


def normal_model():
    return zoo.load("gaussian_mixture", K=2, backend="pyro"), np.random.default_rng(0).normal(size=(20, 2))


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_a_fit_of_a_program_of_the_users_own(backend, tmp_path):
    model, guide = one_bernoulli(backend)
    x, options = np.array([X, 0.4]), {"estimators": "disarm", "num_draws": 4}
    read = inference.gradient_report(zoo.read(model, x), guide=guide, **options)
    assert "at the initial parameters" in read.title
    program, encoder = rows_of_coins(backend)
    fit = inference.fit(program, x, engine="svi", guide=encoder, num_steps=3, gradient="disarm", num_draws=1)
    report = inference.gradient_report(program, at=fit, **options)
    assert report.groups == ["loc", "slope", ALL]
    with pytest.raises(zoo.ZooError, match="at is a fit of coins, and the model is program"):
        inference.gradient_report(model, at=fit, **options)
    loaded = inference.load(fit.save(tmp_path / "fit"), program)
    with pytest.raises(zoo.ZooError, match="which is not saved with it: give guide=encoder"):
        inference.gradient_report(program, at=loaded, **options)
    again = inference.gradient_report(program, at=loaded, guide=encoder, **options)
    assert again.reference.norms == report.reference.norms


def rows_of_coins(backend):
    """A normal mean of all rows, and a Bernoulli number of each."""
    here = BACKEND_OBJECTIVES[backend]()
    sample, plate, _, Normal = here.statements
    Bernoulli, xp = here.distributions.Bernoulli, here.np
    if backend == "numpyro":
        from numpyro import param
    else:
        from pyro import param

    def coins(x):
        m = sample("m", Normal(0.0, 1.0))
        with plate("rows", len(x)):
            z = sample("z", Bernoulli(0.4))
            sample("x", Normal(m + 2.0 * z, 1.0), obs=x)

    def encoder(x):
        sample("m", Normal(param("loc", xp.asarray(0.1)), 0.3))
        slope = param("slope", xp.asarray(0.5))
        with plate("rows", len(x)):
            sample("z", Bernoulli(logits=slope * x))

    return zoo.Model(coins, backend=backend), encoder


WRONG = {
    "no discrete latents": (lambda: (*vae(), {}), "no discrete latent of vae is drawn"),
    "summed out": (lambda: (*normal_model(), {}), "give a guide that has a site for z"),
    "one draw": (lambda: (*belief_network("pyro"), {"num_draws": 1}), "whole number from 2 up; given 1"),
    "unknown estimator": (lambda: (*belief_network("pyro"), {"estimators": ["disram"]}), "did you mean 'disarm'"),
    "none": (lambda: (*belief_network("pyro"), {"estimators": []}), "estimators is empty"),
    "another option": (lambda: (*belief_network("pyro"), {"num_steps": 3}), "num_steps"),
    "a batch": (lambda: (*belief_network("pyro"), {"batch_size": 9}), "from 1 to the 8 rows; given 9"),
    "no fit": (lambda: (*belief_network("pyro"), {"at": {}}), "at is a fit by svi"),
    "by em": (lambda: (*normal_model(), {"at": inference.fit(*normal_model(), "em")}), "given one by em"),
    "another model": (
        lambda: (*belief_network("pyro"), {"at": inference.fit(*normal_model(), "svi", num_steps=2, num_draws=2)}),
        "at is a fit of gaussian_mixture, and the model is sigmoid_belief_network",
    ),
    "too many values": (
        lambda: (belief_network("pyro")[0].with_settings(Z=13), belief_network("pyro")[1],
                 {"estimators": ["straight_through"], "num_draws": 2}),
        "needs an unbiased estimator as a reference",
    ),
}  # fmt: skip


def vae():
    return zoo.load("vae", "pyro", Z=2, width=3), (np.random.default_rng(0).random((6, 4)) < 0.5).astype(float)


@pytest.mark.parametrize(("make", "message"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_one_line(make, message):
    model, data, options = make()
    with pytest.raises(zoo.ZooError) as caught:
        inference.gradient_report(model, data, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


SMALL = ["--backend", "pyro", "--set", "L=1", "--set", "Z=3", "--option", "batch_size=8", "--draws", 20]


def test_the_command_prints_the_table_and_writes_a_page(tmp_path):
    page = tmp_path / "pages" / "gradients.html"
    arguments = ["--estimators", "disarm,rloo", "--report", page]
    output = run_zoo("gradients", "sigmoid_belief_network", *SMALL, *arguments).stdout
    assert all(word in output for word in ("disarm", "rloo", "encoder", "the exact sum over 8 values", "8 rows"))
    assert f"report: {page}" in output
    assert "</html>" in page.read_text()


def test_the_command_reads_a_saved_fit(tmp_path):
    model, x = belief_network("pyro")
    np.save(tmp_path / "x.npy", x)
    folder = inference.fit(model, x, engine="svi", num_steps=2).save(tmp_path / "fit")
    arguments = ["--at", folder, "--estimators", "disarm", "--draws", 4]
    first = run_zoo("gradients", "sigmoid_belief_network", *arguments).stdout
    assert "at the parameters of the fit" in first
    second = run_zoo("gradients", "sigmoid_belief_network", *arguments, "--data", tmp_path / "x.npy").stdout
    variances = [[line.split()[2:5] for line in text.splitlines() if "disarm" in line] for text in (first, second)]
    assert len(variances[0]) == 4
    assert variances[0] == variances[1]
    message = error_line(run_zoo("gradients", "categorical_vae", *arguments, exit_code=2))
    assert "--at is a fit of sigmoid_belief_network" in message
    message = error_line(run_zoo("gradients", "sigmoid_belief_network", *arguments, "--set", "Z=2", exit_code=2))
    assert "leave --set" in message


PROGRAM = """
import jax.numpy as jnp
import numpyro
from numpyro import distributions as dist

def coins(x):
    with numpyro.plate("rows", len(x)):
        z = numpyro.sample("z", dist.Bernoulli(0.4))
        numpyro.sample("x", dist.Normal(2.0 * z, 1.0), obs=x)

def encoder(x):
    slope = numpyro.param("slope", 0.5)
    with numpyro.plate("rows", len(x)):
        numpyro.sample("z", dist.Bernoulli(logits=slope * x))
"""


def test_the_command_takes_a_program_of_a_file_and_its_guide(tmp_path):
    (tmp_path / "coins.py").write_text(PROGRAM)
    (tmp_path / "rows.csv").write_text("x\n0.2\n1.9\n-0.7\n")
    words = [f"{tmp_path}/coins.py:coins", "x=x", "--data", tmp_path / "rows.csv", "--option", "guide=encoder"]
    output = run_zoo("gradients", *words, "--draws", 20, "--estimators", "disarm,straight_through").stdout
    assert "the exact sum over 2 values" in output
    assert all(name in output for name in ("slope", "disarm", "straight_through"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["vae", "--set", "Z=2"], "no discrete latent of vae is drawn"),
        (["sigmoid_belief_network", *SMALL, "--estimators", "disram"], "did you mean 'disarm'"),
        (["sigmoid_belief_network", *SMALL[:-1], 1], "from 2 up; given 1"),
        (["sigmoid_belief_network", *SMALL, "--option", "num_steps=3"], "num_steps"),
        (["sigmoid_belief_network", *SMALL, "--at", "nowhere"], "leave --set"),
        (["sigmoid_belief_network", "--at", "nowhere"], "holds no fit"),
    ],
)
def test_a_mistake_of_the_command_is_one_line(arguments, expected):
    assert expected in error_line(run_zoo("gradients", *arguments, exit_code=2))
