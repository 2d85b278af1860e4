"""Figures of topics; each function returns a matplotlib Figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.topics.distances import distances
from inference.analysis.topics.extraction import extract_topics
from inference.analysis.topics.map_layout import classical_scaling, draw_labels, set_limits
from inference.analysis.topics.record import TopicsLike
from inference.analysis.topics.tables import HIGH, LOW, first_words, top_words
from inference.plots.style import COMPONENT_COLOURS, FIT_COLOURS
from inference.record import FitRecord
from zoo import ZooError
from zoo.latent_dirichlet.plot import printable_word, word_bars

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100
CIRCLES_AREA = 0.08  # part of the map that circles would cover if none hid another
MOST_PANELS, PANELS_PER_ROW = 20, 4
THREE_WORDS_UP_TO, TWO_WORDS_UP_TO = 20, 60  # topics, on whose labels on the map there are so many words
NUM_COLOURS = len(COMPONENT_COLOURS)  # topics that have a colour of their own
DEFAULT_DOCUMENTS, TITLE_LENGTH = 10, 60  # number of documents in a figure; characters of a title


def topic_map(fit: TopicsLike) -> Figure:
    """The topics as circles in a plane, similar ones near each other, with their first words.

    Classical scaling of Jensen-Shannon distances. The axes are labelled with the part of the squared distances that
    they show, which is small where topics are many. The area of a circle is the topic's share of the tokens, or equal
    for all where that is not known.

    Parameters
    ----------
    fit : Fit, Topics or array, (K, V)

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    topics = extract_topics(fit, draws=False)
    K = topics.K
    points, part = classical_scaling(distances(topics.phi, topics.phi))
    shares = np.full(K, 1 / K) if topics.shares is None else topics.shares
    enlargement = float(np.clip((K - THREE_WORDS_UP_TO) / 80, 0, 1))
    figure = Figure((8 + 4 * enlargement, 6 + 3 * enlargement), dpi=DPI)
    axes = figure.add_axes((0.08, 0.085, 0.9, 0.87))  # of a fixed size, against which labels are measured
    axes.set(xlabel=axis_label(part[0]), ylabel=axis_label(part[1]))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    title = f"{K} topics by their Jensen-Shannon distances" if K > 1 else "1 topic"
    if K > 1 and topics.shares is not None:
        title += f"; area: share of the tokens, {shares.min():.1%} to {shares.max():.1%}"
    axes.set_title(title, fontsize=10, loc="left")
    radii = np.sqrt(CIRCLES_AREA * np.prod(axes.get_window_extent().size) * shares / np.pi)  # in pixels
    set_limits(axes, points, radii)
    style = {"color": FIT_COLOURS[0], "alpha": 0.25, "edgecolor": FIT_COLOURS[0], "linewidth": 0.8}
    axes.scatter(*points.T, s=np.square(2 * radii * 72 / DPI), **style)
    count = 3 if K <= THREE_WORDS_UP_TO else 2 if K <= TWO_WORDS_UP_TO else 1
    labels = [f"{k}  {', '.join(map(printable_word, words))}" for k, words in enumerate(first_words(topics, count))]
    draw_labels(axes, points, radii, labels, 8.5 - 1.5 * enlargement)
    return figure


def axis_label(part: float) -> str:
    """The label of an axis of the map."""
    return f"carries {part:.0%} of the squared distances"


