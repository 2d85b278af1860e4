"""The verdicts of ``judge`` on the fits of a calibration, and the coverage of the fits that it trusts.

A user has one fit and its verdict. How often the intervals of fits with that verdict contain the truth needs no known
posterior: true values and data are simulated together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"  # the row of the fits of any verdict
INTERVAL = 0.95  # of the coverage


def trust_table(trust: Sequence[str], covered: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """A row for each verdict that was given, and for all fits: simulations, coverage, and its interval of 95%.

    trust: the verdict on each fit. covered: for each quantity whether its interval contained the truth, by fit. The
    coverage is the mean over fits and quantities; its interval is that of a binomial proportion of the fits (Clopper
    and Pearson 1934), as the quantities of one fit depend on each other.
    """
    import pandas as pd

    verdicts = np.array(trust)
    by_fit = np.mean([np.asarray(c, float) for c in covered.values()], axis=0)
    groups = {t: verdicts == t for t in dict.fromkeys(sorted(trust, key=order))} | {ALL: np.ones(len(verdicts), bool)}
    rows = [
        (int(chosen.sum()), by_fit[chosen].mean(), *binomial_interval(by_fit[chosen])) for chosen in groups.values()
    ]
    index = pd.Index(list(groups), name="trust")
    return pd.DataFrame(rows, index=index, columns=["simulations", "coverage", "low", "high"])


def order(trust: str) -> tuple[bool, str]:
    """The rank of a verdict in the table: that of fits to be trusted is the first."""
    return trust != "yes", trust


def binomial_interval(successes: np.ndarray) -> tuple[float, float]:
    """The Clopper-Pearson interval of 95% of a proportion, from 0, 1 or fractions, (n,).

    >>> [round(bound, 3) for bound in binomial_interval(np.array([1, 1, 1, 0]))]
    [0.194, 0.994]
    """
    from scipy.stats import beta

    n, k, tail = len(successes), float(np.sum(successes)), (1 - INTERVAL) / 2
    low = 0.0 if k == 0 else float(beta.ppf(tail, k, n - k + 1))
    high = 1.0 if k == n else float(beta.ppf(1 - tail, k + 1, n - k))
    return low, high
