"""A fit of a topic model as one HTML page."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.analysis.topics import figures
from inference.analysis.topics.doubts import doubts
from inference.analysis.topics.parts import Topics, topics_of
from inference.analysis.topics.similarity import WORDS, similarity
from inference.analysis.topics.words import HIGH, LOW, labels, ordered, topic_sizes
from inference.plots import page
from inference.result import Fit
from zoo import ZooError

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP, BARS = 10, 8  # words of a topic, in the table and as bars
RELEVANCE = 0.6  # Sievert and Shirley (2014)
TYPICAL, PAIRS = 3, 10  # documents told of each topic, and pairs of topics
CAPTIONS = {
    "map": "Topics that use the same words lie near each other, as far as a plane can show it: the axes say how much "
    "of the distances they carry.",
    "words": "The most probable words of each topic, all on one scale.",
    "words with intervals": "The most probable words of each topic, all on one scale, with 94% intervals.",
    "documents": "What the documents most typical of the largest topics are made of.",
    "trace": "The objective, in nats: the whole run, and its second half.",
}


def report(fit: Any, path: str | Path, held_out: Any = None, titles: Sequence[str] | None = None) -> Path:
    """Write one self-contained HTML page on the topics of a fit; the file appears whole or not at all.

    fit: of a topic model, or ``Topics``. held_out: documents the fit has not seen, as the evaluator takes them; the
    page then has their perplexity per word. titles: of the documents of the fit, one for each. Raises ZooError for a
    fit without topics and where the file cannot be written.
    """
    of = topics_of(fit)
    if titles is not None and (of.theta is None or len(titles) != len(of.theta)):
        N = 0 if of.theta is None else len(of.theta)
        raise ZooError(f"{len(titles)} titles for {N} documents: give one for each")
    title = f"{of.K} topic{'s' if of.K > 1 else ''}"
    title = f"{fit.model.card.title}: {title}" if isinstance(fit, Fit) else title
    return page.write_page(page.page_html(title, parts(fit, of, title, held_out, titles)), Path(path))


def parts(fit: Any, of: Topics, title: str, held_out: Any, titles: Sequence[str] | None) -> Iterator[str]:
    """The page, from top to bottom."""
    made = fit if isinstance(fit, Fit) else None
    yield f"<h1>{escape(title)}</h1>"
    yield f'<p class="pale">{escape(described(of, made))}</p>'
    amiss = doubts(fit, of) or ["Nothing was found amiss."]
    yield f'<p class="verdict">{"<br>".join(map(escape, amiss))}</p>'
    yield "<h2>The topics</h2>"
    yield topics_table(of)
    yield (
        f'<p class="pale">Relevance weighs a word\'s log probability in the topic by {RELEVANCE} and its log lift over '
        f"the corpus by {1 - RELEVANCE:.1f}: it brings forward what tells the topic from the others.</p>"
    )
    if held_out is not None:
        from inference.analysis.topics.held_out import perplexity

        yield f"<h2>Documents held out</h2><pre>{escape(str(perplexity(fit, held_out)))}</pre>"
    yield "<h2>How they lie to each other</h2>"
    yield pictured("map", figures.topic_map(of))
    if of.K > 1:
        yield pairs_table(of)
    yield "<h2>Their words</h2>"
    name = "words" if of.phi_draws is None else "words with intervals"
    yield pictured(name, figures.top_words_figure(of, min(BARS, of.V)))
    if of.shares is not None:
        typical = most_typical(of)
        yield "<h2>Their documents</h2>"
        yield documents_table(of, typical, titles)
        first = typical[np.argsort(-of.shares, kind="stable")[: figures.NAMED], 0]
        yield pictured("documents", figures.document_figure(of, list(dict.fromkeys(first.tolist())), titles))
    if made is not None:
        yield from the_run(made)


def the_run(fit: Fit) -> Iterator[str]:
    """How the fit was made, and how to make it again."""
    card = fit.model.card
    if np.size(fit.trace) > 1:
        yield "<h2>The run</h2>"
        yield pictured("trace", figures.trace_figure(fit))
    yield "<h2>The model</h2>"
    yield f"<pre>{escape(card.story)}</pre>" if card.story else ""
    yield f'<p class="pale">{escape(card.citation)}</p>'
    yield "<h2>How to have it again</h2>"
    calls = ["import inference, zoo", "", f"model = {page.model_call(fit)}", f"fit = {page.fit_call(fit)}"]
    yield f"<pre>{escape(chr(10).join(calls))}</pre>"
    yield f'<p class="pale">{escape(page.package_versions(fit))}</p>'


def described(of: Topics, fit: Fit | None) -> str:
    """The documents and the fit in a line."""
    said = []
    if of.corpus is not None:
        said.append(f"{of.corpus.N} documents, {of.V} words, {of.corpus.total} tokens.")
    if fit is not None:
        priors = [f"{n} {number(fit.keywords[n])}" for n in ("alpha", "eta") if n in fit.keywords]
        said.append(f"By {fit.engine} in {fit.model.backend}, {fit.seconds:.1f} s, seed {fit.seed}.")
        said.append(f"{', '.join(priors)}." if priors else "")
    return " ".join(filter(None, said))


def number(value: Any) -> str:
    """
    >>> number(0.1), number(np.array([0.1, 0.25]))
    ('0.1', 'from 0.1 to 0.25')
    """
    low, high = float(np.min(value)), float(np.max(value))
    return f"{low:.3g}" if low == high else f"from {low:.3g} to {high:.3g}"


def topics_table(of: Topics) -> str:
    """A line for each topic, the largest first: its share, its words by weight and by relevance, its coherence."""
    top = min(TOP, of.V)
    columns: dict[str, list[str]] = {"topic": [str(k) for k in range(of.K)]}
    if of.theta is not None:
        sizes = topic_sizes(of)
        columns["share"] = [f"{share:.1%}" for share in sizes["share"]]
        if HIGH in sizes:
            ends = zip(sizes[LOW], sizes[HIGH], strict=True)
            columns["94% interval"] = [f"{100 * low:.1f} to {high:.1%}" for low, high in ends]
        columns["first in"] = [str(count) for count in sizes["first_in"]]
    columns["most probable words"] = [", ".join(words) for words in labels(of, top)]
    columns["most relevant words"] = [", ".join(of.words[v] for v in row) for row in ordered(of, top, RELEVANCE)]
    columns |= coherences(of)
    largest = range(of.K) if of.shares is None else np.argsort(-of.shares, kind="stable")
    return table(columns, largest)


def coherences(of: Topics) -> dict[str, list[str]]:
    """The coherence of each topic's first words in the corpus, where the package that reckons it is there."""
    if of.corpus is None or of.V < 2 or importlib.util.find_spec("gensim") is None:
        return {}
    from inference.analysis.topics.coherence import coherence

    often = np.bincount(of.corpus.words, of.corpus.counts, of.V)
    # a topic that nothing was given to begins with words that the corpus need not have
    told = [k for k, row in enumerate(ordered(of, min(TOP, of.V))) if often[row].all()]
    words = labels(of, min(TOP, of.V))
    found = coherence([words[k] for k in told], of.corpus, "c_npmi", TOP) if told else ()
    said = dict(zip(told, (f"{value:.2f}" for value in found), strict=True))
    return {"coherence (NPMI)": [said.get(k, "") for k in range(of.K)]}


