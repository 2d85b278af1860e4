"""ComparisonRecord: what ``compare`` found, as plain values; the tables, figures and the report are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inference.alignment import Draws
from inference.evaluation.comparison.agreement import Agreement
from inference.evaluation.comparison.verdict import Verdict
from inference.record import FitRecord
from inference.summaries.statistics import FitStatistics


@dataclass(frozen=True)
class ComparisonRecord:
    """What ``compare`` found. Mappings are by the name of the fit.

    reference: the fit the others are held against. draws: labels in one order over all fits. verdicts: one for each
    fit. best: the fit to use, and verdict: that in words. notes: what was done to the draws beforehand.
    """

    fits: Mapping[str, FitRecord]
    reference: str
    draws: Mapping[str, Draws]
    evidence: Mapping[str, FitStatistics]
    agreements: Mapping[str, Agreement]
    verdicts: Mapping[str, Verdict]
    best: str
    verdict: str
    notes: tuple[str, ...]
    columns: tuple[str, ...] | None = None
