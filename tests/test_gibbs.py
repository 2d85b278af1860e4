"""Collapsed Gibbs sampling of topics: conditionals, the posterior of a tiny corpus, the same bits, odd corpora."""

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
from inference.engines.gibbs.latent_dirichlet import learning
from inference.engines.gibbs.latent_dirichlet.chains import Chain
from inference.engines.gibbs.latent_dirichlet.layout import laid_out
from inference.engines.gibbs.latent_dirichlet.tables import METHODS
from inference.engines.gibbs.latent_dirichlet.tallies import Tally
from inference.evaluation.calibration import calibrate_sampler
from inference.summaries.statistics import chain_statistics
from zoo.data.corpus import Corpus, as_corpus
from zoo.data.corpus.synthetic import bars, generated

METHOD = pytest.mark.parametrize("method", list(METHODS))
ALPHA, ETA = np.array([0.7, 0.3]), 0.5
TINY = as_corpus(np.array([[2, 1, 0], [0, 2, 1], [1, 0, 2]]))


def sampled(corpus, K=2, **options):
    model = zoo.load(
        "latent_dirichlet", "numpyro", K=K, **{n: options.pop(n) for n in ("alpha", "eta") if n in options}
    )
    return fit(model, corpus, "gibbs", **{"num_warmup": 4, "num_samples": 6, "num_draws": 2, "every": 2, **options})


def chain_of(corpus, K, method, shards=1, alpha: Any = 0.1, eta=0.01, seed=0):
    alpha = np.broadcast_to(np.asarray(alpha, float), K)
    return Chain(laid_out(corpus, shards), (seed, 0), alpha, eta, corpus.V, method)


def swept(chain, sweeps, begin=0):
    for sweep in range(begin, begin + sweeps):
        for turn in range(chain.layout.P):
            chain.gather([run() for run in chain.blocks(sweep, turn)])


def same(one, other):
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
    own = gammaln(nd + alpha).sum() - gammaln(nd.sum(1) + alpha.sum()).sum()
    own += corpus.N * (gammaln(alpha.sum()) - gammaln(alpha).sum())
    of_words = gammaln(nw + eta).sum() - gammaln(nw.sum(1) + corpus.V * eta).sum()
    return own + of_words + len(alpha) * (gammaln(corpus.V * eta) - corpus.V * gammaln(eta)), nd, nw


@METHOD
@pytest.mark.parametrize("K", [3, 16, 21])
def test_one_token_is_drawn_from_its_conditional(method, K):
    corpus = generated(N=4, T=30, V=6, K=3, alpha=1.0, eta=1.0, seed=1)[0]
    alpha, eta, draws = np.linspace(0.05, 1.5, K), 0.3, 4000
    chain = chain_of(corpus, K, method, alpha=alpha, eta=eta)
    swept(chain, 3)
    layout, document, token = chain.layout, 2, 65
    begin, end = layout.ends[document, [0, -1]]
    chain.layout = type(layout)(
        layout.words, np.array([[begin, token, token + 1, end]]), layout.documents, layout.number
    )
    z, word = chain.topics.copy(), layout.words[token]
    others = np.arange(len(z)) != token
    nd = np.bincount(z[begin:end][others[begin:end]], minlength=K)
    nw = np.bincount(z[others & (layout.words == word)], minlength=K)
    expected = (nd + alpha) * (nw + eta) / (np.bincount(z[others], minlength=K) + corpus.V * eta)
    padded_alpha = np.concatenate([alpha, np.zeros(-K % 16)]).astype(np.float32)
    found = np.zeros(K)
    for draw in range(draws):  # one chain of draws of one token: each is independent of the one before
        state = np.uint64(7919 * draw)
        chain.table.sweep((0, 1, 1), chain.layout, chain.topics, chain.totals, padded_alpha, np.float32(eta), state)
        found[chain.topics[token]] += 1
    assert (chain.topics[others] == z[others]).all()
    assert chisquare(found, draws * expected / expected.sum()).pvalue > 1e-3
    np.testing.assert_array_equal(chain.table.full(K).sum(0), chain.totals[:K])


