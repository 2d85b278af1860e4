"""The rows on which a fit is evaluated, and means over them with their standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from inference.amortised import AmortisedPosterior
from inference.record import FitRecord
from zoo.data.intensities import take_rows
from zoo.types import DataLike


class EvaluationRows(NamedTuple):
    """The rows of an evaluation. table: ``{site: (N, ...)}`` as the program takes it. source: a phrase for ``repr``."""

    posterior: AmortisedPosterior
    table: dict[str, np.ndarray]
    source: str

    @property
    def num_values(self) -> int:
        """The number of observed values: pixels, and labels."""
        return sum(int((~np.isnan(v)).sum()) for v in self.table.values())


def evaluation_rows(fit: FitRecord, data: DataLike, seed: int) -> EvaluationRows:
    """The rows given, else those that the fit held out, else those that it was trained on. Raises ZooError."""
    posterior, source = AmortisedPosterior(fit), "rows given"
    if data is None:
        held_out = fit.diagnostics.get("rows_held_out")
        source = "rows trained on" if held_out is None else "rows held out"
        data = fit.data if held_out is None else take_rows(fit.data, np.asarray(held_out))
    return EvaluationRows(posterior, posterior.table(data, seed), source)


@dataclass(frozen=True, repr=False, kw_only=True)
class RowEstimates:
    """Estimates of a log-density of each row; ``repr`` is their text.

    Attributes
    ----------
    errors : array, (N,)
        The Monte Carlo standard error of each estimate.
    num_values : int
        The number of observed values of all rows.
    source : str
        Which rows these are.
    seed : int
        The seed of the draws, and of the pixels of intensities.
    """

    errors: np.ndarray
    num_values: int
    source: str
    seed: int

    def by_row(self) -> np.ndarray:
        """The estimate of each row in nats, (N,)."""
        raise NotImplementedError

    @property
    def bits_per_dimension(self) -> float:
        """Minus the estimate in bits for each observed value; densities of continuous values have units of the data."""
        return -float(self.by_row().sum()) / self.num_values / float(np.log(2))

    @property
    def standard_error(self) -> float:
        """Of the mean over rows as an estimate for other rows like these: from the spread over the rows."""
        return standard_error_of_mean(self.by_row())

    @property
    def monte_carlo_error(self) -> float:
        """Of the mean over these rows: from the spread over the draws."""
        return monte_carlo_error_of_mean(self.errors)

    def __repr__(self) -> str:
        return str(self)


def standard_error_of_mean(values: np.ndarray) -> float:
    """The standard error of the mean over rows, NaN of one row.

    >>> standard_error_of_mean(np.array([1.0, 3.0]))
    1.0
    """
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def monte_carlo_error_of_mean(errors: np.ndarray) -> float:
    """The Monte Carlo standard error of a mean over rows, from that of each row.

    >>> monte_carlo_error_of_mean(np.array([3.0, 4.0]))
    2.5
    """
    return float(np.sqrt(np.square(errors).sum()) / len(errors))
