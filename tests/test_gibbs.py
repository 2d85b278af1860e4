"""Collapsed Gibbs sampling of topics: conditionals, the exact posterior of a tiny corpus, reproducibility."""

from __future__ import annotations

import itertools
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln
from scipy.stats import chisquare

import zoo
from inference import fit
from inference.engines.gibbs.latent_dirichlet.counts import METHODS, Histogram
from inference.engines.gibbs.latent_dirichlet.layout import make_layout
from inference.engines.gibbs.latent_dirichlet.sampler import Chain
from inference.evaluation.calibration import calibrate_sampler
from inference.summaries.statistics import chain_statistics
from zoo.data.corpus import Corpus, as_corpus
from zoo.data.corpus.synthetic import bars, sample_lda

METHOD = pytest.mark.parametrize("method", list(METHODS))
ALPHA, ETA = np.array([0.7, 0.3]), 0.5
TINY = as_corpus(np.array([[2, 1, 0], [0, 2, 1], [1, 0, 2]]))


def gibbs_fit(corpus, K=2, **options: Any):
    settings = {n: options.pop(n) for n in ("alpha", "eta") if n in options}
    model = zoo.load("latent_dirichlet", "numpyro", K=K, **settings)
    options = {"num_warmup": 4, "num_samples": 6, "num_draws": 2, "every": 2, **options}
    return fit(model, corpus, "gibbs", **options)


def make_chain(corpus, K, method, shards=1, alpha: Any = 0.1, eta=0.01, seed=0):
    alpha = np.broadcast_to(np.asarray(alpha, float), K)
    return Chain(make_layout(corpus, shards), (seed, 0), alpha, eta, corpus.V, method)


def sweep_chain(chain, sweeps, begin=0):
    for sweep in range(begin, begin + sweeps):
        for turn in range(chain.layout.P):
            chain.merge_totals([job() for job in chain.jobs(sweep, turn)])


def assert_same_fit(one, other):
    for group in ("params", "draws", "stats", "state"):
        left, right = getattr(one, group), getattr(other, group)
        assert left.keys() == right.keys()
        for name in left:
            np.testing.assert_array_equal(left[name], right[name], err_msg=name)
    np.testing.assert_array_equal(one.trace, other.trace)


def log_joint(corpus, z, alpha, eta):
    """log p(w, z), from the counts themselves; z: of the tokens in the order of the corpus."""
    words = np.repeat(corpus.words, corpus.counts)
    document = np.repeat(np.arange(corpus.N), corpus.lengths)
    nd, nw = np.zeros((corpus.N, len(alpha))), np.zeros((len(alpha), corpus.V))
    np.add.at(nd, (document, z), 1)
    np.add.at(nw, (z, words), 1)
    document_part = gammaln(nd + alpha).sum() - gammaln(nd.sum(1) + alpha.sum()).sum()
    document_part += corpus.N * (gammaln(alpha.sum()) - gammaln(alpha).sum())
    word_part = gammaln(nw + eta).sum() - gammaln(nw.sum(1) + corpus.V * eta).sum()
    return document_part + word_part + len(alpha) * (gammaln(corpus.V * eta) - corpus.V * gammaln(eta)), nd, nw


@METHOD
@pytest.mark.parametrize("K", [3, 16, 21])
def test_a_token_is_sampled_from_its_conditional(method, K):
    corpus = sample_lda(N=4, T=30, V=6, K=3, alpha=1.0, eta=1.0, seed=1)[0]
    alpha, eta, draws = np.linspace(0.05, 1.5, K), 0.3, 4000
    chain = make_chain(corpus, K, method, alpha=alpha, eta=eta)
    sweep_chain(chain, 3)
    layout, document, token = chain.layout, 2, 65
    begin, end = layout.ends[document, [0, -1]]
    chain.layout = type(layout)(
        layout.words, np.array([[begin, token, token + 1, end]]), layout.documents, layout.numbers
    )
    z, word = chain.topics.copy(), layout.words[token]
    others = np.arange(len(z)) != token
    nd = np.bincount(z[begin:end][others[begin:end]], minlength=K)
    nw = np.bincount(z[others & (layout.words == word)], minlength=K)
    expected = (nd + alpha) * (nw + eta) / (np.bincount(z[others], minlength=K) + corpus.V * eta)
    padded_alpha = np.concatenate([alpha, np.zeros(-K % 16)]).astype(np.float32)
    frequencies = np.zeros(K)
    for draw in range(draws):  # one chain of draws of one token: each is independent of the one before
        state = np.uint64(7919 * draw)
        chain.counts.sweep((0, 1, 1), chain.layout, chain.topics, chain.totals, padded_alpha, np.float32(eta), state)
        frequencies[chain.topics[token]] += 1
    assert (chain.topics[others] == z[others]).all()
    assert chisquare(frequencies, draws * expected / expected.sum()).pvalue > 1e-3
    np.testing.assert_array_equal(chain.counts.as_array(K).sum(0), chain.totals[:K])


