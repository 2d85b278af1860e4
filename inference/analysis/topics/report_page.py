"""A fit of a topic model as one HTML page."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from inference.analysis.topics import figures
from inference.analysis.topics.checks import warnings
from inference.analysis.topics.coherence_measures import coherence
from inference.analysis.topics.distances import WORDS, similarity
from inference.analysis.topics.extraction import extract_topics
from inference.analysis.topics.held_out import perplexity
from inference.analysis.topics.record import Topics, TopicsLike
from inference.analysis.topics.tables import HIGH, LOW, first_words, topic_sizes, word_order
from inference.plots import page, reproduce
from inference.record import FitRecord
from zoo.types import DataLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLE_WORDS, FIGURE_WORDS = 10, 8  # words of a topic, in the table and in the figure
RELEVANCE = 0.6  # Sievert and Shirley (2014)
TYPICAL_DOCUMENTS, MOST_PAIRS = 3, 10  # documents of each topic; pairs of topics
CAPTIONS = {
    "map": "Topics that use the same words are near each other, as far as a plane can show it: the axes are labelled "
    "with the part of the distances that they show.",
    "words": "The most probable words of each topic, all to one scale.",
    "words with intervals": "The most probable words of each topic, all to one scale, with 94% intervals.",
    "documents": "The topic proportions of the documents most typical of the largest topics.",
    "trace": "The objective, in nats: the run, and its second half.",
}
MEANINGS = {  # a sentence for each column of the table of topics that needs one
    "share": "The part of all tokens that belongs to the topic, at the estimate.",
    "94% interval": "Where the share is with a probability of 94%, by the draws of the fit.",
    "first in": "The number of documents in which the topic has the largest proportion.",
    "most relevant words": f"Relevance weighs a word's log probability in the topic by {RELEVANCE} and its log lift "
    f"over the corpus by {1 - RELEVANCE:.1f}: words come first that distinguish the topic from the others.",
    "coherence (NPMI)": "How often the most probable words occur together in the documents, from -1 to 1: computed "
    "from the corpus, and so without a Monte Carlo error.",
}


def report(
    fit: TopicsLike,
    path: str | Path,
    held_out: DataLike = None,
    titles: Sequence[str] | None = None,
    command: str = "",
) -> Path:
    """Write one self-contained HTML page on the topics of a fit.

    Parameters
    ----------
    fit : Fit, Topics or array, (K, V)
    path : str or Path
        The file; it is written in one step.
    held_out : Corpus or what ``zoo.corpus.as_corpus`` accepts, optional
        Documents that the fit has not seen; the page then has their perplexity per word.
    titles : sequence of str, optional
        A title for each document of the fit; by default the ids of the corpus.
    command : str, optional
        The command line that made the fit, which the page then shows beside the calls.

    Returns
    -------
    Path

    Raises
    ------
    ZooError
        For a fit without topics, a wrong number of titles, and where the file cannot be written.
    """
    topics = extract_topics(fit)
    titles = topics.document_titles(titles)
    title = f"{topics.K} topic{'s' if topics.K > 1 else ''}"
    title = f"{fit.model.card.title}: {title}" if isinstance(fit, FitRecord) else title
    record = fit if isinstance(fit, FitRecord) else None
    problems = warnings(fit, topics) or ["No problems were found."]
    introduction = [
        f'<p class="pale">{escape(describe(topics, record))}</p>',
        f'<p class="verdict">{"<br>".join(map(escape, problems))}</p>',
    ]
    sections = {
        "The topics": topic_parts(topics),
        "Held-out documents": [] if held_out is None else [f"<pre>{escape(str(perplexity(fit, held_out)))}</pre>"],
        "Distances between topics": distance_parts(topics),
        "Words": [word_part(topics)],
        "Documents": document_parts(topics, topics.shares, titles) if topics.shares is not None else [],
        **({} if record is None else run_sections(record, command)),
    }
    return page.write_page(page.page_html(title, introduction, sections), Path(path))


def topic_parts(topics: Topics) -> list[str]:
    """The table of the topics, and what its columns are."""
    columns = topics_columns(topics)
    order = range(topics.K) if topics.shares is None else np.argsort(-topics.shares, kind="stable")
    return [
        html_table(columns, order),
        page.meanings_html({name: text for name, text in MEANINGS.items() if name in columns}),
    ]


def distance_parts(topics: Topics) -> list[str]:
    """The map of the topics, and the most similar pairs."""
    return [figure_part("map", figures.topic_map(topics)), pairs_table(topics) if topics.K > 1 else ""]


def word_part(topics: Topics) -> str:
    """The figure of the most probable words."""
    name = "words" if topics.phi_draws is None else "words with intervals"
    return figure_part(name, figures.top_words_figure(topics, min(FIGURE_WORDS, topics.V)))


def document_parts(topics: Topics, shares: np.ndarray, titles: Sequence[str] | None) -> list[str]:
    """The documents most typical of each topic."""
    typical = typical_documents(topics)
    first = typical[np.argsort(-shares, kind="stable")[: figures.NUM_COLOURS], 0]
    figure = figures.document_figure(topics, list(dict.fromkeys(first.tolist())), titles)
    return [documents_table(topics, typical, titles), figure_part("documents", figure)]


def run_sections(fit: FitRecord, command: str) -> dict[str, list[str]]:
    """How the fit was made, and the calls that make it again."""
    card = fit.model.card
    calls = ["import inference, zoo", "", f"model = {reproduce.model_call(fit)}", f"fit = {reproduce.fit_call(fit)}"]
    return {
        "The run": [figure_part("trace", figures.trace_figure(fit))] if np.size(fit.trace) > 1 else [],
        "The model": page.model_parts(card.story, card.citation),
        "How to reproduce it": page.reproduction_html("\n".join(calls), [fit.model.backend], command),
    }


def describe(topics: Topics, fit: FitRecord | None) -> str:
    """The documents and the fit in a line."""
    sentences = []
    if topics.corpus is not None:
        sentences.append(f"{topics.corpus.N} documents, {topics.V} words, {topics.corpus.total} tokens.")
    if fit is not None:
        priors = [f"{n} {format_range(fit.keywords[n])}" for n in ("alpha", "eta") if n in fit.keywords]
        sentences.append(f"By {fit.engine} in {fit.model.backend}, {fit.seconds:.1f} s, seed {fit.seed}.")
        sentences.append(f"{', '.join(priors)}." if priors else "")
    return " ".join(filter(None, sentences))


def format_range(value: ArrayLike) -> str:
    """A number, or the range of several.

    >>> format_range(0.1), format_range(np.array([0.1, 0.25]))
    ('0.1', 'from 0.1 to 0.25')
    """
    low, high = float(np.min(value)), float(np.max(value))
    return f"{low:.3g}" if low == high else f"from {low:.3g} to {high:.3g}"


def topics_columns(topics: Topics) -> dict[str, list[str]]:
    """Columns with a cell for each topic: its share, its words by weight and by relevance, its coherence."""
    top = min(TABLE_WORDS, topics.V)
    columns: dict[str, list[str]] = {"topic": [str(k) for k in range(topics.K)]}
    if topics.theta is not None:
        sizes = topic_sizes(topics)
        columns["share"] = [f"{share:.1%}" for share in sizes["share"]]
        if HIGH in sizes:
            ends = zip(sizes[LOW], sizes[HIGH], strict=True)
            columns["94% interval"] = [f"{100 * low:.1f} to {high:.1%}" for low, high in ends]
        columns["first in"] = [str(count) for count in sizes["first_in"]]
    columns["most probable words"] = [", ".join(words) for words in first_words(topics, top)]
    by_relevance = word_order(topics, top, RELEVANCE)
    columns["most relevant words"] = [", ".join(topics.words[v] for v in row) for row in by_relevance]
    return columns | coherence_column(topics)


def coherence_column(topics: Topics) -> dict[str, list[str]]:
    """The coherence of each topic's first words in the corpus, where gensim is installed."""
    if topics.corpus is None or topics.V < 2 or importlib.util.find_spec("gensim") is None:
        return {}
    top = min(TABLE_WORDS, topics.V)
    frequency = np.bincount(topics.corpus.words, topics.corpus.counts, topics.V)
    # the first words of an unused topic may be absent from the corpus
    possible = [k for k, row in enumerate(word_order(topics, top)) if frequency[row].all()]
    words = first_words(topics, top)
    values = coherence([words[k] for k in possible], topics.corpus, "c_npmi", TABLE_WORDS) if possible else ()
    cells = dict(zip(possible, (f"{value:.2f}" for value in values), strict=True))
    return {"coherence (NPMI)": [cells.get(k, "") for k in range(topics.K)]}


