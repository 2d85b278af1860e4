"""Figures of a comparison, in which each fit and each component has one colour.

A model may bring ``plot.py`` with ``plot(axes, params, data, responsibilities, settings, columns)``, which draws the
data with the fitted components, component k in matplotlib's colour ``Ck``. params, data and responsibilities are NumPy
arrays, labels aligned; of the continuous latents of a linear-Gaussian model responsibilities has a ``Normal``, mean and
covariance. settings are the program's keywords; columns may be None.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

import zoo
from inference import exact
from inference.engines.svi.relaxed import objective_name
from inference.evaluation.comparison.record import ComparisonRecord
from inference.plots.numbers import two_digits
from inference.plots.style import FIT_COLOURS, figure_style
from zoo.hooks import find_hook

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

MAX_MARGINAL_PANELS, MAX_CHAIN_PANELS = 12, 4
MAX_ROWS_SHOWN, MAX_STEPS_SHOWN = 2000, 2000


def make_figures(c: ComparisonRecord) -> dict[str, Figure]:
    """The figures by name, without those that do not apply to these fits."""
    import matplotlib

    posteriors = local_posteriors(c)
    makers: dict[str, Callable[[], Figure | None]] = {
        "data": lambda: plot_data(c, posteriors),
        "objective": lambda: plot_objective(c),
        "marginals": lambda: plot_marginals(c),
        "responsibilities": lambda: plot_responsibilities(c, discrete_posteriors(posteriors)),
    }
    chains = [name for name, s in c.statistics.items() if s.kind == "chains"]
    makers |= {f"chains of {name}": lambda name=name: plot_chains(c, name) for name in chains}
    with matplotlib.rc_context(figure_style()):
        figures = {name: make() for name, make in makers.items()}
    return {name: figure for name, figure in figures.items() if figure is not None}


def fit_colour(c: ComparisonRecord, name: str) -> str:
    """The colour of a fit in every figure."""
    return FIT_COLOURS[list(c.fits).index(name) % len(FIT_COLOURS)]


def local_posteriors(c: ComparisonRecord) -> dict[str, dict[str, Any]]:
    """The posterior of the latents of the rows of each fit, as ``Fit.local`` has it, in the common order."""
    posteriors = {}
    for name, fit in c.fits.items():
        try:
            posteriors[name] = exact.local_posterior(
                fit.fitted_model, exact.thin_draws(c.draws[name]), fit.observed_data()
            )
        except zoo.ZooError:
            return {}
    return posteriors


def discrete_posteriors(posteriors: dict[str, dict[str, Any]]) -> dict[str, dict[str, np.ndarray]]:
    """Of the posteriors those of discrete latents, (N, K), or (N, T, K) of sequences."""
    return {
        name: {site: p for site, p in of_fit.items() if isinstance(p, np.ndarray) and p.ndim > 1}
        for name, of_fit in posteriors.items()
    }


def model_plot(model: zoo.Model) -> Callable[..., None] | None:
    """The function ``plot`` that a model brings, or None."""
    hook = find_hook(model.package, "plot")
    return importlib.import_module(hook).plot if hook else None


def plot_data(c: ComparisonRecord, posteriors: dict[str, dict[str, Any]]) -> Figure | None:
    """The data with the components of the best fit."""
    from matplotlib.figure import Figure

    fit = c.fits[c.best]
    plot = model_plot(fit.model)
    if plot is None or not set(fit.model.card.parameters(fit.keywords)) <= set(c.draws[c.best]):
        return None
    figure = Figure((8, 5), layout="constrained")
    params = {n: v.mean((0, 1)) for n, v in c.draws[c.best].items()}
    axes = figure.add_subplot()
    plot(axes, params, fit.observed_data(), posteriors.get(c.best, {}), fit.keywords, c.columns)
    figure.suptitle(f"{fit.model.card.title}, by {c.best}", fontsize=11)
    return figure


def plot_objective(c: ComparisonRecord) -> Figure | None:
    """The objective after each iteration of EM and each step of SVI."""
    from matplotlib.figure import Figure

    optimised = [n for n, fit in c.fits.items() if np.size(fit.trace) > 1 and c.statistics[n].kind != "chains"]
    if not optimised:
        return None
    figure = Figure((min(4 * len(optimised), 12), 3.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(optimised), squeeze=False)[0], optimised, strict=True):
        fit = c.fits[name]
        trace = np.asarray(fit.trace, dtype=float)
        steps = np.flatnonzero(np.isfinite(trace))  # without those that were skipped
        trace = trace[steps]
        exact_objective = {"ml": "log-likelihood", "map": "log joint"}.get(fit.options.get("objective", ""))
        if exact_objective is None:  # a noisy estimate
            width = max(1, len(trace) // 50)
            smooth = np.convolve(trace, np.ones(width) / width, mode="valid")
            shown = slice(None, None, max(1, len(trace) // MAX_STEPS_SHOWN))
            axes.plot(steps[shown], trace[shown], color=fit_colour(c, name), alpha=0.25, linewidth=0.7)
            axes.plot(steps[width // 2 :][: len(smooth)], smooth, color=fit_colour(c, name))
            later = trace[len(trace) // 5 :]  # the first steps are far outside the scale of the others
            low, high = np.percentile(later, 2), later.max()
            axes.set_ylim(low - 0.2 * (high - low), high + 0.1 * (high - low))
        else:
            axes.plot(steps, trace, color=fit_colour(c, name), marker="o" if len(trace) < 60 else None, markersize=3)
        axes.ticklabel_format(useOffset=False)
        axes.set(title=name, xlabel="iteration" if exact_objective else "step")
        noisy_objective = objective_name(fit.diagnostics, "ELBO")
        axes.set_ylabel(f"{exact_objective or noisy_objective} (nats)")
    return figure


def plot_marginals(c: ComparisonRecord) -> Figure | None:
    """The posterior of each quantity by every fit, the largest disagreement first; a point is a line."""
    from matplotlib.figure import Figure

    spread = [name for name, s in c.statistics.items() if s.kind != "point"]
    if not spread:
        return None
    names = c.statistics[c.reference].quantities
    distance = np.nanmax([np.nan_to_num(reference_distance(c, name)) for name in c.fits], axis=0)
    shown = select_quantities(distance, c.statistics[c.reference].flat, MAX_MARGINAL_PANELS)
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure((2.5 * columns + 0.5, 1.9 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    lines: dict[str, Line2D] = {}
    for axes, j in zip(panels, shown, strict=False):
        for name, s in c.statistics.items():
            lines[name] = plot_marginal(axes, s.flat[:, j], fit_colour(c, name), s.kind == "point", name == c.reference)
        draws = np.concatenate([c.statistics[name].flat[:, j] for name in spread])
        draws = draws[np.isfinite(draws)]
        points = [float(s.mean[j]) for s in c.statistics.values() if s.kind == "point" and np.isfinite(s.mean[j])]
        ends = [*(np.percentile(draws, [0.1, 99.9]) if len(draws) else []), *points]
        if ends:
            space = 0.05 * (max(ends) - min(ends)) or 1.0  # where every draw is the same
            axes.set_xlim(min(ends) - space, max(ends) + space)
        axes.set_ylim(bottom=0)
        axes.set(title=names[j], yticks=[])
        axes.locator_params(axis="x", nbins=4)
        axes.spines["left"].set_visible(False)
    figure.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=min(len(lines), 5))
    return figure


def select_quantities(score: np.ndarray, draws: np.ndarray, count: int) -> list[int]:
    """The quantities of highest score; of two that determine each other, as pi[0] and pi[1], only one is selected."""
    draws = np.where(np.isfinite(draws), draws, np.nan)
    deviations = draws - draws.mean(0)
    norm = np.sqrt((deviations**2).sum(0))
    selected: list[int] = []
    for j in np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable"):
        is_same = np.abs(deviations[:, j] @ deviations[:, selected]) >= (1 - 1e-9) * norm[j] * norm[selected]
        if len(selected) < count and not (norm[j] > 0 and is_same.any()):
            selected.append(int(j))
    return selected


def reference_distance(c: ComparisonRecord, name: str) -> np.ndarray:
    """The distance of each quantity from the reference: Wasserstein, or of a point that from the mean."""
    a = c.agreements[name]
    return np.abs(a.delta) if c.statistics[name].kind == "point" else a.wasserstein


def plot_marginal(axes: Axes, draws: np.ndarray, colour: str, is_point: bool, is_filled: bool) -> Line2D:
    """Draw one fit's posterior of one quantity; returns the line for the legend."""
    draws = draws[np.isfinite(draws)]
    if is_point or not len(draws) or not np.ptp(draws) > 0:
        return axes.axvline(draws[0] if len(draws) else np.nan, color=colour, linestyle="--", linewidth=1.5)
    from arviz_stats.base.array import array_stats

    centre = draws.mean()  # the bins of draws about a large offset would be narrower than its rounding
    grid, density, _ = array_stats.kde(draws - centre)
    grid = grid + centre
    if is_filled:
        axes.fill_between(grid, density, color=colour, alpha=0.2, linewidth=0)
    return axes.plot(grid, density, color=colour, linewidth=1.5)[0]