def top_words_figure(
    fit: TopicsLike, top: int = 8, topics: Sequence[int] | None = None, relevance: float | None = None
) -> Figure:
    """The first words of each topic as bars of their probability, all to one scale, with 94% intervals of draws.

    Parameters
    ----------
    fit : Fit, Topics or array, (K, V)
    top : int, default 8
        Number of words of each topic.
    topics : sequence of int, optional
        Numbers of the topics to show; by default the largest twenty.
    relevance : float, optional
        As in ``top_words``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ZooError
        For numbers that are no topics, and as ``top_words``.
    """
    from matplotlib.figure import Figure

    record = extract_topics(fit)
    table = top_words(record, top, relevance).set_index("topic")
    largest = np.arange(record.K) if record.shares is None else np.argsort(-record.shares, kind="stable")
    chosen = np.sort(largest[:MOST_PANELS]) if topics is None else as_numbers("topic", topics, record.K)
    across = min(PANELS_PER_ROW, len(chosen))
    down = -(-len(chosen) // across)
    figure = Figure((2.4 * across + 0.3, down * (0.17 * top + 0.55) + 0.4), layout="constrained", dpi=DPI)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    rows = table.loc[chosen]
    limit = rows[[c for c in ("weight", HIGH) if c in rows]].to_numpy().max()
    for axes, k in zip(panels, chosen, strict=False):
        rows = table.loc[[k]]
        interval = rows[[LOW, HIGH]].to_numpy().T if HIGH in rows else None
        word_bars(axes, rows["word"], rows["weight"], FIT_COLOURS[0], limit, interval)
        share = "" if record.shares is None else f" ({record.shares[k]:.1%} of tokens)"
        axes.set_title(f"topic {k}{share}", fontsize=9, loc="left")
    for axes in panels[len(chosen) :]:
        axes.set_axis_off()
    count = "" if len(chosen) == record.K else f"{len(chosen)} of {record.K} topics; "
    figure.suptitle(f"{count}probability of a word in its topic", fontsize=10)
    return figure


def document_figure(fit: TopicsLike, rows: Sequence[int] | None = None, titles: Sequence[str] | None = None) -> Figure:
    """The topic proportions of some documents, each as a bar of length one; topics that are small in all are grey.

    Parameters
    ----------
    fit : Fit or Topics
        With topic proportions of the documents.
    rows : sequence of int, optional
        Numbers of the documents to show; by default the first ten.
    titles : sequence of str, optional
        A title for each of the N documents; by default the ids of the corpus.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ZooError
        For topics without proportions, numbers that are no documents, and a wrong number of titles.
    """
    from matplotlib.figure import Figure

    topics = extract_topics(fit, draws=False)
    if topics.theta is None:
        raise ZooError("topics without documents: give Topics(phi, theta=...), or a fit")
    N = len(topics.theta)
    titles = topics.document_titles(titles)
    chosen = np.arange(min(N, DEFAULT_DOCUMENTS)) if rows is None else as_numbers("document", rows, N)
    theta = topics.theta[chosen]
    coloured = np.sort(np.argsort(-theta.max(0), kind="stable")[:NUM_COLOURS])
    words = first_words(topics, 3)
    figure = Figure((9, 0.3 * len(chosen) + 1.6), layout="constrained", dpi=DPI)
    axes = figure.add_subplot()
    places, left = np.arange(len(chosen)), np.zeros(len(chosen))
    for k, colour in zip(coloured, COMPONENT_COLOURS, strict=False):
        axes.barh(
            places, theta[:, k], left=left, color=colour, label=f"{k}  {', '.join(map(printable_word, words[k]))}"
        )
        left += theta[:, k]
    if len(coloured) < topics.K:
        label = f"{topics.K - len(coloured)} other topics"
        axes.barh(places, 1 - left, left=left, color="0.88", label=label)
    names = [f"{n}" if titles is None else f"{n}  {printable_word(titles[int(n)], TITLE_LENGTH)}" for n in chosen]
    axes.set_yticks(places, labels=names)
    axes.set(xlim=(0, 1), ylim=(len(chosen) - 0.4, -0.6), xlabel="part of the document")
    axes.tick_params(axis="y", length=0)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def as_numbers(name: str, values: Sequence[int], count: int) -> np.ndarray:
    """Numbers of topics or documents as an array; raises ZooError for any that is out of range."""
    numbers = np.atleast_1d(np.asarray(values))
    if not numbers.size or numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= count:
        raise ZooError(f"{name}s are numbers from 0 to {count - 1}; given {list(values)!r}")
    return numbers


def trace_figure(fit: FitRecord) -> Figure:
    """The objective of a fit after each iteration, sweep or step, in nats: the run, and its second half."""
    from matplotlib.figure import Figure

    trace = np.asarray(fit.trace, float)
    middle = len(trace) // 2
    figure = Figure((9, 2.8), layout="constrained", dpi=DPI)
    for axes, start in zip(figure.subplots(1, 2), (0, middle), strict=True):
        part = trace[start:]
        axes.plot(
            np.arange(start, len(trace)),
            part,
            color=FIT_COLOURS[0],
            marker="o" if len(part) < 40 else None,
            markersize=3,
        )
        axes.ticklabel_format(useOffset=False)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("iteration", fontsize=9)
    figure.axes[0].set_ylabel("objective (nats)", fontsize=9)
    return figure
