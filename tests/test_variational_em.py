"""Variational EM for topic models: against exact sums, scikit-learn, and its own fixed point."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.special import digamma, gammaln, logsumexp

import inference
import zoo
from inference.engines.em.latent_dirichlet import priors
from inference.engines.em.latent_dirichlet.documents import infer
from zoo import ZooError
from zoo.data.corpus import Corpus
from zoo.data.corpus.synthetic import bars, generated

TIGHT = {"document_tol": 1e-7, "document_steps": 2000}
TINY = np.array([[2, 1, 0], [0, 1, 2], [1, 0, 1]], np.int32)


def corpus_of(counts, V=None):
    counts = np.asarray(counts)
    document, word = np.nonzero(counts)
    indptr = np.searchsorted(document, np.arange(len(counts) + 1))
    return Corpus(indptr, word, counts[document, word], V or counts.shape[1])


def lda(K, **settings):
    return zoo.load("latent_dirichlet", K=K, **settings)


def bound_of(fit):
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
        of_document, of_topic = np.zeros((len(counts), K)), np.zeros((K, V))
        for (d, v), k in zip(tokens, z, strict=True):
            of_document[d, k] += 1
            of_topic[k, v] += 1
        total.append(block(of_document, alpha).sum() + block(of_topic, eta).sum())
    constants = len(counts) * block(np.zeros(K), alpha) + K * block(np.zeros(V), eta)
    return logsumexp(total) - constants


@pytest.fixture(scope="module")
def synthetic():
    return generated(N=150, T=60, V=80, K=5, alpha=0.3, eta=0.1, seed=1)


@pytest.fixture(scope="module")
def fitted(synthetic):
    return inference.fit(lda(5, alpha=0.3, eta=0.1), synthetic[0], "em", max_iter=30, tol=0.0)


def test_functions_of_the_gamma_function():
    from inference.engines.em.latent_dirichlet.special import digamma_and_log_gamma, exp_digamma

    x = np.exp(np.random.default_rng(0).uniform(math.log(1e-3), math.log(1e9), 2000))
    psi, log_gamma = np.array([digamma_and_log_gamma(v) for v in x]).T
    np.testing.assert_allclose(psi, digamma(x), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(log_gamma, gammaln(x), rtol=1e-13, atol=1e-13)
    x = x.astype(np.float32)
    exact = digamma(x.astype(float))
    found = np.array([exp_digamma(v) for v in x])
    kept = exact > -83
    assert (abs(found / np.exp(np.maximum(exact, -83)) - 1) < 1e-6 * (1 + abs(exact)))[kept].all()
    assert (found[~kept] < 1e-35).all()


def test_the_trace_is_the_bound_and_never_falls(fitted):
    assert fitted.trace[-1] == pytest.approx(bound_of(fitted), rel=1e-8)
    assert fitted.diagnostics["bound"] == fitted.trace[-1]
    assert (np.diff(fitted.trace) > -1e-9 * abs(fitted.trace[-1])).all()
    np.testing.assert_allclose(fitted.params["phi"].sum(1), 1)
    np.testing.assert_allclose(fitted.state["theta"].sum(1), 1)
    assert (fitted.params["phi"] > 0).all()


@pytest.mark.parametrize("backend", ["numpyro", "pyro"])
def test_the_bound_is_below_the_evidence(backend):
    evidence = log_evidence(TINY, 2, 0.8, 0.5)
    model = zoo.load("latent_dirichlet", backend=backend, K=2, alpha=0.8, eta=0.5)
    fit = inference.fit(model, corpus_of(TINY), "em", max_iter=200, tol=1e-9, restarts=3, **TIGHT)
    assert bound_of(fit) == pytest.approx(fit.trace[-1], rel=1e-6)
    assert evidence - 3 < fit.trace[-1] < evidence
    one = inference.fit(lda(1, alpha=0.8, eta=0.5), corpus_of(TINY), "em")
    assert one.trace[-1] == pytest.approx(log_evidence(TINY, 1, 0.8, 0.5), rel=1e-6)  # one topic leaves no gap


def test_a_pass_is_scikit_learns(synthetic):
    from sklearn.decomposition import LatentDirichletAllocation

    corpus, K, passes = synthetic[0], 4, 3
    theirs = LatentDirichletAllocation(
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
    ours = inference.fit(lda(K, alpha=0.9, eta=0.2), corpus, "em", start=start, max_iter=passes, tol=0.0, **TIGHT)
    np.testing.assert_allclose(ours.state["lambda"], theirs.components_, rtol=1e-4)


def test_where_it_ends_is_a_fixed_point(synthetic):
    fit = inference.fit(
        lda(3, alpha=0.5, eta=0.1), synthetic[0], "em", max_iter=2000, tol=1e-9, document_tol=1e-7, document_steps=200
    )
    counts = expected_counts(fit)
    assert fit.diagnostics["converged"]
    np.testing.assert_allclose(fit.state["lambda"], 0.1 + counts.sum(0), rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(fit.state["gamma"], 0.5 + counts.sum(2), rtol=1e-3, atol=1e-3)


def test_online_in_one_batch_is_batch(synthetic):
    model, corpus = lda(5, alpha=0.3, eta=0.1), synthetic[0]
    same: dict[str, Any] = {"document_steps": 10, "seed": 4}
    online = inference.fit(model, corpus, "em", online=True, batch_size=corpus.N, kappa=0.0, num_passes=3, **same)
    batch = inference.fit(model, corpus, "em", opening=3, max_iter=1, **same)
    # the first thing that batch does after an opening of three passes is what the last pass of online does
    assert online.diagnostics["bound"] == pytest.approx(bound_of(online), rel=1e-8)
    assert online.diagnostics["bound"] == pytest.approx(batch.trace[0], rel=1e-7)


def test_online_comes_near_batch(synthetic):
    model, corpus = lda(5, alpha=0.3, eta=0.1), synthetic[0]
    batch = inference.fit(model, corpus, "em")
    online = inference.fit(model, corpus, "em", online=True, batch_size=25, num_passes=30, tau0=5.0)
    assert online.diagnostics["bound_per_token"] == pytest.approx(batch.diagnostics["bound_per_token"], abs=0.15)
    assert online.trace[-1] == pytest.approx(online.diagnostics["bound"], rel=0.02)
    assert online.state["theta"].shape == (corpus.N, 5)


def test_bars_are_found():
    corpus, truth = bars(N=1000, seed=2)
    fit = inference.fit(lda(10, alpha=1.0, eta=0.1), corpus, "em", restarts=4)
    apart = abs(fit.params["phi"][:, None] - truth).sum(2) / 2
    assert apart[linear_sum_assignment(apart)].max() < 0.1  # total variation; some starts end with two bars in one


@pytest.mark.parametrize("how", ["symmetric", "asymmetric"])
def test_alpha_and_eta_are_learned(how):
    alpha = np.array([1.2, 0.4, 0.1])
    corpus, _, _ = generated(N=800, T=100, V=300, K=3, alpha=alpha, eta=0.05, seed=0)
    fixed = inference.fit(lda(3), corpus, "em")
    fit = inference.fit(lda(3), corpus, "em", start=fixed.state, learn_alpha=how, learn_eta=True, max_iter=100)
    assert (np.diff(fit.trace) > -1e-9 * abs(fit.trace[-1])).all()
    assert fit.trace[-1] > fixed.trace[-1]
    found = np.sort(fit.keywords["alpha"])[::-1]
    if how == "asymmetric":
        np.testing.assert_allclose(found, alpha, rtol=0.1)  # the spread of 800 draws of theta is half of that
    else:
        assert np.ptp(found) == 0
    assert fit.keywords["eta"] == pytest.approx(0.05, rel=0.2)
    assert fit.trace[-1] == pytest.approx(bound_of(fit), rel=1e-8)


def test_learned_alpha_is_the_maximum():
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth = rng.gamma(0.5, 1.0, 4) + 0.01
        logs = digamma(truth) - digamma(truth.sum())
        np.testing.assert_allclose(priors.asymmetric(logs, np.ones(4)), truth, rtol=1e-4)
    assert (priors.asymmetric(np.array([-1e9, -0.1]), np.ones(2)) >= priors.LEAST).all()


@pytest.mark.parametrize("further", [{}, {"online": True, "batch_size": 40, "learn_alpha": "symmetric"}])
def test_threads_make_no_difference(synthetic, further):
    fits = [
        inference.fit(lda(5), synthetic[0], "em", max_iter=3, tol=0.0, threads=threads, **further)
        for threads in (1, 2, 3)
    ]
    for fit in fits[1:]:
        assert (fit.trace == fits[0].trace).all()
        assert all((fit.state[n] == v).all() for n, v in fits[0].state.items())


def test_it_goes_on_where_it_stopped(synthetic):
    model, options = lda(5), {"tol": 0.0, "learn_alpha": "asymmetric", "learn_eta": True}
    whole = inference.fit(model, synthetic[0], "em", max_iter=20, **options)
    half = inference.fit(model, synthetic[0], "em", max_iter=10, **options)
    rest = inference.fit(model, synthetic[0], "em", start=half.state, max_iter=10, **options)
    assert rest.trace[0] >= half.trace[-1] - 1e-9 * abs(half.trace[-1])
    assert rest.trace[-1] == pytest.approx(whole.trace[-1], rel=1e-4)
    held = inference.fit(model, synthetic[0], "em", start=half.state, max_iter=2)
    assert held.keywords["eta"] == half.keywords["eta"] != model.settings.get("eta")
    from_phi = inference.fit(model, synthetic[0], "em", start=half.params, max_iter=10)
    assert from_phi.trace[-1] > half.trace[0]


ODD = {
    "an empty document": [[2, 1, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0]],
    "one document": [[1, 2, 0, 4]],
    "one word": [[3], [2], [0]],
    "words never seen": [[0, 2, 0, 1], [0, 1, 0, 3]],
    "huge counts": [[2_000_000_000, 3, 1, 0], [1, 0, 2_000_000_000, 5]],
}


@pytest.mark.parametrize("K", [1, 3, 6])
@pytest.mark.parametrize("counts", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("further", [{}, {"online": True, "batch_size": 2}])
def test_odd_corpora(counts, K, further):
    with np.errstate(all="raise", under="ignore"):
        fit = inference.fit(lda(K), corpus_of(counts), "em", max_iter=20, learn_alpha="asymmetric", **further)
    assert np.isfinite(fit.trace).all()
    assert all(np.isfinite(v).all() for v in fit.state.values())
    np.testing.assert_allclose(fit.params["phi"].sum(1), 1)
    assert fit.diagnostics["bound"] == pytest.approx(bound_of(fit), rel=1e-6, abs=1e-6 * fit.data["w"].total)


def test_an_empty_document_keeps_its_prior():
    fit = inference.fit(lda(3, alpha=[0.2, 0.3, 0.5]), corpus_of(ODD["an empty document"]), "em", max_iter=3)
    np.testing.assert_allclose(fit.state["theta"][1], [0.2, 0.3, 0.5], rtol=1e-6)


def reference(counts, phi, alpha, steps=5000):
    """gamma (N, K) by the fixed point in 64 bits and logarithms, from even parts."""
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
def test_documents_by_known_topics(synthetic, alpha):
    corpus, phi, _ = synthetic
    few = corpus.take(slice(0, 20))
    found = infer(few, phi, alpha, tol=1e-8, steps=5000)
    assert found.shape == (20, 5)
    np.testing.assert_allclose(found, reference(few.dense(), phi, alpha), rtol=1e-3, atol=1e-4)


def test_what_32_bits_cannot_do_is_done_in_64():
    # each word is of one topic alone, and the second document has a topic that its prior all but rules out
    phi = np.array([[0.5, 0.5 - 1e-30, 1e-30], [1e-30, 1e-30, 1 - 2e-30]])
    counts = np.array([[3, 2, 0], [1, 0, 1]], np.int32)
    alpha = np.array([0.5, 1e-3])
    found = infer(corpus_of(counts), phi, alpha, tol=1e-9, steps=1000)
    np.testing.assert_allclose(found, reference(counts, phi, alpha), rtol=1e-4, atol=1e-5)


def test_words_that_no_topic_has():
    phi = np.array([[0.5, 0.5, 0.0], [0.9, 0.1, 0.0]])
    with pytest.raises(ZooError, match="word 2 has probability 0"):
        infer(corpus_of(TINY), phi, 0.1)
    with pytest.raises(ZooError, match="3 words and the topics 2"):
        infer(corpus_of(TINY), phi[:, :2], 0.1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"closed_form": False}, "closed_form is an option of exact EM"),
        ({"sample_weight": np.ones(3)}, "sample_weight is an option of exact EM"),
        ({"objective": "map"}, "is 'bound'"),
        ({"kappa": 2.0}, "kappa is a number from 0 to 1"),
        ({"batch_size": 0}, "batch_size is a whole number from 1 up"),
        ({"learn_alpha": "asymetric"}, "asymmetric"),
        ({"online": True, "restarts": 2}, "one start"),
        ({"start": {"phi": np.ones((3, 3))}}, r"wants \(2, 3\)"),
        ({"start": {"phi": np.full((2, 3), np.nan)}}, "no probabilities"),
        ({"start": 3}, "a fit's state"),
        ({"tau": 3}, "tau0"),
    ],
)
def test_options_that_cannot_be(options, says):
    with pytest.raises(ZooError, match=says):
        inference.fit(lda(2), corpus_of(TINY), "em", **options)


def test_other_models_have_no_such_options():
    with pytest.raises(ZooError, match="online"):
        inference.fit(zoo.load("poisson_mixture", K=2), np.arange(9), "em", online=True)


def test_a_fit_is_kept(fitted, tmp_path):
    fit = inference.fit(fitted.model, fitted.data["w"], "em", start=fitted.state, max_iter=2)
    again = inference.load(fit.save(tmp_path / "fit"))
    assert all((again.state[n] == v).all() for n, v in fit.state.items())
    assert (again.params["phi"] == fit.params["phi"]).all()
    assert len(again.summary())


def test_no_standard_errors_from_a_bound(fitted):
    from inference.evaluation.standard_errors import standard_errors

    with pytest.raises(ZooError, match="bound"):
        standard_errors(fitted)
