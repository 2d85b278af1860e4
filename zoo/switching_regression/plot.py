import numpy as np
from scipy.special import expit

from zoo._distributions.mixed_columns import layout
from zoo.hidden_markov.plot import plot_sequence
from zoo.switching_regression import kinds_of, responses_of


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    """The responses of the first sequence over time, with their means by the regressions, and the states."""
    x, states, settings = data["x"][0], responsibilities["z"][0], settings or {}
    at = layout(kinds_of(settings.get("columns"), x.shape[1]))
    mean = settings.get("covariate_mean")
    w = x[:, at.covariates] - (np.nanmean(data["x"][..., at.covariates], (0, 1)) if mean is None else mean)
    u = np.concatenate([np.ones((len(x), 1)), w], axis=1)
    means = means_of(np.einsum("kcq,tq->tkc", params["beta"], u), len(at.numbers), len(at.categories))
    predictions = np.einsum("tk,tkc->tc", states, means)
    responses = responses_of(at)
    names = [columns[d] if columns else f"x[{d}]" for d in responses]
    plot_sequence(axes, x[:, responses], states, names, predictions=predictions)


def means_of(o, num_numbers, num_binary):
    """The means of responses from their linear predictors (..., C)."""
    numbers, odds, rates = np.split(o, [num_numbers, num_numbers + num_binary], axis=-1)
    return np.concatenate([numbers, expit(odds), np.exp(rates)], axis=-1)
