"""The figure of a gradient report: variance per evaluation and bias of each estimator, by group of parameters."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.gradients.record import GradientReportRecord
from inference.plots.style import FIT_COLOURS, figure_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_PANELS = 5  # groups that are drawn, those with the largest gradients
TITLE_LETTERS_PER_INCH = 11
UNBIASED, BIASED = FIT_COLOURS[0], FIT_COLOURS[1]


def plot_moments(r: GradientReportRecord) -> Figure:
    """Variance per evaluation above, bias below, a column of panels for each group."""
    import matplotlib
    from matplotlib.figure import Figure

    groups = sorted(r.groups, key=lambda g: r.reference.norms[g], reverse=True)[:MAX_PANELS]
    groups = [g for g in r.groups if g in groups]
    last = groups[-1]
    names = sorted(r.estimators, key=lambda n: r.estimators[n].groups[last].variance * r.estimators[n].evaluations)
    with matplotlib.rc_context(figure_style()):
        height = 2 * (0.28 * len(names) + 0.75) + 0.5
        width = 2.5 * len(groups) + 1.6
        figure = Figure((width, height), layout="constrained")
        panels = figure.subplots(2, len(groups), squeeze=False, sharey=True)
        for (above, below), group in zip(panels.T, groups, strict=True):
            plot_variance(above, r, names, group)
            plot_bias(below, r, names, group)
            above.set_title(group)
        for axes in panels[:, 0]:
            axes.set_yticks(range(len(names)), names)
            axes.set_ylim(len(names) - 0.5, -0.5)
        figure.suptitle(fill(r.title, int(TITLE_LETTERS_PER_INCH * width)), fontsize=11)
        return figure


def plot_variance(axes: Axes, r: GradientReportRecord, names: list[str], group: str) -> None:
    """Variance times evaluations, with two standard errors; those without variance are at the left edge."""
    values = np.array([r.estimators[n].groups[group].variance * r.estimators[n].evaluations for n in names])
    errors = np.array([r.estimators[n].groups[group].variance_se * r.estimators[n].evaluations for n in names])
    least = values[values > values.max(initial=0.0) * 1e-12].min(initial=np.inf)
    for i, name in enumerate(names):
        colour = UNBIASED if r.estimators[name].is_unbiased else BIASED
        if values[i] >= least:
            low = min(2 * errors[i], 0.9 * values[i])  # the axis is logarithmic
            axes.errorbar(values[i], i, xerr=[[low], [2 * errors[i]]], fmt="o", markersize=4, color=colour, capsize=2)
    axes.set_xscale("log")
    label_decades(axes)
    for i, value in enumerate(values):
        if value < least:
            axes.annotate("no variance", (0.03, i), xycoords=("axes fraction", "data"), fontsize=8, va="center")
    axes.grid(axis="x", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("variance x runs of the program")


def label_decades(axes: Axes) -> None:
    """Ticks at powers of ten, and at 2 and 5 times these where there are few."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 50 * low else (1.0,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def plot_bias(axes: Axes, r: GradientReportRecord, names: list[str], group: str) -> None:
    """The bias in percent of the norm of the gradient, with its 95% interval."""
    norm = r.reference.norms[group] or np.nan
    for i, name in enumerate(names):
        m = r.estimators[name].groups[group]
        colour = UNBIASED if r.estimators[name].is_unbiased else BIASED
        low, high = m.bias_interval
        errors = 100 / norm * np.array([[m.bias - low], [high - m.bias]])
        axes.errorbar(100 / norm * m.bias, i, xerr=errors, fmt="o", markersize=4, color=colour, capsize=2)
    axes.axvline(0.0, color="0.5", linewidth=0.8)
    axes.grid(axis="x", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlim(left=min(0.0, -0.02 * axes.get_xlim()[1]))
    axes.set_xlabel("bias, % of the gradient")
