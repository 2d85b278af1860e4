"""One frame for the axes of every draw.

A letter among the card's ``symmetries`` names axes that the likelihood does not: loadings W [D Z] may be multiplied by
any orthogonal matrix ("rotation"), or by one that reorders columns and changes their signs ("signed permutation"). Of
these matrices each draw gets the one that carries its loadings nearest to those of the draw of highest log joint
(orthogonal Procrustes: Schönemann 1966, "A generalized solution of the orthogonal Procrustes problem"; for
permutations the Hungarian algorithm), and then nearest to the mean of what was carried, until the mean stands still
(Gower 1975, "Generalized Procrustes analysis"). The mean is last put in a frame of its own, so that nothing depends on
the axes that the draws came with. The same matrix acts on every latent of the draw that has the letter. Where all
loadings have components, each component has a matrix of its own; a local latent without the letter K is then left out,
for its axes are those of a component that nobody knows.

Distances are in the standard deviations of each row's length, which no rotation changes: they are free of the units
of the data, and rows that are known well count for more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from zoo import Card

PASSES = 50
STILL = 1e-12  # of the largest loading: the mean no longer moves
TINY = 1e-4  # part of a row's mean square that is added to the variance of its length, which may be zero

Draws = dict[str, np.ndarray]


def align_within(card: Card, settings: Mapping[str, Any], draws: Mapping[str, np.ndarray], lp: np.ndarray) -> Draws:
    """The draws with the axes of each in one frame; lp is the log joint, (chain, draw)."""
    out = dict(draws)
    pivot = int(np.where(np.isfinite(lp), lp, -np.inf).argmax())
    for letter, symmetry in card.symmetries.items():
        W = loadings(card, settings, out, letter)
        if W.size:
            out = multiplied(card, settings, out, letter, common_frame(W, pivot, GROUPS[symmetry]))
    return out


def align_to(
    card: Card, settings: Mapping[str, Any], draws: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]
) -> Draws:
    """Settled draws with their axes, all draws alike, in the frame of the reference."""
    out = dict(draws)
    for letter, symmetry in card.symmetries.items():
        W, target = loadings(card, settings, out, letter), loadings(card, settings, reference, letter)
        if W.size:
            unit = scale(target)
            turn = GROUPS[symmetry].nearest(gram(W.mean(0) / unit, target.mean(0) / unit))
            out = multiplied(card, settings, out, letter, np.broadcast_to(turn, (len(W), *turn.shape)))
    return out


def loadings(card: Card, settings: Mapping[str, Any], draws: Mapping[str, np.ndarray], letter: str) -> np.ndarray:
    """All that the axes are told by, one row above the other: (draws, K, rows, Z), with K = 1 where they are shared."""
    sites = {n: s for n, s in card.parameters(settings).items() if s.kind == "real" and s.dims.count(letter) == 1}
    own = all("K" in site.dims for site in sites.values())
    blocks = []
    for name, site in sites.items():
        value = np.asarray(draws[name], dtype=float)
        axis, K = site.dims.index(letter), site.dims.index("K") if own else None
        view = axes_last(value, 2, axis, K)
        *leading, Z = view.shape
        blocks.append(view.reshape(leading[0] * leading[1], leading[2], int(np.prod(leading[3:])), Z))
    if not blocks:
        return np.zeros((0, 1, 0, 0))
    W = np.concatenate(blocks, axis=2)
    return np.where(np.isfinite(W), W, 0.0)  # a fit that went astray is aligned like any other, and told off later


def axes_last(value: np.ndarray, leading: int, axis: int, K: int | None) -> np.ndarray:
    """A view with axis ``axis`` of the site last, and axis ``K`` (or a new one) first after the leading ones."""
    if K is None:
        return np.moveaxis(value, leading + axis, -1)[(slice(None),) * leading + (None,)]
    return np.moveaxis(value, (leading + K, leading + axis), (leading, -1))


def multiplied(
    card: Card, settings: Mapping[str, Any], draws: Mapping[str, np.ndarray], letter: str, turns: np.ndarray
) -> Draws:
    """The draws with every axis of the letter multiplied by a matrix of its draw: turns is (draws, K or 1, Z, Z)."""
    sites, out = {**card.sites(settings), **card.parameters(settings)}, {}
    for name, given in draws.items():
        dims = sites[name].dims
        if letter in dims and "K" not in dims and turns.shape[1] > 1:
            continue
        value, K = np.asarray(given), dims.index("K") if "K" in dims else None
        # what has no sign, such as a precision of each axis, only changes places
        signed = turns if sites[name].kind in ("real", "precision") else np.abs(turns)
        for axis in (a for a, of in enumerate(dims) if of == letter):
            view = axes_last(value, 2, axis, K)
            flat = view.reshape(*view.shape[:3], -1, view.shape[-1])
            moved = (flat @ signed.reshape(*view.shape[:2], *turns.shape[1:])).reshape(view.shape)
            value = moved[:, :, 0] if K is None else moved
            value = np.moveaxis(value, -1, 2 + axis) if K is None else np.moveaxis(value, (2, -1), (2 + K, 2 + axis))
        out[name] = value
    return out


class Group(NamedTuple):
    """The orthogonal matrices R that a symmetry allows."""

    nearest: Callable[[np.ndarray], np.ndarray]  # A'B (..., Z, Z) -> the R for which A R is nearest to B
    own_axes: Callable[[np.ndarray], np.ndarray]  # W (..., rows, Z) -> an R for which W R is in a frame of its own


def orthogonal(product: np.ndarray) -> np.ndarray:
    """The orthogonal R of largest trace R'A'B (Schönemann 1966), for products A'B (..., Z, Z).

    >>> A, R = np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([[0.6, 0.8], [-0.8, 0.6]])
    >>> np.allclose(orthogonal(A.T @ A @ R), R)
    True
    """
    u, _, v = np.linalg.svd(product)
    return u @ v


def signed_permutation(product: np.ndarray) -> np.ndarray:
    """The signed permutation R of largest trace R'A'B, for products A'B (..., Z, Z)."""
    from scipy.optimize import linear_sum_assignment

    turns = np.zeros(product.shape)
    for i in np.ndindex(*product.shape[:-2]):
        pairs = linear_sum_assignment(-np.abs(product[i]))
        turns[i][pairs] = np.where(product[i][pairs] < 0, -1.0, 1.0)
    return turns


