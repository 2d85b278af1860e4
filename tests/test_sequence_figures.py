"""Figures of sequences show the numbers that they are of."""

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

import inference
import zoo
from inference import sequences
from inference.analysis.sequences.figures import LEAST_SHOWN, LEAST_WIDTH, WIDTH
from inference.evaluation.comparison.figures import model_plot
from tests.paths import simulated
from zoo.linear_dynamical_system.plot import BAND


@pytest.fixture(scope="module")
def chain():
    params, x = simulated("normal")
    params["A"] = np.array([[0.9, 0.099, 0.001], [0.2, 0.5, 0.3], [0.0, 0.0, 1.0]])
    fit = inference.fit(zoo.load("hidden_markov", "pyro", K=3), x, "em", start=params, max_iter=1)
    fit.params.update(params)
    return fit


def test_arrows_have_the_width_of_the_probability(chain):
    axes = sequences.figures.transition_graph(chain, ["calm", "busy", "end"])
    A = chain.params["A"]
    arrows = [p for p in axes.patches if isinstance(p, FancyArrowPatch)]
    np.testing.assert_allclose([p.get_linewidth() for p in arrows], LEAST_WIDTH + WIDTH * A[A >= LEAST_SHOWN])
    assert sum(isinstance(p, Circle) for p in axes.patches) == 3
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["0.90", "0.10", "0.20", "0.50", "0.30", "1.00", "calm", "busy", "end"]
    with pytest.raises(zoo.ZooError, match="2 labels for K=3 states"):
        sequences.figures.transition_graph(chain, ["calm", "busy"])


def test_a_graph_is_drawn_where_it_is_asked_for(chain, tmp_path):
    figure = Figure()
    axes = figure.add_subplot()
    assert sequences.figures.transition_graph(chain, axes=axes) is axes
    figure.savefig(tmp_path / "graph.png")


def test_a_fan_has_the_quantiles_of_the_forecast(chain, tmp_path):
    figure = sequences.figures.forecast_fan(chain, steps=4, sequence=1, time=2000 + np.arange(6), num_draws=300)
    draws = sequences.forecast(chain, steps=4, num_draws=300).draws["x"][:, 1]
    assert len(figure.axes) == 2
    for d, axes in enumerate(figure.axes):
        series, median = axes.lines
        np.testing.assert_array_equal(series.get_ydata(), chain.observed_data()["x"][1, :, d])
        np.testing.assert_array_equal(median.get_xdata(), 2006 + np.arange(4))
        np.testing.assert_allclose(np.asarray(median.get_ydata()), np.median(draws[..., d], 0))
        for band, probability in zip(axes.collections, (0.9, 0.5), strict=True):
            ends = np.quantile(draws[..., d], [(1 - probability) / 2, (1 + probability) / 2], axis=0)
            heights = band.get_paths()[0].vertices
            assert np.isin(ends.round(9), np.asarray(heights)[:, 1].round(9)).all()
    figure.savefig(tmp_path / "fan.png")


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"sequence": 3}, "sequence=3: there are 3, from 0 to 2"),
        ({"time": [1, 2]}, "time has 2 values for T=6 steps"),
        ({"history": 0}, "history"),
    ],
)
def test_fans_of_what_there_is_not(chain, keywords, message):
    with pytest.raises(zoo.ZooError, match=message):
        sequences.figures.forecast_fan(chain, **keywords)


def test_symbols_have_no_fan():
    params, x = simulated("categorical")
    fit = inference.fit(zoo.load("hidden_markov", "pyro", K=3, emission="categorical"), x, start=params, max_iter=1)
    with pytest.raises(zoo.ZooError, match="x has the kind category"):
        sequences.figures.forecast_fan(fit)


@pytest.mark.parametrize(("structure", "panes"), [("general", 4), ("local_level", 3), ("local_trend", 4)])
def test_the_figure_of_a_linear_dynamical_system_has_the_moments_of_its_latents(structure, panes, tmp_path):
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(size=(2, 12, 3)), axis=1)
    x[0, 4:6] = x[0, 10:] = np.nan
    fit = inference.fit(zoo.load("linear_dynamical_system", "pyro", structure=structure, Z=2), x, max_iter=5)
    figure, local = Figure(), fit.local()
    plot: Any = model_plot(fit.model)
    plot(figure.add_subplot(), fit.params, fit.observed_data(), local, fit.keywords)
    figure.savefig(tmp_path / "plot.png")
    children = figure.axes[0].child_axes
    assert len(children) == panes
    if structure == "general":
        mean = local["z"].mean[0] @ fit.params["W"].T + fit.params["mu"]
        variance = (fit.params["W"] @ local["z"].covariance[0]) * fit.params["W"]
        variance = variance.sum(-1)
    else:
        mean, variance = local["level"].mean[0], np.diagonal(local["level"].covariance[0], axis1=1, axis2=2)
    for d in range(3):
        (line,) = children[d].lines
        np.testing.assert_allclose(np.asarray(line.get_ydata()), mean[:10, d])
        heights = np.asarray(children[d].collections[1].get_paths()[0].vertices)[:, 1].round(9)
        assert np.isin((mean[:10, d] + BAND * np.sqrt(variance[:10, d])).round(9), heights).all()
