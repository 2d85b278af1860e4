"""Which rows are looked at, and means over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from inference.amortised import AmortisedPosterior
from zoo import ZooError
from zoo.data.intensities import take_rows

if TYPE_CHECKING:
    from inference.result import Fit


class Rows(NamedTuple):
    """table: ``{site: (N, ...)}`` as the program sees it. source: what rows these are, in words."""

    opened: AmortisedPosterior
    table: dict[str, np.ndarray]
    source: str

    @property
    def values(self) -> int:
        """How many values were seen: pixels, and labels."""
        return sum(int((~np.isnan(v)).sum()) for v in self.table.values())


def rows_of(fit: Fit, data: Any, seed: int) -> Rows:
    """The rows given, else those that the fit held out, else those that it was trained on. Raises ZooError."""
    opened, source = AmortisedPosterior(fit), "rows given"
    if data is None:
        held = fit.diagnostics.get("rows_held_out")
        source = "rows trained on" if held is None else "rows held out"
        data = fit.data if held is None else take_rows(fit.data, np.asarray(held))
    return Rows(opened, opened.table(data, seed), source)


def check_whole(least: int, **numbers: Any) -> None:
    """Raise ZooError unless each is a whole number from ``least`` up."""
    for word, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ZooError(f"{word} is a whole number from {least} up; given {value!r}")


def mean(values: np.ndarray) -> float:
    return float(values.mean())


def over_rows(values: np.ndarray) -> float:
    """The standard error of the mean over rows, NaN of one row."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def of_draws(errors: np.ndarray) -> float:
    """The Monte Carlo standard error of a mean over rows, each with an error of its own."""
    return float(np.sqrt(np.square(errors).sum()) / len(errors))