@METHOD
@pytest.mark.parametrize("shards", [1, 3])
def test_counts_are_those_of_the_topics_after_any_sweeps(method, shards):
    corpus = generated(N=20, T=25, V=40, K=4, eta=0.1, seed=2)[0]
    chain = chain_of(corpus, 19, method, shards)
    swept(chain, 5)
    again = METHODS["dense"](chain.layout, chain.topics, 19, corpus.V)
    np.testing.assert_array_equal(chain.table.full(19), again.full(19))
    np.testing.assert_array_equal(chain.totals[:19], again.full(19).sum(0))
    np.testing.assert_array_equal(np.sort(chain.table.positive()), np.sort(again.positive()))


def test_log_joint_is_the_closed_form():
    corpus = generated(N=9, T=30, V=12, K=3, alpha=0.5, eta=0.2, seed=3)[0]
    alpha = np.array([0.2, 0.7, 1.3])
    chain = chain_of(corpus, 3, "dense", alpha=alpha, eta=0.2)
    swept(chain, 2)
    order = np.argsort(chain.layout.number)  # the corpus as the chain has it
    renumbered = as_corpus(corpus.sparse()[:, order])
    np.testing.assert_array_equal(np.repeat(renumbered.words, renumbered.counts), chain.layout.words)
    expected, _, _ = log_joint(renumbered, chain.topics, alpha, 0.2)
    np.testing.assert_allclose(chain.tallied().log_joint(alpha, 0.2, corpus.V), expected, rtol=1e-12)


def exact_means():
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
def test_the_posterior_of_a_tiny_corpus_is_that_of_every_assignment(method):
    options = {"num_warmup": 50, "num_samples": 1500, "num_draws": 1500, "num_chains": 2, "every": 1, "method": method}
    found = sampled(TINY, alpha=ALPHA, eta=ETA, **options)
    for name, exact in exact_means().items():
        draws = found.draws[name].reshape(2, 1500, -1)
        se = draws.std((0, 1)) / np.sqrt(chain_statistics(draws)[1])
        np.testing.assert_array_less(np.abs(draws.mean((0, 1)) - exact.ravel()), 5 * se)
        estimate = found.params[name] if name == "phi" else found.state[name]  # of one chain, with less noise a sweep
        np.testing.assert_array_less(np.abs(estimate - exact).ravel(), 5 * np.sqrt(2) * se)


@METHOD
def test_threads_make_no_difference_to_a_bit(method):
    corpus = generated(N=40, T=30, V=60, K=4, seed=4)[0]
    runs = [sampled(corpus, K=18, shards=3, method=method, threads=threads, num_chains=2) for threads in (1, 2, 3)]
    same(runs[0], runs[1])
    same(runs[0], runs[2])
    assert runs[0].diagnostics["shards"] == 3
    other = sampled(corpus, K=18, shards=3, method=method, num_chains=2, seed=1)
    assert not np.array_equal(other.params["phi"], runs[0].params["phi"])


def test_both_backends_are_one_sampler():
    one = sampled(TINY)
    model = zoo.load("latent_dirichlet", "pyro", K=2)
    same(one, fit(model, TINY, "gibbs", num_warmup=4, num_samples=6, num_draws=2, every=2))


