"""Variational EM for topic models: against sums over all topics, scikit-learn, and its own fixed point."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.special import digamma, gammaln, logsumexp

import inference
import zoo
from inference.engines.em.latent_dirichlet.e_step import infer_documents
from inference.engines.em.latent_dirichlet.kernels import digamma_and_log_gamma, exp_digamma
from inference.engines.em.latent_dirichlet.m_step import LEAST_CONCENTRATION, asymmetric_concentration
from zoo import ZooError
from zoo.data.corpus import Corpus
from zoo.data.corpus.synthetic import bars, sample_lda

TIGHT = {"document_tol": 1e-7, "document_steps": 2000}
TINY = np.array([[2, 1, 0], [0, 1, 2], [1, 0, 1]], np.int32)


def make_corpus(counts, V=None):
    counts = np.asarray(counts)
    document, word = np.nonzero(counts)
    indptr = np.searchsorted(document, np.arange(len(counts) + 1))
    return Corpus(indptr, word, counts[document, word], V or counts.shape[1])


def lda(K, **settings):
    return zoo.load("latent_dirichlet", K=K, **settings)


def elbo(fit):
    """The bound in nats, term by term (Hoffman, Blei and Bach 2010, equation 4), in 64 bits and logarithms."""
    lam, gamma, counts = fit.state["lambda"], fit.state["gamma"], fit.data["w"].dense()
    K, V = lam.shape
    eta, alpha = fit.keywords["eta"], np.broadcast_to(fit.keywords["alpha"], K)
    log_phi = digamma(lam) - digamma(lam.sum(1, keepdims=True))
    log_theta = digamma(gamma) - digamma(gamma.sum(1, keepdims=True))
    words = (counts * logsumexp(log_theta[:, :, None] + log_phi, axis=1)).sum()
    theta = ((alpha - gamma) * log_theta + gammaln(gamma)).sum() - gammaln(gamma.sum(1)).sum()
    theta += len(gamma) * (gammaln(alpha.sum()) - gammaln(alpha).sum())
    phi = ((eta - lam) * log_phi + gammaln(lam)).sum() - gammaln(lam.sum(1)).sum()
    return words + theta + phi + K * (gammaln(V * eta) - V * gammaln(eta))


def expected_counts(fit):
    """The counts (N, K, V) that q(z) gives each topic, by the factors of ``fit``."""
    lam, gamma = fit.state["lambda"], fit.state["gamma"]
    log_q = digamma(gamma)[:, :, None] + digamma(lam) - digamma(lam.sum(1, keepdims=True))
    return fit.data["w"].dense()[:, None] * np.exp(log_q - logsumexp(log_q, axis=1, keepdims=True))


def log_evidence(counts, K, alpha, eta):
    """log p(w) of a tiny corpus, by the sum over every z of the joint with phi and theta integrated out."""
    V = counts.shape[1]
    tokens = [(d, v) for d, row in enumerate(counts) for v in np.repeat(np.arange(V), row)]

    def block(n, prior):
        return gammaln(n + prior).sum(-1) - gammaln((n + prior).sum(-1))

    total = []
    for z in itertools.product(range(K), repeat=len(tokens)):
        document_counts, topic_counts = np.zeros((len(counts), K)), np.zeros((K, V))
        for (d, v), k in zip(tokens, z, strict=True):
            document_counts[d, k] += 1
            topic_counts[k, v] += 1
        total.append(block(document_counts, alpha).sum() + block(topic_counts, eta).sum())
    constants = len(counts) * block(np.zeros(K), alpha) + K * block(np.zeros(V), eta)
    return logsumexp(total) - constants


@pytest.fixture(scope="module")
def synthetic():
    return sample_lda(N=150, T=60, V=80, K=5, alpha=0.3, eta=0.1, seed=1)


@pytest.fixture(scope="module")
def synthetic_fit(synthetic):
    return inference.fit(lda(5, alpha=0.3, eta=0.1), synthetic[0], "em", max_iter=30, tol=0.0)


def test_functions_of_the_gamma_function():
    x = np.exp(np.random.default_rng(0).uniform(math.log(1e-3), math.log(1e9), 2000))
    psi, log_gamma = np.array([digamma_and_log_gamma(v) for v in x]).T
    np.testing.assert_allclose(psi, digamma(x), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(log_gamma, gammaln(x), rtol=1e-13, atol=1e-13)
    x = x.astype(np.float32)
    exact = digamma(x.astype(float))
    result = np.array([exp_digamma(v) for v in x])
    is_normal = exact > -83
    assert (abs(result / np.exp(np.maximum(exact, -83)) - 1) < 1e-6 * (1 + abs(exact)))[is_normal].all()
    assert (result[~is_normal] < 1e-35).all()


def test_the_trace_is_the_bound_and_does_not_fall(synthetic_fit):
    assert synthetic_fit.trace[-1] == pytest.approx(elbo(synthetic_fit), rel=1e-8)
    assert synthetic_fit.diagnostics["bound"] == synthetic_fit.trace[-1]
    assert (np.diff(synthetic_fit.trace) > -1e-9 * abs(synthetic_fit.trace[-1])).all()
    np.testing.assert_allclose(synthetic_fit.params["phi"].sum(1), 1)
    np.testing.assert_allclose(synthetic_fit.state["theta"].sum(1), 1)
    assert (synthetic_fit.params["phi"] > 0).all()


@pytest.mark.parametrize("K", [1, 2, 60])
@pytest.mark.parametrize("factor", [10, 10_000])
def test_32_bits_cost_the_bound_no_digits(factor, K):
    """Documents of many tokens in few words, of which each norm has the rounding of many terms."""
    counts = factor * np.random.default_rng(2).poisson(2.0, size=(6, 3))
    fit = inference.fit(lda(K), make_corpus(counts), "em", max_iter=60, tol=1e-9, learn_alpha="asymmetric", threads=1)
    assert (np.diff(fit.trace) > -1e-12 * counts.sum()).all()
    assert fit.trace[-1] == pytest.approx(elbo(fit), rel=1e-10)


@pytest.mark.parametrize("backend", ["numpyro", "pyro"])
def test_the_bound_is_below_the_evidence(backend):
    evidence = log_evidence(TINY, 2, 0.8, 0.5)
    model = zoo.load("latent_dirichlet", backend=backend, K=2, alpha=0.8, eta=0.5)
    fit = inference.fit(model, make_corpus(TINY), "em", max_iter=200, tol=1e-9, restarts=3, **TIGHT)
    assert elbo(fit) == pytest.approx(fit.trace[-1], rel=1e-6)
    assert evidence - 3 < fit.trace[-1] < evidence
    one = inference.fit(lda(1, alpha=0.8, eta=0.5), make_corpus(TINY), "em")
    assert one.trace[-1] == pytest.approx(
        log_evidence(TINY, 1, 0.8, 0.5), rel=1e-6
    )  # with one topic the bound is exact


def test_passes_agree_with_scikit_learn(synthetic):
    from sklearn.decomposition import LatentDirichletAllocation

    corpus, K, passes = synthetic[0], 4, 3
    reference_fit = LatentDirichletAllocation(
        K,
        doc_topic_prior=0.9,
        topic_word_prior=0.2,
        max_iter=passes,
        max_doc_update_iter=5000,
        mean_change_tol=1e-9,
        learning_method="batch",
        random_state=3,
    ).fit(corpus.sparse())
    start = {"lambda": np.random.RandomState(3).gamma(100.0, 0.01, (K, corpus.V))}
    fit = inference.fit(lda(K, alpha=0.9, eta=0.2), corpus, "em", start=start, max_iter=passes, tol=0.0, **TIGHT)
    np.testing.assert_allclose(fit.state["lambda"], reference_fit.components_, rtol=1e-4)


def test_the_result_is_a_fixed_point(synthetic):
    fit = inference.fit(
        lda(3, alpha=0.5, eta=0.1), synthetic[0], "em", max_iter=2000, tol=1e-9, document_tol=1e-7, document_steps=200
    )
    counts = expected_counts(fit)
    assert fit.diagnostics["converged"]
    np.testing.assert_allclose(fit.state["lambda"], 0.1 + counts.sum(0), rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(fit.state["gamma"], 0.5 + counts.sum(2), rtol=1e-3, atol=1e-3)


def test_online_in_one_batch_equals_batch(synthetic):
    model, corpus = lda(5, alpha=0.3, eta=0.1), synthetic[0]
    same: dict[str, Any] = {"document_steps": 10, "seed": 4}
    online = inference.fit(model, corpus, "em", online=True, batch_size=corpus.N, kappa=0.0, num_passes=3, **same)
    batch = inference.fit(model, corpus, "em", opening=3, max_iter=1, **same)
    # the first step of batch after an opening of three passes equals the last pass of online
    assert online.diagnostics["bound"] == pytest.approx(elbo(online), rel=1e-8)
    assert online.diagnostics["bound"] == pytest.approx(batch.trace[0], rel=1e-7)


def test_online_approaches_batch(synthetic):
    model, corpus = lda(5, alpha=0.3, eta=0.1), synthetic[0]
    batch = inference.fit(model, corpus, "em")
    online = inference.fit(model, corpus, "em", online=True, batch_size=25, num_passes=30, tau0=5.0)
    assert online.diagnostics["bound_per_token"] == pytest.approx(batch.diagnostics["bound_per_token"], abs=0.15)
    assert online.trace[-1] == pytest.approx(online.diagnostics["bound"], rel=0.02)
    assert online.state["theta"].shape == (corpus.N, 5)


def test_bars_are_recovered():
    corpus, truth = bars(N=1000, seed=2)
    fit = inference.fit(lda(10, alpha=1.0, eta=0.1), corpus, "em", restarts=4)
    distance = abs(fit.params["phi"][:, None] - truth).sum(2) / 2
    assert (
        distance[linear_sum_assignment(distance)].max() < 0.1
    )  # total variation; some starts end with two bars in one


@pytest.mark.parametrize("kind", ["symmetric", "asymmetric"])
def test_alpha_and_eta_are_learned(kind):
    alpha = np.array([1.2, 0.4, 0.1])
    corpus, _, _ = sample_lda(N=800, T=100, V=300, K=3, alpha=alpha, eta=0.05, seed=0)
    fixed = inference.fit(lda(3), corpus, "em")
    fit = inference.fit(lda(3), corpus, "em", start=fixed.state, learn_alpha=kind, learn_eta=True, max_iter=100)
    assert (np.diff(fit.trace) > -1e-9 * abs(fit.trace[-1])).all()
    assert fit.trace[-1] > fixed.trace[-1]
    result = np.sort(fit.keywords["alpha"])[::-1]
    if kind == "asymmetric":
        np.testing.assert_allclose(result, alpha, rtol=0.1)  # the spread of 800 draws of theta is half of that
    else:
        assert np.ptp(result) == 0
    assert fit.keywords["eta"] == pytest.approx(0.05, rel=0.2)
    assert fit.trace[-1] == pytest.approx(elbo(fit), rel=1e-8)


def test_learned_alpha_is_the_maximum():
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth = rng.gamma(0.5, 1.0, 4) + 0.01
        logs = digamma(truth) - digamma(truth.sum())
        np.testing.assert_allclose(asymmetric_concentration(logs, np.ones(4)), truth, rtol=1e-4)
    assert (asymmetric_concentration(np.array([-1e9, -0.1]), np.ones(2)) >= LEAST_CONCENTRATION).all()


@pytest.mark.parametrize("further", [{}, {"online": True, "batch_size": 40, "learn_alpha": "symmetric"}])
def test_results_do_not_depend_on_the_number_of_threads(synthetic, further):
    fits = [
        inference.fit(lda(5), synthetic[0], "em", max_iter=3, tol=0.0, threads=threads, **further)
        for threads in (1, 2, 3)
    ]
    for fit in fits[1:]:
        assert (fit.trace == fits[0].trace).all()
        assert all((fit.state[n] == v).all() for n, v in fits[0].state.items())


def test_a_fit_continues_from_its_state(synthetic):
    model, options = lda(5), {"tol": 0.0, "learn_alpha": "asymmetric", "learn_eta": True}
    uninterrupted = inference.fit(model, synthetic[0], "em", max_iter=20, **options)
    first_half = inference.fit(model, synthetic[0], "em", max_iter=10, **options)
    second_half = inference.fit(model, synthetic[0], "em", start=first_half.state, max_iter=10, **options)
    assert second_half.trace[0] >= first_half.trace[-1] - 1e-9 * abs(first_half.trace[-1])
    assert second_half.trace[-1] == pytest.approx(uninterrupted.trace[-1], rel=1e-4)
    not_learned = inference.fit(model, synthetic[0], "em", start=first_half.state, max_iter=2)
    assert not_learned.keywords["eta"] == first_half.keywords["eta"] != model.settings.get("eta")
    from_phi = inference.fit(model, synthetic[0], "em", start=first_half.params, max_iter=10)
    assert from_phi.trace[-1] > first_half.trace[0]


EDGE_CASES = {
    "an empty document": [[2, 1, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0]],
    "one document": [[1, 2, 0, 4]],
    "one word": [[3], [2], [0]],
    "absent words": [[0, 2, 0, 1], [0, 1, 0, 3]],
    "huge counts": [[2_000_000_000, 3, 1, 0], [1, 0, 2_000_000_000, 5]],
}


@pytest.mark.parametrize("K", [1, 3, 6])
@pytest.mark.parametrize("counts", EDGE_CASES.values(), ids=EDGE_CASES.keys())
@pytest.mark.parametrize("further", [{}, {"online": True, "batch_size": 2}])
def test_edge_case_corpora(counts, K, further):
    with np.errstate(all="raise", under="ignore"):
        fit = inference.fit(lda(K), make_corpus(counts), "em", max_iter=20, learn_alpha="asymmetric", **further)
    assert np.isfinite(fit.trace).all()
    assert all(np.isfinite(v).all() for v in fit.state.values())
    np.testing.assert_allclose(fit.params["phi"].sum(1), 1)
    assert fit.diagnostics["bound"] == pytest.approx(elbo(fit), rel=1e-6, abs=1e-6 * fit.data["w"].total)


def test_an_empty_document_keeps_its_prior():
    fit = inference.fit(lda(3, alpha=[0.2, 0.3, 0.5]), make_corpus(EDGE_CASES["an empty document"]), "em", max_iter=3)
    np.testing.assert_allclose(fit.state["theta"][1], [0.2, 0.3, 0.5], rtol=1e-6)


def reference_gamma(counts, phi, alpha, steps=5000):
    """gamma (N, K) by the fixed point in 64 bits and logarithms, from uniform proportions."""
    K = len(phi)
    gamma = alpha + counts.sum(1, keepdims=True) / K * np.ones(K)
    with np.errstate(divide="ignore"):
        log_phi = np.log(phi)
    for _ in range(steps):
        log_q = digamma(gamma)[:, :, None] + log_phi
        q = np.exp(log_q - logsumexp(log_q, axis=1, keepdims=True))
        gamma = alpha + (counts[:, None] * q).sum(2)
    return gamma


@pytest.mark.parametrize("alpha", [1.0, 0.1, 0.001])
def test_documents_with_known_topics(synthetic, alpha):
    corpus, phi, _ = synthetic
    few = corpus.take(slice(0, 20))
    result = infer_documents(few, phi, alpha, tol=1e-8, max_steps=5000)
    assert result.shape == (20, 5)
    np.testing.assert_allclose(result, reference_gamma(few.dense(), phi, alpha), rtol=1e-3, atol=1e-4)


def test_64_bits_are_used_where_32_do_not_suffice():
    # each word has one topic, and the second document has a topic that its prior nearly excludes
    phi = np.array([[0.5, 0.5 - 1e-30, 1e-30], [1e-30, 1e-30, 1 - 2e-30]])
    counts = np.array([[3, 2, 0], [1, 0, 1]], np.int32)
    alpha = np.array([0.5, 1e-3])
    result = infer_documents(make_corpus(counts), phi, alpha, tol=1e-9, max_steps=1000)
    np.testing.assert_allclose(result, reference_gamma(counts, phi, alpha), rtol=1e-4, atol=1e-5)


def test_words_that_no_topic_has_are_an_error():
    phi = np.array([[0.5, 0.5, 0.0], [0.9, 0.1, 0.0]])
    with pytest.raises(ZooError, match="word 2 has probability 0"):
        infer_documents(make_corpus(TINY), phi, 0.1)
    with pytest.raises(ZooError, match="3 words and the topics 2"):
        infer_documents(make_corpus(TINY), phi[:, :2], 0.1)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"closed_form": False}, "closed_form is an option of exact EM"),
        ({"sample_weight": np.ones(3)}, "sample_weight is an option of exact EM"),
        ({"objective": "map"}, "no objective 'map'; known: bound"),
        ({"kappa": 2.0}, "kappa is a number from 0 to 1"),
        ({"batch_size": 0}, "batch_size is a whole number from 1 up"),
        ({"learn_alpha": "asymetric"}, "asymmetric"),
        ({"online": True, "restarts": 2}, "one start"),
        ({"start": {"phi": np.ones((3, 3))}}, r"needs \(2, 3\)"),
        ({"start": {"phi": np.full((2, 3), np.nan)}}, "no probabilities"),
        ({"start": 3}, "a fit's state"),
        ({"tau": 3}, "tau0"),
    ],
)
def test_errors_for_wrong_options(options, line):
    with pytest.raises(ZooError, match=line):
        inference.fit(lda(2), make_corpus(TINY), "em", **options)


def test_options_of_variational_em_are_errors_for_other_models():
    with pytest.raises(ZooError, match="online"):
        inference.fit(zoo.load("poisson_mixture", K=2), np.arange(9), "em", online=True)


def test_a_fit_is_saved_and_loaded(synthetic_fit, tmp_path):
    fit = inference.fit(synthetic_fit.model, synthetic_fit.data["w"], "em", start=synthetic_fit.state, max_iter=2)
    again = inference.load(fit.save(tmp_path / "fit"))
    assert all((again.state[n] == v).all() for n, v in fit.state.items())
    assert (again.params["phi"] == fit.params["phi"]).all()
    assert len(again.summary())


def test_standard_errors_are_refused(synthetic_fit):
    from inference.evaluation.standard_errors import standard_errors

    with pytest.raises(ZooError, match="bound"):
        standard_errors(synthetic_fit)