def principal(W: np.ndarray) -> np.ndarray:
    """The rotation to principal axes: columns of W R are at right angles, by decreasing length, of sum above zero."""
    few = W.shape[-2] < W.shape[-1]
    axes = np.swapaxes(np.linalg.svd(W, full_matrices=few)[2], -1, -2)
    return axes * np.where((W @ axes).sum(-2, keepdims=True) < 0, -1.0, 1.0)


def by_length(W: np.ndarray) -> np.ndarray:
    """The signed permutation that puts the columns of W by decreasing length, each of sum above zero."""
    order = np.argsort(-np.square(W).sum(-2), axis=-1, kind="stable")
    turn = np.swapaxes(np.eye(W.shape[-1])[order], -1, -2)
    return turn * np.where((W @ turn).sum(-2, keepdims=True) < 0, -1.0, 1.0)


GROUPS = {"rotation": Group(orthogonal, principal), "signed permutation": Group(signed_permutation, by_length)}


def common_frame(W: np.ndarray, pivot: int, group: Group) -> np.ndarray:
    """The matrix by which each draw comes into one frame, (draws, K, Z, Z), for loadings W (draws, K, rows, Z)."""
    A = W / scale(W)
    turns = group.nearest(gram(A, A[pivot]))
    for _ in range(PASSES):
        mean = (A @ turns).mean(0)
        turns = group.nearest(gram(A, mean))
        if np.abs((A @ turns).mean(0) - mean).max() <= STILL * np.abs(mean).max():
            break
    return turns @ group.own_axes((W @ turns).mean(0))


def scale(W: np.ndarray) -> np.ndarray:
    """The unit of each row, (K, rows, 1): the standard deviation of its length over draws, W (draws, K, rows, Z)."""
    length = np.sqrt(np.square(W).sum(-1, keepdims=True))
    unit = np.sqrt(length.var(0) + TINY * np.square(length).mean(0))
    return np.where(unit > 0, unit, 1.0)


def gram(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    return np.swapaxes(A, -1, -2) @ B
