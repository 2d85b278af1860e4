import numpy as np
from matplotlib.colors import to_rgb

from zoo._distributions.mixed_columns import layout
from zoo.data.column_kinds import column_levels
from zoo.mixed_latent_class import labels

MAX_NAMED = 30  # ticks with a name


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    x, pi, settings = data["x"], params["pi"], settings or {}
    at = layout(column_levels(settings.get("columns"), x.shape[1]))
    names = list(columns) if columns else [f"x[{d}]" for d in range(x.shape[1])]
    low, high = np.nanmin(x, 0), np.nanmax(x, 0)
    values, titles = [], []
    for d in range(x.shape[1]):
        if d in at.categories:
            values += list(params[f"theta{d}"].T)
            titles += labels({"columns": column_levels(settings["columns"], 0)}, names)[f"theta{d}"][1]
        elif d in at.numbers or d in at.counts:
            source, kind = (params["mu"], at.numbers) if d in at.numbers else (params["rate"], at.counts)
            values.append((source[:, list(kind).index(d)] - low[d]) / max(high[d] - low[d], 1e-300))
            titles.append(names[d])
    ticks = np.arange(len(values))
    for k in range(len(pi)):
        label, width = f"class {k} ({pi[k]:.0%})", 0.5 + 4 * pi[k]
        axes.plot(ticks, np.array(values)[:, k], color=to_rgb(f"C{k}"), marker="o", linewidth=width, label=label)
    is_small = len(ticks) <= MAX_NAMED
    axes.set_xticks(ticks if is_small else ticks[:: len(ticks) // 15], labels=titles if is_small else None)
    if is_small and sum(map(len, titles)) > 60:
        axes.tick_params(axis="x", rotation=90)
    axes.set(ylabel="probability; means from the least value to the largest", ylim=(-0.02, 1.02))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
