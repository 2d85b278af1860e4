import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator
from scipy.stats import poisson

BARS = 60  # at most: wider ranges are counted in bins of several counts


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    x, pi, rate = data["x"], params["pi"], params["rate"]
    width = int(np.ceil((x.max() - x.min() + 1) / BARS))
    left = np.arange(x.min(), x.max() + width, width)
    bins = np.append(left, left[-1] + width) - 0.5
    axes.hist(x, bins, color="0.85", edgecolor="white", linewidth=0.5, label="data")
    # expected number of rows in each bin, the share of each component and their sum
    expected = len(x) * pi * np.diff(poisson.cdf(np.ceil(bins[:, None]) - 1, rate), axis=0)
    middle = (bins[:-1] + bins[1:]) / 2
    axes.plot(middle, expected.sum(1), color="black", linewidth=2.5, label="mixture")  # below its components
    for k in range(len(pi)):
        label = f"component {k}: rate {rate[k]:.3g} ({pi[k]:.0%})"
        axes.plot(middle, expected[:, k], color=to_rgb(f"C{k}"), marker="o", markersize=3, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel=columns[0] if columns else "count", ylabel="rows" if width == 1 else f"rows per {width} counts")
    axes.legend()
