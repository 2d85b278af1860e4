"""Rotations of loadings to simple structure: of all axes that fit alike, those that are easiest to name.

The criteria and their minimisation by gradient projection (Jennrich 2001, 2002; Bernaards and Jennrich 2005) are those
of statsmodels. What is added here: it follows one start to one local minimum, so several are followed and the best is
kept; its tolerance is absolute, so the loadings are first brought to one size; and its promax, which at its default
power gives back varimax, is written out after Hendrickson and White (1964, "Promax: a quick method for rotation to
oblique simple structure").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from zoo import ZooError
from zoo.errors import unknown


class Method(NamedTuple):
    kaiser: bool  # rows are brought to length one for it (Kaiser 1958): the habit of stats::factanal and psych::fa in R
    oblique: bool
    family: tuple[Any, ...] | None  # the criterion, as statsmodels names it


METHODS = {
    "principal": Method(False, False, None),
    "varimax": Method(True, False, ("orthomax", 1.0)),
    "quartimax": Method(False, False, ("orthomax", 0.0)),
    "promax": Method(True, True, ("orthomax", 1.0)),
    "oblimin": Method(False, True, ("oblimin", 0.0, "oblique")),
}
STARTS = 10
# of a criterion whose range is about one: the slope at which to stop, and how many steps to take at most
SEARCH, FINISH = {"tol": 1e-4, "max_tries": 500}, {"tol": 1e-7, "max_tries": 10_000}
EQUAL = 1e-5  # of that range: two starts are at one minimum


@dataclass(frozen=True)
class Rotation:
    """Rotated loadings, and how they came about.

    loadings: (D, Z), the pattern: what a unit of each factor adds to a column. T: (Z, Z), with unit columns: factors
    are rotated by ``T' z``, loadings by ``W inv(T)'``, which is ``W T`` where T is orthogonal. agreed: how many of the
    starts reached this minimum of the criterion, of how many.
    """

    method: str
    loadings: np.ndarray
    T: np.ndarray
    agreed: tuple[int, int] = (1, 1)

    @property
    def phi(self) -> np.ndarray:
        """The correlations of the rotated factors, (Z, Z); the identity where T is orthogonal."""
        return self.T.T @ self.T if METHODS[self.method].oblique else np.eye(len(self.T))

    @property
    def structure(self) -> np.ndarray:
        """The covariances of columns with factors, (D, Z): the loadings where factors are uncorrelated."""
        return self.loadings @ self.phi

    @property
    def variance(self) -> np.ndarray:
        """What each factor explains of the sum of the variances of the columns, (Z,)."""
        return (self.loadings * self.structure).sum(0)

    def apply(self, loadings: np.ndarray) -> np.ndarray:
        """Other loadings (..., D, Z) on the same axes, rotated alike."""
        return loadings @ np.linalg.inv(self.T).T


def rotate(
    loadings: np.ndarray,
    method: str = "varimax",
    *,
    kaiser: bool | None = None,
    power: float = 4.0,
    starts: int = STARTS,
    seed: int = 0,
) -> Rotation:
    """Loadings (D, Z) rotated to simple structure, factors by decreasing variance, columns of sum above zero.

    method: "varimax" (Kaiser 1958), "quartimax" (Neuhaus and Wrigley 1954), "promax", "oblimin" (Jennrich and Sampson
    1966, with gamma = 0), or "principal": the principal axes. kaiser: bring rows to length one for the rotation, by
    default as ``METHODS`` says. power: of promax. starts: how many matrices are begun from, the identity and random
    orthogonal ones. The answer does not depend on the axes that the loadings come with. Raises ZooError for an unknown
    method and for loadings that cannot be rotated.

    >>> simple = np.array([[0.7, 0.0], [0.7, 0.0], [0.7, 0.0], [0.0, 0.7], [0.0, 0.7]])
    >>> turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    >>> np.allclose(rotate(simple @ turn, "varimax").loadings, simple, atol=1e-6)
    True
    """
    W = checked(loadings, method)
    if power < 1 or starts < 1:
        raise ZooError(f"power and starts are 1 or more; given power={power}, starts={starts}")
    length = np.sqrt(np.square(W).sum(1, keepdims=True))
    unit = np.where(length > 0, length, 1.0) if (METHODS[method].kaiser if kaiser is None else kaiser) else 1.0
    axes = np.linalg.svd(W / unit, full_matrices=False)[2].T  # from here on it matters no more which axes were given
    A = W / unit @ axes
    family = METHODS[method].family
    T, agreed = best(A, family, starts, seed) if family else (np.eye(A.shape[1]), (1, 1))
    if method == "promax":
        T = promax(unit * (A @ T), T, power)
    T = axes @ T
    found = Rotation(method, W @ np.linalg.inv(T).T, T)
    order = np.argsort(-found.variance, kind="stable")
    sign = np.where(found.loadings.sum(0)[order] < 0, -1.0, 1.0)
    return Rotation(method, found.loadings[:, order] * sign, T[:, order] * sign, agreed)


def checked(loadings: np.ndarray, method: str) -> np.ndarray:
    """Loadings as an array; raises ZooError where these cannot be rotated."""
    if method not in METHODS:
        raise unknown("rotation", method, METHODS)
    W = np.asarray(loadings, dtype=float)
    if W.ndim != 2 or 0 in W.shape:
        raise ZooError(f"loadings are a table of columns by factors, (D, Z); given the shape {W.shape}")
    D, Z = W.shape
    if Z > D:
        raise ZooError(f"{Z} factors of {D} columns: loadings are (D, Z) with Z at most D; transpose them?")
    if not np.isfinite(W).all():
        raise ZooError("loadings that are not finite numbers cannot be rotated: look at the fit they come from")
    rank = int(np.linalg.matrix_rank(W))
    if rank < Z and METHODS[method].oblique:
        raise ZooError(f"loadings of rank {rank} have no {method} rotation to {Z} factors: take {rank}, or varimax")
    return W


def best(A: np.ndarray, family: tuple[Any, ...], starts: int, seed: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The T of the least criterion over several starts, and how many of these reached it."""
    from statsmodels.multivariate.factor_rotation import rotate_factors

    A = A / (np.square(np.square(A).sum(1)).sum() ** 0.25 or 1.0)  # criteria are of degree four, slopes absolute

    def descend(T: np.ndarray, until: dict[str, Any]) -> tuple[float, np.ndarray]:
        with np.errstate(divide="ignore"):  # it notes the logarithm of the slope, which may be zero
            L, T = rotate_factors(A, *family, T=T, **until)
        return criterion(L, family), T

    rng, found = np.random.default_rng(seed), []
    for start in range(starts):
        T = np.linalg.qr(rng.normal(size=(A.shape[1],) * 2))[0] if start else np.eye(A.shape[1])
        found.append(descend(T, SEARCH))
    least, T = min(found, key=lambda of: of[0])
    return descend(T, FINISH)[1], (sum(value <= least + EQUAL for value, _ in found), starts)


def criterion(L: np.ndarray, family: tuple[Any, ...]) -> float:
    """What gradient projection brings down: the orthomax criterion of a gamma, or the oblimin one."""
    square = np.square(L)
    centred = square - family[1] * square.mean(0)
    if family[0] == "orthomax":
        return float(-(square * centred).sum() / 4)
    return float((square * (centred.sum(1, keepdims=True) - centred)).sum() / 4)


def promax(varimax: np.ndarray, T: np.ndarray, power: float) -> np.ndarray:
    """The oblique T that carries varimax loadings nearest to their own powers, signs kept."""
    target = varimax * np.abs(varimax) ** (power - 1)
    U = np.linalg.lstsq(varimax, target)[0]
    oblique = np.linalg.inv(U).T / np.sqrt(np.diag(np.linalg.inv(U.T @ U)))
    return T @ oblique