def plot_responsibilities(c: ComparisonRecord, responsibilities: dict[str, dict[str, np.ndarray]]) -> Figure | None:
    """The probability of each component for every row, or step of a sequence, by each fit, in one order."""
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure

    site = next((s for s, p in responsibilities.get(c.best, {}).items() if p.shape[-1] > 1), None)
    if site is None:
        return None
    shown = {name: of_fit[site].reshape(-1, of_fit[site].shape[-1]) for name, of_fit in responsibilities.items()}
    best = shown[c.best]
    label = best.argmax(1)
    # uncertain rows of the first two labels are placed where the two labels meet
    order = np.lexsort((-best.max(1) * np.where(label == 0, 1, -1), label))
    order = order[:: max(1, len(order) // MAX_ROWS_SHOWN)]
    colours = [to_rgb(f"C{k}") for k in range(best.shape[1])]
    figure = Figure((8, 1.1 * len(shown) + 0.9), layout="constrained")
    panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    edges = np.arange(len(order) + 1)
    for axes, (name, posterior) in zip(panels, shown.items(), strict=True):
        p = posterior[order]
        axes.stackplot(edges, np.vstack([p, p[-1:]]).T, step="post", colors=colours, linewidth=0)
        axes.set(xlim=(0, len(order)), ylim=(0, 1), yticks=[0, 1])
        axes.set_title(name, loc="left")
    panels[-1].set_xlabel("rows, sorted by their most probable component")
    figure.supylabel("probability", fontsize=9)
    return figure


def plot_chains(c: ComparisonRecord, name: str) -> Figure:
    """Chains of the quantities with the highest R-hat: their path, and the ranks of each chain among all draws."""
    from matplotlib.figure import Figure
    from scipy.stats import rankdata

    s = c.statistics[name]
    shown = select_quantities(s.r_hat, s.flat, MAX_CHAIN_PANELS)
    figure = Figure((9, 1.6 * len(shown) + 0.6), layout="constrained")
    panels = figure.subplots(len(shown), 2, squeeze=False, width_ratios=(2, 1))
    chains, draws = s.values.shape[:2]
    bins = max(5, min(20, draws // 20))
    steps = slice(None, None, max(1, draws // MAX_STEPS_SHOWN))
    for (path, ranks), j in zip(panels, shown, strict=True):
        values = s.values[..., j]
        rank = rankdata(values).reshape(values.shape)
        for chain in range(chains):
            colour = FIT_COLOURS[chain % len(FIT_COLOURS)]
            path.plot(np.arange(draws)[steps], values[chain, steps], color=colour, linewidth=0.5, alpha=0.8)
            counts = np.histogram(rank[chain], bins, (0.5, values.size + 0.5))[0]
            ranks.stairs(counts, np.linspace(0, 1, bins + 1), color=colour, linewidth=1.2, baseline=None)
        ranks.axhline(draws / bins, color="black", linestyle="--", linewidth=0.8)
        ranks.set(ylim=(0, None), yticks=[])
        path.set_title(f"{s.quantities[j]}: R-hat {s.r_hat[j]:.3f}, ESS {two_digits(s.ess_bulk[j])}", loc="left")
    panels[-1][0].set_xlabel("draw")
    panels[-1][1].set_xlabel("rank among all draws")
    figure.suptitle(f"{name}: {chains} chains", fontsize=11)
    return figure
