"""Pictures of a comparison. Each fit keeps one colour throughout, and so does each component.

A model of the zoo may bring ``plot.py`` with ``plot(axes, params, data, responsibilities, settings, columns)``:
it draws the data with its fitted components, component k in matplotlib's colour ``Ck`` of that moment. params, data and
responsibilities are numpy, labels aligned; settings are the program's keywords; columns may be None.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

import zoo
from inference import exact
from inference.evaluation.comparison.record import ComparisonRecord
from zoo.hooks import find_hook

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# colours told apart by the colour-blind: Okabe and Ito (2008) for fits, Tol's "muted" (2021) for components
FIT_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
COMPONENT_COLOURS = ("#332288", "#CC6677", "#117733", "#DDCC77", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499")
MARGINALS, TRACED = 12, 4  # panels, at most
ROWS, STEPS = 2000, 2000  # drawn, at most


def figures(c: ComparisonRecord) -> dict[str, Figure]:
    """The figures by name; one that has nothing to show is left out."""
    import matplotlib
    from cycler import cycler

    style = {
        "axes.prop_cycle": cycler(color=COMPONENT_COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10,
        "axes.labelsize": 9,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "legend.fontsize": 8,
        "legend.frameon": False,
        "font.family": "DejaVu Sans",
    }
    shared = responsibilities(c)
    makers: dict[str, Callable[[], Figure | None]] = {
        "data": lambda: data(c, shared),
        "objective": lambda: objective(c),
        "marginals": lambda: marginals(c),
        "responsibilities": lambda: labels(c, shared),
    }
    chains = [name for name, e in c.evidence.items() if e.kind == "chains"]
    makers |= {f"chains of {name}": lambda name=name: traces(c, name) for name in chains}
    with matplotlib.rc_context(style):
        made = {name: make() for name, make in makers.items()}
    return {name: figure for name, figure in made.items() if figure is not None}


def colour(c: ComparisonRecord, name: str) -> str:
    return FIT_COLOURS[list(c.fits).index(name) % len(FIT_COLOURS)]


def responsibilities(c: ComparisonRecord) -> dict[str, dict[str, np.ndarray]]:
    """For each fit the posterior of its discrete latents, ``{"z": (N, K)}``, labels in the common order."""
    found = {}
    for name, fit in c.fits.items():
        try:
            posterior = exact.local(fit.fitted_model, exact.few(c.draws[name]), fit.observed_data())
        except zoo.ZooError:
            return {}
        found[name] = {site: p for site, p in posterior.items() if isinstance(p, np.ndarray) and p.ndim == 2}
    return found


def plot_of(model: zoo.Model) -> Callable[..., None] | None:
    """The function ``plot`` that a model brings, or None."""
    hook = find_hook(model.package, "plot")
    return importlib.import_module(hook).plot if hook else None


def data(c: ComparisonRecord, shared: dict[str, dict[str, np.ndarray]]) -> Figure | None:
    """The data with the components of the fit to use."""
    from matplotlib.figure import Figure

    fit = c.fits[c.best]
    plot = plot_of(fit.model)
    if plot is None:
        return None
    figure = Figure((8, 5), layout="constrained")
    params = {n: v.mean((0, 1)) for n, v in c.draws[c.best].items()}
    axes = figure.add_subplot()
    plot(axes, params, fit.observed_data(), shared.get(c.best, {}), fit.keywords, c.columns)
    figure.suptitle(f"{fit.model.card.title}, by {c.best}", fontsize=11)
    return figure


def objective(c: ComparisonRecord) -> Figure | None:
    """What EM and SVI climbed: the objective after each iteration or step."""
    from matplotlib.figure import Figure

    climbed = [n for n, fit in c.fits.items() if np.size(fit.trace) > 1 and c.evidence[n].kind != "chains"]
    if not climbed:
        return None
    figure = Figure((min(4 * len(climbed), 12), 3.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(climbed), squeeze=False)[0], climbed, strict=True):
        fit = c.fits[name]
        trace = np.asarray(fit.trace, dtype=float)
        steps = np.arange(len(trace))
        exact = {"ml": "log-likelihood", "map": "log joint"}.get(fit.options.get("objective", ""))
        if exact is None:  # an estimate, which trembles
            width = max(1, len(trace) // 50)
            smooth = np.convolve(trace, np.ones(width) / width, mode="valid")
            some = slice(None, None, max(1, len(trace) // STEPS))
            axes.plot(steps[some], trace[some], color=colour(c, name), alpha=0.25, linewidth=0.7)
            axes.plot(steps[width // 2 :][: len(smooth)], smooth, color=colour(c, name))
            align_within = trace[len(trace) // 5 :]  # the first steps fall off the scale
            low, high = np.percentile(align_within, 2), align_within.max()
            axes.set_ylim(low - 0.2 * (high - low), high + 0.1 * (high - low))
        else:
            axes.plot(steps, trace, color=colour(c, name), marker="o" if len(trace) < 60 else None, markersize=3)
        axes.ticklabel_format(useOffset=False)
        axes.set(title=name, xlabel="iteration" if exact else "step", ylabel=f"{exact or 'ELBO'} (nats)")
    return figure


def marginals(c: ComparisonRecord) -> Figure | None:
    """The posterior of each quantity by every fit, those that agree least first; a point is a line."""
    from matplotlib.figure import Figure

    spread = [name for name, e in c.evidence.items() if e.kind != "point"]
    if not spread:
        return None
    names = c.evidence[c.reference].quantities
    distance = np.nanmax([np.nan_to_num(disagreement(c, name)) for name in c.fits], axis=0)
    shown = first(distance, c.evidence[c.reference].flat, MARGINALS)
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure((2.5 * columns + 0.5, 1.9 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    lines: dict[str, Any] = {}
    for axes, j in zip(panels, shown, strict=False):
        for name, e in c.evidence.items():
            lines[name] = marginal(axes, e.flat[:, j], colour(c, name), e.kind == "point", name == c.reference)
        drawn = np.concatenate([c.evidence[name].flat[:, j] for name in spread])
        low, high = np.percentile(drawn, [0.1, 99.9])
        points = [float(e.mean[j]) for e in c.evidence.values() if e.kind == "point"]
        low, high = min([low, *points]), max([high, *points])
        axes.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        axes.set_ylim(bottom=0)
        axes.set(title=names[j], yticks=[])
        axes.locator_params(axis="x", nbins=4)
        axes.spines["left"].set_visible(False)
    figure.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=min(len(lines), 5))
    return figure


def first(score: np.ndarray, draws: np.ndarray, count: int) -> list[int]:
    """The quantities of highest score; one that mirrors another, as pi[1] mirrors pi[0], is left out."""
    spread = draws - draws.mean(0)
    norm = np.sqrt((spread**2).sum(0))
    chosen: list[int] = []
    for j in np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable"):
        same = np.abs(spread[:, j] @ spread[:, chosen]) >= (1 - 1e-9) * norm[j] * norm[chosen]
        if len(chosen) < count and not (norm[j] > 0 and same.any()):
            chosen.append(int(j))
    return chosen


def disagreement(c: ComparisonRecord, name: str) -> np.ndarray:
    """One number for each quantity: the Wasserstein distance of a fit from the reference, of a point its distance."""
    a = c.agreements[name]
    return np.abs(a.delta) if c.evidence[name].kind == "point" else a.wasserstein


def marginal(axes: Axes, draws: np.ndarray, shade: str, point: bool, filled: bool) -> Any:
    """One fit's posterior of one quantity; returns what the legend shows."""
    if point or not np.ptp(draws) > 0:
        return axes.axvline(draws[0], color=shade, linestyle="--", linewidth=1.5)
    from arviz_stats.base.array import array_stats

    grid, density, _ = array_stats.kde(draws[np.isfinite(draws)])
    if filled:
        axes.fill_between(grid, density, color=shade, alpha=0.2, linewidth=0)
    return axes.plot(grid, density, color=shade, linewidth=1.5)[0]


