"""Comparison: what ``compare`` returns, with its tables, figures and report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.evaluation.comparison import figures, report, table
from inference.evaluation.comparison.record import ComparisonRecord

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Comparison(ComparisonRecord):
    """The fields of ``ComparisonRecord``, and what is shown of them."""

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each quantity and fit: moments, distances from the reference in its sds, R-hat and ESS."""
        return table.by_quantity(self)

    @cached_property
    def fits_table(self) -> pd.DataFrame:
        """A row for each fit: what made it, its worst number of each kind, and its verdict."""
        return table.by_fit(self)

    def figures(self) -> dict[str, Figure]:
        """Figures by name: data, objective, marginals, responsibilities, chains; those the fits have matter for."""
        return figures.figures(self)

    def save(self, path: str | Path) -> Path:
        """Write one self-contained HTML page; the file appears whole or not at all."""
        return report.save(self, Path(path))

    def __str__(self) -> str:
        return table.printed(self)

    def __rich__(self) -> Any:
        return table.rich_table(self)
