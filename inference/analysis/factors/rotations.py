"""Rotations of loadings to simple structure.

statsmodels supplies the criteria and their minimisation by gradient projection (Jennrich 2001, 2002; Bernaards and
Jennrich 2005). Three things are added. statsmodels follows one start to one local minimum; here several are followed
and the best is used. Its tolerance is absolute; here loadings are first scaled to one size. Its promax equals varimax
at the default power; here promax follows Hendrickson and White (1964).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypedDict

import numpy as np

from zoo import ZooError
from zoo.errors import unknown


class RotationMethod(NamedTuple):
    """A rotation: its default row normalisation, whether factors may correlate, and its criterion in statsmodels."""

    kaiser: bool  # rows are scaled to length one (Kaiser 1958), the default of stats::factanal and psych::fa in R
    oblique: bool
    family: Literal["orthomax", "oblimin"] | None
    gamma: float = 0.0


ROTATION_METHODS = {
    "principal": RotationMethod(False, False, None),
    "varimax": RotationMethod(True, False, "orthomax", 1.0),
    "quartimax": RotationMethod(False, False, "orthomax", 0.0),
    "promax": RotationMethod(True, True, "orthomax", 1.0),
    "oblimin": RotationMethod(False, True, "oblimin", 0.0),
}
DEFAULT_STARTS = 10


class Stopping(TypedDict):
    """When gradient projection stops: the slope of the criterion, and the largest number of steps."""

    tol: float
    max_tries: int


# the criterion has a range of about one
SEARCH: Stopping = {"tol": 1e-4, "max_tries": 500}
FINISH: Stopping = {"tol": 1e-7, "max_tries": 10_000}
SAME_MINIMUM = 1e-5  # difference of the criterion below which two starts reached the same minimum


@dataclass(frozen=True)
class Rotation:
    """Rotated loadings and the matrix that rotates them.

    Parameters
    ----------
    method : str
        Key of ``ROTATION_METHODS``.
    loadings : numpy.ndarray
        The pattern matrix, (D, Z): the change of each column for a unit of each factor.
    T : numpy.ndarray
        (Z, Z), with columns of length one. Factors are rotated by ``T' z`` and loadings by ``W inv(T)'``, which is
        ``W T`` where T is orthogonal.
    agreeing_starts : tuple of int
        How many starts reached the minimum used, and how many there were.
    """

    method: str
    loadings: np.ndarray
    T: np.ndarray
    agreeing_starts: tuple[int, int] = (1, 1)

    @property
    def phi(self) -> np.ndarray:
        """Correlations of the rotated factors, (Z, Z); the identity where T is orthogonal."""
        return self.T.T @ self.T if ROTATION_METHODS[self.method].oblique else np.eye(len(self.T))

    @property
    def structure(self) -> np.ndarray:
        """Covariances of columns with factors, (D, Z): the loadings where factors are uncorrelated."""
        return self.loadings @ self.phi

    @property
    def variance(self) -> np.ndarray:
        """The part of the sum of the columns' variances that each factor explains, (Z,)."""
        return (self.loadings * self.structure).sum(0)

    def apply(self, loadings: np.ndarray) -> np.ndarray:
        """Rotate other loadings on the same axes.

        Parameters
        ----------
        loadings : numpy.ndarray
            Loadings of shape (..., D, Z).

        Returns
        -------
        numpy.ndarray
            Rotated loadings of the same shape.
        """
        return loadings @ np.linalg.inv(self.T).T


