"""Problems whose posterior is known, for the error rate of verdicts.

Each family of problems is a function of a random generator that returns a ``Problem``: a program as a user of NumPyro
writes it, exact draws of its posterior, and its log density in NumPy. The table ``FAMILIES`` has the number of problems
of each family; ``problems(seed)`` draws their sizes and values, so that rules chosen with one seed are measured with
another. ``fits`` has sound and broken fits of exact draws, ``truth`` how wrong a fit is, ``engines`` the fits by the
engines, ``rates`` the tables.
"""

from __future__ import annotations

from benchmarks.verdict_suite.families import FAMILIES
from benchmarks.verdict_suite.problem import Problem

__all__ = ["FAMILIES", "Problem", "problems"]


def problems(seed: int, share: float = 1.0) -> list[Problem]:
    """The problems of every family, with sizes and values by the seed; ``share`` of each family, one at least."""
    import numpy as np

    suite = []
    for number, (family, count) in enumerate(FAMILIES.items()):
        for i in range(max(1, round(share * count))):
            rng = np.random.default_rng([seed, number, i])
            suite.append(family(rng, i)._replace(name=f"{family.__name__}_{i}", family=family.__name__))
    return suite
