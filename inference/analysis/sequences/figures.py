"""Figures of sequences: the transitions between states as a graph, and forecasts as a fan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from inference.analysis.sequences.forecasting import forecast
from inference.analysis.sequences.inputs import fitted_chains
from inference.plots.style import COMPONENT_COLOURS, FIT_COLOURS, figure_style
from inference.record import FitRecord
from zoo.checks import check_whole
from zoo.errors import ZooError
from zoo.types import DataLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RADIUS = 0.24  # of the circle of a state; the centres of up to five are on a circle of radius 1
LEAST_SHOWN = 0.005  # probability of an arrow
MANY_STATES, LEAST_NUMBER = 5, 0.05  # of more states than these small numbers would hide each other
WIDTH, LEAST_WIDTH = 5.0, 0.5  # points: of an arrow of probability 1, and what is added to every one
BEND = 0.22  # of an arrow, in units of its length
NAME_WIDTH = 57  # points times letters: of the longest line that fits a circle
LABEL_AT = 0.36  # of the length of an arrow
MAX_COLUMNS = 6
BANDS = {0.9: 0.2, 0.5: 0.3}  # probabilities of the intervals of a fan, and their opacity


def transition_graph(
    fit: FitRecord,
    labels: Sequence[str] | None = None,
    data: DataLike = None,
    site: str | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Draw the states as circles, and arrows between them whose width is the probability of the transition.

    Parameters
    ----------
    fit : Fit
        A fit of a program with a chain, whose transitions do not change with time; averaged over draws and sequences.
    labels : sequence of str, optional
        A name for each state; its number by default.
    data : optional
        Sequences as ``inference.fit`` takes them, on whose covariates transitions may depend.
    site : str, optional
        The chain; not needed where there is one.
    axes : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in; ``axes.figure`` is the figure.

    Raises
    ------
    ZooError
        Where the model has no such chain, or its transitions change with time.
    """
    import matplotlib
    from matplotlib.figure import Figure

    transition = fitted_chains(fit, data, site).own_transitions(fit.model.name)[0].mean((0, 1))
    K = len(transition)
    names = [str(k) for k in range(K)] if labels is None else [str(label) for label in labels]
    if len(names) != K:
        raise ZooError(f"{len(names)} labels for K={K} states: give one for each")
    with matplotlib.rc_context(figure_style()):
        axes = axes or Figure((4.2 * ring_radius(K), 4.2 * ring_radius(K)), layout="constrained").add_subplot()
        draw_graph(axes, transition, names)
    return axes


def draw_graph(axes: Axes, transition: np.ndarray, names: Sequence[str]) -> None:
    """Circles with names, and arrows for the transitions (K, K)."""
    from matplotlib.patches import Circle

    K = len(transition)
    angle = np.pi - 2 * np.pi * np.arange(K) / K
    outward = np.stack([np.cos(angle), np.sin(angle)], axis=-1) if K > 1 else np.array([[0.0, 1.0]])
    centres = ring_radius(K) * outward if K > 1 else np.zeros((1, 2))
    for j, k in np.ndindex(K, K):
        p, colour = float(transition[j, k]), COMPONENT_COLOURS[j % len(COMPONENT_COLOURS)]
        if p >= LEAST_SHOWN:
            points = (
                loop(centres[j], outward[j]) if j == k else curve(centres[j], centres[k], BEND / ring_radius(K) ** 2)
            )
            draw_arrow(axes, points, p, colour, has_number=p >= LEAST_NUMBER or K <= MANY_STATES)
    for k, (x, y) in enumerate(centres):
        axes.add_patch(Circle((x, y), RADIUS, color=COMPONENT_COLOURS[k % len(COMPONENT_COLOURS)], zorder=3))
        size = np.clip(NAME_WIDTH / max(map(len, names[k].splitlines()), default=1), 5, 11)
        axes.text(x, y, names[k], color="white", ha="center", va="center", fontsize=size, zorder=4)
    margin = ring_radius(K) + 4.2 * RADIUS if K > 1 else 4.2 * RADIUS
    axes.set(xlim=(-margin, margin), ylim=(-margin, margin) if K > 2 else (-0.9, 0.9 if K > 1 else margin))
    axes.set_aspect("equal")
    axes.set_axis_off()


def ring_radius(K: int) -> float:
    """The radius of the circle on which the centres of K states are."""
    return max(1.0, K / MANY_STATES)


def curve(start: np.ndarray, end: np.ndarray, bend: float) -> np.ndarray:
    """Points of a curve from one circle to another, to the left of the straight line, (4, 2), as of a cubic spline."""
    along = end - start
    left = np.array([-along[1], along[0]])
    first, last = start + along / 3 + bend * left, end - along / 3 + bend * left
    return np.stack([start + at_rim(first - start), first, last, end + at_rim(last - end)])


