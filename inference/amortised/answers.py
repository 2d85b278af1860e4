"""What is answered of rows, and rows in blocks of one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from zoo.errors import ZooError

Normals = Mapping[str, tuple[np.ndarray, np.ndarray]]


class Code(NamedTuple):
    """The normal q(z_n | x_n) of each row: mean and standard deviation of each number of its code, (N, Z) each."""

    mean: np.ndarray
    sd: np.ndarray


class Parts(NamedTuple):
    """What the ELBO is made of, in nats, for each value of the discrete latents and each row: (E, N), means over draws.

    likelihood: log p(x | y, z). kl: of each continuous latent, (E, N, ...), that of q(z | x, y) from p(z | y): analytic
    where both are normal, which gives one for each number of the code, else log q - log p of the draws. sd: over the
    draws, of likelihood less KL. prior, guide: log p(y) and log q(y | x).
    """

    likelihood: np.ndarray
    kl: dict[str, np.ndarray]
    sd: np.ndarray
    prior: np.ndarray
    guide: np.ndarray


class Terms(NamedTuple):
    """The same of draws: (..., E, B) arrays of a language. ratio: log q(z | x, y) - log p(z | y) of the draw itself."""

    likelihood: Any
    ratio: Any
    kl: dict[str, Any]
    prior: Any
    guide: Any


RATE = 0.2  # of Adam at first, in widths of the guide's normals


def not_normal(name: str, law: str) -> ZooError:
    return ZooError(f"the guide has {name} from {law}: codes are read off, and made better, where it is Normal")


def outside(name: str) -> ZooError:
    return ZooError(f"{name} is outside the plate N, so that rows cannot be asked one by one: put it in the plate")


def filled(values: np.ndarray, size: int, axis: int = 0) -> np.ndarray:
    """``size`` rows along an axis: those given, then the first of them until there are enough.

    >>> filled(np.array([1, 2]), 4)
    array([1, 2, 1, 1])
    """
    short = size - values.shape[axis]
    return np.concatenate([values, np.repeat(np.take(values, [0], axis), short, axis)], axis) if short else values


def some(q: Normals | None, rows: slice, size: int) -> Normals | None:
    """The normals (E, N, ...) of some rows, filled up."""
    return q and {n: (filled(mean[:, rows], size, 1), filled(sd[:, rows], size, 1)) for n, (mean, sd) in q.items()}


def joined(parts: Sequence[Any], N: int, axis: int = 0) -> Any:
    """Answers on one block after another, alike in structure, as one on N rows: arrays are joined along an axis.

    >>> joined([{"a": np.zeros(2)}, {"a": np.ones(2)}], 3)
    {'a': array([0., 0., 1.])}
    """
    first = parts[0]
    if isinstance(first, dict):
        return {name: joined([p[name] for p in parts], N, axis) for name in first}
    if isinstance(first, tuple):
        each = (joined(p, N, axis) for p in zip(*parts, strict=True))
        return type(first)(*each) if hasattr(first, "_fields") else tuple(each)
    return np.concatenate(parts, axis)[(slice(None),) * axis + (slice(N),)]
