"""The records of a comparison: what the rules take, the verdict on a fit, and all that ``compare`` computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from inference.alignment import Draws
from inference.evaluation.comparison.agreement import Agreement
from inference.record import FitRecord
from inference.summaries.statistics import FitStatistics

Trust = Literal["yes", "means only", "point", "unclear", "no"]
TRUSTS: tuple[Trust, ...] = get_args(Trust)  # the best first


@dataclass(frozen=True)
class Verdict:
    """The verdict on one fit.

    Attributes
    ----------
    trust : {"yes", "means only", "point", "unclear", "no"}
        "point" means an estimate without spread, "unclear" that there are not enough draws to say.
    explanation : str
        Why, and what to do.
    rule : str
        The rule that was applied, with its source.
    is_shown : bool
        Whether the draws show it; False where evidence is missing, which other fits may supply.
    """

    trust: Trust
    explanation: str
    rule: str
    is_shown: bool = True


@dataclass(frozen=True)
class VerdictInput:
    """What the rules need of one fit.

    name: that of the fit in the comparison. converged: None where it was not recorded. heywood: columns of a factor
    model whose uniqueness is next to nothing. learned: parameters without a prior, for which no chains can be run.
    scales: for each latent of a centred hierarchy those that its scale depends on. difficulty: why chains may diverge.
    at_max_tree_depth: iterations of NUTS that ended at the limit of the tree. other_modes: the part of the mass that is
    in modes which a guide is not about. e_bfmi: the lowest of the chains, NaN where it is not recorded.
    """

    name: str
    options: Mapping[str, object]
    converged: bool | None
    statistics: FitStatistics
    heywood: Sequence[Sequence[str | int]] = ()
    learned: Sequence[str] = ()
    scales: Mapping[str, Sequence[str]] = field(default_factory=dict)
    difficulty: str = ""
    at_max_tree_depth: int = 0
    other_modes: float = 0.0
    e_bfmi: float = float("nan")


@dataclass(frozen=True)
class ComparisonRecord:
    """The result of ``compare`` as plain values.

    Attributes
    ----------
    fits : mapping of str to FitRecord
        The fits by name; the other mappings have the same names.
    reference : str
        The fit that the others are compared with.
    draws : mapping of str to dict of str to array, (chain, draw, *shape)
        The draws of each fit, labels and axes aligned over all fits.
    statistics : mapping of str to FitStatistics
        The statistics of each fit.
    agreements : mapping of str to Agreement
        The distances of each fit from the reference.
    verdicts : mapping of str to Verdict
        The verdict on each fit.
    best : str
        The fit to use.
    verdict : str
        Which fit to use, and for what, in one sentence.
    warnings : tuple of str
        What was done to the draws before the comparison.
    columns : tuple of str, optional
        The names of the data's columns.
    """

    fits: Mapping[str, FitRecord]
    reference: str
    draws: Mapping[str, Draws]
    statistics: Mapping[str, FitStatistics]
    agreements: Mapping[str, Agreement]
    verdicts: Mapping[str, Verdict]
    best: str
    verdict: str
    warnings: tuple[str, ...]
    columns: tuple[str, ...] | None = None
