import numpy as np

from zoo.hidden_markov.plot import plot_sequence


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    """The first sequence over time, with the mean of each step given the steps before, and the states."""
    x, states = data["x"][0], responsibilities["z"][0]
    mu, W = params["mu"], params["W"]
    loc = (settings or {}).get("loc")
    y = x - (np.nanmean(data["x"], (0, 1)) if loc is None else loc)
    means = np.repeat(mu[None], len(x), 0)  # (T, K, D)
    for p in range(1, W.shape[1] + 1):
        means[p:] += np.einsum("kde,te->tkd", W[:, p - 1], y[:-p])
    predictions = np.einsum("tk,tkd->td", states, means)
    predictions[: W.shape[1]] = np.nan
    plot_sequence(axes, x, states, columns, predictions=predictions)