@METHOD
@pytest.mark.parametrize("shards", [1, 3])
def test_counts_match_the_topics_after_sweeps(method, shards):
    corpus = sample_lda(N=20, T=25, V=40, K=4, eta=0.1, seed=2)[0]
    chain = make_chain(corpus, 19, method, shards)
    sweep_chain(chain, 5)
    again = METHODS["dense"](chain.layout, chain.topics, 19, corpus.V)
    np.testing.assert_array_equal(chain.counts.as_array(19), again.as_array(19))
    np.testing.assert_array_equal(chain.totals[:19], again.as_array(19).sum(0))
    np.testing.assert_array_equal(np.sort(chain.counts.positive()), np.sort(again.positive()))


def test_log_joint_equals_the_closed_form():
    corpus = sample_lda(N=9, T=30, V=12, K=3, alpha=0.5, eta=0.2, seed=3)[0]
    alpha = np.array([0.2, 0.7, 1.3])
    chain = make_chain(corpus, 3, "dense", alpha=alpha, eta=0.2)
    sweep_chain(chain, 2)
    order = np.argsort(chain.layout.numbers)  # the corpus as the chain has it
    renumbered = as_corpus(corpus.sparse()[:, order])
    np.testing.assert_array_equal(np.repeat(renumbered.words, renumbered.counts), chain.layout.words)
    expected, _, _ = log_joint(renumbered, chain.topics, alpha, 0.2)
    np.testing.assert_allclose(chain.histograms().log_joint(alpha, 0.2, corpus.V), expected, rtol=1e-12)


def enumerated_means():
    """Posterior means of theta and phi of the tiny corpus, over every assignment of topics."""
    weights, theta, phi = [], [], []
    for z in itertools.product(range(2), repeat=TINY.total):
        lp, nd, nw = log_joint(TINY, np.array(z), ALPHA, ETA)
        weights.append(lp)
        theta.append((nd + ALPHA) / (nd + ALPHA).sum(1, keepdims=True))
        phi.append((nw + ETA) / (nw + ETA).sum(1, keepdims=True))
    p = np.exp(np.array(weights) - np.max(weights))
    return {"theta": np.average(theta, 0, p), "phi": np.average(phi, 0, p)}


@METHOD
def test_posterior_means_equal_those_of_enumeration(method):
    options = {"num_warmup": 50, "num_samples": 1500, "num_draws": 1500, "num_chains": 2, "every": 1, "method": method}
    result = gibbs_fit(TINY, alpha=ALPHA, eta=ETA, **options)
    for name, exact in enumerated_means().items():
        draws = result.draws[name].reshape(2, 1500, -1)
        se = draws.std((0, 1)) / np.sqrt(chain_statistics(draws)[1])
        np.testing.assert_array_less(np.abs(draws.mean((0, 1)) - exact.ravel()), 5 * se)
        estimate = result.params[name] if name == "phi" else result.state[name]  # of one chain, with less noise a sweep
        np.testing.assert_array_less(np.abs(estimate - exact).ravel(), 5 * np.sqrt(2) * se)


