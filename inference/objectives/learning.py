"""Steps of Adam for what an estimator learns itself: a baseline, a temperature. The state is a dict of arrays.

These steps are apart from those of the program and the guide, so that the options of training leave them alone.
"""

from __future__ import annotations

from collections.abc import Callable

from zoo.types import BackendArray

Arrays = dict[str, BackendArray]
DECAYS = 0.9, 0.999  # of the averages of the gradient and of its square


def start(values: Arrays, zeros: Callable[[tuple[int, ...]], BackendArray]) -> Arrays:
    """The state before the first step: values, averages of 0, and the number of steps."""
    averages = {f"{part}/{n}": zeros(tuple(v.shape)) for part in ("first", "second") for n, v in values.items()}
    return {**values, **averages, "steps": zeros(())}


def values_of(state: Arrays) -> Arrays:
    """The values in a state of ``start``."""
    return {n: v for n, v in state.items() if f"first/{n}" in state}


def step(state: Arrays, slopes: Arrays, rate: float, decays: tuple[float, float] = DECAYS) -> Arrays:
    """One step of Adam (Kingma and Ba 2015) against the slopes.

    Parameters
    ----------
    state : dict of str to array
        As ``start`` makes it; other entries stay.
    slopes : dict of str to array
        The derivatives of the loss by the values.
    rate : float
        The learning rate.
    decays : tuple of float, default (0.9, 0.999)
        Of the averages of the gradient and of its square.

    Returns
    -------
    dict of str to array
    """
    (b1, b2), count = decays, state["steps"] + 1
    after = {**state, "steps": count}
    for name, slope in slopes.items():
        first = after[f"first/{name}"] = b1 * state[f"first/{name}"] + (1 - b1) * slope
        second = after[f"second/{name}"] = b2 * state[f"second/{name}"] + (1 - b2) * slope**2
        length = (second / (1 - b2**count)) ** 0.5 + 1e-8
        after[name] = state[name] - rate * first / (1 - b1**count) / length
    return after