def pairs_table(of: Topics) -> str:
    """The pairs of topics that are most alike."""
    alike = similarity(of).to_numpy()
    i, j = np.triu_indices(of.K, 1)
    most = np.argsort(-alike[i, j], kind="stable")[:PAIRS]
    words = [", ".join(first) for first in labels(of, WORDS)]
    columns = {
        "topics": [f"{a} and {b}" for a, b in zip(i[most], j[most], strict=True)],
        "similarity": [f"{value:.2f}" for value in alike[i, j][most]],
        "words of the one": [words[a] for a in i[most]],
        "words of the other": [words[b] for b in j[most]],
    }
    said = "Most alike, from 0, no word shared, to 1 (one less the Jensen-Shannon distance):"
    return f"<p>{said}</p>{table(columns, range(len(most)))}"


def most_typical(of: Topics) -> np.ndarray:
    """The documents that are most of each topic, first to last, (K, TYPICAL or fewer)."""
    held = np.flatnonzero(of.weights > 0)  # an empty document is typical of nothing
    return held[np.argsort(-of.theta[held], axis=0, kind="stable")[:TYPICAL].T]


def documents_table(of: Topics, typical: np.ndarray, titles: Sequence[str] | None) -> str:
    """The documents most typical of each topic, by number, and by title where there are any."""

    def cell(n: int, k: int) -> str:
        return f"{of.theta[n, k]:.0%}  document {n}{'' if titles is None else f': {titles[n]}'}"

    columns = {
        "topic": [str(k) for k in range(of.K)],
        "words": [", ".join(first) for first in labels(of, WORDS)],
        "most typical documents": ["\n".join(printable(cell(n, k)) for n in row) for k, row in enumerate(typical)],
    }
    return table(columns, range(of.K))


def table(columns: dict[str, list[str]], rows: Any) -> str:
    """Columns of text, some of their rows, as HTML; what cannot be printed is replaced."""

    def cell(text: str) -> str:
        return f"<td>{'<br>'.join(escape(printable(line)) for line in text.splitlines())}</td>"

    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    lines = "".join(f"<tr>{''.join(cell(cells[i]) for cells in columns.values())}</tr>" for i in rows)
    return f'<div class="wide"><table class="fits"><tr>{head}</tr>{lines}</table></div>'


def printable(text: str) -> str:
    """
    >>> printable("tab\\tbed")
    'tab\ufffdbed'
    """
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def pictured(name: str, figure: Any) -> str:
    return page.figure_html(name, figure, CAPTIONS[name])