@METHOD
def test_results_do_not_depend_on_the_number_of_threads(method):
    corpus = sample_lda(N=40, T=30, V=60, K=4, seed=4)[0]
    runs = [gibbs_fit(corpus, K=18, shards=3, method=method, threads=threads, num_chains=2) for threads in (1, 2, 3)]
    assert_same_fit(runs[0], runs[1])
    assert_same_fit(runs[0], runs[2])
    assert runs[0].diagnostics["shards"] == 3
    other = gibbs_fit(corpus, K=18, shards=3, method=method, num_chains=2, seed=1)
    assert not np.array_equal(other.params["phi"], runs[0].params["phi"])


def test_both_backends_give_the_same_draws():
    one = gibbs_fit(TINY)
    model = zoo.load("latent_dirichlet", "pyro", K=2)
    assert_same_fit(one, fit(model, TINY, "gibbs", num_warmup=4, num_samples=6, num_draws=2, every=2))


@METHOD
def test_an_interrupted_run_continues_bit_for_bit(method, tmp_path, monkeypatch):
    corpus = sample_lda(N=30, T=30, V=50, K=4, seed=5)[0]
    options = {"K": 20, "method": method, "shards": 2, "learn_alpha": "asymmetric", "learn_eta": True, "num_warmup": 32}
    uninterrupted = gibbs_fit(corpus, **options)
    assert_same_fit(uninterrupted, gibbs_fit(corpus, **options, checkpoint=tmp_path / "full"))
    assert_same_fit(uninterrupted, gibbs_fit(corpus, **options, checkpoint=tmp_path / "full"))  # read back
    replace, times = os.replace, []

    def killed(*paths):
        replace(*paths)
        times.append(paths)
        if len(times) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr("inference.run.checkpoints.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        gibbs_fit(corpus, **options, checkpoint=tmp_path / "cut", checkpoint_every=7)
    monkeypatch.undo()
    assert_same_fit(
        uninterrupted, gibbs_fit(corpus, **options, checkpoint=tmp_path / "cut", checkpoint_every=7, threads=1)
    )
    with pytest.raises(zoo.ZooError, match="has 38 sweeps, more than the 36 asked for"):
        gibbs_fit(corpus, **options, num_samples=4, checkpoint=tmp_path / "cut")
    with pytest.raises(zoo.ZooError, match=r"data w .* was array"):
        gibbs_fit(corpus.take(slice(None, None, -1)), **options, checkpoint=tmp_path / "cut")
    file = tmp_path / "cut" / "checkpoint.npz"
    for damaged in (file.read_bytes()[:700], b"", b"something else"):
        file.write_bytes(damaged)
        with pytest.raises(zoo.ZooError, match="is damaged, or no checkpoint"):
            gibbs_fit(corpus, **options, checkpoint=tmp_path / "cut")
        assert file.read_bytes() == damaged, "nothing is overwritten"


@pytest.mark.parametrize("num_draws", [(2, 4), (2, 2), (None, None)])  # at the same sweeps; at fewer; at each
def test_a_run_becomes_longer_bit_for_bit(num_draws, tmp_path):
    short, long = ({"num_samples": n, "num_draws": d, "num_chains": 2} for n, d in zip((6, 12), num_draws, strict=True))
    gibbs_fit(TINY, **short, checkpoint=tmp_path)
    complete, longer = gibbs_fit(TINY, **long), gibbs_fit(TINY, **long, checkpoint=tmp_path)
    assert_same_fit(longer, complete)
    np.testing.assert_array_equal(longer.trace, complete.trace)
    assert longer.diagnostics["draws_kept"] == complete.diagnostics["draws_kept"]


def test_a_longer_run_whose_draws_were_not_made_is_refused(tmp_path):
    gibbs_fit(TINY, num_samples=6, num_draws=2, checkpoint=tmp_path)
    with pytest.raises(zoo.ZooError, match="has no draw at sweep 8: raise num_draws in proportion to num_samples"):
        gibbs_fit(TINY, num_samples=12, num_draws=3, checkpoint=tmp_path)


@pytest.fixture(scope="module")
def bars_corpus():
    return bars(N=500, T=100, seed=0)


@pytest.mark.parametrize("options", [{"method": "dense"}, {"method": "sparse"}, {"shards": 2}])
def test_all_ten_bars_are_recovered(bars_corpus, options):
    from scipy.optimize import linear_sum_assignment

    corpus, phi = bars_corpus
    result = gibbs_fit(corpus, K=10, alpha=1.0, eta=1.0, num_warmup=200, num_samples=50, **options)
    distance = 0.5 * np.abs(result.params["phi"][:, None] - phi).sum(-1)
    rows, columns = linear_sum_assignment(distance)
    assert distance[rows, columns].max() < 0.15
    assert result.trace[-1] > result.trace[0] + 1000
    np.testing.assert_allclose(result.params["phi"].sum(1), 1)
    np.testing.assert_allclose(result.state["theta"].sum(1), 1)
    # the sweeps of the estimate are stationary
    assert result.state["lp"].shape == (1, 25)
    assert result.state["lp"].std() < 0.01 * abs(result.trace[-1])


def test_alpha_and_eta_are_learned():
    true = np.array([0.9, 0.3, 0.1])
    corpus, _, _ = sample_lda(N=800, T=60, V=200, K=3, alpha=true, eta=0.1, seed=6)
    options = {"num_warmup": 150, "num_samples": 10, "alpha": 0.5, "eta": 0.5, "num_draws": 0}
    result = gibbs_fit(corpus, K=3, **options, learn_alpha="asymmetric", learn_eta=True)
    np.testing.assert_allclose(np.sort(result.keywords["alpha"])[::-1], true, rtol=0.25)
    np.testing.assert_allclose(result.keywords["eta"], 0.1, rtol=0.25)
    one = gibbs_fit(corpus, K=3, **options, learn_alpha="symmetric")
    assert isinstance(one.keywords["alpha"], float)
    assert 0.1 < one.keywords["alpha"] < 0.9
    assert one.keywords["eta"] == 0.5


def test_the_fixed_point_of_alpha_and_eta_is_the_maximum():
    from scipy.optimize import minimize

    chain = make_chain(sample_lda(N=50, T=40, V=30, K=3, alpha=0.4, eta=0.2, seed=7)[0], 3, "dense", alpha=0.4, eta=0.2)
    sweep_chain(chain, 20)
    histograms = chain.histograms()
    alpha, eta = chain.alpha, chain.eta
    for _ in range(100):
        alpha = histograms.learn_alpha(alpha, "asymmetric")
        eta = histograms.learn_eta(eta, chain.V)

    def negative_log_joint(logs):
        return -histograms.log_joint(np.exp(logs[:3]), np.exp(logs[3]), chain.V)

    best = minimize(negative_log_joint, np.zeros(4))
    np.testing.assert_allclose([*alpha, eta], np.exp(best.x), rtol=1e-3)


EDGE_CASES = {
    "an empty document": as_corpus(np.array([[1, 2, 0], [0, 0, 0], [0, 1, 3]])),
    "one document": as_corpus(np.array([[3, 1, 2]])),
    "one word": as_corpus(np.array([[4], [2]])),
    "one token": as_corpus(np.array([[0, 1]])),
    "a large count": as_corpus(np.array([[20_000, 1], [0, 2]])),
}


@METHOD
@pytest.mark.parametrize("K", [1, 5, 40])
@pytest.mark.parametrize("name", EDGE_CASES)
def test_edge_case_corpora(method, K, name):
    result = gibbs_fit(
        EDGE_CASES[name], K=K, method=method, shards=2, learn_alpha="asymmetric", learn_eta=True, num_warmup=30
    )
    corpus = EDGE_CASES[name]
    assert result.params["phi"].shape == (K, corpus.V)
    assert result.state["theta"].shape == (corpus.N, K)
    for value in (result.params["phi"], result.state["theta"], result.draws["phi"], result.draws["theta"]):
        assert (value > 0).all()
        np.testing.assert_allclose(value.sum(-1), 1)
    assert np.isfinite(result.trace).all()


@given(st.integers(1, 6), st.integers(1, 7), st.integers(1, 5), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_each_token_is_in_exactly_one_block(N, V, shards, seed):
    counts = np.random.default_rng(seed).poisson(0.7, (N, V))
    corpus = Corpus(np.concatenate([[0], np.cumsum((counts > 0).sum(1))]), np.nonzero(counts)[1], counts[counts > 0], V)
    layout = make_layout(corpus, shards)
    assert sorted(layout.numbers) == list(range(V))
    tokens_swept = []
    for turn in range(layout.P):
        rows, columns = [], []
        for shard in range(layout.P):
            group = (shard + turn) % layout.P
            for n in range(layout.documents[shard], layout.documents[shard + 1]):
                tokens = range(layout.ends[n, group], layout.ends[n, group + 1])
                tokens_swept += tokens
                rows += [(shard, n)] * bool(tokens)
                columns += [(shard, layout.words[i]) for i in tokens]
        for pairs in (rows, columns):  # no document, and no word, in two shards at once
            assert len({pair[1] for pair in pairs}) == len(set(pairs))
    assert sorted(tokens_swept) == list(range(corpus.total))
    for n in range(N):
        document_words = layout.words[layout.ends[n, 0] : layout.ends[n, -1]]
        np.testing.assert_array_equal(np.bincount(document_words, minlength=V)[layout.numbers], counts[n])


def test_a_histogram_sums_over_the_values():
    values = np.array([0, 3, 1, 3, 2_000_000])
    for some in (values, values[:4]):
        histogram = Histogram.from_values(some)
        np.testing.assert_allclose(histogram.log_rising(0.3), (gammaln(some + 0.3) - gammaln(0.3)).sum())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "densest"}, "no method 'densest'; did you mean 'dense'"),
        ({"num_samples": 0}, "num_samples is a whole number from 1 up; given 0"),
        ({"num_draws": 20}, "num_draws=20 of num_samples=6 sweeps"),
        ({"shards": 1.5}, "shards is a whole number from 1 up; given 1.5"),
        ({"anneal": 0.5}, "anneal is a factor from 1 up; given 0.5"),
        ({"learn_alpha": "both"}, "no learn_alpha 'both'"),
        ({"learn_eta": True}, "learn_eta needs num_warmup of 20 or more, to learn during it; given num_warmup=4"),
    ],
)
def test_errors_for_wrong_options_are_one_line(options, message):
    with pytest.raises(zoo.ZooError, match=message) as raised:
        gibbs_fit(TINY, **options)
    assert "\n" not in str(raised.value)


