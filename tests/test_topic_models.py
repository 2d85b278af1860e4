"""The programs of topic models: against sums over all z, closed forms, and each other."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from arviz_stats import ess  # pyright: ignore[reportPrivateImportUsage]
from scipy.special import gammaln, logsumexp, polygamma
from scipy.stats import beta, dirichlet, kstest

import inference
import zoo
from tests.table import BACKENDS
from zoo._backend import in_backend
from zoo.data.corpus import Corpus, from_tokens
from zoo.data.corpus.synthetic import bars

ALPHA, ETA = np.array([0.7, 1.3]), 0.8
TINY = Corpus([0, 2, 4, 6], [0, 1, 1, 2, 0, 2], [3, 1, 2, 2, 1, 3], V=3)  # 12 tokens: 4096 values of z
SIZES: dict[str, Any] = {"N": 3, "T": 4, "V": 3, "K": 2}


def lda(backend="numpyro", **settings: Any):
    return zoo.load("latent_dirichlet", backend, **{"alpha": ALPHA, "eta": ETA, "K": 2, **settings})


def log_p_of_labels(tokens, z, alpha, eta, V):
    """log p(w, z | alpha, eta), with theta and phi integrated out, and its counts; tokens and z: (T, N)."""
    K, is_token = len(alpha), ~np.isnan(tokens)
    document_counts = np.stack([((z == k) & is_token).sum(0) for k in range(K)], -1)
    topic_counts = np.array([[((z == k) & (tokens == v)).sum() for v in range(V)] for k in range(K)])

    def log_beta(a):
        return gammaln(a).sum(-1) - gammaln(a.sum(-1))

    log_p = (log_beta(alpha + document_counts) - log_beta(alpha)).sum()
    return log_p + (log_beta(eta + topic_counts) - log_beta(np.full(V, eta))).sum(), document_counts, topic_counts


def evidence(corpus, alpha, eta):
    """log p(w | alpha, eta) by summing over all z."""
    tokens = corpus.tokens()
    terms = []
    for labels in product(range(len(alpha)), repeat=corpus.total):
        z = np.zeros(tokens.T.shape, int)
        z[~np.isnan(tokens.T)] = labels
        terms.append(log_p_of_labels(tokens, z.T, alpha, eta, corpus.V)[0])
    return logsumexp(terms)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_log_joint_factorises_into_the_collapsed_joint_and_dirichlet_posteriors(backend):
    model = lda(backend)
    for seed in range(3):
        values = model.simulate(seed, **SIZES)
        values["w"] = values["w"].copy()
        values["w"][-1, 1] = np.nan  # a document that ends earlier
        log_p, document_counts, topic_counts = log_p_of_labels(values["w"], values["z"], ALPHA, ETA, 3)
        log_p += sum(dirichlet.logpdf(t, ALPHA + n) for t, n in zip(values["theta"], document_counts, strict=True))
        log_p += sum(dirichlet.logpdf(p, ETA + n) for p, n in zip(values["phi"], topic_counts, strict=True))
        # the program samples z from theta after the end of a document too
        log_p += np.log(values["theta"][1, values["z"][-1, 1]])
        assert abs(model.log_joint(values, **SIZES) - log_p) < 1e-9


def log_p_of_words(backend, program, w, theta, phi):
    """log p of each document at given theta and phi, by the program ``collapsed``."""
    module = in_backend("zoo._backend", backend)
    with module.runtime("float64"):
        values = module.to_backend({"theta": theta, "phi": phi, "w": w})
        w = values.pop("w")
        if backend == "numpyro":
            from numpyro.handlers import substitute, trace

            site = trace(substitute(program, data=values)).get_trace(w, **SIZES)["w"]
        else:
            from pyro.poutine import condition, trace

            site = trace(condition(program, data=values)).get_trace(w, **SIZES).nodes["w"]
        distribution: Any = site["fn"]
        return module.to_numpy({"": distribution.log_prob(site["value"])})[""]


@pytest.mark.parametrize("backend", BACKENDS)
def test_collapsed_equals_the_program_summed_over_all_labels(backend):
    model, rng = lda(backend), np.random.default_rng(0)
    theta, phi = rng.dirichlet(ALPHA, 3), rng.dirichlet(np.ones(3), 2)
    few = Corpus([0, 1, 3, 4], [1, 0, 2, 2], [2, 1, 1, 1], V=3)  # 5 tokens and one document that ends earlier
    tokens, sizes = few.tokens(), {**SIZES, "T": 2}
    values = {"theta": theta, "phi": phi, "w": tokens}
    by_counts = log_p_of_words(backend, model.collapsed, few, theta, phi)
    by_tokens = log_p_of_words(backend, model.collapsed, tokens.T, theta, phi)
    np.testing.assert_allclose(by_counts, by_tokens, rtol=1e-14, err_msg="counts and tokens")
    # the sum over a label after the end of a document is that of its prior, one
    log_joints = [model.log_joint({**values, "z": np.reshape(z, (3, 2)).T}, **sizes) for z in product((0, 1), repeat=6)]
    prior = sum(dirichlet.logpdf(t, ALPHA) for t in theta) + sum(dirichlet.logpdf(p, np.full(3, ETA)) for p in phi)
    assert abs(by_counts.sum() + prior - logsumexp(log_joints)) < 1e-10


@pytest.mark.parametrize("backend", BACKENDS)
def test_blocks_of_documents_give_the_same_log_p_and_gradient(backend, monkeypatch):
    rng = np.random.default_rng(1)
    corpus = from_tokens(np.where(rng.random((9, 20)) < 0.8, rng.integers(0, 6, (9, 20)), np.nan), V=6)
    theta, phi = rng.dirichlet(ALPHA, 20), rng.dirichlet(np.ones(6), 2)
    words = in_backend("zoo._distributions.words", backend)

    def log_p_and_gradient():
        with in_backend("zoo._backend", backend).runtime("float64"):
            arrays = in_backend("zoo._backend", backend).to_backend({"theta": theta, "phi": phi, "w": corpus})
            if backend == "numpyro":
                import jax

                log_p = lambda t, p: words.Topics(t, p, 9, arrays["w"]).log_prob(arrays["w"]).sum()  # noqa: E731
                return jax.value_and_grad(log_p, (0, 1))(arrays["theta"], arrays["phi"])
            theta_, phi_ = (arrays[n].requires_grad_() for n in ("theta", "phi"))
            value = words.Topics(theta_, phi_, 9).log_prob(arrays["w"]).sum()
            value.backward()
            return value.detach(), (theta_.grad, phi_.grad)

    expected, expected_gradient = log_p_and_gradient()
    monkeypatch.setattr(words, "BLOCK", 40)  # one or two documents at a time
    value, gradient = log_p_and_gradient()
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for one, other in zip(expected_gradient, gradient, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_tokens_pairs_and_bags_represent_one_corpus(backend):
    rng = np.random.default_rng(2)
    corpus = from_tokens(np.where(rng.random((5, 7)) < 0.6, rng.integers(0, 4, (5, 7)), np.nan), V=4)
    module, words = (in_backend(f, backend) for f in ("zoo._backend", "zoo._distributions.words"))
    with module.runtime("float64"):
        w = module.to_backend({"w": corpus, "tokens": corpus.tokens().T})
        bags = [words.to_counts(w[form], 4) for form in ("w", "tokens")]
        result = module.to_numpy({"tokens": words.to_tokens(w["w"], 5), "pairs": bags[0], "bag": bags[1]})
    T = corpus.sizes["T"]
    np.testing.assert_array_equal(result["tokens"][:T], corpus.tokens())
    assert np.isnan(result["tokens"][T:]).all()
    np.testing.assert_array_equal(result["pairs"], corpus.dense())
    np.testing.assert_array_equal(result["bag"], corpus.dense())


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_logistic_normal_is_a_density_on_the_simplex(backend):
    distribution = in_backend("zoo._distributions.logistic_normal", backend).LogisticNormal
    first = np.linspace(1e-6, 1 - 1e-6, 200_001)
    grid = np.stack([first, 1 - first], -1)
    with in_backend("zoo._backend", backend).runtime("float64"):
        at = in_backend("zoo._backend", backend).to_backend(
            {"loc": np.array([0.3]), "scale": np.array([0.8]), "grid": grid}
        )
        density = np.exp(np.asarray(distribution(at["loc"], at["scale"]).log_prob(at["grid"])))
    assert abs(np.trapezoid(density, first) - 1) < 1e-5


@pytest.mark.parametrize("backend", BACKENDS)
def test_dirichlet_draws_and_their_gradients(backend):
    """E log phi_v = digamma(a_v) - digamma(sum a), and its derivatives; for concentrations far below one."""
    a, count = np.array([0.02, 0.3, 1.5, 6.0]), 50_000
    distribution = in_backend("zoo._distributions.dirichlet", backend).Dirichlet
    with in_backend("zoo._backend", backend).runtime("float64"):
        if backend == "numpyro":
            import jax

            def total(a):
                draws = distribution(a).sample(jax.random.PRNGKey(0), (count,))
                return (jax.numpy.log(draws) * np.arange(1, 5)).sum(-1).mean(), draws

            slope, draws = jax.grad(total, has_aux=True)(jax.numpy.asarray(a))
        else:
            import torch

            torch.manual_seed(0)
            concentration = torch.tensor(a, requires_grad=True)
            draws = distribution(concentration).rsample((count,))
            (draws.log() * torch.arange(1, 5)).sum(-1).mean().backward()
            slope, draws = concentration.grad, draws.detach()
        slope, draws = np.asarray(slope), np.asarray(draws)
    assert (draws > 0).all()
    for v in range(4):  # each component of a Dirichlet vector is a beta variable
        assert kstest(draws[:20_000, v], beta(a[v], a.sum() - a[v]).cdf).pvalue > 1e-3
    exact = np.arange(1, 5) * polygamma(1, a) - 10 * polygamma(1, a.sum())
    # the standard deviation of the gradient of a draw is about its size, or 1: five standard errors
    np.testing.assert_allclose(slope, exact, atol=5 * (1 + abs(exact)).max() / np.sqrt(count), rtol=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"])
def test_bounds_of_an_encoder_and_a_mean_field_are_below_the_evidence(backend):
    exact = evidence(TINY, ALPHA, ETA)
    steps = {"num_steps": 1500 if backend == "numpyro" else 500, "learning_rate": 0.01, "warm_up": 0.0}
    encoded = inference.fit(lda(backend), TINY, "svi", **steps)
    free = inference.fit(lda(backend), TINY, "svi", guide="mean_field", **steps)
    for result in (encoded, free):
        assert result.params["phi"].shape == (2, 3)
        np.testing.assert_allclose(result.params["phi"].sum(-1), 1, rtol=1e-9)
    tail = encoded.trace[-300:]
    for bound, error in (
        (tail.mean(), 4 * tail.std() / np.sqrt(300)),
        (free.diagnostics["elbo"], 4 * free.diagnostics["elbo_se"]),
    ):
        # the labels of two topics may be exchanged: a guide at one of the two modes loses log 2
        assert exact - 2.5 < bound < exact + error


@pytest.mark.slow
def test_the_encoder_recovers_the_bars():
    corpus, phi = bars(N=500, T=100, seed=0)
    model = zoo.load("latent_dirichlet", K=10, alpha=1.0, eta=0.1)
    result = inference.fit(model, corpus, "svi").params["phi"]
    distance = abs(result[:, None] - phi).sum(-1) / 2  # total variation
    assert sorted(distance.argmin(1)) == list(range(10)), "each bar is one topic"
    assert distance.min(1).max() < 0.25


@pytest.mark.slow
def test_a_mean_field_and_chains_recover_the_bars(optimised):
    """From the start of variational EM; each bar is nearest to a topic of its own."""
    corpus, phi = bars(N=120, T=100, seed=1)
    model = zoo.load("latent_dirichlet", K=10, alpha=1.0, eta=0.1)
    fits = {
        "svi": inference.fit(model, corpus, "svi", guide="mean_field", num_steps=1500, num_draws=50),
        "nuts": inference.fit(model, corpus, "nuts", num_chains=1, num_warmup=150, num_samples=50),
    }
    for name, fit in fits.items():
        distance = abs(fit.params["phi"][:, None] - phi).sum(-1) / 2
        assert fit.diagnostics["start"] == "variational EM"
        assert sorted(distance.argmin(1)) == list(range(10)), name
        assert distance.min(1).max() < 0.4, name


@pytest.mark.slow
@pytest.mark.parametrize("collapsed", [True, False])
def test_nuts_agrees_with_the_sum_over_all_labels(collapsed):
    tokens, weights, shares = TINY.tokens(), [], []
    for labels in product((0, 1), repeat=12):
        z = np.reshape(labels, (3, 4)).T
        log_p, document_counts, topic_counts = log_p_of_labels(tokens, z, ALPHA, ETA, 3)
        theta = (ALPHA + document_counts) / (ALPHA.sum() + 4)
        phi = (ETA + topic_counts) / (3 * ETA + topic_counts.sum(1, keepdims=True))
        weights.append(log_p)
        shares.append(np.concatenate([theta.ravel(), phi.ravel()]))
    exact = np.exp(np.array(weights) - logsumexp(weights)) @ np.array(shares)
    result = inference.fit(lda(), TINY, "nuts", collapsed=collapsed, seed=3, num_samples=4000)
    draws = np.concatenate([result.draws[n].reshape(4, 4000, -1) for n in ("theta", "phi")], -1)
    for i, truth in enumerate(exact):
        component = draws[..., i]
        error = component.std() / np.sqrt(ess(component, method="mean"))
        assert abs(component.mean() - truth) < 4.5 * error, i


def test_prod_lda_learns_the_words_of_two_kinds_of_documents():
    rng = np.random.default_rng(0)
    kinds = np.array([[0.3, 0.3, 0.3, 0.04, 0.03, 0.03], [0.03, 0.03, 0.04, 0.3, 0.3, 0.3]])
    corpus = from_tokens(np.stack([rng.choice(6, 30, p=kinds[i % 2]) for i in range(60)], 1), V=6)
    model = zoo.load("prod_lda", K=2, width=8, depth=1, alpha=0.5)
    result = inference.fit(model, corpus, num_steps=1500, learning_rate=0.01)
    assert result.options["guide"] == "prod_lda"
    topics = result.params["beta"]
    raised = topics - topics.mean(0)  # relative to the other topic
    assert (np.sign(raised[:, :3]) == -np.sign(raised[:, 3:])).all()
    assert (raised[0, :3] * raised[1, :3] < 0).all()


def test_errors_for_hyperparameters_are_one_line():
    cases: list[tuple[dict[str, Any], str]] = [
        ({"alpha": -1.0}, "alpha is a number above 0, or K=2 of them"),
        ({"alpha": np.ones(3)}, "K=2 of them"),
        ({"alpha": [[1.0], [1.0, 2.0]]}, "alpha is a number or an array of them"),
        ({"eta": 0.0}, "eta is a number above 0"),
    ]
    for settings, line in cases:
        with pytest.raises(zoo.ZooError, match=line):
            lda(**settings).bind(TINY)
    with pytest.raises(zoo.ZooError, match="alpha is a number above 0"):
        zoo.load("prod_lda", K=2, alpha=np.ones(2)).bind(TINY)


@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"])
def test_one_topic_can_be_encoded(backend):
    fit = inference.fit(lda(backend, K=1, alpha=0.5), TINY, "svi", num_steps=3)
    np.testing.assert_allclose(fit.params["phi"].sum(1), [1.0], rtol=1e-5)


def test_the_encoder_of_another_model_is_refused():
    with pytest.raises(zoo.ZooError, match="guide='vae' reads the rows of vae"):
        inference.fit(lda(), TINY, "svi", guide="vae")
