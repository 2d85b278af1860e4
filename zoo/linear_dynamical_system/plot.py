import numpy as np
from matplotlib.colors import to_rgb

from zoo.linear_dynamical_system import CARD

MAX_STEPS = 400
MAX_COLUMNS = 6
BAND = 1.645  # standard deviations of a central interval of 90%
TITLES = {"z": "factors", "slope": "slopes"}


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    """The first sequence over time, one pane for each column, with the mean of its level or of what factors explain.

    Below are the slopes or factors. Bands are 90% intervals given the whole sequence.
    """
    x = data["x"][0]
    has_value = np.flatnonzero((~np.isnan(x)).any(1))
    length = min(has_value[-1] + 1 if has_value.size else 1, MAX_STEPS)
    x, steps = x[:length], np.arange(length)
    latents = {n: (p.mean[0, :length], p.covariance[0, :length]) for n, p in responsibilities.items()}
    mean, sd = expected_values({**CARD.fixed_values(settings or {}), **params}, latents)
    others = {n: moments for n, moments in latents.items() if n in TITLES}
    D = min(x.shape[1], MAX_COLUMNS)
    names, height = columns or [f"x[{d}]" for d in range(D)], 1 / (D + len(others))
    axes.set_axis_off()
    pane = axes
    for d in range(D):
        pane = axes.inset_axes((0, 1 - (d + 1) * height + 0.03, 1, height - 0.04))
        pane.scatter(steps, x[:, d], color="0.55", s=8, linewidth=0)
        band(pane, steps, mean[:, d], sd[:, d], "C0")
        pane.set(ylabel=names[d], xlim=(-0.5, length - 0.5))
        pane.tick_params(labelbottom=bool(d == D - 1 and not others))
    for i, (name, (means, covariance)) in enumerate(others.items()):
        pane = axes.inset_axes((0, 1 - (D + i + 1) * height + 0.03, 1, height - 0.04))
        for j, variance in enumerate(np.diagonal(covariance, axis1=-2, axis2=-1).T[:MAX_COLUMNS]):
            band(pane, steps, means[:, j], np.sqrt(variance), f"C{j + 1}")
        pane.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        pane.set(ylabel=TITLES[name], xlim=(-0.5, length - 0.5))
    pane.set_xlabel("step")


def expected_values(params, latents):
    """The mean and standard deviation of each column without its noise, (T, D)."""
    if "level" in latents:
        mean, covariance = latents["level"]
        return mean, np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    mean, covariance = latents["z"]
    W = params["W"]
    return mean @ W.T + params["mu"], np.sqrt(np.einsum("di,tij,dj->td", W, covariance, W))


def band(pane, steps, mean, sd, colour):
    """A line with an interval."""
    colour = to_rgb(colour)  # of the style in which the figure is made, and not of that in which it is saved
    pane.plot(steps, mean, color=colour, linewidth=1.2)
    pane.fill_between(steps, mean - BAND * sd, mean + BAND * sd, color=colour, alpha=0.25, linewidth=0)
