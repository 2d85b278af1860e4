"""Rotations of axes that a fixed map leaves: those that commute with it.

Where the dynamics A of factors are fixed, z and R z have the same likelihood if R is orthogonal and R A = A R. R then
commutes with A' too, so that these R are the orthogonal matrices of an algebra, all X with X A = A X and X A' = A' X.
The one nearest to a matrix is the polar factor of its projection on the algebra, since the polar factor of a member is
a member. With A = a I they are all rotations, with a diagonal A changes of sign, and R = -I is always one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo import Card
from zoo.types import Keywords

ZERO = 1e-9  # singular values, relative to the largest, that are zero


def fixed_maps(card: Card, settings: Keywords, letter: str) -> list[np.ndarray]:
    """The values of fixed latents with a letter twice, which map its axes."""
    sites = card.fixed_sites(settings)
    return [np.asarray(v, float) for n, v in card.fixed_values(settings).items() if sites[n].dims == (letter, letter)]


def commuting_basis(maps: Sequence[np.ndarray]) -> np.ndarray:
    """An orthonormal basis (m, Z, Z) of the matrices that commute with each map (Z, Z) and with its transpose.

    >>> len(commuting_basis([np.diag([0.5, 0.9])])), len(commuting_basis([0.9 * np.eye(2)]))
    (2, 4)
    """
    Z, unit = len(maps[0]), np.eye(len(maps[0]))
    # X M - M X = 0, of X as the vector of its rows
    equations = np.concatenate([np.kron(unit, M.T) - np.kron(M, unit) for A in maps for M in (A, A.T)])
    _, sizes, rows = np.linalg.svd(equations)
    scale = max(np.abs(A).max() for A in maps) or 1.0
    return rows[sizes <= ZERO * scale].reshape(-1, Z, Z)


def nearest_commuting(product: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """The orthogonal R of the algebra with the largest trace of R' product, for products (..., Z, Z)."""
    u, _, v = np.linalg.svd(np.einsum("mij,...ij,mkl->...kl", basis, product, basis))
    return u @ v


def commuting_frame(W: np.ndarray, principal: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """An R of the algebra for which W R has axes of its own, for loadings W (..., rows, Z).

    It is near the rotation to principal axes, and to one that makes the sums of columns positive, since the projection
    of either alone may be singular.
    """
    sums = W.sum(-2)
    sums = sums / np.maximum(np.sqrt((sums**2).sum(-1, keepdims=True)), np.finfo(float).tiny)
    return nearest_commuting(principal + sums[..., :, None], basis)


def num_rotations(basis: np.ndarray) -> int:
    """The dimension of the group of orthogonal matrices in the algebra: that of its skew-symmetric matrices."""
    skew = basis - np.swapaxes(basis, -1, -2)
    return int(np.linalg.matrix_rank(skew.reshape(len(basis), -1), tol=ZERO))
