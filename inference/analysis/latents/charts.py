"""Charts of the codes of an autoencoder and of its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from inference.analysis.latents.coding import encode
from inference.analysis.latents.images import DPI
from inference.analysis.latents.inputs import code_site, pixel_site, read_rows
from inference.engines.svi.relaxed import objective_name
from inference.plots.style import FIT_COLOURS
from inference.record import FitRecord
from zoo.errors import ZooError
from zoo.types import DataLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_POINTS = 4000  # more codes would hide each other
MAX_CLASSES = 12  # labels up to this number get a colour and a name each; more get a colour scale
TRAINING_COLOUR, VALIDATION_COLOUR = FIT_COLOURS[:2]


def codes(fit: FitRecord, data: DataLike = None, labels: ArrayLike | None = None, group: str | None = None) -> Figure:
    """Scatter plot of the means of the codes.

    The axes are the two dimensions where Z is 2, and the two principal directions where Z is larger. Where Z is 1 they
    are the mean and the standard deviation.

    Parameters
    ----------
    fit : Fit
        Fit with an encoder.
    data : optional
        Rows as in ``inference.latents.encode``; the fit's data by default.
    labels : array, optional
        One label for each row, (N,), shown as colours.
    group : str, optional
        The group of latents, where there are several.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    table, site = read_rows(fit, data), code_site(fit, group)
    N = len(table[pixel_site(fit)])
    shown = np.arange(N)[:: -(-N // MAX_POINTS)]
    classes = None if labels is None else np.asarray(labels)
    if classes is not None and len(classes) != N:
        raise ZooError(f"{len(classes)} labels for {N} rows: give one for each")
    mean, sd = encode(fit, {name: values[shown] for name, values in table.items()}, group=site)
    points, axis_labels = project_codes(mean, sd, site)
    figure = Figure((5.6, 4.8), layout="constrained", dpi=DPI)
    axes = figure.add_subplot()
    scatter_by_label(axes, points, None if classes is None else classes[shown])
    axes.set(xlabel=axis_labels[0], ylabel=axis_labels[1])
    axes.spines[["top", "right"]].set_visible(False)
    if mean.shape[1] > 1:
        axes.set_aspect("equal", adjustable="datalim")
    return figure


class PointStyle(TypedDict):
    """Keywords of ``Axes.scatter``."""

    s: float
    alpha: float
    linewidth: float


def scatter_by_label(axes: Axes, points: np.ndarray, labels: np.ndarray | None) -> None:
    """Points (N, 2) coloured by label, with a legend for a few labels and a colour scale for many."""
    from matplotlib import colormaps

    figure = axes.figure
    style: PointStyle = {"s": 10, "alpha": 0.8, "linewidth": 0}
    if labels is None:
        axes.scatter(points[:, 0], points[:, 1], color=TRAINING_COLOUR, **style)
    elif len(classes := np.unique(labels)) <= MAX_CLASSES:
        colours = colormaps["tab10" if len(classes) <= 10 else "tab20"].colors  # type: ignore[attr-defined]
        for label, colour in zip(classes, colours, strict=False):
            name = f"{label:g}" if labels.dtype.kind in "iuf" else label
            axes.scatter(points[labels == label, 0], points[labels == label, 1], color=colour, label=name, **style)
        figure.legend(loc="outside right upper", frameon=False, markerscale=2, fontsize=8)
    else:
        figure.colorbar(axes.scatter(points[:, 0], points[:, 1], c=labels, cmap="viridis", **style), label="label")


def project_codes(mean: np.ndarray, sd: np.ndarray, name: str = "z") -> tuple[np.ndarray, list[str]]:
    """Codes (N, Z) in two dimensions, (N, 2), and the labels of the two axes."""
    if mean.shape[1] == 1:
        return np.hstack([mean, sd]), [name, f"standard deviation of {name}"]
    if mean.shape[1] == 2:
        return mean, [f"{name}[0]", f"{name}[1]"]
    centred = mean - mean.mean(0)
    lengths, directions = np.linalg.svd(centred, full_matrices=False)[1:]
    share = lengths**2 / max((lengths**2).sum(), np.finfo(float).tiny)
    return centred @ directions[:2].T, [
        f"principal direction {i + 1} ({share[i]:.0%} of the codes' variance)" for i in (0, 1)
    ]


def training(fit: FitRecord) -> Figure:
    """The training of a fit in nats per row: the bound, also of validation rows; reconstruction and KL divergence.

    Where draws were relaxed or a penalty was added, that which was optimised is called the objective, and only
    validation rows have a bound.

    Parameters
    ----------
    fit : Fit
        Fit by the engine ``svi``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ZooError
        For a fit without a record of epochs.
    """
    from matplotlib.figure import Figure

    epochs = fit.diagnostics.get("epochs") or {}
    if not len(epochs.get("step", ())):
        raise ZooError(f"no record of epochs in a fit by {fit.engine}: only svi records them")
    epoch, beta = epochs["epoch"], np.asarray(epochs["beta"])
    figure = Figure((9, 3.2), layout="constrained", dpi=DPI)
    left, middle, right = figure.subplots(1, 3)
    line = {"marker": "o" if len(epoch) < 20 else None, "markersize": 3}
    left.plot(epoch, epochs["bound_nats_per_row"], color=TRAINING_COLOUR, label="trained on", **line)
    if "held_out_elbo_nats_per_row" in epochs:
        left.plot(epoch, epochs["held_out_elbo_nats_per_row"], color=VALIDATION_COLOUR, label="held out", **line)
        left.legend(frameon=False, fontsize=8)
    middle.plot(epoch, epochs["reconstruction_nats_per_row"], color=TRAINING_COLOUR, **line)
    right.plot(epoch, epochs["kl_nats_per_row"], color=TRAINING_COLOUR, **line)
    beta_varies = (beta != 1).any()
    if beta_varies:
        twin = right.twinx()
        twin.plot(epoch, beta, color="0.6", linestyle=":")
        twin.set_ylabel("weight of the KL (beta)", fontsize=8)
        twin.set_ylim(bottom=0)
        twin.spines["top"].set_visible(False)
    name_of_bound = objective_name(fit.diagnostics, "bound")
    for axes, name in ((left, name_of_bound), (middle, "reconstruction"), (right, "KL divergence")):
        axes.set(title=name, xlabel="epoch")
        axes.spines[["top"] if axes is right and beta_varies else ["top", "right"]].set_visible(False)
        axes.ticklabel_format(axis="y", useOffset=False)
    left.set_ylabel("nats per row")
    return figure
