"""The modes of a density, by ascents from draws of the prior.

Engines that begin in one place see one mode. Some short ascents show whether there are others, and Laplace's
approximation what part of the mass each has (Tierney and Kadane 1986).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from inference.unconstrained.curvature import ValueGradHvp, ascend, local_scales, negative_hessian

MAX_SEARCH_SIZE = 100  # coordinates; a search in more would take longer than the fit
NUM_ASCENTS = 8
LIMITS = {"maxiter": 100, "gtol": 1e-5, "ftol": 1e-11}
MAX_FAILURES = 2  # ascents without a mode, after which there are no more
STATIONARY = 0.1  # nats: what is left to gain, by the gradient and the curvature, at a point that counts as a mode
MIN_DISTANCE = 2.0  # of two modes, in sds of either
MIN_BARRIER = 1.0  # nats by which the density falls between two modes
MIN_MASS = 0.05  # of the largest mode, from which another counts
COPY = 1e-3  # nats between the densities of copies of a mode, by a symmetry


class FoundMode(NamedTuple):
    """A mode (P,), its log density, the Cholesky factor of Laplace's covariance (P, P), and the log of the mass."""

    point: np.ndarray
    value: float
    root: np.ndarray
    log_mass: float


def search_modes(
    value_grad_hvp: ValueGradHvp, starts: Iterable[np.ndarray], has_symmetry: bool = False
) -> list[FoundMode]:
    """The modes that hold some part of the mass, the largest first; none where no ascent ends at a mode.

    has_symmetry: whether copies of a mode, of equal density, count as one.
    """
    found: list[FoundMode] = []
    for number, start in enumerate(starts):
        if number == MAX_FAILURES and not found:  # the density is unbounded, as of centred hierarchies
            return []
        mode = mode_above(value_grad_hvp, start)
        if mode and all(are_apart(value_grad_hvp, mode, other) for other in found):
            found.append(mode)
    found.sort(key=lambda mode: -mode.log_mass)
    if has_symmetry:
        found = [m for i, m in enumerate(found) if not any(abs(m.value - o.value) < COPY for o in found[:i])]
    return [mode for mode in found if mode.log_mass - found[0].log_mass > np.log(MIN_MASS)]


def mode_above(value_grad_hvp: ValueGradHvp, start: np.ndarray) -> FoundMode | None:
    """The mode above a point, or None where an ascent ends at no mode, as on an unbounded density."""
    zeros = np.zeros_like(start)
    value = value_grad_hvp(start, zeros)[0]
    if not np.isfinite(value):
        return None
    unit = local_scales(negative_hessian(value_grad_hvp, start))
    point = start + unit * ascend(value_grad_hvp, start, value, unit, LIMITS).x
    value, gradient, _ = value_grad_hvp(point, zeros)
    precision = negative_hessian(value_grad_hvp, point)
    if not (np.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(precision).all()):
        return None
    sd = local_scales(precision)
    values, vectors = np.linalg.eigh(precision * sd * sd[:, None])
    if values.min() <= 1e-8:
        return None
    scaled = vectors.T @ (gradient * sd)
    if (scaled**2 / values).sum() > STATIONARY:
        return None
    root = sd[:, None] * vectors / np.sqrt(values)
    log_mass = value + 0.5 * len(point) * np.log(2 * np.pi) + np.log(sd).sum() - 0.5 * np.log(values).sum()
    return FoundMode(point, float(value), root, float(log_mass))


def are_apart(value_grad_hvp: ValueGradHvp, one: FoundMode, other: FoundMode) -> bool:
    """Whether two modes are not one: far in the sds of both, with a lower density between them."""
    step = other.point - one.point
    if min(np.linalg.norm(np.linalg.solve(mode.root, step)) for mode in (one, other)) < MIN_DISTANCE:
        return False
    zeros = np.zeros_like(step)
    between = min(value_grad_hvp(one.point + part * step, zeros)[0] for part in np.linspace(0.1, 0.9, 9))
    return not between > min(one.value, other.value) - MIN_BARRIER


def starts_in_modes(
    value_grad_hvp: ValueGradHvp, modes: Sequence[FoundMode], count: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Starts of chains, some in each mode, the others by mass; spread twice as wide as Laplace's approximation.

    Chains that begin further apart than the posterior is wide show by their agreement that they have forgotten where
    (Gelman and Rubin 1992).
    """
    mass = np.exp([mode.log_mass - modes[0].log_mass for mode in modes])
    others = rng.choice(len(modes), size=max(count - len(modes), 0), p=mass / mass.sum())
    starts = []
    for mode in [*modes[:count], *(modes[i] for i in others)]:
        noise = rng.standard_normal(len(mode.point))
        candidates = [mode.point + size * mode.root @ noise for size in (2.0, 1.0, 0.3)]
        possible = (x for x in candidates if np.isfinite(value_grad_hvp(x, np.zeros_like(x))[0]))
        starts.append(next(possible, mode.point))
    return starts
