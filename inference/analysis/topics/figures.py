"""Pictures of topics. Each function gives a matplotlib Figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.analysis.topics.parts import topics_of
from inference.analysis.topics.plane import framed, labelled, scaled
from inference.analysis.topics.similarity import distances
from inference.analysis.topics.words import HIGH, LOW, labels, top_words
from inference.plots.style import COMPONENT_COLOURS, FIT_COLOURS
from zoo import ZooError
from zoo.latent_dirichlet.plot import bars, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from inference.result import Fit

DPI = 100
COVERED = 0.08  # part of the map that circles would cover if none hid another
PANELS, ACROSS = 20, 4  # topics at most, and panels in a line
FEW, MANY = 20, 60  # up to so many topics a label on the map has three words, and up to so many two
NAMED = len(COMPONENT_COLOURS)  # topics that have a colour of their own
DOCUMENTS, TITLE = 10, 60  # shown unless others are chosen; letters of a title


def topic_map(fit: Any) -> Figure:
    """The topics as circles on a plane, those alike near each other, with their first words.

    Classical scaling of Jensen-Shannon distances; the axes say how much of these they carry, which is little where
    topics are many. The area of a circle is the topic's share of the tokens, and equal where that is not known.
    """
    from matplotlib.figure import Figure

    of = topics_of(fit, draws=False)
    points, part = scaled(distances(of.phi, of.phi))
    shares = np.full(of.K, 1 / of.K) if of.shares is None else of.shares
    many = float(np.clip((of.K - FEW) / 80, 0, 1))
    figure = Figure((8 + 4 * many, 6 + 3 * many), dpi=DPI)
    axes = figure.add_axes((0.08, 0.085, 0.9, 0.87))  # of a size that labels can be measured against
    axes.set(xlabel=side(part[0]), ylabel=side(part[1]))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    told = f"{of.K} topics by their Jensen-Shannon distances" if of.K > 1 else "1 topic"
    if of.K > 1 and of.shares is not None:
        told += f"; area: share of the tokens, {shares.min():.1%} to {shares.max():.1%}"
    axes.set_title(told, fontsize=10, loc="left")
    radii = np.sqrt(COVERED * np.prod(axes.get_window_extent().size) * shares / np.pi)  # in dots
    framed(axes, points, radii)
    style = {"color": FIT_COLOURS[0], "alpha": 0.25, "edgecolor": FIT_COLOURS[0], "linewidth": 0.8}
    axes.scatter(*points.T, s=np.square(2 * radii * 72 / DPI), **style)
    count = 3 if of.K <= FEW else 2 if of.K <= MANY else 1
    words = [f"{k}  {', '.join(map(plain, first))}" for k, first in enumerate(labels(of, count))]
    labelled(axes, points, radii, words, 8.5 - 1.5 * many)
    return figure


def side(part: float) -> str:
    """The words for an axis of the map."""
    return f"carries {part:.0%} of the squared distances"


def top_words_figure(
    fit: Any, top: int = 8, topics: Sequence[int] | None = None, relevance: float | None = None
) -> Figure:
    """The first words of each topic as bars of their probability, all on one scale, with 94% intervals of draws.

    topics: which, by number; the largest twenty unless given. Arguments are otherwise those of ``top_words``.
    """
    from matplotlib.figure import Figure

    of = topics_of(fit)
    table = top_words(of, top, relevance).set_index("topic")
    largest = np.arange(of.K) if of.shares is None else np.argsort(-of.shares, kind="stable")
    chosen = np.sort(largest[:PANELS]) if topics is None else numbers("topic", topics, of.K)
    across = min(ACROSS, len(chosen))
    down = -(-len(chosen) // across)
    figure = Figure((2.4 * across + 0.3, down * (0.17 * top + 0.55) + 0.4), layout="constrained", dpi=DPI)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    shown = table.loc[chosen]
    limit = shown[[c for c in ("weight", HIGH) if c in shown]].to_numpy().max()
    for axes, k in zip(panels, chosen, strict=False):
        rows = table.loc[[k]]
        interval = rows[[LOW, HIGH]].to_numpy().T if HIGH in rows else None
        bars(axes, rows["word"], rows["weight"], FIT_COLOURS[0], limit, interval)
        share = "" if of.shares is None else f" ({of.shares[k]:.1%} of tokens)"
        axes.set_title(f"topic {k}{share}", fontsize=9, loc="left")
    for axes in panels[len(chosen) :]:
        axes.set_axis_off()
    more = "" if len(chosen) == of.K else f"{len(chosen)} of {of.K} topics; "
    figure.suptitle(f"{more}probability of a word in its topic", fontsize=10)
    return figure


def document_figure(fit: Any, rows: Sequence[int] | None = None, titles: Sequence[str] | None = None) -> Figure:
    """The mixture of topics in each of some documents as a bar of length one; topics with little of any are grey.

    rows: which documents, by number; the first ten unless given. titles: one for each of the N documents.
    """
    from matplotlib.figure import Figure

    of = topics_of(fit, draws=False)
    if of.theta is None:
        raise ZooError("topics without documents: give Topics(phi, theta=...), or a fit")
    N = len(of.theta)
    if titles is not None and len(titles) != N:
        raise ZooError(f"{len(titles)} titles for {N} documents: give one for each")
    chosen = np.arange(min(N, DOCUMENTS)) if rows is None else numbers("document", rows, N)
    theta = of.theta[chosen]
    named = np.sort(np.argsort(-theta.max(0), kind="stable")[:NAMED])
    words = labels(of, 3)
    figure = Figure((9, 0.3 * len(chosen) + 1.6), layout="constrained", dpi=DPI)
    axes = figure.add_subplot()
    at, begun = np.arange(len(chosen)), np.zeros(len(chosen))
    for k, colour in zip(named, COMPONENT_COLOURS, strict=False):
        axes.barh(at, theta[:, k], left=begun, color=colour, label=f"{k}  {', '.join(map(plain, words[k]))}")
        begun += theta[:, k]
    if len(named) < of.K:
        axes.barh(at, 1 - begun, left=begun, color="0.88", label=f"{of.K - len(named)} other topics")
    names = [f"{n}" if titles is None else f"{n}  {plain(titles[int(n)], TITLE)}" for n in chosen]
    axes.set_yticks(at, labels=names)
    axes.set(xlim=(0, 1), ylim=(len(chosen) - 0.4, -0.6), xlabel="part of the document")
    axes.tick_params(axis="y", length=0)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def numbers(what: str, given: Sequence[int], most: int) -> np.ndarray:
    """Topics or documents by number; raises ZooError for one that is not there."""
    chosen = np.atleast_1d(np.asarray(given))
    if not chosen.size or chosen.dtype.kind not in "iu" or chosen.min() < 0 or chosen.max() >= most:
        raise ZooError(f"{what}s are numbers from 0 to {most - 1}; given {list(given)!r}")
    return chosen


def trace_figure(fit: Fit) -> Figure:
    """The objective of a fit after each iteration, sweep or step, in nats: the whole run, and its second half."""
    from matplotlib.figure import Figure

    trace = np.asarray(fit.trace, float)
    begun = len(trace) // 2
    figure = Figure((9, 2.8), layout="constrained", dpi=DPI)
    for axes, start in zip(figure.subplots(1, 2), (0, begun), strict=True):
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
