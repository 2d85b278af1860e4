"""The figure of a report of fairness: leakage of the attribute, differences between groups, and accuracy."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from inference.analysis.fairness.prediction import ALL, COMPLEMENT
from inference.analysis.fairness.record import Estimate, FairnessRecord
from inference.analysis.fairness.tables import title
from inference.plots.style import FIT_COLOURS, figure_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {ALL: FIT_COLOURS[1], COMPLEMENT: FIT_COLOURS[0]}
OFFSETS = {ALL: -0.13, COMPLEMENT: 0.13}  # of the lines of one measure, in units of the distance between measures
TITLE_LETTERS = 110
TITLE_PAD = 14  # points, for the meaning of a dotted line below the title


def plot_measures(r: FairnessRecord) -> Figure:
    """Three panels: balanced accuracy for the attribute, differences between groups, accuracy for the target."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(figure_style()):
        figure = Figure((10.2, 2.9), layout="constrained")
        leakage, differences, accuracy = figure.subplots(1, 3, width_ratios=(1, 1.25, 1))
        plot_lines(leakage, r, {"": "sensitive_balanced_accuracy"})
        mark_chance(leakage, r.sensitive_balanced_chance, "chance")
        leakage.set(xlabel="balanced accuracy")
        leakage.set_title(f"{r.sensitive} from the codes", pad=TITLE_PAD)
        plot_lines(differences, r, {"parity": "parity_difference", "opportunity": "opportunity_difference"})
        differences.axvline(0.0, color="0.6", linewidth=0.8)
        mark_chance(differences, r.recorded_parity_difference, "parity of the records")
        differences.set(xlabel="largest less smallest rate of a group")
        differences.set_title(f"{r.target} = {r.positive}: differences", pad=TITLE_PAD)
        plot_lines(accuracy, r, {"": "accuracy"})
        mark_chance(accuracy, r.target_chance, "chance")
        accuracy.set(xlabel="accuracy")
        accuracy.set_title(f"{r.target} from the codes", pad=TITLE_PAD)
        handles = leakage.get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=2)
        figure.suptitle(fill(title(r), TITLE_LETTERS), fontsize=10)
    return figure


def plot_lines(axes: Axes, r: FairnessRecord, measures: dict[str, str]) -> None:
    """Estimates with their intervals: a line for each predictor, measure and set of codes."""
    labels = []
    for predictor, results in r.predictors.items():
        for label, name in measures.items():
            for codes in (ALL, COMPLEMENT):
                estimate: Estimate = getattr(results.codes[codes], name)
                error = [[estimate.value - estimate.low], [estimate.high - estimate.value]]
                y, legend = len(labels) + OFFSETS[codes], codes if not labels else None
                axes.errorbar(
                    estimate.value, y, xerr=error, fmt="o", ms=4, capsize=2, color=COLOURS[codes], label=legend
                )
            labels.append(f"{predictor}\n{label}" if label else predictor.replace(" ", "\n"))
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(axis="x", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)


def mark_chance(axes: Axes, value: float, text: str) -> None:
    """A dotted line with its meaning above it, where it covers no estimate."""
    axes.axvline(value, color="0.3", linestyle=":", linewidth=1.2)
    style = {"fontsize": 7, "color": "0.3", "ha": "center", "va": "bottom"}
    axes.annotate(text, (value, 1.01), xycoords=("data", "axes fraction"), **style)
