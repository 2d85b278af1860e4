"""Analysis of topics: words, similarity, figures, the report and warnings, for known topics."""

import re
import shlex
from dataclasses import replace
from html import escape, unescape

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import check_in_browser, check_page
from typer.testing import CliRunner

import zoo
from inference import compare, topics
from inference.analysis.topics import Topics
from inference.analysis.topics.checks import recent_rise
from inference.analysis.topics.distances import MEASURES
from inference.analysis.topics.map_layout import classical_scaling, overlap_area, place_labels
from inference.analysis.topics.report_page import html_table, printable
from inference.result import Fit
from inference.summaries.quantities import compared_quantities, scalar_quantities
from zoo import ZooError
from zoo.cli import app
from zoo.data.corpus import Corpus, from_tokens
from zoo.data.corpus.synthetic import sample_lda
from zoo.latent_dirichlet.plot import plot

N, V, K = 40, 30, 5
WORDS = tuple(f"word{v}" for v in range(V))


@pytest.fixture(scope="module")
def truth():
    corpus, phi, theta = sample_lda(N, T=50, V=V, K=K, alpha=0.2, eta=0.1, seed=1)
    named = Corpus(corpus.indptr, corpus.words, corpus.counts, V, WORDS)
    return Topics(phi, theta=theta, corpus=named)


def make_fit(truth, **fields):
    """A fit whose draws are the truth with a little noise, with other labels in the second chain."""
    rng, (chains, draws) = np.random.default_rng(0), (2, 8)
    model = zoo.load("latent_dirichlet", K=K)
    phi = rng.dirichlet(1e4 * truth.phi.ravel() + 1, size=(chains, draws)).reshape(chains, draws, K, V)
    phi /= phi.sum(-1, keepdims=True)
    theta = truth.theta + 0.01 * rng.random((chains, draws, N, K))
    theta /= theta.sum(-1, keepdims=True)
    order = np.roll(np.arange(K), 2)
    phi[1:], theta[1:] = phi[1:][..., order, :], theta[1:][..., order]
    defaults = {
        "model": model,
        "engine": "gibbs",
        "keywords": {"N": N, "T": 50, "V": V, "K": K, "alpha": 0.2, "eta": 0.1},
        "options": {},
        "seed": 0,
        "device": "cpu",
        "dtype": None,
        "data": {"w": truth.corpus},
        "seconds": 1.5,
        "params": {"phi": truth.phi},
        "trace": np.r_[-np.geomspace(900, 1, 50), rng.normal(size=100)],
        "draws": {"phi": phi, "theta": theta},
        "stats": {"lp": np.zeros((chains, draws))},
    }
    return Fit(**{**defaults, **fields})


def without_draws(truth, **fields):
    return make_fit(truth, **{"draws": {}, "stats": {}, "state": {"theta": truth.theta}, **fields})


# words


def test_relevance_lies_between_weight_and_lift(truth):
    by_weight, by_lift = topics.top_words(truth), topics.top_words(truth, relevance=0.0)
    at_one = topics.top_words(truth, relevance=1.0)
    assert at_one["word"].tolist() == by_weight["word"].tolist()
    for frame, column in ((by_weight, "weight"), (by_lift, "lift"), (topics.top_words(truth, 5, 0.6), "relevance")):
        for _, rows in frame.groupby("topic"):
            assert rows[column].is_monotonic_decreasing
            assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
    assert by_lift["word"].tolist() != by_weight["word"].tolist()


def test_lift_is_relative_to_the_words_of_the_corpus(truth):
    counts = truth.corpus.dense().sum(0) + K * truth.eta
    row = topics.top_words(truth, 1).iloc[2]
    assert row["lift"] == pytest.approx(row["weight"] / (counts / counts.sum())[WORDS.index(row["word"])])


def test_an_absent_word_is_typical_of_no_topic():
    """By the posterior mean given the tokens of each topic, its lift is one in a topic of average size."""
    counts = np.array([[6.0, 2, 0], [0, 8, 0]])
    phi = (counts + 0.5) / (counts + 0.5).sum(1, keepdims=True)
    corpus = Corpus([0, 2], [0, 1], [6, 10], V=3)
    table = topics.top_words(Topics(phi, corpus=corpus, eta=0.5), top=3).set_index(["topic", "word"])
    assert table.loc[(0, "w2"), "lift"] == pytest.approx(1)


