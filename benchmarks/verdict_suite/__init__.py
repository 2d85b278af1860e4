"""Problems whose posterior is known, for the error rate of verdicts.

Each family of problems is a function of a random generator that returns a ``Problem``: a program as a user of NumPyro
writes it, exact draws of its posterior, and its log density in NumPy. The table ``FAMILIES`` has the number of problems
of each family; ``problem(seed, ...)`` draws sizes and values, so that rules chosen with one seed are measured with
another. ``fits`` has sound and broken fits of exact draws, ``truth`` how wrong a fit is, ``engines`` the fits by the
engines, ``rates`` the tables.
"""

from __future__ import annotations

import numpy as np

from benchmarks.verdict_suite.families import FAMILIES
from benchmarks.verdict_suite.problem import Problem

__all__ = ["FAMILIES", "Problem", "numbers", "problem", "problems"]


def numbers(share: float = 1.0) -> list[tuple[int, int]]:
    """The family and the place in it of each problem: ``share`` of each family, one at least."""
    counts = (max(1, round(share * count)) for count in FAMILIES.values())
    return [(number, i) for number, count in enumerate(counts) for i in range(count)]


def problem(seed: int, number: int, i: int) -> Problem:
    """The i-th problem of a family, with size and values by the seed."""
    family = list(FAMILIES)[number]
    return family(np.random.default_rng([seed, number, i]), i)._replace(
        name=f"{family.__name__}_{i}", family=family.__name__
    )


def problems(seed: int, share: float = 1.0) -> list[Problem]:
    """All problems."""
    return [problem(seed, *place) for place in numbers(share)]
