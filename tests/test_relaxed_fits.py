"""What a fit with relaxed draws reports: which objective was optimised, and the bound by hard draws."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

import inference
import zoo
from inference.analysis.latents import figures
from inference.objectives.estimators import make
from inference.objectives.estimators.gumbel_softmax import GumbelSoftmax
from tests.table import BACKENDS, SLOW_IN_NUMPYRO
from tests.test_cli import run_zoo
from tests.test_discrete_codes import N, binary_rows, by_hand, untrained

TEMPERATURE = 2.0
STEPS = 600
STILL = {"learning_rate": 1e-12, "num_steps": STEPS}  # the parameters stay at those of the start


def fit(made, gradient, **options):
    options = {**STILL, "start": made.state, "gradient": gradient, **options}
    return inference.fit(made.model, binary_rows(), "svi", **options)


@pytest.fixture(scope="module", params=BACKENDS)
def made(request):
    return untrained("categories", request.param)


@pytest.fixture(scope="module")
def relaxed(made):
    return fit(made, f"gumbel_softmax(temperature={TEMPERATURE})")


def elbo_by_hand(made, rows=slice(None)):
    """The ELBO per row, and the standard error of its estimate by one draw of each row."""
    _, log_p, log_q = by_hand(made)
    q, f = np.exp(log_q), log_p - log_q
    mean = (q * f).sum(0)
    variance = (q * (f - mean) ** 2).sum(0)[rows]
    return mean[rows].mean(), np.sqrt(variance.sum()) / len(variance)


def relaxed_objective_by_hand(made, draws=4000):
    """The mean over rows of log p(x | soft z) - KL(q || p), and its standard error."""
    rng, state, (M, K) = np.random.default_rng(0), made.state, (made.keywords[n] for n in "MK")

    def network(part, inputs):
        W, v = (state[f"{part}.layers.{i}.weight"] for i in (0, 1))
        b, c = (state[f"{part}.layers.{i}.bias"] for i in (0, 1))
        return np.tanh(inputs @ W + b) @ v + c

    x = made.data["x"]
    log_q = log_softmax(network("encoder", np.nan_to_num(x)).reshape(N, M, K), axis=-1)
    z = softmax((log_q + rng.gumbel(size=(draws, N, M, K))) / TEMPERATURE, axis=-1)
    logits = made.keywords["loc"] + network("decoder", z.reshape(draws, N, M * K))
    likelihood = np.where(np.isnan(x), 0.0, x * logits - np.logaddexp(0, logits)).sum(-1).mean(1)
    kl = (np.exp(log_q) * (log_q + np.log(K))).sum((1, 2)).mean()
    return likelihood.mean() - kl, likelihood.std() / np.sqrt(draws), likelihood.std()


def test_the_trace_is_of_what_was_optimised(made, relaxed):
    exact, error, sd = relaxed_objective_by_hand(made)
    elbo, _ = elbo_by_hand(made)
    combined = np.hypot(error, sd / np.sqrt(STEPS))
    assert abs(relaxed.trace.mean() / N - exact) < 4.5 * combined
    assert abs(exact - elbo) > 20 * combined, "another objective than the ELBO"


def test_the_elbo_is_of_hard_draws(made, relaxed):
    exact, error = elbo_by_hand(made)
    assert abs(relaxed.diagnostics["elbo_nats_per_row"] - exact) < 4.5 * error
    assert relaxed.diagnostics["elbo"] == pytest.approx(N * relaxed.diagnostics["elbo_nats_per_row"])
    split = inference.held_out(relaxed, num_samples=2).split  # by 100 draws of each row
    assert abs(split.elbo_nats_per_example - exact) < 4.5 * error / np.sqrt(100)


def test_the_elbo_of_validation_rows_is_of_hard_draws(made):
    trained = fit(made, "straight_through", held_out=0.4, num_steps=2)
    rows = trained.diagnostics["rows_held_out"]
    exact, error = elbo_by_hand(made, rows)
    assert abs(trained.diagnostics["held_out_elbo_nats_per_row"] - exact) < 4.5 * error


MIXED = (
    {"z1": "straight_through_gumbel(temperature=0.3)", "z2": "disarm"},
    {"z1": "straight_through_gumbel(temperature=0.3, kl='categorical')"},
)


@pytest.mark.parametrize(
    ("backend", "gradient", "relaxed"),
    [
        ("pyro", "straight_through", {"z2": "straight_through", "z1": "straight_through"}),
        ("pyro", *MIXED),
        pytest.param("numpyro", *MIXED, marks=pytest.mark.slow),
        ("pyro", "disarm", None),
        ("pyro", "auto", None),
    ],
    ids=str,
)
def test_the_fit_names_the_sites_and_their_estimators(gradient, relaxed, backend, tmp_path):
    model = zoo.load("sigmoid_belief_network", backend, L=2, Z=2, depth=0)
    trained = inference.fit(model, binary_rows(), "svi", gradient=gradient, num_steps=2)
    assert trained.diagnostics.get("relaxed") == relaxed
    assert inference.load(trained.save(tmp_path / "fit")).diagnostics.get("relaxed") == relaxed


def test_what_is_printed_and_drawn_says_so(relaxed, tmp_path):
    relaxed.save(tmp_path / "fit")
    note = (
        f"trained on another objective, with z by gumbel_softmax(temperature={TEMPERATURE}, kl='categorical'): "
        "the trace is of that one, and the ELBO of hard draws"
    )
    assert note in run_zoo("summary", tmp_path / "fit").stdout
    summary = relaxed.summary()
    assert "elbo_nats_per_row" in summary.index
    assert "reconstruction_nats_per_row" not in summary.index, "a term of the other objective"
    assert figures.training(relaxed).axes[0].get_title() == "relaxed objective"


@pytest.mark.parametrize("made", SLOW_IN_NUMPYRO, indirect=True)
def test_a_fit_by_an_unbiased_estimator_says_nothing(made, tmp_path):
    trained = fit(made, "muprop", num_steps=2)
    trained.save(tmp_path / "fit")
    assert "trained on another objective" not in run_zoo("summary", tmp_path / "fit").stdout
    assert "reconstruction_nats_per_row" in trained.summary().index
    assert figures.training(trained).axes[0].get_title() == "bound"


def anneal(fraction):
    return 1.0 - 0.5 * fraction


@pytest.mark.parametrize("made", SLOW_IN_NUMPYRO, indirect=True)
def test_an_estimator_is_saved_as_the_text_that_makes_it(made, tmp_path):
    for gradient, text in (
        (GumbelSoftmax(0.7, kl="relaxed"), "gumbel_softmax(temperature=0.7, kl='relaxed')"),
        (GumbelSoftmax(anneal), "gumbel_softmax(temperature=anneal, kl='categorical')"),
    ):
        trained = fit(made, {"z": gradient}, num_steps=2)
        assert trained.diagnostics["relaxed"] == {"z": text}
        loaded = inference.load(trained.save(tmp_path / "fit"))
        assert loaded.options["gradient"] == {"z": text}
    assert make("gumbel_softmax(temperature=0.7, kl='relaxed')") == GumbelSoftmax(0.7, kl="relaxed")