def test_draws_give_intervals_in_the_order_of_the_estimate(truth):
    table = topics.top_words(make_fit(truth), top=4)
    assert (table["eti_3%"] <= table["eti_97%"]).all()
    assert np.abs(table["weight"] - table[["eti_3%", "eti_97%"]].mean(axis=1)).max() < 0.02
    sizes = topics.topic_sizes(make_fit(truth))
    assert sizes["share"].sum() == pytest.approx(1)
    assert ((sizes["eti_3%"] <= sizes["share"]) & (sizes["share"] <= sizes["eti_97%"])).all()
    printable_word = topics.topic_sizes(truth)
    np.testing.assert_allclose(sizes["share"], printable_word["share"], atol=0.01)


def test_sizes_count_tokens_and_documents(truth):
    corpus = Corpus([0, 1, 2, 2], [0, 1], [30, 10], V=2)
    sizes = topics.topic_sizes(Topics(np.eye(2), theta=[[1, 0], [0.2, 0.8], [0, 1]], corpus=corpus))
    assert sizes["share"].tolist() == [0.8, 0.2]
    assert sizes["first_in"].tolist() == [1, 1]  # the third is empty


def test_a_fit_without_draws_has_no_intervals(truth):
    table = topics.top_words(without_draws(truth))
    pd.testing.assert_frame_equal(table, topics.top_words(replace(truth, eta=0.1)))


def test_topics_of_a_product_of_experts():
    corpus, _, theta = sample_lda(6, T=20, V=4, K=2, eta=1.0)
    model = zoo.load("prod_lda", K=2)
    keywords = {"N": 6, "T": 20, "V": 4, "K": 2, "alpha": 0.1, "loc": np.log([0.1, 0.2, 0.3, 0.4])}
    beta = np.array([[0.0, 0, 0, 0], [np.log(2), 0, 0, 0]])
    fit = Fit(model, "svi", keywords, {}, 0, "cpu", None, {"w": corpus}, 1.0, {"beta": beta}, np.zeros(0))
    fit = replace(fit, state={"theta": theta})
    weights = topics.top_words(fit, 4).set_index(["topic", "word"])["weight"]
    assert weights[0]["w3"] == pytest.approx(0.4)
    assert weights[1]["w0"] == pytest.approx(0.2 / 1.1)


def test_an_overview_has_the_largest_topic_first(truth):
    table = topics.overview(make_fit(truth), top=3)
    assert table["share"].is_monotonic_decreasing
    assert all(len(words.split()) == 3 for words in table["words"])
    assert topics.overview(truth.phi)["words"][0].startswith("w")


# similarity


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(MEASURES)), st.sampled_from([0.01, 1.0]))
@settings(max_examples=30)
def test_similarity_is_one_less_a_metric(seed, measure, eta):
    phi = np.random.default_rng(seed).dirichlet(np.full(6, eta), 4)
    similarities = topics.similarity(phi, measure=measure).to_numpy()
    np.testing.assert_allclose(similarities, similarities.T, atol=1e-7)
    np.testing.assert_allclose(np.diag(similarities), 1, atol=1e-7)
    assert ((similarities >= 0) & (similarities <= 1)).all()
    np.testing.assert_allclose(topics.similarity(phi, phi[::-1], measure), similarities[:, ::-1], atol=1e-12)
    if measure != "cosine":
        distance = 1 - similarities
        assert (distance[:, None, :] <= distance[:, :, None] + distance[None] + 1e-7).all()


def test_topics_without_a_common_word_have_similarity_zero():
    for measure in MEASURES:
        assert topics.similarity(np.eye(2), measure=measure).loc[0, 1] == 0
    from scipy.spatial.distance import jensenshannon

    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.1, 0.2, 0.7])
    assert topics.similarity(p[None], q[None]).loc[0, 0] == pytest.approx(1 - jensenshannon(p, q, base=2))


