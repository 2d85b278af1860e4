"""Markov chains of discrete states: ``Chain(initial, transition, T)``, one site for all T steps.

    z_1 ~ Categorical(initial),    z_t ~ Categorical(transition[z_{t-1}])    t = 2, ..., T

Each ``in_<backend>.py`` provides it. A value has the shape (..., T), and time is the last dimension of the batch, as if
in the plate of the steps: an emission ``Normal(mu[z], 1)`` in that plate has the dimensions of the states. The density
of step t is that of z_t given z_{t-1}, so that their sum is the density of the chain.

The dimensions of the parameters to the left of the states are those of a value, time among them: initial is (K) or
(..., 1, K), transition (K, K) or (..., 1, K, K), and (..., T - 1, K, K) where its rows change with time. So a
parameter of the rows, in a plate at dimension -2, has the shape that it needs.

A chain of T steps has K^T values. Enumeration by NumPyro and Pyro would take the steps for independent, and is refused;
that of ``inference.exact.enumeration`` is a forward pass.
"""

from __future__ import annotations

import numpy as np

from zoo.checks import is_whole
from zoo.errors import ZooError

TOLERANCE = 1e-4  # of sums of probabilities, in 32 bits


def check_shapes(initial: tuple[int, ...], transition: tuple[int, ...], T: object) -> None:
    """Raise ZooError where the shapes of the parameters do not fit each other, or the number of steps.

    >>> check_shapes((3,), (3, 3), 10)
    >>> check_shapes((3,), (8, 3, 3), 10)
    Traceback (most recent call last):
    ...
    zoo.errors.ZooError: a Chain of T=10 steps has T - 1 = 9 transitions: transition is (..., 9, 3, 3), or (3, 3) for \
all steps, not (8, 3, 3)
    """
    if not is_whole(T) or T < 1:
        raise ZooError(f"T is the number of steps of a Chain: give a whole number from 1 up, not {T!r}")
    if not initial:
        raise ZooError("initial of a Chain has the probabilities of the first state: give (K) of them, not a number")
    K = initial[-1]
    if transition[-2:] != (K, K):
        raise ZooError(f"initial of a Chain has K={K} states: transition is ({K}, {K}), not {transition}")
    if initial[-2:-1] not in ((), (1,)):
        raise ZooError(f"initial of a Chain is ({K}), or (..., 1, {K}) with a 1 for time, not {initial}")
    if transition[-3:-2] not in ((), (1,), (T - 1,)):
        raise ZooError(
            f"a Chain of T={T} steps has T - 1 = {T - 1} transitions: transition is (..., {T - 1}, {K}, {K}), or "
            f"({K}, {K}) for all steps, not {transition}"
        )


def check_probabilities(name: str, values: np.ndarray) -> None:
    """Raise ZooError for the first row that is not a distribution; NaN, as at a diverging step of nuts, is left alone.

    >>> check_probabilities("transition", np.array([[0.9, 0.2], [0.5, 0.5]]))
    Traceback (most recent call last):
    ...
    zoo.errors.ZooError: transition of a Chain has probabilities in its last dimension: row 0 sums to 1.1, not to 1
    """
    with np.errstate(invalid="ignore"):
        is_wrong = (values < 0).any(-1) | (abs(values.sum(-1) - 1) > TOLERANCE)
    if is_wrong.any():
        index = np.argwhere(is_wrong)[0]
        row = values[tuple(index)]
        place = f"row {', '.join(map(str, index))}" if index.size else "it"
        problem = f"has {row.min():g}" if (row < 0).any() else f"sums to {row.sum():g}, not to 1"
        raise ZooError(f"{name} of a Chain has probabilities in its last dimension: {place} {problem}")


def check_states(values: np.ndarray, K: int) -> None:
    """Raise ZooError for a state that is not one of K.

    >>> check_states(np.array([0, 3]), 3)
    Traceback (most recent call last):
    ...
    zoo.errors.ZooError: the states of a Chain with K=3 are whole numbers from 0 to 2: 3 is not
    """
    is_wrong = (values < 0) | (values >= K) | (values != np.round(values))
    if is_wrong.any():
        states = f"whole numbers from 0 to {K - 1}"
        raise ZooError(f"the states of a Chain with K={K} are {states}: {values[is_wrong][0]:g} is not")
