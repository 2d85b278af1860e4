import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Ellipse

MAX_POINTS = 4000
MAX_COLUMNS = 4


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    x, pi, mu = data["x"], params["pi"], params["mu"]
    K, D = mu.shape
    Sigma = covariances(params["Lambda"], (settings or {}).get("covariance", "full"), K, D)
    titles = columns or [f"x[{d}]" for d in range(D)]
    if D == 1:
        histogram(axes, x[:, 0], pi, mu[:, 0], Sigma[:, 0, 0] ** 0.5)
        axes.set(xlabel=titles[0], ylabel="density")
        return
    rows = slice(None, None, max(1, len(x) // MAX_POINTS))
    colours = np.array([to_rgb(f"C{k}") for k in range(K)])
    blend = np.clip(responsibilities["z"][rows] @ colours, 0, 1)
    num_shown = min(D, MAX_COLUMNS)
    for k in range(K):
        axes.plot([], [], color=colours[k], label=component_name(k, pi))  # for the legend
    for pane, i, j in panes(axes, num_shown):
        pane.scatter(x[rows, j], x[rows, i], color=blend, s=60 / num_shown**2 + 4, linewidth=0, alpha=0.7)
        for k in range(K):
            pair = np.ix_([k], [j, i], [j, i])
            for sds in (1, 2):
                pane.add_patch(ellipse(mu[k, [j, i]], Sigma[pair][0], sds, colours[k]))
            pane.plot(mu[k, j], mu[k, i], "+", color="black", markersize=6)
        pane.set(xlabel=titles[j] if i == num_shown - 1 else None, ylabel=titles[i] if j == 0 else None)
    outside = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
    axes.legend(**outside if num_shown == 2 else {"loc": "upper right"})


def component_name(k, pi):
    return f"component {k} ({pi[k]:.0%})"


def covariances(Lambda, covariance, K, D):
    match covariance:
        case "full":
            return np.linalg.inv(Lambda)
        case "tied":
            return np.broadcast_to(np.linalg.inv(Lambda), (K, D, D))
        case "diag":
            return np.eye(D) / Lambda[:, :, None]
        case "tied_diag":
            return np.broadcast_to(np.eye(D) / Lambda[:, None], (K, D, D))
    return np.eye(D) / Lambda[:, None, None]  # spherical


def panes(axes, num_shown):
    """Each pair of columns below the diagonal and the axes to draw it in: ``axes`` itself where there is one pair."""
    if num_shown == 2:
        return [(axes, 1, 0)]
    axes.set_axis_off()
    side, panes_of_pairs = 1 / (num_shown - 1), []
    for i in range(1, num_shown):
        for j in range(i):
            pane = axes.inset_axes((j * side, 1 - i * side, 0.93 * side, 0.93 * side))
            pane.tick_params(labelbottom=i == num_shown - 1, labelleft=j == 0)
            panes_of_pairs.append((pane, i, j))
    return panes_of_pairs


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
        axes.plot(at, density[:, k], color=to_rgb(f"C{k}"), label=component_name(k, pi))
    axes.legend()