def labels(c: ComparisonRecord, shared: dict[str, dict[str, np.ndarray]]) -> Figure | None:
    """The probability of each component for every row, by each fit; the rows are in one order."""
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure

    site = next((s for s, p in shared.get(c.best, {}).items() if p.shape[-1] > 1), None)
    if site is None:
        return None
    best = shared[c.best][site]
    label = best.argmax(1)
    # the doubtful rows of the first two labels lie where these meet
    order = np.lexsort((-best.max(1) * np.where(label == 0, 1, -1), label))
    order = order[:: max(1, len(order) // ROWS)]
    shades = [to_rgb(f"C{k}") for k in range(best.shape[1])]
    figure = Figure((8, 1.1 * len(shared) + 0.9), layout="constrained")
    panels = figure.subplots(len(shared), 1, sharex=True, squeeze=False)[:, 0]
    edges = np.arange(len(order) + 1)
    for axes, (name, posterior) in zip(panels, shared.items(), strict=True):
        p = posterior[site][order]
        axes.stackplot(edges, np.vstack([p, p[-1:]]).T, step="post", colors=shades, linewidth=0)
        axes.set(xlim=(0, len(order)), ylim=(0, 1), yticks=[0, 1])
        axes.set_title(name, loc="left")
    panels[-1].set_xlabel("rows, sorted by their most probable component")
    figure.supylabel("probability", fontsize=9)
    return figure


def traces(c: ComparisonRecord, name: str) -> Figure:
    """Chains of the quantities with the highest R-hat: their path, and the ranks each chain takes among all draws."""
    from matplotlib.figure import Figure
    from scipy.stats import rankdata

    e = c.evidence[name]
    shown = first(e.r_hat, e.flat, TRACED)
    figure = Figure((9, 1.6 * len(shown) + 0.6), layout="constrained")
    panels = figure.subplots(len(shown), 2, squeeze=False, width_ratios=(2, 1))
    chains, draws = e.values.shape[:2]
    bins = max(5, min(20, draws // 20))
    some = slice(None, None, max(1, draws // STEPS))
    for (path, ranks), j in zip(panels, shown, strict=True):
        values = e.values[..., j]
        rank = rankdata(values).reshape(values.shape)
        for chain in range(chains):
            shade = FIT_COLOURS[chain % len(FIT_COLOURS)]
            path.plot(np.arange(draws)[some], values[chain, some], color=shade, linewidth=0.5, alpha=0.8)
            counts = np.histogram(rank[chain], bins, (0.5, values.size + 0.5))[0]
            ranks.stairs(counts, np.linspace(0, 1, bins + 1), color=shade, linewidth=1.2, baseline=None)
        ranks.axhline(draws / bins, color="black", linestyle="--", linewidth=0.8)
        ranks.set(ylim=(0, None), yticks=[])
        path.set(ylabel=e.quantities[j], title=f"R-hat {e.r_hat[j]:.3f}, ESS {e.ess_bulk[j]:.0f}")
    panels[-1][0].set_xlabel("draw")
    panels[-1][1].set_xlabel("rank among all draws")
    figure.suptitle(f"{name}: {chains} chains", fontsize=11)
    return figure
