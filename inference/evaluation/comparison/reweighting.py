"""Advice to reweight a guide, where its draws, resampled by their weights, pass the rules of such draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from inference.evaluation.comparison import explanation
from inference.evaluation.comparison.record import Verdict, VerdictInput
from inference.evaluation.comparison.verdict import reweighted_verdict
from inference.summaries.importance import reweighted_statistics
from inference.summaries.statistics import FitStatistics, k_hat_error

Rule = Callable[[VerdictInput, Verdict], Verdict]  # the verdict beside the other fits, of that of a fit alone


def advise(
    verdict: Verdict, c: VerdictInput, others: Mapping[str, FitStatistics], beside: Rule | None = None
) -> Verdict:
    """The verdict on a guide that is not to be used, with the advice to reweight it where its resampled draws pass.

    k-hat must pass by a standard error, as that of new draws will be another one.
    """
    s = c.statistics
    if verdict.trust == "yes" or s.kind != "guide" or s.source is not None or not np.isfinite(s.weights).all():
        return verdict
    if not s.k_hat + k_hat_error(s.k_hat, s.num_weights) < s.k_limit or not np.isfinite(s.values).all():
        return verdict
    resampled = replace(c, statistics=reweighted_statistics(s))
    theirs = reweighted_verdict(resampled, others)
    if theirs.trust == "yes" and beside is not None:
        theirs = beside(resampled, theirs)
    if theirs.trust != "yes":
        return verdict
    return replace(verdict, explanation=explanation.with_reweighting(verdict.explanation))