def loop(centre: np.ndarray, outward: np.ndarray) -> np.ndarray:
    """Points of a curve from a circle to itself, on the side of ``outward``."""
    left = np.array([-outward[1], outward[0]])
    first, last = (centre + 3.6 * RADIUS * outward + side * 2.2 * RADIUS * left for side in (1.0, -1.0))
    return np.stack([centre + at_rim(first - centre), first, last, centre + at_rim(last - centre)])


def at_rim(direction: np.ndarray) -> np.ndarray:
    """The point of a circle around 0 in a direction, a little outside of it."""
    return 1.08 * RADIUS * direction / np.linalg.norm(direction)


def draw_arrow(axes: Axes, points: np.ndarray, p: float, colour: str, has_number: bool) -> None:
    """An arrow along a spline, and its probability on it."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    path = Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
    head = f"-|>,head_length={0.35 + 0.25 * p},head_width={0.18 + 0.2 * p}"
    style = {"linewidth": LEAST_WIDTH + WIDTH * p, "color": colour, "alpha": 0.75, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(path=path, arrowstyle=head, mutation_scale=14, zorder=2, **style))
    if not has_number:
        return
    t = LABEL_AT if np.abs(points[0] - points[3]).max() > 2 * RADIUS else 0.5  # arrows cross in the middle
    place = np.array([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3]) @ points
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    axes.text(
        float(place[0]),
        float(place[1]),
        f"{p:.2f}",
        ha="center",
        va="center",
        fontsize=8,
        color="0.15",
        bbox=box,
        zorder=5,
    )


def forecast_fan(
    fit: FitRecord,
    data: DataLike = None,
    steps: int = 12,
    sequence: int = 0,
    time: ArrayLike | None = None,
    columns: Sequence[str] | None = None,
    history: int = 60,
    num_draws: int = 1000,
    seed: int = 0,
    site: str | None = None,
) -> Figure:
    """Plot a series with the median and the intervals of its later values, one pane for each of up to six columns.

    Parameters
    ----------
    fit, data, steps, num_draws, seed, site
        As in ``sequences.forecast``.
    sequence : int, default 0
        Which of the sequences.
    time : array, (T,), optional
        Where its steps are on the axis, as years; 0, 1, ... by default. Later steps are as far apart as the last two.
    columns : sequence of str, optional
        A name for each column.
    history : int, default 60
        How many of the steps before are shown.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ZooError
        Where the model has no forecasts, or what it observes is no number.
    """
    import matplotlib
    from matplotlib.figure import Figure

    check_whole(1, history=history)
    card, (name, *_) = fit.fitted_model.card, fit.fitted_model.card.observed
    kind = card.sites(fit.keywords)[name].kind
    if kind in ("category", "binary"):
        raise ZooError(
            f"{name} has the kind {kind}, of which a fan has no median: forecast(fit).draws has later values"
        )
    table, _ = fit.fitted_model.bind(fit.observed_data(data))
    N, T = table[name].shape[:2]
    if not -N <= sequence < N:
        raise ZooError(f"sequence={sequence}: there are {N}, from 0 to {N - 1}")
    at = np.arange(T) if time is None else np.asarray(time)
    if len(at) != T:
        raise ZooError(f"time has {len(at)} values for T={T} steps: give one for each")
    later = forecast(fit, data, steps, num_draws, seed, site).draws[name]
    x, draws = np.reshape(table[name][sequence], (T, -1)), later[:, sequence].reshape(num_draws, steps, -1)
    after = at[-1] + (at[-1] - at[-2] if T > 1 else 1) * np.arange(1, steps + 1)
    D = min(x.shape[1], MAX_COLUMNS)
    with matplotlib.rc_context(figure_style()):
        figure = Figure((7, 1.2 + 1.6 * D), layout="constrained")
        panes = figure.subplots(D, 1, sharex=True, squeeze=False)[:, 0]
        for d, axes in enumerate(panes):
            axes.plot(at[-history:], x[-history:, d], color="0.35", marker=".", markersize=4, linewidth=1)
            fan(axes, after, draws[..., d])
            axes.set_ylabel(columns[d] if columns is not None else f"{name}[{d}]")
        panes[0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=3)
        panes[-1].set_xlabel("step" if time is None else "")
    return figure


def fan(axes: Axes, time: ArrayLike, draws: np.ndarray) -> None:
    """Draw the median and the central 50% and 90% intervals of later values.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    time : array, (steps,)
        Where the steps are on the axis.
    draws : array, (num_draws, steps)
        Draws of one column, as of ``sequences.forecast``.
    """
    at = np.asarray(time)
    for probability, alpha in BANDS.items():
        lower, upper = np.quantile(draws, [(1 - probability) / 2, (1 + probability) / 2], axis=0)
        label = f"{probability:.0%} interval"
        axes.fill_between(at, lower, upper, color=FIT_COLOURS[0], alpha=alpha, linewidth=0, label=label)
    axes.plot(at, np.median(draws, axis=0), color=FIT_COLOURS[0], linewidth=1.5, label="median")
