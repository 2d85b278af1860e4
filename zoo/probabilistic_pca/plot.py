import numpy as np

POINTS, ARROWS = 4000, 12  # at most; more would hide each other


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    """The rows along the two axes that vary most, and where each column points."""
    W, mu, sigma2 = params["W"], params["mu"], params["sigma2"]
    x = np.where(np.isnan(data["x"]), 0.0, data["x"] - mu)  # drawn only: nothing is fitted to what is filled in
    directions, lengths, _ = np.linalg.svd(W, full_matrices=False)
    directions *= np.where(directions.sum(0) < 0, -1.0, 1.0)
    plane = np.zeros((len(mu), 2))
    num_shown = min(2, W.shape[1])
    plane[:, :num_shown] = directions[:, :num_shown]
    scores = x[:: max(1, len(x) // POINTS)] @ plane
    axes.axhline(0, color="0.85", zorder=0)
    axes.axvline(0, color="0.85", zorder=0)
    axes.scatter(*scores.T, color="0.45", s=12, alpha=0.7, linewidth=0)
    tips = plane * 0.8 * np.abs(scores).max() / np.sqrt(np.square(plane).sum(1)).max()
    for d in np.argsort(-np.square(plane).sum(1))[:ARROWS]:
        axes.annotate("", tips[d], (0, 0), arrowprops={"arrowstyle": "->", "color": "C1", "linewidth": 1.2})
        axes.text(*(1.1 * tips[d]), columns[d] if columns else f"x[{d}]", color="C1", ha="center", fontsize=8)
    share = (np.square(lengths) + sigma2) / (np.square(lengths).sum() + sigma2 * len(mu))
    labels = [f"axis {j} ({share[j]:.0%} of the variance)" for j in range(num_shown)]
    axes.set(xlabel=labels[0], ylabel=labels[1] if num_shown == 2 else "")
    axes.update_datalim(1.2 * tips)  # arrows do not count for the limits
    axes.autoscale_view()
    axes.set_aspect("equal", adjustable="datalim")