def pairs_table(topics: Topics) -> str:
    """The most similar pairs of topics."""
    similarities = similarity(topics).to_numpy()
    i, j = np.triu_indices(topics.K, 1)
    order = np.argsort(-similarities[i, j], kind="stable")[:MOST_PAIRS]
    words = [", ".join(first) for first in first_words(topics, WORDS)]
    columns = {
        "topics": [f"{a} and {b}" for a, b in zip(i[order], j[order], strict=True)],
        "similarity": [f"{value:.2f}" for value in similarities[i, j][order]],
        "words of the first": [words[a] for a in i[order]],
        "words of the second": [words[b] for b in j[order]],
    }
    heading = "Most similar, from 0, no common word, to 1 (one less the Jensen-Shannon distance):"
    return f"<p>{heading}</p>{html_table(columns, range(len(order)))}"


def typical_documents(topics: Topics) -> np.ndarray:
    """The documents with the largest proportion of each topic, first to last, (K, TYPICAL_DOCUMENTS or fewer)."""
    documents = np.flatnonzero(topics.document_weights > 0)  # without the empty ones
    return documents[np.argsort(-topics.theta[documents], axis=0, kind="stable")[:TYPICAL_DOCUMENTS].T]


def documents_table(topics: Topics, typical: np.ndarray, titles: Sequence[str] | None) -> str:
    """The documents most typical of each topic, by number, and by title where there are any."""

    def cell(n: int, k: int) -> str:
        return f"{topics.theta[n, k]:.0%}  document {n}{'' if titles is None else f': {titles[n]}'}"

    columns = {
        "topic": [str(k) for k in range(topics.K)],
        "words": [", ".join(first) for first in first_words(topics, WORDS)],
        "most typical documents": ["\n".join(printable(cell(n, k)) for n in row) for k, row in enumerate(typical)],
    }
    return html_table(columns, range(topics.K))


def html_table(columns: dict[str, list[str]], rows: Iterable[int]) -> str:
    """Columns of text, some of their rows, as HTML; characters that cannot be printed are replaced."""

    def cell(text: str) -> str:
        return "<br>".join(escape(printable(line)) for line in text.splitlines())

    return page.table_html(columns, ([cell(cells[i]) for cells in columns.values()] for i in rows), "texts")


def printable(text: str) -> str:
    r"""Text with a replacement character for each that cannot be printed.

    >>> printable("tab\tbed")
    'tab�bed'
    """
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def figure_part(name: str, figure: Figure) -> str:
    """A figure with its caption, as HTML."""
    return page.figure_html(name, figure, CAPTIONS[name])
