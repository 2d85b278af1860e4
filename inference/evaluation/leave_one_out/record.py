"""What leave-one-out cross-validation gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    """The expected log predictive density of a fit, by leaving rows out.

    Attributes
    ----------
    elpd : float
        The sum over rows of log p(x_n | the rows without n), in nats; larger is better.
    se : float
        Its standard error over rows, in nats.
    monte_carlo_error : float
        The standard error of ``elpd`` that the finite number of draws makes, in nats.
    p_loo : float
        The effective number of parameters: log p of the rows given all of them, less ``elpd``.
    pointwise : array, (N,)
        log p(x_n | the rows without n), in nats.
    k_hat : array, (N,)
        Pareto k-hat of the weights of each row, of draws that were moved where it was above the limit; NaN of one that
        was left out by a fit.
    k_limit : float
        The limit below which k-hat is good, for this many draws.
    refitted : array of int
        The rows that were left out by a fit.
    folds : int or None
        The number of folds, where all rows were left out by fits.
    warnings : tuple of str
        What makes the estimate doubtful, and what would help.
    matched : array of int
        The rows for which draws were moved.
    """

    elpd: float
    se: float
    monte_carlo_error: float
    p_loo: float
    pointwise: np.ndarray = field(repr=False)
    k_hat: np.ndarray = field(repr=False)
    k_limit: float
    refitted: np.ndarray = field(repr=False)
    folds: int | None = None
    warnings: tuple[str, ...] = ()
    matched: np.ndarray = field(repr=False, default_factory=lambda: np.array([], int))

    @property
    def bad_rows(self) -> np.ndarray:
        """The rows whose k-hat is above the limit, which no fit left out."""
        return np.flatnonzero(self.k_hat > self.k_limit)

    def __str__(self) -> str:
        how = f"{self.folds} folds" if self.folds else "leave-one-out"
        if len(self.matched):
            how += f", {len(self.matched)} of {len(self.pointwise)} rows by draws that are moved"
        if len(self.refitted) and not self.folds:
            how += f", {len(self.refitted)} of {len(self.pointwise)} rows by further fits"
        lines = [
            f"elpd    {self.elpd:.1f} nats, standard error {self.se:.1f} ({how})",
            f"p_loo   {self.p_loo:.1f} effective parameters",
        ]
        return "\n".join([*lines, *self.warnings])
