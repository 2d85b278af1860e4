"""Alignment of component labels (label switching).

A dimension of ``Card.exchangeable``, K in the zoo's own models, has components that can be permuted, so a posterior
over them has K! equal copies, and averages across the copies are meaningless. The draw of highest log joint is the
pivot (Marin, Mengersen and Robert 2005, "Bayesian modelling and inference on mixtures of distributions", section 4.3):
its components are sorted, every other draw is matched to it by the Hungarian algorithm, and then to the mean of the
matched draws until no draw changes. Distances are in within-component standard deviations, one for each quantity, so
that the passes are a coordinate ascent of the normal likelihood of Stephens (2000, "Dealing with label switching in
mixture models").

Neither the log joint nor the sorted pivot depends on the labels, and every sum is taken in an order that does not
either: permuting the labels of some draws changes no bit of the result. Of quantities whose axes may be rotated the
length along these axes is used, which is invariant.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Card
from zoo.types import Keywords

MATCHING_PASSES = 50
VARIANCE_FLOOR = 1e-6  # part of the total variance that is added to that within components, which may be zero

Draws = dict[str, np.ndarray]


def align_within(card: Card, settings: Keywords, draws: Mapping[str, np.ndarray], lp: np.ndarray) -> tuple[Draws, int]:
    """The draws with the components of each in one order, and how many had another order than most.

    lp is the log joint, (chain, draw).
    """
    aligned, minority = dict(draws), 0
    for dim in card.exchangeable:
        order = label_order(card, settings, aligned, lp, dim)
        aligned, minority = permute_labels(card, settings, aligned, order, dim), max(minority, count_minority(order))
    return aligned, minority


def align_to(
    card: Card, settings: Keywords, draws: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]
) -> Draws:
    """Aligned draws with their components, all draws alike, in the order of the reference."""
    aligned = dict(draws)
    for dim in card.exchangeable:
        f, target = (component_features(card, settings, values, dim) for values in (aligned, reference))
        if f.size:
            order = match_components(f.mean(0)[None], *centre_and_scale(target))[0]
            shape = next(iter(draws.values())).shape[:2]
            everywhere = np.broadcast_to(order, (*shape, len(order)))
            aligned = permute_labels(card, settings, aligned, everywhere, dim)
    return aligned


def label_order(
    card: Card, settings: Keywords, draws: Mapping[str, np.ndarray], lp: np.ndarray, dim: str
) -> np.ndarray:
    """Which component of each draw comes first, second, ...: (chain, draw, K), and K = 0 without components."""
    f = component_features(card, settings, draws, dim)
    if f.size == 0:
        return np.zeros((*lp.shape, 0), dtype=int)
    pivot = f[np.where(np.isfinite(lp), lp, -np.inf).argmax()]
    sorted_pivot = pivot[np.lexsort(pivot.T[::-1])]
    scale = np.sort(f.reshape(-1, f.shape[-1]), axis=0).std(0)  # sorted: the same bits for any order of the labels
    order = match_components(f, sorted_pivot, scale)
    for _ in range(MATCHING_PASSES):
        better = match_components(f, *centre_and_scale(np.take_along_axis(f, order[:, :, None], axis=1)))
        if np.array_equal(better, order):
            break
        order = better
    return order.reshape(*lp.shape, -1)


def count_minority(order: np.ndarray) -> int:
    """How many draws had their labels in another order than most."""
    if not order.size:
        return 0
    counts = np.unique(order.reshape(-1, order.shape[-1]), axis=0, return_counts=True)[1]
    return int(counts.sum() - counts.max())


def permute_labels(
    card: Card, settings: Keywords, draws: Mapping[str, np.ndarray], order: np.ndarray, dim: str
) -> Draws:
    """The draws with every axis of a dimension reordered draw by draw, by ``order``, (chain, draw, K)."""
    sites, permuted = {**card.sites(settings), **card.parameters(settings), **card.deterministic}, {}
    for name in (n for n in sites if n in draws):
        value, dims = np.asarray(draws[name]), sites[name].dims
        for axis in label_axes(dims, dim) if order.shape[-1] else ():
            shape = [*order.shape[:2], *(1 for _ in dims)]
            shape[2 + axis] = -1
            value = np.take_along_axis(value, order.reshape(shape), axis=2 + axis)
        permuted[name] = value
    return permuted


def component_features(card: Card, settings: Keywords, draws: Mapping[str, np.ndarray], dim: str) -> np.ndarray:
    """The numbers that describe each component in each draw, (draws, K, quantities); the weights come last.

    Of a quantity with two labels, such as a transition matrix, the diagonal is used: the other entries belong to no
    single component.
    """
    reported = card.report({n: draws[n] for n in card.parameters(settings)}, settings)
    columns = []
    for name, site in sorted(card.reported(settings).items(), key=lambda item: item[1].kind == "simplex"):
        axes = label_axes(site.dims, dim)
        if not axes or name not in reported:
            continue
        value = reported[name]
        rotatable = tuple(2 + axis for axis, letter in enumerate(site.dims) if letter in card.symmetries)
        if rotatable:
            value = np.sqrt(np.square(value).sum(rotatable))
            axes = label_axes(tuple(letter for letter in site.dims if letter not in card.symmetries), dim)
        value = value.reshape(-1, *value.shape[2:])
        while len(axes) > 1:
            value = np.diagonal(value, axis1=1 + axes[-2], axis2=1 + axes[-1])  # the diagonal becomes the last axis
            axes = [*axes[:-2], value.ndim - 2]
        value = np.moveaxis(value, 1 + axes[0], 1)
        columns.append(value.reshape(*value.shape[:2], -1))
    if not columns:
        return np.zeros((0, 0, 0))
    f = np.ascontiguousarray(np.concatenate(columns, axis=-1), dtype=float)
    return np.where(np.isfinite(f), f, 0.0)  # a diverged fit is aligned too; its verdict reports the infinite draws


def label_axes(dims: tuple[str, ...], dim: str) -> list[int]:
    """The axes of a dimension."""
    return [axis for axis, name in enumerate(dims) if name == dim]


def centre_and_scale(f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each component, (K, quantities), and the spread of each quantity within them, (quantities,)."""
    centre = f.mean(0)
    return centre, np.sqrt(f.var(0).mean(0) + VARIANCE_FLOOR * f.var((0, 1)))


def match_components(f: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """For each draw the component nearest to each centre, each used once, at least total cost: (draws, K)."""
    scale = np.where(scale > 0, scale, 1.0)
    middle = centre.mean(0)
    x, c = (f - middle) / scale, (centre - middle) / scale
    # |x - c|^2 less terms without c: (draws, component, centre), transposed to (draws, centre, component)
    cost = np.swapaxes(np.square(x).sum(-1)[:, :, None] - 2 * (x @ c.T), 1, 2)
    order = cost.argmin(-1)
    # where the nearest components all differ that is the optimum; only the others need an assignment
    contested = np.flatnonzero((np.sort(order, axis=1) != np.arange(len(centre))).any(1))
    if contested.size:
        from scipy.optimize import linear_sum_assignment

        for i in contested:
            order[i] = linear_sum_assignment(cost[i])[1]
    return order
