import numpy as np
from matplotlib.colors import to_rgb


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    x, pi, theta = data["x"], params["pi"], params["theta"]
    items = np.arange(x.shape[1])
    answered = (~np.isnan(x)).sum(0)
    axes.plot(items, np.nansum(x, 0) / np.maximum(answered, 1), color="0.6", linestyle="--", label="all rows")
    for k in range(len(pi)):
        width = 0.5 + 4 * pi[k]
        axes.plot(items, theta[k], color=to_rgb(f"C{k}"), marker="o", linewidth=width, label=f"class {k} ({pi[k]:.0%})")
    is_small = len(items) <= 30
    axes.set_xticks(items if is_small else items[:: len(items) // 15], labels=columns if columns and is_small else None)
    if columns and is_small and sum(map(len, columns)) > 60:
        axes.tick_params(axis="x", rotation=90)
    axes.set(xlabel="item", ylabel="chance of a yes", ylim=(-0.02, 1.02))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