def rotate(
    loadings: np.ndarray,
    method: str = "varimax",
    *,
    kaiser: bool | None = None,
    power: float = 4.0,
    starts: int = DEFAULT_STARTS,
    seed: int = 0,
) -> Rotation:
    """Rotate loadings to simple structure.

    The result does not depend on the axes that the loadings are given in. Factors are ordered by decreasing variance,
    and the sum of each column of loadings is positive.

    Parameters
    ----------
    loadings : numpy.ndarray
        Loadings of shape (D, Z), Z at most D.
    method : {"varimax", "quartimax", "promax", "oblimin", "principal"}
        "oblimin" is with gamma = 0 (direct quartimin); "principal" rotates to the principal axes. "promax" and
        "oblimin" let factors correlate.
    kaiser : bool, optional
        Scale rows to length one for the rotation; the default is that of ``ROTATION_METHODS[method]``.
    power : float, default 4
        Power of promax, 1 or more.
    starts : int, default 10
        Number of starting matrices: the identity, then random orthogonal matrices.
    seed : int, default 0
        Seed of the random starts.

    Returns
    -------
    Rotation

    Raises
    ------
    ZooError
        For an unknown method, and for loadings that cannot be rotated.

    References
    ----------
    Hendrickson, A. E. and White, P. O. (1964). Promax: a quick method for rotation to oblique simple structure. British
    Journal of Statistical Psychology 17.
    Jennrich, R. I. and Sampson, P. F. (1966). Rotation for simple loadings. Psychometrika 31. (oblimin)
    Kaiser, H. F. (1958). The varimax criterion for analytic rotation in factor analysis. Psychometrika 23.
    Neuhaus, J. O. and Wrigley, C. (1954). The quartimax method. British Journal of Statistical Psychology 7.

    Examples
    --------
    >>> simple = np.array([[0.7, 0.0], [0.7, 0.0], [0.7, 0.0], [0.0, 0.7], [0.0, 0.7]])
    >>> orthogonal = np.array([[0.6, 0.8], [-0.8, 0.6]])
    >>> np.allclose(rotate(simple @ orthogonal, "varimax").loadings, simple, atol=1e-6)
    True
    """
    W = check_loadings(loadings, method)
    if power < 1 or starts < 1:
        raise ZooError(f"power and starts are 1 or more; given power={power}, starts={starts}")
    rule = ROTATION_METHODS[method]
    length = np.sqrt(np.square(W).sum(1, keepdims=True))
    unit = np.where(length > 0, length, 1.0) if (rule.kaiser if kaiser is None else kaiser) else 1.0
    axes = np.linalg.svd(W / unit, full_matrices=False)[2].T  # the principal axes, whatever axes were given
    A = W / unit @ axes
    T, agreeing = (np.eye(A.shape[1]), (1, 1)) if rule.family is None else minimise_criterion(A, rule, starts, seed)
    if method == "promax":
        T = promax(unit * (A @ T), T, power)
    T = axes @ T
    unordered = Rotation(method, W @ np.linalg.inv(T).T, T)
    order = np.argsort(-unordered.variance, kind="stable")
    sign = np.where(unordered.loadings.sum(0)[order] < 0, -1.0, 1.0)
    return Rotation(method, unordered.loadings[:, order] * sign, T[:, order] * sign, agreeing)


def check_loadings(loadings: np.ndarray, method: str) -> np.ndarray:
    """Loadings as an array; raises ZooError where the method cannot rotate them."""
    if method not in ROTATION_METHODS:
        raise unknown("rotation", method, ROTATION_METHODS)
    W = np.asarray(loadings, dtype=float)
    if W.ndim != 2 or 0 in W.shape:
        raise ZooError(f"loadings are a table of columns by factors, (D, Z); given the shape {W.shape}")
    D, Z = W.shape
    if Z > D:
        raise ZooError(f"{Z} factors of {D} columns: loadings are (D, Z) with Z at most D; transpose them?")
    if not np.isfinite(W).all():
        raise ZooError("loadings that are not finite numbers cannot be rotated: check the fit they come from")
    rank = int(np.linalg.matrix_rank(W))
    if rank < Z and ROTATION_METHODS[method].oblique:
        raise ZooError(f"loadings of rank {rank} have no {method} rotation to {Z} factors: take {rank}, or varimax")
    return W


def minimise_criterion(
    A: np.ndarray, rule: RotationMethod, starts: int, seed: int
) -> tuple[np.ndarray, tuple[int, int]]:
    """The T of the smallest criterion over several starts, and how many of these reached it."""
    from statsmodels.multivariate.factor_rotation import rotate_factors

    A = A / (np.square(np.square(A).sum(1)).sum() ** 0.25 or 1.0)  # criteria are of degree four, slopes absolute
    arguments = (rule.family, rule.gamma, *(["oblique"] if rule.family == "oblimin" else []))

    def descend(T: np.ndarray, until: Stopping) -> tuple[float, np.ndarray]:
        with np.errstate(divide="ignore"):  # statsmodels takes the logarithm of the slope, which may be zero
            L, T = rotate_factors(A, *arguments, T=T, **until)
        return criterion(L, rule), T

    rng, minima = np.random.default_rng(seed), []
    for start in range(starts):
        T = np.linalg.qr(rng.normal(size=(A.shape[1],) * 2))[0] if start else np.eye(A.shape[1])
        minima.append(descend(T, SEARCH))
    smallest, T = min(minima, key=lambda minimum: minimum[0])
    return descend(T, FINISH)[1], (sum(value <= smallest + SAME_MINIMUM for value, _ in minima), starts)


def criterion(L: np.ndarray, rule: RotationMethod) -> float:
    """The quantity that gradient projection minimises: the orthomax or the oblimin criterion."""
    square = np.square(L)
    centred = square - rule.gamma * square.mean(0)
    if rule.family == "orthomax":
        return float(-(square * centred).sum() / 4)
    return float((square * (centred.sum(1, keepdims=True) - centred)).sum() / 4)


def promax(varimax: np.ndarray, T: np.ndarray, power: float) -> np.ndarray:
    """The oblique T that brings varimax loadings nearest to their own powers, with signs."""
    target = varimax * np.abs(varimax) ** (power - 1)
    U = np.linalg.lstsq(varimax, target)[0]
    oblique = np.linalg.inv(U).T / np.sqrt(np.diag(np.linalg.inv(U.T @ U)))
    return T @ oblique
