"""Steps of a linear-Gaussian chain, each with a density of its own, so that states may decide on how it moves.

    z_1 ~ Normal(loc, S S'),    z_t ~ Normal(A_t z_{t-1} + b_t, Q_t Q_t')       t = 2, ..., T

Each ``in_<backend>.py`` provides ``GaussianSteps(loc, scale_tril, transition, offset, noise_tril, T)``. A value has the
shape (..., T, Z), and time is the last dimension of the batch, as of ``Chain``: given a path of states s (..., T),
``transition=A[s]`` and ``offset=b[s]`` are those of each step, and a sum over paths has a density for each state and
step. ``GaussianChain`` has the density of all steps together.

loc is (..., 1, Z) or (Z), scale_tril S (..., 1, Z, Z) or (Z, Z); transition A and noise_tril Q are (..., T, Z, Z) or
(..., 1, Z, Z), and offset b (..., T, Z) or (..., 1, Z), of which the first step is not used.
"""

from __future__ import annotations

from zoo.checks import is_whole
from zoo.errors import ZooError

Shape = tuple[int, ...]


def check_shapes(loc: Shape, scale_tril: Shape, transition: Shape, offset: Shape, noise_tril: Shape, T: object) -> None:
    """Raise ZooError where the parameters do not fit each other, or the number of steps.

    >>> check_shapes((2,), (2, 2), (10, 2, 2), (1, 2), (2, 2), 10)
    >>> check_shapes((2,), (2, 2), (9, 2, 2), (1, 2), (2, 2), 10)
    Traceback (most recent call last):
    ...
    zoo.errors.ZooError: transition of GaussianSteps is (..., 10, 2, 2), or (..., 1, 2, 2) for all steps, not (9, 2, 2)
    """
    if not is_whole(T) or T < 1:
        raise ZooError(f"T is the number of steps of GaussianSteps: give a whole number from 1 up, not {T!r}")
    if not loc:
        raise ZooError("loc of GaussianSteps has the means of the first step: give (Z) of them, not a number")
    Z = loc[-1]
    first = {"loc": (loc, (Z,)), "scale_tril": (scale_tril, (Z, Z))}
    steps = {"transition": (transition, (Z, Z)), "offset": (offset, (Z,)), "noise_tril": (noise_tril, (Z, Z))}
    for name, (shape, event) in {**first, **steps}.items():
        lengths = ((), (1,), (T,)) if name in steps else ((), (1,))
        before = shape[: max(len(shape) - len(event), 0)]
        if shape[len(before) :] != event or before[-1:] not in lengths:
            sizes = ", ".join(map(str, event))
            options = f"(..., {T}, {sizes}), or (..., 1, {sizes}) for all steps" if name in steps else f"({sizes})"
            raise ZooError(f"{name} of GaussianSteps is {options}, not {shape}")
