"""Densities that are 0 outside of the support, whose bounds may depend on latents.

The libraries check supports where they validate every distribution, which is off for speed: the uniform density of
NumPyro is 1 / (high - low) everywhere. Here the bounds are part of the density: beyond them it is -inf with a gradient
of 0, and within them it is the library's.

Each ``in_<backend>.py`` has

    within_support(fn)      the same distribution with such a density
    bounds_of(fn)           its ``Bounds``
    sum_of_bounds(fn)       their sum, whose gradient tells on which latents they depend
    without_joins(fn)       the distribution within ``to_event``, masks and expansions

Bounds are those of numbers, closed at both ends: a value on a bound has the density of the library. A distribution of
vectors that has no bound for each number, as on a simplex, stays as it is, and so does one on a circle.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from typing import NamedTuple

from zoo.types import BackendArray

Distribution = BackendArray  # of either backend


class ArrayFunctions(NamedTuple):
    """What bounds need of a backend. constant: an array without its gradient."""

    where: Callable[..., BackendArray]
    array: Callable[..., BackendArray]
    minimum: Callable[..., BackendArray]
    maximum: Callable[..., BackendArray]
    constant: Callable[..., BackendArray]


class Bounds(NamedTuple):
    """The least and the greatest number of a support, infinite where there is none; no bounds are (None, None)."""

    low: BackendArray | None
    high: BackendArray | None


UNBOUNDED = Bounds(None, None)


def constraint_bounds(support: object, functions: ArrayFunctions) -> Bounds:
    """The bounds of a constraint of either backend on single numbers; none on a circle."""
    while hasattr(support, "base_constraint"):
        support = support.base_constraint  # pyright: ignore[reportAttributeAccessIssue]
    low, high = (getattr(support, name, None) for name in ("lower_bound", "upper_bound"))
    is_of_vectors = bool(getattr(support, "event_dim", 0))
    if (low is None and high is None) or is_of_vectors or type(support).__name__ == "_Circular":
        return UNBOUNDED
    return Bounds(
        functions.constant(functions.array(-math.inf if low is None else low)),
        functions.constant(functions.array(math.inf if high is None else high)),
    )


def distribution_bounds(fn: Distribution, functions: ArrayFunctions) -> Bounds:
    """The bounds of a distribution that is no wrapper; those of a transformed one are the images of its base's."""
    transforms = list(getattr(fn, "transforms", ()))
    if not transforms:
        return constraint_bounds(fn.support, functions)
    if any(t.domain.event_dim or t.codomain.event_dim for t in transforms):
        return UNBOUNDED
    bounds = distribution_bounds(fn.base_dist, functions)
    for transform in transforms:
        if bounds.low is None or type(transform).__name__ == "AbsTransform":  # the only one that is not monotone
            bounds = constraint_bounds(transform.codomain, functions)
            continue
        images = [functions.constant(transform(b)) for b in bounds]
        bounds = Bounds(functions.minimum(*images), functions.maximum(*images))
    return bounds


def place_inside(fn: Distribution, value: BackendArray, functions: ArrayFunctions) -> tuple[BackendArray, BackendArray]:
    """Whether each event of a value lies within the bounds, and the value with inner ones in place of those outside.

    So the density is computed inside alone: the derivative of a logarithm of a negative number would be NaN, also
    where the number does not count.
    """
    low, high = distribution_bounds(fn, functions)
    is_inside = (value >= low) & (value <= high)  # NaN does not
    is_discrete = bool(fn.support.is_discrete)
    inner = inner_value(low, high, is_discrete, functions)
    if is_discrete:  # an index is a whole number
        inner = functions.array(inner, dtype=value.dtype)
    inner = functions.where(is_inside, value, inner)
    if fn.event_dim:
        is_inside = is_inside.reshape(*is_inside.shape[: is_inside.ndim - fn.event_dim], -1).all(-1)
    return is_inside, inner


def inner_value(low: BackendArray, high: BackendArray, is_discrete: bool, functions: ArrayFunctions) -> BackendArray:
    """A number between two bounds."""
    step = 0.0 if is_discrete else 1.0
    middle = low if is_discrete else (low + high) / 2
    without_low = functions.where(low == -math.inf, high - step, middle)
    return functions.where(high == math.inf, low + step, without_low)


def map_base(
    fn: Distribution, wrappers: tuple[type, ...], change: Callable[[Distribution], Distribution]
) -> Distribution:
    """A distribution with that within ``to_event``, masks, expansions and mixtures changed, whose density is theirs.

    wrappers: their types, of a backend.
    """
    if not isinstance(fn, wrappers):
        return change(fn)
    name = next(n for n in ("base_dist", "_component_distribution", "_component_distributions") if hasattr(fn, n))
    before = getattr(fn, name)
    is_list = isinstance(before, list | tuple)
    after = [map_base(b, wrappers, change) for b in (before if is_list else [before])]
    changed = copy(fn)
    setattr(changed, name, after if is_list else after[0])
    return changed
