import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Ellipse

POINTS = 4000  # at most; more would hide each other
COLUMNS = 4  # of those that are drawn against each other


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    x, pi, mu = data["x"], params["pi"], params["mu"]
    K, D = mu.shape
    Sigma = covariances(params["Lambda"], (settings or {}).get("covariance", "full"), K, D)
    titles = columns or [f"x[{d}]" for d in range(D)]
    if D == 1:
        histogram(axes, x[:, 0], pi, mu[:, 0], Sigma[:, 0, 0] ** 0.5)
        axes.set(xlabel=titles[0], ylabel="density")
        return
    some = slice(None, None, max(1, len(x) // POINTS))
    colours = np.array([to_rgb(f"C{k}") for k in range(K)])
    blend = np.clip(responsibilities["z"][some] @ colours, 0, 1)
    shown = min(D, COLUMNS)
    for k in range(K):
        axes.plot([], [], color=colours[k], label=name(k, pi))  # for the legend
    for pane, i, j in panes(axes, shown):
        pane.scatter(x[some, j], x[some, i], color=blend, s=60 / shown**2 + 4, linewidth=0, alpha=0.7)
        for k in range(K):
            of_two = np.ix_([k], [j, i], [j, i])
            for sds in (1, 2):
                pane.add_patch(ellipse(mu[k, [j, i]], Sigma[of_two][0], sds, colours[k]))
            pane.plot(mu[k, j], mu[k, i], "+", color="black", markersize=6)
        pane.set(xlabel=titles[j] if i == shown - 1 else None, ylabel=titles[i] if j == 0 else None)
    beside = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
    axes.legend(**beside if shown == 2 else {"loc": "upper right"})


def name(k, pi):
    return f"component {k} ({pi[k]:.0%})"


def covariances(Lambda, covariance, K, D):
    match covariance:
        case "full":
            return np.linalg.inv(Lambda)
        case "tied":
            return np.broadcast_to(np.linalg.inv(Lambda), (K, D, D))
        case "diag":
            return np.eye(D) / Lambda[:, :, None]
    return np.eye(D) / Lambda[:, None, None]  # spherical


def panes(axes, shown):
    """Each pair of columns below the diagonal and the axes to draw it in: ``axes`` itself where there is one pair."""
    if shown == 2:
        return [(axes, 1, 0)]
    axes.set_axis_off()
    side, found = 1 / (shown - 1), []
    for i in range(1, shown):
        for j in range(i):
            pane = axes.inset_axes((j * side, 1 - i * side, 0.93 * side, 0.93 * side))
            pane.tick_params(labelbottom=i == shown - 1, labelleft=j == 0)
            found.append((pane, i, j))
    return found


def ellipse(centre, covariance, sds, colour):
    values, vectors = np.linalg.eigh(covariance)
    width, height = 2 * sds * np.sqrt(values)
    angle = np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0]))
    return Ellipse(tuple(centre), width, height, angle=angle, fill=False, color=colour, linewidth=2.5 - sds / 2)


def histogram(axes, x, pi, mu, sd):
    axes.hist(x, bins="auto", density=True, color="0.85", edgecolor="white", linewidth=0.5, label="data")
    at = np.linspace(x.min() - sd.min(), x.max() + sd.min(), 500)[:, None]
    density = pi * np.exp(-0.5 * ((at - mu) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
    axes.plot(at, density.sum(1), color="black", linewidth=2.5, label="mixture")  # below its components
    for k in range(len(pi)):
        axes.plot(at, density[:, k], color=to_rgb(f"C{k}"), label=name(k, pi))
    axes.legend()
