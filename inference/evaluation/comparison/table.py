"""A comparison as tables: by quantity, by fit, and a short table for the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.evaluation.comparison.agreement import divergence
from inference.evaluation.comparison.errors import monte_carlo_errors
from inference.evaluation.comparison.explanation import largest
from inference.evaluation.comparison.record import ComparisonRecord

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Group


def table_by_quantity(c: ComparisonRecord) -> pd.DataFrame:
    """A row for each quantity and fit; ``delta``, ``sd_ratio`` and ``wasserstein`` are against the reference.

    ``coverage`` is the part of the draws of the reference in the central 90% interval of the fit.

    Columns that end in ``_se`` are Monte Carlo standard errors; that of ``delta`` is about that of ``wasserstein`` too.
    """
    import pandas as pd

    errors = monte_carlo_errors(c)
    frames = []
    for name, s in c.statistics.items():
        a, e = c.agreements[name], errors[name]
        columns = {
            "quantity": s.quantities,
            "fit": name,
            "mean": s.mean,
            "mean_se": e.mean,
            "sd": s.sd,
            "sd_se": e.sd,
            "delta": a.delta,
            "delta_se": e.delta,
            "sd_ratio": a.sd_ratio,
            "sd_ratio_se": e.sd_ratio,
            "wasserstein": a.wasserstein,
            "coverage": a.coverage,
            "coverage_se": a.se_coverage,
            "r_hat": s.r_hat,
            "ess_bulk": s.ess_bulk,
            "ess_tail": s.ess_tail,
            "k_hat": s.k_hat,
        }
        frames.append(pd.DataFrame(columns, index=pd.RangeIndex(len(s.quantities))))
    table = pd.concat(frames).sort_index(kind="stable")  # the fits of one quantity together
    return table.reset_index(drop=True)


def table_by_fit(c: ComparisonRecord) -> pd.DataFrame:
    """A row for each fit: what made it, its worst number of each kind, and whether to trust it.

    ``kl`` is a lower bound on the guide's KL divergence from the posterior, in nats.
    """
    import pandas as pd

    rows = []
    for name, s in c.statistics.items():
        fit, a = c.fits[name], c.agreements[name]
        rows.append(
            {
                "fit": name,
                "engine": fit.engine,
                "backend": fit.model.backend,
                "seconds": fit.seconds,
                "trust": c.verdicts[name].trust,
                "max_delta": largest(np.abs(a.delta)),
                "min_sd_ratio": -largest(-a.sd_ratio),
                "max_sd_ratio": largest(a.sd_ratio),
                "max_wasserstein": largest(a.wasserstein),
                "min_coverage": -largest(-a.coverage),
                "max_r_hat": largest(s.r_hat),
                "min_ess": -largest(-np.minimum(s.ess_bulk, s.ess_tail)),
                "divergences": s.divergences if s.kind == "chains" and s.divergences is not None else np.nan,
                "k_hat": s.k_hat,
                "elbo": s.elbo,
                "kl": divergence(s, c.statistics.values()) if s.kind == "guide" else np.nan,
                "log_likelihood": s.log_likelihood,
            }
        )
    return pd.DataFrame(rows).set_index("fit")


SHORT_TABLE: dict[str, Callable[[Any], str]] = {  # heading -> the text of one cell, from a row of table_by_fit
    "engine": lambda r: r.engine,
    "backend": lambda r: r.backend,
    "seconds": lambda r: format_number(r.seconds, ".1f"),
    "means off by": lambda r: format_number(r.max_delta, ".2f", " sd"),
    "sd ratio": lambda r: format_range(r.min_sd_ratio, r.max_sd_ratio),
    "Wasserstein": lambda r: format_number(r.max_wasserstein, ".2f", " sd"),
    "90% holds": lambda r: format_number(r.min_coverage, ".0%"),
    "R-hat": lambda r: format_number(r.max_r_hat, ".3f"),
    "ESS": lambda r: format_number(r.min_ess, ".0f"),
    "divergent": lambda r: format_number(r.divergences, ".0f"),
    "k-hat": lambda r: format_number(r.k_hat, ".2f"),
    "ELBO": lambda r: format_number(r.elbo, ".2f"),
    "KL at least": lambda r: format_number(r.kl, ".2f"),
    "log lik.": lambda r: format_number(r.log_likelihood, ".2f"),
    "trust": lambda r: r.trust,
}


def short_table(c: ComparisonRecord) -> tuple[list[str], list[list[str]]]:
    """The names of the fits, and heading and cells of each row that is not empty."""
    rows = list(table_by_fit(c).itertuples())
    cells = {heading: [format_cell(row) for row in rows] for heading, format_cell in SHORT_TABLE.items()}
    reference = list(c.fits).index(c.reference)  # its distances from itself are not shown
    for heading, text in (("means off by", "reference"), ("sd ratio", ""), ("Wasserstein", ""), ("90% holds", "")):
        cells[heading][reference] = text
    return list(c.fits), [[heading, *column] for heading, column in cells.items() if any(column)]


def format_number(value: float, form: str, unit: str = "") -> str:
    """A number with its unit; empty for NaN."""
    return "" if np.isnan(value) else f"{value:{form}}{unit}"


def format_range(low: float, high: float) -> str:
    """A range of ratios; empty for NaN."""
    return "" if np.isnan(low) else f"{low:.2f} to {high:.2f}"


def sentences(c: ComparisonRecord) -> list[str]:
    """The verdict on each fit, then the warnings."""
    return [f"{name}: {v.explanation}." for name, v in c.verdicts.items()] + list(c.warnings)


def plain_text(c: ComparisonRecord) -> str:
    """The short table and the verdicts as plain text."""
    names, rows = short_table(c)
    lines = [["", *names], *rows]
    widths = [max(len(line[j]) for line in lines) for j in range(len(names) + 1)]
    text = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([*text, "", *sentences(c), "", c.verdict])


TRUST_COLOURS = {"yes": "green", "means only": "yellow", "unclear": "magenta", "no": "red", "point": "cyan"}


def rich_text(c: ComparisonRecord) -> Group:
    """The same for the console, in colour."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    names, rows = short_table(c)
    table = Table()
    for name in ("", *names):
        table.add_column(escape(name), justify="right" if name else "left")
    for heading, *cells in rows:
        coloured = [f"[{TRUST_COLOURS[cell]}]{cell}[/]" if cell in TRUST_COLOURS else escape(cell) for cell in cells]
        table.add_row(heading, *coloured)
    items = [f"- {escape(s)}" for s in sentences(c)]
    title = f"[bold]{escape(c.fits[c.reference].model.card.title)}: which posterior to trust[/]"
    return Group(title, table, "", *items, "", f"[bold]{escape(c.verdict)}[/]")
