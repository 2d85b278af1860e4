"""The figure of the README, in a minute: python docs/old_faithful.py"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure

import inference
import zoo
from inference.evaluation.comparison.figures import plot_marginal
from inference.plots.style import COMPONENT_COLOURS, FIT_COLOURS
from zoo import datasets
from zoo.gaussian_mixture.plot import plot

QUANTITIES = "pi[1]", "mu[1,0]", "mu[1,1]", "mu[2,0]"  # of the two components that overlap

table = datasets.load("faithful")
model = zoo.load("gaussian_mixture", K=3, covariance="tied")  # selected by BIC: see tutorials/01_mixtures.py
svi = inference.fit(model, table, engine="svi", seed=1)
nuts = inference.fit(model, table, engine="nuts", seed=1)
comparison = inference.compare(nuts, svi)

mpl.rcParams.update({"axes.prop_cycle": cycler(color=COMPONENT_COLOURS), "legend.frameon": False, "font.size": 9})
mpl.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10})
figure = Figure((10, 4.2), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1.2, 1))
axes = left.subplots()
means = {name: draws.mean((0, 1)) for name, draws in comparison.draws["nuts"].items()}
plot(axes, means, nuts.data, nuts.local(), nuts.keywords)
axes.legend(loc="upper left")
axes.set(title="three components of Old Faithful", xlabel="eruption (minutes)", ylabel="wait (minutes)")

lines = {}
for axes, quantity in zip(right.subplots(2, 2).ravel(), QUANTITIES, strict=True):
    for colour, (name, statistics) in zip(FIT_COLOURS, comparison.statistics.items(), strict=False):
        draws = statistics.flat[:, statistics.quantities.index(quantity)]
        label = f"{name}: {comparison.verdicts[name].trust}"
        lines[label] = plot_marginal(axes, draws, colour, is_point=False, is_filled=name == comparison.reference)
    reference = comparison.statistics[comparison.reference]
    axes.set_xlim(np.percentile(reference.flat[:, reference.quantities.index(quantity)], [0.5, 99.5]))
    axes.set(title=quantity, yticks=[])
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="x", nbins=4)
    axes.spines["left"].set_visible(False)
right.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=2, title="which posterior to trust?")
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)
