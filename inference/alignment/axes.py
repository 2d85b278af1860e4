"""Alignment of latent axes (rotations, sign changes and permutations of columns).

A letter among ``Card.symmetries`` names axes that the likelihood does not identify: loadings W [D Z] may be multiplied
by any orthogonal matrix ("rotation"), or by one that reorders columns and changes their signs ("signed permutation").
Each draw is multiplied by the matrix that carries its loadings nearest to those of the draw of highest log joint
(orthogonal Procrustes: Schönemann 1966, "A generalized solution of the orthogonal Procrustes problem"; for
permutations the Hungarian algorithm; among those that commute with a map of the axes that is fixed), and then nearest
to the mean of the rotated loadings, until the mean is stationary (Gower 1975, "Generalized Procrustes analysis"). The
mean is last rotated to a frame of its own, so that the
result does not depend on the axes of the draws. The same matrix acts on every latent of the draw that has the letter.
Where all loadings have components, each component has its own matrix; a local latent without the letter K is then left
out, as its axes are those of an unknown component.

Distances are in the standard deviations of each row's length, which are invariant to rotations: they do not depend on
the units of the data, and well determined rows have more weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from inference.alignment.commuting import commuting_basis, commuting_frame, fixed_maps, nearest_commuting
from zoo import Card
from zoo.types import Keywords

PROCRUSTES_PASSES = 50
STATIONARY = 1e-12  # change of the mean, relative to the largest loading, at which it is stationary
LENGTH_FLOOR = 1e-4  # part of a row's mean square that is added to the variance of its length, which may be zero

Draws = dict[str, np.ndarray]


def align_within(card: Card, settings: Keywords, draws: Mapping[str, np.ndarray], lp: np.ndarray) -> Draws:
    """The draws with the axes of each in one frame; lp is the log joint, (chain, draw)."""
    out = dict(draws)
    pivot = int(np.where(np.isfinite(lp), lp, -np.inf).argmax())
    for letter, symmetry in card.symmetries.items():
        W = stacked_loadings(card, settings, out, letter)
        if W.size:
            group = symmetry_group(card, settings, letter, symmetry)
            out = rotate_axes(card, settings, out, letter, common_frame_rotations(W, pivot, group))
    return out


def align_to(
    card: Card, settings: Keywords, draws: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]
) -> Draws:
    """Aligned draws with their axes, all draws alike, in the frame of the reference."""
    out = dict(draws)
    for letter, symmetry in card.symmetries.items():
        W, target = stacked_loadings(card, settings, out, letter), stacked_loadings(card, settings, reference, letter)
        if W.size:
            unit = row_scale(target)
            group = symmetry_group(card, settings, letter, symmetry)
            rotation = group.nearest(cross_product(W.mean(0) / unit, target.mean(0) / unit))
            out = rotate_axes(card, settings, out, letter, np.broadcast_to(rotation, (len(W), *rotation.shape)))
    return out


def stacked_loadings(card: Card, settings: Keywords, draws: Mapping[str, np.ndarray], letter: str) -> np.ndarray:
    """The loadings by which axes are aligned, stacked: (draws, K, rows, Z), with K = 1 where the axes are shared."""
    sites = {n: s for n, s in card.parameters(settings).items() if s.kind == "real" and s.dims.count(letter) == 1}
    component = component_dim(card)
    own = all(component in site.dims for site in sites.values())
    blocks = []
    for name, site in sites.items():
        value = np.asarray(draws[name], dtype=float)
        axis, K = site.dims.index(letter), site.dims.index(component) if own else None
        view = axes_last(value, 2, axis, K)
        *leading, Z = view.shape
        blocks.append(view.reshape(leading[0] * leading[1], leading[2], int(np.prod(leading[3:])), Z))
    if not blocks:
        return np.zeros((0, 1, 0, 0))
    W = np.concatenate(blocks, axis=2)
    return np.where(np.isfinite(W), W, 0.0)  # a diverged fit is aligned too; its verdict reports the infinite draws


def component_dim(card: Card) -> str:
    """The dimension of components that may each have axes of their own: the first exchangeable one."""
    return next(iter(card.exchangeable), "")


def axes_last(value: np.ndarray, leading: int, axis: int, K: int | None) -> np.ndarray:
    """A view with ``axis`` of the site as the last axis, and ``K`` (or a new axis) first after the leading ones."""
    if K is None:
        return np.moveaxis(value, leading + axis, -1)[(slice(None),) * leading + (None,)]
    return np.moveaxis(value, (leading + K, leading + axis), (leading, -1))


def rotate_axes(
    card: Card, settings: Keywords, draws: Mapping[str, np.ndarray], letter: str, rotations: np.ndarray
) -> Draws:
    """The draws with every axis of the letter multiplied by the matrix of its draw, (draws, K or 1, Z, Z)."""
    sites, out = {**card.sites(settings), **card.parameters(settings), **card.deterministic}, {}
    component = component_dim(card)
    for name, draw in draws.items():
        dims = sites[name].dims
        if letter in dims and component not in dims and rotations.shape[1] > 1:
            continue
        value, K = np.asarray(draw), dims.index(component) if component in dims else None
        # quantities without a sign, such as a precision of each axis, are only permuted
        signed = rotations if sites[name].kind in ("real", "precision") else np.abs(rotations)
        for axis in (a for a, d in enumerate(dims) if d == letter):
            view = axes_last(value, 2, axis, K)
            flat = view.reshape(*view.shape[:3], -1, view.shape[-1])
            moved = (flat @ signed.reshape(*view.shape[:2], *rotations.shape[1:])).reshape(view.shape)
            value = moved[:, :, 0] if K is None else moved
            value = np.moveaxis(value, -1, 2 + axis) if K is None else np.moveaxis(value, (2, -1), (2 + K, 2 + axis))
        out[name] = value
    return out


class SymmetryGroup(NamedTuple):
    """The group of orthogonal matrices R of a symmetry."""

    nearest: Callable[[np.ndarray], np.ndarray]  # A'B (..., Z, Z) -> the R for which A R is nearest to B
    own_axes: Callable[[np.ndarray], np.ndarray]  # W (..., rows, Z) -> an R for which W R has its own axes


def nearest_orthogonal(product: np.ndarray) -> np.ndarray:
    """The orthogonal R of largest trace R'A'B (Schönemann 1966), for products A'B (..., Z, Z).

    >>> A, R = np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([[0.6, 0.8], [-0.8, 0.6]])
    >>> np.allclose(nearest_orthogonal(A.T @ A @ R), R)
    True
    """
    u, _, v = np.linalg.svd(product)
    return u @ v


def nearest_signed_permutation(product: np.ndarray) -> np.ndarray:
    """The signed permutation R of largest trace R'A'B, for products A'B (..., Z, Z)."""
    from scipy.optimize import linear_sum_assignment

    rotations = np.zeros(product.shape)
    for i in np.ndindex(*product.shape[:-2]):
        pairs = linear_sum_assignment(-np.abs(product[i]))
        rotations[i][pairs] = np.where(product[i][pairs] < 0, -1.0, 1.0)
    return rotations