def test_models_without_a_sampler_are_refused():
    with pytest.raises(zoo.Refusal, match="gibbs cannot fit gaussian_mixture: it has no sampler"):
        fit(zoo.load("gaussian_mixture", "numpyro", K=2), np.zeros((5, 2)), "gibbs")


def calibrate_gibbs(shards, simulations):
    """Calibration on corpora of 6 documents, by quantities that do not depend on the order of the topics."""
    alpha, eta, N, T, V = np.array([1.2, 0.4]), 0.6, 6, 12, 5

    def quantities(theta, phi, corpus):
        log_p = np.log(theta @ phi)
        counts = corpus.dense()
        overlap = (phi[..., 0, :] * phi[..., 1, :]).sum(-1)
        first = (theta[..., 0, :] ** 2).sum(-1)
        return {
            "log p": (log_p * counts).sum((-1, -2)),
            "overlap": overlap,
            "first": first,
            "phi": (phi**2).sum((-1, -2)),
        }

    def simulate(seed):
        corpus, phi, theta = sample_lda(N, T, V, 2, alpha, eta, seed)
        return quantities(theta, phi, corpus), corpus

    def draw(corpus, seed):
        options = {"num_warmup": 100, "num_samples": 990, "num_draws": 99, "every": 990, "shards": shards, "threads": 1}
        result = gibbs_fit(corpus, K=2, alpha=alpha, eta=eta, seed=seed, **options)
        return quantities(result.draws["theta"][0], result.draws["phi"][0], corpus)

    return calibrate_sampler(simulate, draw, simulations=simulations, draws=99, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("shards", [1, 2])
def test_calibration(shards):
    calibration = calibrate_gibbs(shards, 200)
    assert not calibration.miscalibrated, str(calibration)
