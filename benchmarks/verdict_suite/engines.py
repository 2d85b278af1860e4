"""Fits by the engines: NUTS, guides and Pathfinder, with defaults, and with too few iterations or too high a rate."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import inference
import zoo
from benchmarks.verdict_suite.fits import posterior_of
from benchmarks.verdict_suite.judging import Row, beside, rows_of
from benchmarks.verdict_suite.problem import Problem
from inference.evaluation.comparison import judge
from inference.result import Fit

CHAINS: dict[str, dict[str, Any]] = {
    "nuts": {"engine": "nuts"},
    "nuts, few draws": {"engine": "nuts", "num_warmup": 100, "num_samples": 50},
}
GUIDES: dict[str, dict[str, Any]] = {
    "mean_field": {"engine": "svi", "guide": "mean_field"},
    "full_rank": {"engine": "svi", "guide": "full_rank"},
    "mean_field, few steps": {"engine": "svi", "guide": "mean_field", "num_steps": 30},
    "full_rank, high rate": {"engine": "svi", "guide": "full_rank", "learning_rate": 0.5},
    "pathfinder": {"engine": "pathfinder"},
}


def judge_engines(problem: Problem, seed: int) -> list[Row]:
    """Every verdict on the fits of one problem; a fit that an engine refuses, or that fails, has no row."""
    p, rows, fits = posterior_of(problem, seed), [], {}
    for name, options in {**CHAINS, **GUIDES}.items():
        fit = fit_problem(problem, seed, options)
        if fit is not None:
            fits[name] = fit
    sound = fits.get("nuts")
    for name, fit in fits.items():
        verdicts = {"alone": judge(fit)}
        if name in GUIDES and sound is not None:
            verdicts["beside nuts"] = beside(fit, sound)
        rows += rows_of(p, name, "chains" if name in CHAINS else "guide", fit, verdicts)
    return [row._replace(kind=f"{row.kind} of the engines") for row in rows]


def fit_problem(problem: Problem, seed: int, options: dict[str, Any]) -> Fit | None:
    """The fit by an engine in NumPyro, in 64 bits."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            model = zoo.Model(problem.program, backend="numpyro")
            return inference.fit(model, *problem.arguments.values(), seed=seed, dtype="float64", **options)
    except zoo.ZooError as error:
        print(f"{problem.name}: {options} {error}")
        return None