def principal_rotation(W: np.ndarray) -> np.ndarray:
    """The rotation to principal axes: columns of W R are orthogonal, by decreasing length, with positive sums."""
    has_few_rows = W.shape[-2] < W.shape[-1]
    axes = np.swapaxes(np.linalg.svd(W, full_matrices=has_few_rows)[2], -1, -2)
    return axes * np.where((W @ axes).sum(-2, keepdims=True) < 0, -1.0, 1.0)


def sort_by_length(W: np.ndarray) -> np.ndarray:
    """The signed permutation that sorts the columns of W by decreasing length and makes their sums positive."""
    order = np.argsort(-np.square(W).sum(-2), axis=-1, kind="stable")
    rotation = np.swapaxes(np.eye(W.shape[-1])[order], -1, -2)
    return rotation * np.where((W @ rotation).sum(-2, keepdims=True) < 0, -1.0, 1.0)


GROUPS = {
    "rotation": SymmetryGroup(nearest_orthogonal, principal_rotation),
    "signed permutation": SymmetryGroup(nearest_signed_permutation, sort_by_length),
}


def symmetry_group(card: Card, settings: Keywords, letter: str, symmetry: str) -> SymmetryGroup:
    """The group of a symmetry on the card; of rotations those that commute with the fixed maps of the axes."""
    maps = fixed_maps(card, settings, letter)
    if not maps or symmetry != "rotation":
        return GROUPS[symmetry]
    basis = commuting_basis(maps)
    return SymmetryGroup(
        partial(nearest_commuting, basis=basis), lambda W: commuting_frame(W, principal_rotation(W), basis)
    )


def common_frame_rotations(W: np.ndarray, pivot: int, group: SymmetryGroup) -> np.ndarray:
    """The matrix that brings each draw to one frame, (draws, K, Z, Z), for loadings W (draws, K, rows, Z)."""
    A = W / row_scale(W)
    rotations = group.nearest(cross_product(A, A[pivot]))
    for _ in range(PROCRUSTES_PASSES):
        mean = (A @ rotations).mean(0)
        rotations = group.nearest(cross_product(A, mean))
        if np.abs((A @ rotations).mean(0) - mean).max() <= STATIONARY * np.abs(mean).max():
            break
    return rotations @ group.own_axes((W @ rotations).mean(0))


def row_scale(W: np.ndarray) -> np.ndarray:
    """The scale of each row, (K, rows, 1): the standard deviation of its length over draws, W (draws, K, rows, Z)."""
    length = np.sqrt(np.square(W).sum(-1, keepdims=True))
    unit = np.sqrt(length.var(0) + LENGTH_FLOOR * np.square(length).mean(0))
    return np.where(unit > 0, unit, 1.0)


def cross_product(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """A' B over leading dimensions."""
    return np.swapaxes(A, -1, -2) @ B
