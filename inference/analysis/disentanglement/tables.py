"""A report on disentanglement as a table, and the sentences below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.disentanglement.record import DisentanglementRecord, Score

if TYPE_CHECKING:
    import pandas as pd

MAX_LISTED = 8  # dead dimensions that are listed with their reasons


def table_of_scores(r: DisentanglementRecord) -> pd.DataFrame:
    """A row for each score."""
    import pandas as pd

    rows = [
        {
            "score": s.value,
            "low": s.interval[0],
            "high": s.interval[1],
            "ceiling": s.ceiling,
            "floor": s.floor,
            "half_samples": s.num_resamples,
            "rows": s.num_rows,
            "definition": s.definition,
            "citation": s.citation,
        }
        for s in r.scores
    ]
    return pd.DataFrame(rows, index=pd.Index([label(r, s) for s in r.scores], name="metric"))


def label(r: DisentanglementRecord, s: Score) -> str:
    """The label of a score; DCI by a random forest is another metric than by boosted trees."""
    return f"{s.label} (random forest)" if r.fast and s.metric == "dci" else s.label


def short_table(r: DisentanglementRecord) -> pd.DataFrame:
    """The scores as text, to three digits."""
    import pandas as pd

    rows = [
        {
            "score": number(s.value),
            "95% interval": f"{number(s.interval[0])} to {number(s.interval[1])}" if s.num_resamples else "",
            "floor": number(s.floor),
            "ceiling": number(s.ceiling),
        }
        for s in r.scores
    ]
    return pd.DataFrame(rows, index=[label(r, s) for s in r.scores])


def number(value: float) -> str:
    """Three digits after the point, "-" for NaN.

    >>> number(0.25), number(float("nan"))
    ('0.250', '-')
    """
    return "-" if np.isnan(value) else f"{value:.3f}"


def sentences(r: DisentanglementRecord) -> list[str]:
    """What the numbers are, the dead dimensions, and the metrics that were left out."""
    kinds = [
        name if discrete else f"{name} (continuous)" for name, discrete in zip(r.factors, r.is_discrete, strict=True)
    ]
    lines = [
        f"{r.num_rows} codes of {r.num_dimensions} dimensions; factors: {', '.join(kinds)}",
        "ceiling: the score of a code whose dimensions are the factors; floor: of these codes with their rows permuted",
    ]
    if r.dead:
        listed = [f"{j} ({reason})" for j, reason in list(r.dead.items())[:MAX_LISTED]]
        rest = f", and {len(r.dead) - MAX_LISTED} more" if len(r.dead) > MAX_LISTED else ""
        lines.append(f"dead dimensions, in no score: {', '.join(listed)}{rest}")
    if r.fast:
        fewer = sorted({s.metric for s in r.scores if s.num_rows < r.num_rows})
        rows = min(s.num_rows for s in r.scores)
        of_rows = f"; {', '.join(fewer)} from {rows} rows" if fewer else ""
        lines.append(f"fast: DCI by a random forest, not to be compared with boosted trees{of_rows}")
    if at_floor := [label(r, s) for s in r.scores if s.num_resamples and s.interval[0] <= s.floor]:
        lines.append(f"not above the floor, so no evidence of order: {', '.join(at_floor)}")
    if any(np.isnan(s.value) for s in r.scores):
        lines.append("-: not defined for one active dimension, or where no other rows have the values of a factor")
    if r.skipped:
        lines.append("left out: " + "; ".join(f"{name} {reason}" for name, reason in r.skipped.items()))
    return lines


def plain_text(r: DisentanglementRecord) -> str:
    """The short table and the sentences."""
    return "\n".join([short_table(r).to_string(), "", *sentences(r)])
