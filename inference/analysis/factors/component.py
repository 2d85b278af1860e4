"""One component of a linear-Gaussian fit: its loadings, mean and noise variances, for a point or for aligned draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from inference.alignment import aligned_draws
from inference.record import FitRecord
from zoo import ZooError, registry


class FactorComponent(NamedTuple):
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
        """W in the units of the data, or in implied standard deviations of the columns: (chain, draw, D, Z)."""
        return self.W / np.sqrt(self.variance)[..., None] if standardised else self.W


def get_component(fit: FitRecord, k: int | None = None) -> FactorComponent:
    """Component k of a fit, or its only one; raises ZooError for a fit without loadings or a missing or wrong k."""
    card = fit.model.card
    if card.linear is None:
        with_loadings = [name for name, known in registry.cards()[0].items() if known.linear]
        raise ZooError(
            f"{fit.model.name} has no loadings: its card has no linear; these have: {', '.join(with_loadings)}"
        )
    pi, W, mu, Psi = card.linear(aligned_draws(fit), fit.keywords)
    K = pi.shape[-1]
    if k is None and K > 1:
        raise ZooError(f"each of the {K} components of {fit.model.name} has loadings of its own: choose one by k=0")
    if not W.shape[-1]:
        raise ZooError(f"{fit.model.name} was fitted with Z=0: it has no factors; give Z=1 or more")
    k = 0 if k is None else k
    if k not in range(K):
        raise ZooError(f"k={k!r} for a fit of K={K} components: give a whole number from 0 to {K - 1}")
    values = (np.broadcast_to(v, (*pi.shape[:-1], *v.shape[pi.ndim - 1 :]))[:, :, k] for v in (W, mu, Psi))
    return FactorComponent(*values)


def column_names(columns: Sequence[str] | None, own: Sequence[str] | None, D: int) -> list[str]:
    """The names given, or those of the fit, or x[0], x[1], ...; raises ZooError unless there is one for each column.

    >>> column_names(None, ["age", "sex"], 2), column_names(None, None, 2)
    (['age', 'sex'], ['x[0]', 'x[1]'])
    """
    columns = own if columns is None else columns
    if columns is None:
        return [f"x[{d}]" for d in range(D)]
    names = list(map(str, columns))
    if len(names) != D:
        raise ZooError(f"columns has {len(names)} names for {D} columns: give one for each")
    return names