@METHOD
def test_a_run_that_was_killed_goes_on_bit_for_bit(method, tmp_path, monkeypatch):
    corpus = generated(N=30, T=30, V=50, K=4, seed=5)[0]
    options = {"K": 20, "method": method, "shards": 2, "learn_alpha": "asymmetric", "learn_eta": True, "num_warmup": 32}
    whole = sampled(corpus, **options)
    same(whole, sampled(corpus, **options, checkpoint=tmp_path / "whole"))
    same(whole, sampled(corpus, **options, checkpoint=tmp_path / "whole"))  # all done: read back
    replace, times = os.replace, []

    def killed(*paths):
        replace(*paths)
        times.append(paths)
        if len(times) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr("inference.run.checkpoints.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        sampled(corpus, **options, checkpoint=tmp_path / "cut", checkpoint_every=7)
    monkeypatch.undo()
    same(whole, sampled(corpus, **options, checkpoint=tmp_path / "cut", checkpoint_every=7, threads=1))
    with pytest.raises(zoo.ZooError, match="num_samples was 6, and is 8 here"):
        sampled(corpus, **options, num_samples=8, checkpoint=tmp_path / "cut")
    with pytest.raises(zoo.ZooError, match=r"data w .* was array"):
        sampled(corpus.take(slice(None, None, -1)), **options, checkpoint=tmp_path / "cut")
    file = tmp_path / "cut" / "checkpoint.npz"
    for damaged in (file.read_bytes()[:700], b"", b"something else"):
        file.write_bytes(damaged)
        with pytest.raises(zoo.ZooError, match="is damaged, or no checkpoint"):
            sampled(corpus, **options, checkpoint=tmp_path / "cut")
        assert file.read_bytes() == damaged, "nothing is overwritten"


@pytest.fixture(scope="module")
def seen_bars():
    return bars(N=500, T=100, seed=0)


@pytest.mark.parametrize("how", [{"method": "dense"}, {"method": "sparse"}, {"shards": 2}])
def test_all_ten_bars_are_recovered(seen_bars, how):
    from scipy.optimize import linear_sum_assignment

    corpus, phi = seen_bars
    found = sampled(corpus, K=10, alpha=1.0, eta=1.0, num_warmup=200, num_samples=50, **how)
    distance = 0.5 * np.abs(found.params["phi"][:, None] - phi).sum(-1)
    rows, columns = linear_sum_assignment(distance)
    assert distance[rows, columns].max() < 0.15
    assert found.trace[-1] > found.trace[0] + 1000
    np.testing.assert_allclose(found.params["phi"].sum(1), 1)
    np.testing.assert_allclose(found.state["theta"].sum(1), 1)
    # what is reported last is what wanders, not what rises
    assert found.state["lp"].shape == (1, 25)
    assert found.state["lp"].std() < 0.01 * abs(found.trace[-1])


def test_alpha_and_eta_are_those_of_the_corpus():
    true = np.array([0.9, 0.3, 0.1])
    corpus, _, _ = generated(N=800, T=60, V=200, K=3, alpha=true, eta=0.1, seed=6)
    options = {"num_warmup": 150, "num_samples": 10, "alpha": 0.5, "eta": 0.5, "num_draws": 0}
    found = sampled(corpus, K=3, **options, learn_alpha="asymmetric", learn_eta=True)
    np.testing.assert_allclose(np.sort(found.keywords["alpha"])[::-1], true, rtol=0.25)
    np.testing.assert_allclose(found.keywords["eta"], 0.1, rtol=0.25)
    one = sampled(corpus, K=3, **options, learn_alpha="symmetric")
    assert isinstance(one.keywords["alpha"], float)
    assert 0.1 < one.keywords["alpha"] < 0.9
    assert one.keywords["eta"] == 0.5


def test_the_fixed_point_is_the_maximum():
    from scipy.optimize import minimize

    chain = chain_of(generated(N=50, T=40, V=30, K=3, alpha=0.4, eta=0.2, seed=7)[0], 3, "dense", alpha=0.4, eta=0.2)
    swept(chain, 20)
    tallies = chain.tallied()
    alpha, eta = chain.alpha, chain.eta
    for _ in range(100):
        alpha = learning.learned_alpha(tallies, alpha, "asymmetric")
        eta = learning.learned_eta(tallies, eta, chain.V)

    def worse(logs):
        return -tallies.log_joint(np.exp(logs[:3]), np.exp(logs[3]), chain.V)

    best = minimize(worse, np.zeros(4))
    np.testing.assert_allclose([*alpha, eta], np.exp(best.x), rtol=1e-3)


ODD = {
    "an empty document": as_corpus(np.array([[1, 2, 0], [0, 0, 0], [0, 1, 3]])),
    "one document": as_corpus(np.array([[3, 1, 2]])),
    "one word": as_corpus(np.array([[4], [2]])),
    "one token": as_corpus(np.array([[0, 1]])),
    "a large count": as_corpus(np.array([[20_000, 1], [0, 2]])),
}


@METHOD
@pytest.mark.parametrize("K", [1, 5, 40])
@pytest.mark.parametrize("name", ODD)
def test_odd_corpora(method, K, name):
    found = sampled(ODD[name], K=K, method=method, shards=2, learn_alpha="asymmetric", learn_eta=True, num_warmup=30)
    corpus = ODD[name]
    assert found.params["phi"].shape == (K, corpus.V)
    assert found.state["theta"].shape == (corpus.N, K)
    for value in (found.params["phi"], found.state["theta"], found.draws["phi"], found.draws["theta"]):
        assert (value > 0).all()
        np.testing.assert_allclose(value.sum(-1), 1)
    assert np.isfinite(found.trace).all()


@given(st.integers(1, 6), st.integers(1, 7), st.integers(1, 5), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_every_token_is_in_one_block(N, V, shards, seed):
    counts = np.random.default_rng(seed).poisson(0.7, (N, V))
    corpus = Corpus(np.concatenate([[0], np.cumsum((counts > 0).sum(1))]), np.nonzero(counts)[1], counts[counts > 0], V)
    layout = laid_out(corpus, shards)
    assert sorted(layout.number) == list(range(V))
    swept_tokens = []
    for turn in range(layout.P):
        rows, columns = [], []
        for shard in range(layout.P):
            group = (shard + turn) % layout.P
            for n in range(layout.documents[shard], layout.documents[shard + 1]):
                tokens = range(layout.ends[n, group], layout.ends[n, group + 1])
                swept_tokens += tokens
                rows += [(shard, n)] * bool(tokens)
                columns += [(shard, layout.words[i]) for i in tokens]
        for pairs in (rows, columns):  # no document, and no word, in two shards at once
            assert len({pair[1] for pair in pairs}) == len(set(pairs))
    assert sorted(swept_tokens) == list(range(corpus.total))
    for n in range(N):
        own = layout.words[layout.ends[n, 0] : layout.ends[n, -1]]
        np.testing.assert_array_equal(np.bincount(own, minlength=V)[layout.number], counts[n])


def test_a_tally_is_the_sum_over_the_values():
    values = np.array([0, 3, 1, 3, 2_000_000])
    for some in (values, values[:4]):
        tally = Tally.of(some)
        np.testing.assert_allclose(tally.log_rising(0.3), (gammaln(some + 0.3) - gammaln(0.3)).sum())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"method": "densest"}, "no method 'densest'; did you mean 'dense'"),
        ({"num_samples": 0}, "num_samples is a whole number from 1 up; given 0"),
        ({"num_draws": 20}, "num_draws=20 of num_samples=6 sweeps"),
        ({"shards": 1.5}, "shards is a whole number from 1 up; given 1.5"),
        ({"anneal": 0.5}, "anneal is a factor from 1 up; given 0.5"),
        ({"learn_alpha": "both"}, "no learn_alpha 'both'"),
        ({"learn_eta": True}, "learn_eta wants num_warmup from 20 up, to learn in; given num_warmup=4"),
    ],
)
def test_wrong_options_are_said_in_one_line(wrong, said):
    with pytest.raises(zoo.ZooError, match=said) as raised:
        sampled(TINY, **wrong)
    assert "\n" not in str(raised.value)


