"""One component of a fit as W, mu and Psi: the point as it stands, or every draw, aligned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import zoo
from inference.alignment import aligned_draws
from zoo import ZooError

if TYPE_CHECKING:
    from inference.result import Fit


class Part(NamedTuple):
    """A factor model; (chain, draw) is (1, 1) for a point."""

    W: np.ndarray  # (chain, draw, D, Z)
    mu: np.ndarray  # (chain, draw, D)
    Psi: np.ndarray  # (chain, draw, D)

    @property
    def covariance(self) -> np.ndarray:
        """W W' + diag(Psi), the covariance of a row, (chain, draw, D, D)."""
        D = self.Psi.shape[-1]
        return self.W @ np.swapaxes(self.W, -1, -2) + self.Psi[..., None] * np.eye(D)

    @property
    def variance(self) -> np.ndarray:
        """The variance of each column, (chain, draw, D)."""
        return np.square(self.W).sum(-1) + self.Psi

    def loadings(self, standardised: bool) -> np.ndarray:
        """W in the units of the data or, standardised, in standard deviations of each column that the model implies."""
        return self.W / np.sqrt(self.variance)[..., None] if standardised else self.W


def part(fit: Fit, k: int | None = None) -> Part:
    """Component k of a fit, or its only one; raises ZooError where there are no loadings, or several to choose from."""
    card = fit.model.card
    if card.linear is None:
        able = [name for name in zoo.names() if zoo.card(name).linear]
        raise ZooError(f"{fit.model.name} has no loadings: its card has no linear; these have: {', '.join(able)}")
    pi, W, mu, Psi = card.linear(aligned_draws(fit), fit.keywords)
    K = pi.shape[-1]
    if k is None and K > 1:
        raise ZooError(f"each of the {K} components of {fit.model.name} has loadings of its own: choose one by k=0")
    if not W.shape[-1]:
        raise ZooError(f"{fit.model.name} was fitted with Z=0: it has no factors; give Z=1 or more")
    k = 0 if k is None else k
    if k not in range(K):
        raise ZooError(f"k={k!r} for a fit of K={K} components: give a whole number from 0 to {K - 1}")
    return Part(*(np.broadcast_to(v, (*pi.shape[:-1], *v.shape[pi.ndim - 1 :]))[:, :, k] for v in (W, mu, Psi)))


def column_names(columns: Sequence[str] | None, D: int) -> list[str]:
    """The names given, or x[0], x[1], ...; raises ZooError where there is not one for each column."""
    if columns is None:
        return [f"x[{d}]" for d in range(D)]
    names = list(map(str, columns))
    if len(names) != D:
        raise ZooError(f"columns has {len(names)} names for {D} columns: give one for each")
    return names