def test_matched_undoes_a_permutation(truth):
    order = np.random.default_rng(3).permutation(K)
    pairs = topics.matched(truth, replace(truth, phi=truth.phi[order], theta=None))
    assert order[pairs["other"].to_numpy(int)].tolist() == pairs["topic"].tolist()
    np.testing.assert_allclose(pairs["similarity"], 1, atol=1e-7)
    assert pairs["words"].tolist() == pairs["other_words"].tolist()


def test_unmatched_topics_have_no_partner(truth):
    fewer = truth.phi[[4, 1]]
    pairs = topics.matched(truth, fewer)
    assert pairs["topic"].tolist()[:2] == [1, 4]
    assert pairs["other"].tolist()[:2] == [1, 0]
    assert pairs["other"].isna().sum() == pairs["similarity"].isna().sum() == 3
    other_way = topics.matched(fewer, truth)
    assert other_way["topic"].isna().sum() == 3
    assert other_way["other"].tolist() == [4, 1, 0, 2, 3]


# figures


def is_blank(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].min() > 200


def rendered(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    assert not is_blank(figure)
    return figure


@pytest.mark.parametrize("K", [1, 2, 3, 30])
def test_labels_of_a_map_do_not_overlap(K):
    phi = np.random.default_rng(K).dirichlet(np.full(V, 0.1), K)
    figure = rendered(topics.topic_map(Topics(phi, WORDS)))
    (axes,) = figure.axes
    frame = axes.get_window_extent()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == K
    assert all(frame.x0 <= b.x0 and b.x1 <= frame.x1 and frame.y0 <= b.y0 and b.y1 <= frame.y1 for b in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_equal_topics_can_be_drawn():
    rendered(topics.topic_map(np.full((3, 4), 0.25)))


def test_scaling_recovers_points_of_a_plane():
    points = np.random.default_rng(0).normal(size=(7, 2))
    distance = np.sqrt(np.square(points[:, None] - points).sum(-1))
    recovered, part = classical_scaling(distance)
    np.testing.assert_allclose(np.sqrt(np.square(recovered[:, None] - recovered).sum(-1)), distance, atol=1e-6)
    assert part.sum() == pytest.approx(1)


def test_many_labels_do_not_overlap():
    centres = np.random.default_rng(1).normal(500, 20, size=(40, 2))
    boxes = np.full((40, 2), [60.0, 12.0])
    middles = place_labels(centres, np.full(40, 8.0), boxes, np.array([[0.0, 0.0], [1000.0, 1000.0]]))
    shared = np.triu(overlap_area(middles, boxes[0] / 2, middles, boxes / 2), 1)
    assert shared.sum() == 0


def test_figures_of_words_and_documents(truth):
    assert (
        len(rendered(topics.top_words_figure(make_fit(truth), top=5)).axes) == 8
    )  # two rows of four, three of them empty
    assert len(rendered(topics.top_words_figure(truth, topics=[3])).axes) == 1
    rendered(topics.document_figure(truth, titles=[f"${n} _{{title" for n in range(N)]))
    many = Topics(np.random.default_rng(0).dirichlet(np.full(V, 0.1), 25))
    assert "20 of 25 topics" in rendered(topics.top_words_figure(many)).get_suptitle()


def test_the_figure_of_a_comparison(truth):
    from matplotlib.figure import Figure

    for phi in (truth.phi, truth.phi[:1], np.full((15, V), 1 / V)):
        figure = Figure()
        plot(figure.add_subplot(), {"phi": phi}, {"w": truth.corpus}, {})
        rendered(figure)


# the report


def report_text(folder, *arguments, **options):
    return topics.report(*arguments, path=folder / "page.html", **options).read_text(encoding="utf-8")


def test_a_report_says_what_was_make_fit(truth, tmp_path):
    page = report_text(tmp_path, make_fit(truth), titles=[f"title {n}" for n in range(N)])
    texts = ["Latent Dirichlet allocation: 5 topics", "40 documents, 30 words, 2000 tokens", "gibbs", "alpha 0.2"]
    for words in [*texts, "94% interval", "title 3", "rough below 100", "inference.fit(", "zoo.load(", "Blei"]:
        assert words in page
    assert page.count("<figure>") == 4
    check_page(page)


def test_a_report_opens_in_a_browser(truth, tmp_path):
    check_in_browser(report_text(tmp_path, make_fit(truth)), tmp_path)


def test_a_report_of_topics_alone(truth, tmp_path):
    page = report_text(tmp_path, Topics(truth.phi[:1]))
    assert "<h1>1 topic</h1>" in page
    assert "No problems were found" in page
    assert page.count("<figure>") == 2


def test_a_report_has_the_perplexity_of_held_out_documents(truth, tmp_path):
    page = report_text(tmp_path, without_draws(truth), held_out=truth.corpus.take(slice(5)))
    assert "perplexity per word" in page


UNSAFE = ["<script>alert(1)</script>", '"><img src=x>', "$x^2", "&amp;", "two\nlines", "\x00", "a\\$b$", "\u202e"]


@pytest.mark.filterwarnings("ignore:Glyph")  # no font has them all
def test_words_and_titles_are_escaped(tmp_path):
    phi = np.random.default_rng(0).dirichlet(np.ones(len(UNSAFE)), 2)
    page = report_text(tmp_path, Topics(phi, UNSAFE, theta=[[1, 0], [0, 1]]), titles=UNSAFE[:2])
    check_page(page)
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;" in page


@given(st.lists(st.text(max_size=12), min_size=1))
def test_cells_show_their_text(words):
    page = html_table({"words": words}, range(len(words)))
    cells = re.findall("<td>(.*?)</td>", page)
    assert len(cells) == len(words)
    shown = [re.sub("<br>", "", cell) for cell in cells]
    assert not any(set("<>") & set(cell) for cell in shown)
    assert [unescape(cell) for cell in shown] == ["".join(map(printable, word.splitlines())) for word in words]


def test_the_command_writes_a_report(tmp_path):
    path, corpus = tmp_path / "page.html", tmp_path / "small.ldac"
    corpus.write_text("2 0:3 1:1\n2 1:2 2:4\n1 3:5\n")
    brief = ["--option", "num_warmup=5", "--option", "num_samples=20"]
    command = ["fit", "latent_dirichlet", "--engine", "gibbs", "--data", str(corpus), "--set", "K=2", *brief]
    done = CliRunner().invoke(app, [*command, "--report", str(path)])
    assert done.exit_code == 0, done.output
    assert escape(shlex.join(["zoo", *command])) in path.read_text(encoding="utf-8")
    assert "first_in" in done.stdout  # a row for each topic rather than for each word
    assert "Latent Dirichlet allocation: 2 topics" in path.read_text(encoding="utf-8")
    done = CliRunner().invoke(app, ["fit", "gaussian_mixture", "--report", str(path)])
    assert done.exit_code == 2
    assert "gaussian_mixture has none: zoo compare gaussian_mixture has one" in done.stderr


def test_fits_of_one_corpus_are_compared(truth, tmp_path):
    compared = compare(make_fit(truth), without_draws(truth, engine="em"))
    assert "w: 40 documents, 30 words, 2000 tokens" in compared.save(tmp_path / "compared.html").read_text()
    other = truth.corpus.take(slice(None, None, -1))
    with pytest.raises(ZooError, match="different data"):
        compare(make_fit(truth), without_draws(truth, data={"w": other}))


# warnings


def test_each_problem_has_a_warning(truth):
    uniform = np.full(V, 1 / V)
    phi = np.stack([truth.phi[0], truth.phi[0], truth.phi[1], uniform, truth.phi[2]])
    theta = np.full((N, K), [0.25, 0.25, 0.25, 0.249, 0.001])
    text = " ".join(topics.warnings(Topics(phi, theta=theta)))
    assert "Topic 4 is hardly used (at most 0.10% of the tokens)" in text
    assert f"Topic 3 is spread over more than half of the {V} words" in text
    assert "Topics 0 and 1 have nearly the same words" in text
    assert topics.warnings(truth) == []


def test_a_run_that_has_not_converged_has_a_warning(truth):
    (sentence,) = topics.warnings(without_draws(truth, trace=np.linspace(-9000, -1000, 200)))
    assert "rose by" in sentence
    assert topics.warnings(without_draws(truth, trace=-1000.0 - 100 * 0.5 ** np.arange(60))) == []


def test_noise_is_not_a_rise_of_the_trace():
    """A rise is detected in few correlated traces without a trend, and in all with a trend."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(400, 300))
    for t in range(1, 300):
        noise[:, t] += 0.7 * noise[:, t - 1]
    assert np.mean([recent_rise(trace)[0] > 0 for trace in noise]) < 0.02
    assert all(recent_rise(trace)[0] > 0 for trace in noise[:50] + np.linspace(0, 100, 300))


# errors


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Topics([[0.5, 0.5]], ["one"]), "a vocabulary of 1 words for topics over 2"),
        (lambda: Topics([[3, 1]]), "row 0 of phi sums to 4"),
        (lambda: Topics([[1.5, -0.5]]), "negative"),
        (lambda: Topics([[np.nan, 1]]), "not finite"),
        (lambda: Topics("words"), "other than numbers"),
        (lambda: Topics([0.5, 0.5]), r"given shape \(2,\)"),
        (lambda: Topics([[0.5, 0.5]], theta=[[0.5, 0.5]]), "theta has 2 columns and phi 1 rows"),
        (lambda: Topics([[0.5, 0.5]], corpus=Corpus([0, 1], [0], [1], V=3)), "a corpus of 3 words"),
        (lambda: topics.top_words([[0.5, 0.5]], top=3), "top=3 words of a vocabulary of 2"),
        (lambda: topics.top_words([[0.5, 0.5]], top=1, relevance=1.2), "relevance=1.2 is not a weight"),
        (lambda: topics.topic_sizes([[0.5, 0.5]]), "topics without documents"),
        (lambda: topics.document_figure([[0.5, 0.5]]), "topics without documents"),
        (lambda: topics.document_figure(Topics([[1.0]], theta=[[1.0]]), rows=[1]), "documents are numbers from 0 to 0"),
        (lambda: topics.document_figure(Topics([[1.0]], theta=[[1.0]]), titles=[]), "0 titles for 1 documents"),
        (lambda: topics.top_words_figure([[0.5, 0.5]], 2, topics=[-1]), "topics are numbers from 0 to 0"),
        (lambda: topics.similarity([[0.5, 0.5]], [[1.0]]), "over 2 words and over 1"),
        (lambda: topics.similarity([[0.5, 0.5]], measure="cosin"), "did you mean 'cosine'"),
        (
            lambda: topics.similarity(Topics([[1.0]], ["a"]), Topics([[1.0]], ["b"])),
            "column 0 of the topics is 'a' and 'b'",
        ),
        (lambda: topics.report([[0.5, 0.5]], "x.html", titles=["a"]), "1 titles for 0 documents"),
    ],
)
def test_errors_are_one_line(make, line):
    with pytest.raises(ZooError, match=line) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_fit_of_another_model_has_no_topics(old_faithful):
    model = zoo.load("gaussian_mixture", K=2)
    fit = Fit(model, "em", {"K": 2}, {}, 0, "cpu", None, {"x": old_faithful}, 1.0, {}, np.zeros(0))
    for analysis in (topics.top_words, topics.topic_map, topics.similarity, lambda fit: topics.report(fit, "x.html")):
        with pytest.raises(
            ZooError, match="gaussian_mixture has no topics: give a fit of latent_dirichlet or prod_lda"
        ):
            analysis(fit)


def test_a_large_vocabulary_is_compared_by_the_first_words(truth):
    phi = np.full((2, 3, 2, 200), 1e-6)
    phi[..., 0, :20], phi[..., 1, 100:120] = np.arange(20, 0, -1), np.arange(20, 0, -1)
    fit = make_fit(truth, keywords={"N": N, "T": 50, "V": 200, "K": 2, "alpha": 0.2, "eta": 0.1})
    settings = fit.keywords
    names, values = scalar_quantities(fit.model.card, settings, {"phi": phi})
    compared = np.array(names)[compared_quantities(fit.model.card, settings, {"phi": phi})].tolist()
    assert compared == [*(f"phi[0,{v}]" for v in range(10)), *(f"phi[1,{v}]" for v in range(100, 110))]
    assert values.shape == (2, 3, 400)


def test_arviz_has_the_tokens_of_a_corpus(truth):
    tree = make_fit(truth).to_arviz()
    tokens = tree["observed_data"]["w"]
    assert tokens.dims == ("T", "N")
    assert from_tokens(tokens.values, V).dense().tolist() == truth.corpus.dense().tolist()
