"""The evaluator of topic models: against sums over all assignments of topics, and its own consistency."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaln

import zoo
from inference import choose, fit
from inference.analysis.topics import held_out, mixtures, perplexity, smoothed
from inference.analysis.topics.held_out import methods, proportions, split
from inference.analysis.topics.held_out.methods import left_to_right
from inference.analysis.topics.held_out.parameters import TopicParameters
from zoo import ZooError
from zoo.checks import MAX_SEED
from zoo.data.corpus import as_corpus
from zoo.data.corpus.counts import concatenate
from zoo.data.corpus.synthetic import sample_lda

K, V = 3, 4
ALPHA = np.array([0.3, 0.5, 1.0])
PHI = np.random.default_rng(1).dirichlet(np.full(V, 0.5), K)
PARAMETERS = TopicParameters(PHI, ALPHA)
DOCUMENTS = [[0, 1, 2, 3, 0, 0], [0, 0], [3], [], [1, 1, 1, 2, 2]]
TINY = as_corpus(DOCUMENTS)


def marginalize(tokens):
    """``(p(tokens), E[theta | tokens])`` by the sum over all K^T assignments."""
    z = np.array(list(itertools.product(range(K), repeat=len(tokens))), int).reshape(K ** len(tokens), len(tokens))
    n = (z[:, :, None] == np.arange(K)).sum(1)
    total, T = ALPHA.sum(), len(tokens)
    log_p = (gammaln(ALPHA + n) - gammaln(ALPHA)).sum(1) + gammaln(total) - gammaln(total + T)
    p = np.exp(log_p + np.log(PHI[z, np.array(tokens, int)]).sum(1))
    return p.sum(), p @ (ALPHA + n) / (total + T) / p.sum()


def simulate(documents, tokens=20, seed=0):
    return sample_lda(documents, tokens, V=30, K=4, alpha=0.3, eta=0.3, seed=seed)


@pytest.fixture(scope="module")
def known_topics():
    corpus, phi, _ = simulate(60)
    return corpus, TopicParameters(phi, np.full(4, 0.3))


def test_the_posterior_mean_of_theta_equals_that_of_enumeration():
    """100 chains of 200 sweeps: their spread is the Monte Carlo error."""
    chains = np.concatenate(
        [proportions.posterior_means(PARAMETERS, TINY, sweeps=200, seed=seed) for seed in range(25)]
    )
    exact = np.array([marginalize(document)[1] for document in DOCUMENTS])
    error = chains.std(0, ddof=1) / np.sqrt(len(chains))
    assert (np.abs(chains.mean(0) - exact) < 5 * error + 1e-12).all()
    np.testing.assert_allclose(chains[0, 3], ALPHA / ALPHA.sum(), rtol=1e-12)  # the empty document: the prior
    np.testing.assert_array_equal(mixtures(PARAMETERS, TINY, sweeps=200), chains[:4].mean(0))


@pytest.mark.parametrize(("particles", "moves"), [(1, 200), (4, 200), (3, 1), (2, 0)])
def test_left_to_right_is_unbiased_for_any_number_of_particles_and_moves(particles, moves, monkeypatch):
    monkeypatch.setattr("inference.analysis.topics.held_out.methods.MOVES", moves)
    p = np.exp([left_to_right(PARAMETERS, TINY, particles, seed)[0] for seed in range(500)])
    exact = np.array([marginalize(document)[0] for document in DOCUMENTS])
    error = p.std(0, ddof=1) / np.sqrt(len(p))
    assert (np.abs(p.mean(0) - exact) < 5 * error + 1e-12).all()


@pytest.mark.parametrize("method", ["completion", "left_to_right"])
def test_the_monte_carlo_error_is_calibrated(method, known_topics):
    """Over seeds, with fixed halves, the estimates vary by their own standard errors."""
    corpus, parameters = known_topics
    if method == "completion":
        first, second = split(corpus)
        result = []
        for seed in range(30):
            p = methods.mixture_predictive([parameters], "mean", 20, seed)(first, second, 0)
            result.append((methods.log_likelihood(p.mean(0), second), methods.monte_carlo_error(p, second)))
    else:
        result = [left_to_right(parameters, corpus, 10, seed) for seed in range(30)]
    values, errors = map(np.array, zip(*result, strict=True))
    # 60 documents with 29 degrees of freedom: the variances over seeds and those estimated agree within some percent
    ratio = values.var(0, ddof=1).sum() / np.square(errors).mean(0).sum()
    assert 0.8 < ratio < 1.25


def test_completion_scores_the_second_half_by_the_posterior_mean_given_the_first():
    first, second = split(TINY, seed=3)
    halves = [np.repeat(np.arange(V), row) for row in first.dense()]
    theta = np.array([marginalize(tokens)[1] for tokens in halves])
    exact = (second.dense() * np.log(theta @ PHI)).sum(1)
    result = perplexity(PHI, TINY, alpha=ALPHA, sweeps=20_000, seed=3)
    assert (np.abs(result.log_likelihood - exact) < 5 * np.maximum(result.errors, 1e-4)).all()
    assert result.tokens.tolist() == [3, 1, 1, 0, 3]
    np.testing.assert_allclose(result.per_word, np.exp(-result.log_likelihood.sum() / 8))


def test_the_mode_maximises_its_density(known_topics):
    corpus, parameters = known_topics
    theta = proportions.posterior_modes(parameters, corpus)
    counts = corpus.dense()

    def log_density(theta):
        return (counts * np.log(theta @ parameters.phi)).sum(1) + np.log(theta) @ parameters.alpha

    maximum, rng = log_density(theta), np.random.default_rng(0)
    for other in (rng.dirichlet(np.ones(4), len(theta)), np.full_like(theta, 0.25)):
        for step in (1e-3, 0.1, 1.0):
            assert (log_density((1 - step) * theta + step * other) < maximum).all()


@pytest.mark.parametrize("options", [{"theta": "mean"}, {"theta": "mode"}, {"method": "left_to_right", "particles": 3}])
def test_results_do_not_depend_on_threads_or_blocks(options, known_topics, monkeypatch):
    corpus, parameters = known_topics
    expected = perplexity(parameters, corpus, threads=1, **options)
    monkeypatch.setattr("inference.run.workers.PIECES_PER_WORKER", 20)
    monkeypatch.setattr(methods, "BLOCK_DOCUMENTS", 7)
    for threads in (1, 2, 3):
        result = perplexity(parameters, corpus, threads=threads, **options)
        np.testing.assert_array_equal(result.log_likelihood, expected.log_likelihood)
        np.testing.assert_array_equal(result.errors, expected.errors)
    assert perplexity(parameters, corpus, seed=1, **options).per_word != expected.per_word


@given(st.lists(st.lists(st.integers(0, 6), max_size=9), min_size=1, max_size=6), st.integers(0, MAX_SEED))
def test_halves_add_up_and_do_not_depend_on_other_documents(documents, seed):
    if not any(documents):
        return
    corpus = as_corpus(documents, vocabulary=list("abcdefg"))
    first, second = split(corpus, seed)
    np.testing.assert_array_equal(first.dense() + second.dense(), corpus.dense())
    np.testing.assert_array_equal(first.lengths, corpus.lengths // 2)
    last = split(corpus.take([-1]), seed, first=len(documents) - 1)
    for part, half in zip(last, (first, second), strict=True):
        np.testing.assert_array_equal(part.dense()[0], half.dense()[-1])


def test_halves_are_random():
    """Of 6 tokens, 2 the same word, a half has 0, 1 or 2 of these with probabilities 0.2, 0.6, 0.2 (hypergeometric)."""
    first, _ = split(as_corpus([[0, 0, 1, 2, 3, 4]] * 4000))
    share = np.bincount(first.dense()[:, 0], minlength=3) / 4000
    assert (np.abs(share - [0.2, 0.6, 0.2]) < 5 * np.sqrt(0.25 / 4000)).all()


def test_the_standard_error_equals_the_jackknife():
    corpus, phi, _ = simulate(40, seed=1)
    long = as_corpus([[1, 2] * 30], vocabulary=list(map(str, range(30))))
    one = perplexity(phi, concatenate([corpus, long], corpus.V), alpha=0.3)
    n, log_p = one.tokens, one.log_likelihood
    without = -(log_p.sum() - log_p) / (n.sum() - n)
    jackknife = np.sqrt((len(n) - 1) / len(n) * np.square(without - without.mean()).sum())
    np.testing.assert_allclose(one.standard_error_nats, jackknife, rtol=0.1)
    np.testing.assert_allclose(one.standard_error, one.per_word * one.standard_error_nats)


def test_the_true_topics_predict_their_documents_best(known_topics):
    corpus, parameters = known_topics
    worse = smoothed(parameters.phi * 50, eta=1.0)
    for method in held_out.METHODS:
        true = perplexity(parameters, corpus, method=method)
        other = perplexity(worse, corpus, alpha=0.3, method=method)
        gain, error = true.better_than(other)
        assert gain > 3 * error
        assert error < true.standard_error_nats
        np.testing.assert_allclose(gain, true.nats_per_token - other.nats_per_token)
        with pytest.raises(ZooError, match="different tokens"):
            true.better_than(perplexity(parameters, corpus, seed=1, method=method))


def test_both_methods_are_exact_for_documents_of_one_token():
    """theta has its prior, so that the estimate is the prior mean of phi."""
    ones = as_corpus([[0], [1], [3]], list("abcd"))
    exact = np.log(ALPHA / ALPHA.sum() @ PHI)[[0, 1, 3]]
    for method in held_out.METHODS:
        np.testing.assert_allclose(perplexity(PARAMETERS, ones, method=method).log_likelihood, exact)


def test_smoothing_gives_an_absent_word_the_probability_of_its_prior():
    counts = np.array([[3.0, 1.0], [np.nan, 2.0]])
    phi = smoothed(counts, 0.5, words=[2, 0], V=3)
    np.testing.assert_allclose(phi, [[1.5 / 5.5, 0.5 / 5.5, 3.5 / 5.5], [2.5 / 3.5, 0.5 / 3.5, 0.5 / 3.5]])
    probabilities = np.array([[0.75, 0.25], [0.0, 1.0]])  # the same, as probabilities with the tokens by topic
    np.testing.assert_allclose(smoothed(probabilities, 0.5, words=[2, 0], V=3, totals=[4, 2]), phi)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: perplexity(PHI, TINY), "give alpha"),
        (lambda: perplexity(PHI * 2, TINY, alpha=1), r"smoothed\(counts, eta\)"),
        (lambda: perplexity(np.where(PHI > 0.9, np.nan, PHI)[0], TINY, alpha=1), "smoothed"),
        (lambda: perplexity(PHI, TINY, alpha=[1, 2]), "3 of them"),
        (lambda: perplexity(PHI, TINY, alpha="auto"), "alpha is a number above zero"),
        (lambda: perplexity(PHI, TINY, alpha=0), "alpha is a number above zero"),
        (lambda: perplexity(PHI[:, [0, 1]] / PHI[:, [0, 1]].sum(1)[:, None], TINY, alpha=1), "2 words and the corpus"),
        (lambda: perplexity([[0.5, 0.5, 0, 0]], TINY, alpha=1), "word 2 has probability 0"),
        (lambda: perplexity(PARAMETERS, TINY, method="bound"), "no method 'bound'; known: completion, left_to_right"),
        (lambda: perplexity(PARAMETERS, TINY, theta="means"), "did you mean 'mean'"),
        (lambda: perplexity(PARAMETERS, TINY, sweeps=0), "sweeps is a whole number from 1 up"),
        (lambda: perplexity(PARAMETERS, TINY, particles=-1), "particles is a whole number"),
        (lambda: perplexity(PARAMETERS, TINY, draws=True), "a fit that has some"),
        (lambda: perplexity(PARAMETERS, [[]]), "empty"),
        (lambda: mixtures(PARAMETERS), "give some"),
        (lambda: smoothed([[0.5, 0.5], [0.9, 0.1]], 0.1), "give totals"),
        (lambda: smoothed([[1, 2]], 0), "eta is a number above zero"),
        (lambda: smoothed([[1, -2]], 0.1), "from 0 up"),
        (lambda: smoothed([[1, 2]], 0.1, words=[0, 0]), "different ones"),
        (lambda: smoothed([[1, 2]], 0.1, words=[0, 2]), "from 0 to 1"),
        (lambda: smoothed([[1, 2]], 0.1, totals=[1, 2]), "totals"),
    ],
)
def test_errors_are_one_line(call, line):
    with pytest.raises(ZooError, match=line) as caught:
        call()
    assert "\n" not in str(caught.value)


@given(
    st.lists(st.lists(st.integers(0, V - 1), max_size=7), min_size=1, max_size=5),
    st.lists(st.floats(1e-3, 1e3), min_size=K, max_size=K),
    st.integers(0, MAX_SEED),
)
def test_any_documents_are_scored(documents, alpha, seed):
    if not any(documents):
        return
    corpus = as_corpus(documents, vocabulary=list("abcd"))
    for result in (
        perplexity(PHI, corpus, alpha=alpha, seed=seed, sweeps=2),
        perplexity(PHI, corpus, alpha=alpha, seed=seed, theta="mode"),
        perplexity(PHI, corpus, alpha=alpha, seed=seed, method="left_to_right", particles=2),
    ):
        assert np.isfinite(result.log_likelihood).all()
        assert (result.log_likelihood <= 1e-9).all()
        assert (result.log_likelihood[result.tokens == 0] == 0).all()
        assert (result.log_likelihood >= result.tokens * np.log(PHI.min(0)[corpus.words].min()) - 1e-9).all()


def test_words_are_matched_by_name():
    named = {"phi": PHI, "alpha": ALPHA, "vocabulary": list("abcd")}
    other = as_corpus([["b", "a"], ["d"]], vocabulary=list("dba"))
    numbered = as_corpus([[0, 1], [3]], vocabulary=list("abcd"))
    np.testing.assert_allclose(mixtures(named, other), mixtures(PARAMETERS, numbered), rtol=1e-12)
    with pytest.warns(UserWarning, match="1 of 3 tokens"):
        result = mixtures(named, [["a", "b"], ["x"]])
    np.testing.assert_allclose(result[1], ALPHA / ALPHA.sum())


@pytest.fixture(scope="module")
def fits():
    """A fit with draws and a fit with an encoder, on the same documents."""
    corpus, _, _ = simulate(40, tokens=15, seed=2)
    gibbs = fit(zoo.load("latent_dirichlet", "pyro", K=4), corpus, "gibbs", num_warmup=20, num_samples=20)
    encoded = fit(zoo.load("prod_lda", "pyro", K=3, width=5), corpus, "svi", num_steps=20)
    return gibbs, encoded


def test_a_fit_is_evaluated_with_its_own_phi_and_alpha(fits):
    gibbs, _ = fits
    other, _, _ = simulate(20, seed=3)
    by_hand = {"phi": gibbs.params["phi"], "alpha": gibbs.keywords["alpha"]}
    for method in held_out.METHODS:
        result, expected = (perplexity(topics, other, method=method) for topics in (gibbs, by_hand))
        np.testing.assert_array_equal(result.log_likelihood, expected.log_likelihood)
        assert f"documents, by {method}; seed 0." in str(result)
    assert mixtures(gibbs).shape == (40, 4)
    np.testing.assert_allclose(mixtures(gibbs, other), mixtures(by_hand, other))


@pytest.mark.parametrize("method", held_out.METHODS)
def test_p_is_averaged_over_draws_of_phi(fits, method):
    """The average is of p rather than log p; it is exact for documents of one token."""
    gibbs, _ = fits
    ones = as_corpus([[3], [7]], vocabulary=list(map(str, range(30))))
    phi = gibbs.draws["phi"].reshape(-1, 4, 30)
    result = perplexity(gibbs, ones, method=method, draws=True)
    np.testing.assert_allclose(result.log_likelihood, np.log(phi.mean((0, 1))[[3, 7]]))
    other, _, _ = simulate(20, seed=3)
    gain, error = perplexity(gibbs, other, method=method, draws=True).better_than(
        perplexity(gibbs, other, method=method)
    )
    assert abs(gain) < 0.1
    assert error > 0


def test_a_product_of_experts_is_evaluated_with_its_encoder(fits, monkeypatch):
    _, encoded = fits
    other, _, _ = simulate(20, seed=3)
    result = {theta: perplexity(encoded, other, theta=theta) for theta in ("mean", "mode")}
    assert result["mode"].errors.max() == 0 < result["mean"].errors.max()
    theta = mixtures(encoded, other)
    np.testing.assert_allclose(theta.sum(1), 1)
    every_word = as_corpus(np.ones((20, 30), int))
    p = proportions.product_probabilities(encoded, theta, every_word).reshape(20, 30)
    np.testing.assert_allclose(p.sum(1), 1)
    logits = encoded.keywords["loc"] + theta @ encoded.params["beta"]
    np.testing.assert_allclose(np.log(p[:, :1] / p), logits[:, :1] - logits, atol=1e-9)
    monkeypatch.setattr(proportions, "MOST_PROBABILITIES", 100)
    np.testing.assert_array_equal(perplexity(encoded, other).log_likelihood, result["mean"].log_likelihood)
    with pytest.raises(ZooError, match="by method='completion' alone"):
        perplexity(encoded, other, method="left_to_right")


def test_the_number_of_topics_is_selected_by_held_out_documents():
    corpus, _, _ = sample_lda(120, 40, V=60, K=4, alpha=0.2, eta=0.05, seed=0)
    model = zoo.load("latent_dirichlet", "pyro")
    result = choose(model, corpus, K=(2, 4, 6), folds=2, num_warmup=60, num_samples=40)
    assert result.best.engine == "gibbs"
    assert result.sizes == {"cv": 4}
    assert result.within_one_error == 4
    np.testing.assert_allclose(result.table["perplexity"], np.exp(-result.table["cv"]))
    assert result.table["cv_behind_se"][2] < result.table["cv_se"][2]
    assert result.validation_size == 120 * 20
    assert result.figure().axes[0].get_title() == "cross-validation: K = 4"
    for options, line in (
        ({"criterion": "bic"}, "take cv"),
        ({"K": (2,), "V": (3,)}, "give K=range"),
        ({"folds": 1}, "folds"),
        ({"checkpoint": "here"}, "many"),
    ):
        with pytest.raises(ZooError, match=line):
            choose(model, corpus, **{"K": (2,), **options})
    with pytest.raises(ZooError, match="which em finds"):
        choose(zoo.load("gaussian_mixture", "pyro"), np.eye(9), K=(1, 2), engine="svi")
