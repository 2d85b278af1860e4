"""``start`` of gibbs: some or all continuous latents, of each chain, from which the first sweep follows."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

import inference
import zoo
from inference.engines.gibbs.latent_dirichlet.layout import make_layout
from inference.engines.gibbs.latent_dirichlet.start import draw_topics
from zoo.data.corpus import as_corpus

ONE_SWEEP: dict[str, Any] = {"engine": "gibbs", "num_warmup": 0, "num_samples": 1, "num_chains": 2}
STATES = np.repeat([0, 1, 1, 0, 1], 8)
X = (np.array([[-9.0], [9.0]])[STATES] + np.random.default_rng(0).normal(size=(40, 1)))[None]
START = {
    "pi": np.array([0.5, 0.5]),
    "A": np.full((2, 2), 0.5),
    "mu": np.array([[-9.0], [9.0]]),
    "Lambda": np.ones((2, 1)),
}
BLOCKS = np.kron(np.eye(3), np.full((4, 4), 5)).astype(int)  # documents of three topics, with four words each
PHI = np.kron(np.eye(3), np.full((1, 4), 0.25))


def sample_states(start: Any, backend: str = "pyro", emission: str = "normal", x: Any = X, **options: Any):
    model = zoo.load("hidden_markov", backend, K=2, emission=emission)
    return inference.fit(model, x, **{**ONE_SWEEP, "start": start, **options})


@pytest.mark.parametrize("backend", zoo.BACKENDS)
@pytest.mark.parametrize("given", [list(START), ["mu"], ["pi", "mu"]])
@pytest.mark.parametrize("seed", range(2))
def test_states_begin_at_the_parameters_given(given, seed, backend):
    start = {n: START[n] for n in given}
    swapped = {n: v[::-1] for n, v in start.items()}
    fit = sample_states([start, swapped], backend, seed=seed)
    assert fit.diagnostics["start"] == ("given" if len(given) == 4 else f"given {', '.join(given)}, else k-means++")
    np.testing.assert_allclose(fit.draws["mu"][:, 0, :, 0], [[-9, 9], [9, -9]], atol=2)
    np.testing.assert_array_equal(fit.state["z"][:, 0], [STATES, 1 - STATES])
    stacked = sample_states({n: np.stack([start[n], swapped[n]]) for n in given}, backend, seed=seed)
    np.testing.assert_array_equal(stacked.draws["mu"], fit.draws["mu"])


@pytest.mark.parametrize("emission", ["full_normal", "tied_normal"])
def test_matrices_may_be_given(emission):
    Lambda = np.ones((2, 1, 1)) if emission == "full_normal" else np.ones((1, 1))
    fit = sample_states({**START, "Lambda": Lambda}, emission=emission)
    np.testing.assert_array_equal(fit.state["z"][0, 0], STATES)


def test_a_state_that_no_path_reaches_is_not_drawn_before_the_first_sweep():
    left_to_right = {**START, "pi": np.array([1.0, 0.0]), "A": np.array([[0.9, 0.1], [0.0, 1.0]])}
    x = X[:, :24]
    fit = sample_states(left_to_right, x=x)
    np.testing.assert_array_equal(fit.state["z"][0, 0], STATES[:24])
    impossible = {**left_to_right, "pi": np.array([0.0, 1.0]), "mu": np.array([[0.0], [1e200]])}
    for start in (impossible, {n: v for n, v in impossible.items() if n != "Lambda"}):
        with pytest.raises(zoo.ZooError, match="the density of a sequence is 0 at the start"):
            sample_states(start, x=x)


def test_an_error_names_what_the_start_needs():
    with pytest.raises(zoo.ZooError, match=r"start needs mu of shape \(2, 1\), or \(2, 2, 1\) for one start"):
        sample_states({"mu": np.zeros(2)})
    with pytest.raises(zoo.ZooError, match="start has z, which the program does not; its latents: pi, A, mu, Lambda"):
        sample_states({"z": STATES})
    with pytest.raises(zoo.ZooError, match=r"start has a value of phi that is not .*sum to one"):
        sample_topics({"phi": np.ones((3, 12))})


def sample_topics(start: Any, backend: str = "pyro", **options: Any):
    model = zoo.load("latent_dirichlet", backend, K=3)
    return inference.fit(model, as_corpus(np.tile(BLOCKS, (4, 1))), **{**ONE_SWEEP, "start": start, **options})


@pytest.mark.parametrize("backend", zoo.BACKENDS)
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
@pytest.mark.parametrize("shards", [1, 2])
def test_topics_begin_at_those_given(order, shards, backend):
    fit = sample_topics({"phi": PHI[order]}, backend, shards=shards, num_warmup=4)  # without annealing
    assert fit.diagnostics["start"] == "given phi, else random topics"
    np.testing.assert_allclose(fit.draws["phi"][:, 0], [PHI[order]] * 2, atol=0.15)
    theta = np.eye(3)[np.tile(np.repeat(np.argsort(order), 4), 4)]
    fit = sample_topics({"theta": 0.98 * theta + 0.02 / 3}, backend, shards=shards)
    assert fit.diagnostics["start"] == "given theta, else random topics"
    np.testing.assert_allclose(fit.draws["phi"][:, 0], [PHI[order]] * 2, atol=0.15)


def test_a_usual_start_is_told():
    assert sample_topics(None).diagnostics["start"] == "random topics"
    assert sample_states(None).diagnostics["start"] == "k-means++"


def test_topics_of_tokens_are_drawn_by_their_probabilities():
    corpus = as_corpus(np.array([[0, 0, 0], [4000, 3000, 1000]]))
    layout, phi = make_layout(corpus, 1), np.array([[0.5, 0.5, 0.0], [0.1, 0.9, 0.0]])
    theta = np.array([[0.5, 0.5], [0.3, 0.7]])
    topics = draw_topics(layout, 2, {"phi": phi, "theta": theta}, np.random.default_rng(0))
    for v, n in enumerate([4000, 3000]):
        counts = np.bincount(topics[layout.words == layout.numbers[v]], minlength=2)
        p = theta[1] * phi[:, v]
        assert chisquare(counts, n * p / p.sum()).pvalue > 1e-3
    # a word that no topic has may be of any
    assert chisquare(np.bincount(topics[layout.words == layout.numbers[2]], minlength=2)).pvalue > 1e-3