def test_models_without_conditionals_are_refused():
    with pytest.raises(zoo.Refusal, match="gibbs cannot fit gaussian_mixture: its conditionals are not written down"):
        fit(zoo.load("gaussian_mixture", "numpyro", K=2), np.zeros((5, 2)), "gibbs")


def ranked_truths(shards, simulations):
    """Calibration on corpora of 6 documents, by quantities that do not know the order of the topics."""
    alpha, eta, N, T, V = np.array([1.2, 0.4]), 0.6, 6, 12, 5

    def quantities(theta, phi, corpus):
        word = np.log(theta @ phi)
        seen = corpus.dense()
        overlap = (phi[..., 0, :] * phi[..., 1, :]).sum(-1)
        first = (theta[..., 0, :] ** 2).sum(-1)
        return {"log p": (word * seen).sum((-1, -2)), "overlap": overlap, "first": first, "phi": (phi**2).sum((-1, -2))}

    def simulate(seed):
        corpus, phi, theta = generated(N, T, V, 2, alpha, eta, seed)
        return quantities(theta, phi, corpus), corpus

    def draw(corpus, seed):
        options = {"num_warmup": 100, "num_samples": 990, "num_draws": 99, "every": 990, "shards": shards, "threads": 1}
        found = sampled(corpus, K=2, alpha=alpha, eta=eta, seed=seed, **options)
        return quantities(found.draws["theta"][0], found.draws["phi"][0], corpus)

    return calibrate_sampler(simulate, draw, simulations=simulations, draws=99, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("shards", [1, 2])
def test_calibration(shards):
    found = ranked_truths(shards, 200)
    assert not found.miscalibrated, str(found)
