import numpy as np

from zoo._distributions.mixed_columns import layout
from zoo.hidden_markov.plot import plot_sequence
from zoo.switching_regression import kinds_of


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    """The responses of the first sequence over time, with their means by the regressions, and the states."""
    x, states, settings = data["x"][0], responsibilities["z"][0], settings or {}
    at = layout(kinds_of(settings.get("columns"), x.shape[1]))
    mean = settings.get("covariate_mean")
    w = x[:, at.covariates] - (np.nanmean(data["x"][..., at.covariates], (0, 1)) if mean is None else mean)
    u = np.concatenate([np.ones((len(x), 1)), w], axis=1)
    predictions = np.einsum("tk,kcq,tq->tc", states, params["beta"], u)
    names = [columns[d] if columns else f"x[{d}]" for d in at.numbers]
    plot_sequence(axes, x[:, at.numbers], states, names, predictions=predictions)
