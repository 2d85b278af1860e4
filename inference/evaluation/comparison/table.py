"""A comparison as tables: one for the record and a short one to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inference.evaluation.comparison.agreement import divergence
from inference.evaluation.comparison.explanation import largest
from inference.evaluation.comparison.record import ComparisonRecord

if TYPE_CHECKING:
    import pandas as pd


def by_quantity(c: ComparisonRecord) -> pd.DataFrame:
    """A row for each quantity and fit; ``delta``, ``sd_ratio`` and ``wasserstein`` are against the reference."""
    import pandas as pd

    frames = []
    for name, e in c.evidence.items():
        a = c.agreements[name]
        columns = {
            "quantity": e.quantities,
            "fit": name,
            "mean": e.mean,
            "sd": e.sd,
            "delta": a.delta,
            "sd_ratio": a.sd_ratio,
            "wasserstein": a.wasserstein,
            "r_hat": e.r_hat,
            "ess_bulk": e.ess_bulk,
            "ess_tail": e.ess_tail,
            "k_hat": e.k_hat,
        }
        frames.append(pd.DataFrame(columns, index=pd.RangeIndex(len(e.quantities))))
    table = pd.concat(frames).sort_index(kind="stable")  # the fits of one quantity together
    return table.reset_index(drop=True)


def by_fit(c: ComparisonRecord) -> pd.DataFrame:
    """A row for each fit: what made it, its worst number of each kind, and whether to trust it.

    ``kl`` is a lower bound on the guide's KL divergence from the posterior, in nats.
    """
    import pandas as pd

    rows = []
    for name, e in c.evidence.items():
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
                "max_r_hat": largest(e.r_hat),
                "min_ess": -largest(-np.minimum(e.ess_bulk, e.ess_tail)),
                "divergences": e.divergences if e.kind == "chains" else np.nan,
                "k_hat": e.k_hat,
                "elbo": e.elbo,
                "kl": divergence(e, c.evidence.values()) if e.kind == "guide" else np.nan,
                "log_likelihood": e.log_likelihood,
            }
        )
    return pd.DataFrame(rows).set_index("fit")


SHORT = {  # heading -> the words of one cell, from a row of by_fit
    "engine": lambda r: r.engine,
    "backend": lambda r: r.backend,
    "seconds": lambda r: number(r.seconds, ".1f"),
    "means off by": lambda r: number(r.max_delta, ".2f", " sd"),
    "sd ratio": lambda r: ratios(r.min_sd_ratio, r.max_sd_ratio),
    "Wasserstein": lambda r: number(r.max_wasserstein, ".2f", " sd"),
    "R-hat": lambda r: number(r.max_r_hat, ".3f"),
    "ESS": lambda r: number(r.min_ess, ".0f"),
    "divergent": lambda r: number(r.divergences, ".0f"),
    "k-hat": lambda r: number(r.k_hat, ".2f"),
    "ELBO": lambda r: number(r.elbo, ".2f"),
    "KL at least": lambda r: number(r.kl, ".2f"),
    "log lik.": lambda r: number(r.log_likelihood, ".2f"),
    "trust": lambda r: r.trust,
}


def short(c: ComparisonRecord) -> tuple[list[str], list[list[str]]]:
    """The table to read: the names of the fits, and for each measure that says something its heading and cells."""
    rows = list(by_fit(c).itertuples())
    cells = {heading: [say(row) for row in rows] for heading, say in SHORT.items()}
    at = list(c.fits).index(c.reference)  # whose distances from itself are no news
    for heading, said in (("means off by", "reference"), ("sd ratio", ""), ("Wasserstein", "")):
        cells[heading][at] = said
    return list(c.fits), [[heading, *column] for heading, column in cells.items() if any(column)]


def number(value: float, form: str, unit: str = "") -> str:
    return "" if np.isnan(value) else f"{value:{form}}{unit}"


def ratios(low: float, high: float) -> str:
    return "" if np.isnan(low) else f"{low:.2f} to {high:.2f}"


def sentences(c: ComparisonRecord) -> list[str]:
    """The verdict of each fit, then what was done to the labels."""
    return [f"{name}: {v.words}." for name, v in c.verdicts.items()] + list(c.notes)


def printed(c: ComparisonRecord) -> str:
    """The short table and the verdicts as plain text."""
    names, rows = short(c)
    lines = [["", *names], *rows]
    widths = [max(len(line[j]) for line in lines) for j in range(len(names) + 1)]
    text = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([*text, "", *sentences(c), "", c.verdict])


COLOURS = {"yes": "green", "means only": "yellow", "no": "red", "point": "cyan"}


def rich_table(c: ComparisonRecord) -> Any:
    """The same for a terminal, in colour."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    names, rows = short(c)
    table = Table()
    for name in ("", *names):
        table.add_column(escape(name), justify="right" if name else "left")
    for heading, *cells in rows:
        coloured = [f"[{COLOURS[cell]}]{cell}[/]" if cell in COLOURS else escape(cell) for cell in cells]
        table.add_row(heading, *coloured)
    told = [f"- {escape(s)}" for s in sentences(c)]
    title = f"[bold]{escape(c.fits[c.reference].model.card.title)}: which posterior to trust[/]"
    return Group(title, table, "", *told, "", f"[bold]{escape(c.verdict)}[/]")
