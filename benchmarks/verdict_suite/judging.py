"""Verdicts on every fit of a problem: alone, beside sound chains, beside chains that failed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.verdict_suite.fits import CHAINS, GUIDES, SOUND, Posterior, make_fits, perfect, posterior_of, sticky
from benchmarks.verdict_suite.problem import Problem
from benchmarks.verdict_suite.truth import truth_of
from inference.evaluation.comparison import Verdict, compare, judge
from inference.evaluation.reweighting import reweight
from inference.result import Fit
from zoo import ZooError


class Row(NamedTuple):
    """A verdict with the truth.

    setting: "alone", "beside sound chains" or "beside failed chains". is_wrong, is_sound: by the truth; a fit with a
    defect that does not show in its intervals, such as a chain that stays in one place, is neither.
    """

    problem: str
    family: str
    is_multimodal: bool
    fit: str
    kind: str
    setting: str
    trust: str
    coverage: float
    error: float
    is_wrong: bool
    is_sound: bool
    explanation: str


def judge_problem(problem: Problem, seed: int) -> list[Row]:
    """Every verdict on constructed fits of one problem."""
    p, rows = posterior_of(problem, seed), []
    sound, failed = (maker(p, np.random.default_rng([seed, 13])) for maker in (perfect, sticky))
    for kind, makers in (("chains", CHAINS), ("guide", GUIDES)):
        for name, fit in make_fits(p, makers, seed):
            verdicts = {"alone": judge(fit), "beside sound chains": beside(fit, sound)}
            if kind == "guide":
                verdicts["beside failed chains"] = beside(fit, failed)
            rows += rows_of(p, name, kind, fit, verdicts)
            if kind == "guide" and (resampled := reweighted(fit)):
                verdicts = {"alone": judge(resampled), "beside sound chains": beside(resampled, sound)}
                rows += rows_of(p, f"{name}, reweighted", "reweighted guide", resampled, verdicts)
    return rows


def reweighted(fit: Fit) -> Fit | None:
    """The draws of a guide resampled by their weights; None where too few have any weight."""
    try:
        return reweight(fit)
    except ZooError:
        return None


def beside(fit: Fit, chains: Fit) -> Verdict:
    """The verdict on a fit that is compared with chains."""
    return compare(fit, chains, names=["fit", "chains"]).verdicts["fit"]


def rows_of(p: Posterior, name: str, kind: str, fit: Fit, verdicts: dict[str, Verdict]) -> list[Row]:
    """A row for each setting."""
    truth, problem = truth_of(p, fit), p.problem
    return [
        Row(
            problem.name,
            problem.family,
            problem.is_multimodal,
            name,
            kind,
            setting,
            verdict.trust,
            truth.coverage,
            truth.error,
            truth.is_wrong,
            truth.is_sound and name in SOUND,
            verdict.explanation,
        )
        for setting, verdict in verdicts.items()
    ]
