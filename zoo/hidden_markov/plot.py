import numpy as np
from matplotlib.colors import to_rgb

MAX_STEPS = 400
MAX_COLUMNS = 6
HEIGHT_OF_STATES = 0.12  # of the figure


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    """The first sequence over time, one pane for each column, above the probabilities of the states at each step."""
    means = expected_values(params["mu"], (settings or {}).get("emission", "normal"))
    plot_sequence(axes, data["x"][0], responsibilities["z"][0], columns, means=means)


def plot_sequence(axes, x, states, columns=None, means=None, predictions=None):
    """One sequence (T, D) over time, in the colours of the probabilities of its states (T, K).

    means: (K, D), of the states, as horizontal lines. predictions: (T, D), as a line.
    """
    x, states = x[:MAX_STEPS], states[:MAX_STEPS]
    has_value = np.flatnonzero((~np.isnan(x)).any(1))
    length = has_value[-1] + 1 if has_value.size else 1
    x, states = x[:length], states[:length]
    D, K = min(x.shape[1], MAX_COLUMNS), states.shape[1]
    colours = np.array([to_rgb(f"C{k}") for k in range(K)])
    names = columns or [f"x[{d}]" for d in range(D)]
    axes.set_axis_off()
    for k, share in enumerate(states.mean(0)):
        axes.plot([], [], color=colours[k], label=f"state {k} ({share:.0%})")  # for the legend
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncol=min(K, 4))
    height = (1 - HEIGHT_OF_STATES) / D
    for d in range(D):
        pane = axes.inset_axes((0, 1 - (d + 1) * height + 0.02, 1, height - 0.03))
        for k, mean in enumerate([] if means is None else means[:, d]):
            pane.axhline(mean, color=colours[k], linewidth=1, alpha=0.6)
        line = x[:, d] if predictions is None else predictions[:length, d]
        pane.plot(line, color="0.8", linewidth=0.8, zorder=1)
        pane.scatter(np.arange(length), x[:, d], color=np.clip(states @ colours, 0, 1), s=12, linewidth=0, zorder=2)
        pane.set(ylabel=names[d], xlim=(-0.5, length - 0.5))
        pane.tick_params(labelbottom=False)
    pane = axes.inset_axes((0, 0, 1, HEIGHT_OF_STATES))
    pane.stackplot(np.arange(length), *states.T, colors=colours, step="mid")
    pane.set(xlabel="step", ylabel="p(state)", xlim=(-0.5, length - 0.5), ylim=(0, 1))


def expected_values(mu, emission):
    """The mean of each column in each state, (K, D); of symbols that of their numbers."""
    return mu @ np.arange(mu.shape[-1]) if emission == "categorical" else mu
