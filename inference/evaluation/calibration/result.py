"""Calibration: the result of simulation-based calibration, with its table, verdict and figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.calibration import shape
from inference.evaluation.calibration.figure import plot_ranks
from inference.evaluation.calibration.joint import CORRELATIONS, JOINT, CorrelationTest, marginal_names
from inference.evaluation.calibration.trust import ALL, trust_table
from inference.evaluation.comparison.agreement import FALSE_ALARM_RATE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MIN_ESS_FRACTION = 0.5  # of the ranked draws: with a lower ESS the ranks concentrate at the ends


@dataclass(frozen=True)
class Calibration:
    """The result of simulation-based calibration.

    Attributes
    ----------
    title : str
        The engine and the model.
    ranks : mapping of str to array, (n,)
        For each quantity how many of ``draws`` draws are below the true value; n is the number of simulations that did
        not fail, or a multiple of it where a simulation has independent repeats (rows).
    draws : int
        The number of ranked draws of each fit.
    simulations : int
        The number of simulations, failed ones included.
    ess : array, (simulations that did not fail,)
        The least effective sample size of any quantity among the draws before thinning, infinite where they are
        independent.
    failures : mapping of int to str
        The error of each simulation that failed.
    trial_warnings : tuple of str
        Warnings of the calibration and of single simulations, each once.
    correlations : CorrelationTest or None
        The test of the correlations of all pairs of quantities; None where there are no pairs.
    trust : tuple of str
        What ``judge`` said of the fit of each simulation that did not fail; empty where there are no fits.
    """

    title: str
    ranks: Mapping[str, np.ndarray]
    draws: int
    simulations: int
    ess: np.ndarray
    failures: Mapping[int, str]
    trial_warnings: tuple[str, ...] = ()
    correlations: CorrelationTest | None = None
    trust: tuple[str, ...] = ()

    @property
    def error_rate(self) -> float:
        """The probability that one calibrated quantity fails its test: 1% over all quantities (Bonferroni)."""
        return FALSE_ALARM_RATE / (len(self.ranks) + (self.correlations is not None))

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each quantity.

        p: the probability of ranks this far from uniform, for this quantity alone, by the tests of
        ``inference.evaluation.calibration.shape``. shift: the mean of the draws less that of the posterior, in its
        standard deviations. spread: the standard deviation of the draws over that of the posterior. low, high: the
        interval of 95% of the spread. coverage: how often the draws' central interval of probability ``interval``
        contained the true value. finding: "calibrated", or what is wrong with the draws.
        """
        import pandas as pd

        rows = {}
        for name, ranks in self.ranks.items():
            p, errors = shape.uniformity_p(ranks, self.draws), self.errors[name]
            finding = "calibrated" if p > self.error_rate else shape.describe_errors(errors)
            numbers = errors.shift, errors.spread, *errors.spread_interval
            rows[name] = (p, *numbers, self.is_covered(name).mean(), finding)
        if test := self.correlations:
            finding = "calibrated" if test.p > self.error_rate else test.finding
            rows[CORRELATIONS] = (test.p, *[np.nan] * 5, finding)
        columns = ["p", "shift", "spread", "low", "high", "coverage", "finding"]
        return pd.DataFrame(list(rows.values()), index=pd.Index(list(rows), name="quantity"), columns=columns)

    @cached_property
    def errors(self) -> dict[str, shape.DrawErrors]:
        """The errors of the draws of each quantity, with intervals."""
        return {name: shape.draw_errors(ranks, self.draws) for name, ranks in self.ranks.items()}

    def is_covered(self, name: str) -> np.ndarray:
        """Whether the central interval of the draws contained the true value of a quantity, (n,).

        Parameters
        ----------
        name : str

        Returns
        -------
        array of bool, (n,)
        """
        ranks = self.ranks[name]
        return (ranks >= self._cut) & (ranks <= self.draws - self._cut)

    @cached_property
    def by_trust(self) -> pd.DataFrame:
        """A row for each verdict that ``judge`` gave, and for all fits: how often their intervals contained the truth.

        simulations: the number of fits. coverage: of the central intervals of probability ``interval``, over the
        parameters. low, high: its binomial interval of 95%. Empty where there are no fits.
        """
        quantities = marginal_names(self.ranks)
        return trust_table(self.trust, {n: self.is_covered(n) for n in quantities} if self.trust else {})

    @property
    def _cut(self) -> int:
        """The number of ranks on each side that are outside the central interval of about 90%."""
        return round(0.05 * (self.draws + 1))

    @property
    def interval(self) -> float:
        """The probability of the interval whose coverage is reported: 90%, as nearly as the draws allow."""
        return 1 - 2 * self._cut / (self.draws + 1)

    @property
    def miscalibrated(self) -> list[str]:
        """The quantities that fail their tests, the smallest p first."""
        table = self.table.sort_values("p", kind="stable")
        return list(table.index[table.finding != "calibrated"])

    @property
    def detectable_errors(self) -> tuple[float, float]:
        """The smallest errors of a normal quantity that are found in half of all cases: a shift in sds, and a factor.

        Of the quantity with the fewest ranks; infinite if no error is found.
        """
        return shape.detectable_errors(min(map(len, self.ranks.values())), self.draws, self.error_rate)

    @property
    def verdict(self) -> str:
        """Whether the draws are those of the posterior, and what to do where they are not."""
        count, simulations = len(self.table), f"over {self.simulations} simulations"
        wrong = self.miscalibrated
        if not wrong:
            shift, factor = self.detectable_errors
            subject = "the one quantity passes its" if count == 1 else f"all {count} quantities pass their"
            return (
                f"{self.title}: calibrated; {subject} tests {simulations}, in which a shift under {shift:.2g} sd or a "
                f"spread off by a factor under {factor:.2g} may go unseen"
            )
        others = f" (and {len(wrong) - 1} more of {count})" if len(wrong) > 1 else f" (alone of {count})"
        # of quantities of all parameters at once nobody reports an interval: single ones come first
        first = next((name for name in wrong if name not in (*JOINT, CORRELATIONS)), wrong[0])
        row = self.table.loc[first]
        if first == CORRELATIONS:
            return f"{self.title}: not calibrated; {row.finding}{others} {simulations}; {advice(row.finding)}"
        return (
            f"{self.title}: not calibrated; for {first}{others} {row.finding}: {self._size(first)}their "
            f"{self.interval:.0%} intervals contained the truth {row.coverage:.0%} of the time {simulations}; "
            f"{advice(row.finding)}"
        )

    def _size(self, name: str) -> str:
        """How large the errors are that the finding names, with intervals of 95%."""
        errors, finding, parts = self.errors[name], self.table.finding[name], []
        if "narrow" in finding or "wide" in finding:
            low, high = errors.spread_interval
            parts.append(f"their sd is {errors.spread:.2g} of the posterior's ({low:.2g} to {high:.2g}), ")
        if "low" in finding or "high" in finding:
            low, high = errors.shift_interval
            parts.append(f"their mean is off by {errors.shift:.2g} sd ({low:.2g} to {high:.2g}), ")
        return "".join(parts)

    @property
    def trust_verdict(self) -> str:
        """How often the intervals of fits that ``judge`` trusts contained the truth; "" where there are no fits."""
        if not self.trust:
            return ""
        table = self.by_trust
        counts = ", ".join(f"{t!r} {row.simulations:.0f}" for t, row in table.iterrows() if t != ALL)
        text = f"judge: {counts}"
        if "yes" in table.index:
            row = table.loc["yes"]
            text += (
                f"; {self.interval:.0%} intervals of those judged 'yes' contained the truth {row.coverage:.1%} of the "
            )
            text += f"time ({row.low:.1%} to {row.high:.1%})"
        return f"{text}, of all {table.coverage[ALL]:.1%}"

    @property
    def warnings(self) -> list[str]:
        """What qualifies the verdict: failures, draws that were not independent, quantities that were not ranked."""
        warnings = []
        if self.failures:
            first = min(self.failures)
            warnings.append(
                f"{len(self.failures)} of {self.simulations} simulations failed, and the ranks are those of the others "
                f"alone; the first was simulation {first}: {self.failures[first]}"
            )
        dependent = int((~(self.ess >= MIN_ESS_FRACTION * self.draws)).sum())
        if dependent:
            warnings.append(
                f"in {dependent} of {len(self.ess)} simulations the least effective sample size was under half of the "
                f"{self.draws} draws ranked (at worst {np.nan_to_num(self.ess).min():.0f}), and such draws look too "
                "narrow: take longer chains, or rank fewer"
            )
        return [*warnings, *self.trial_warnings]

    def figure(self) -> Figure:
        """Plot the ECDF of the ranks minus the uniform ECDF, with its band (Säilynoja et al. 2022).

        Returns
        -------
        Figure
            A panel for each quantity, the smallest p first.
        """
        return plot_ranks(self.ranks, self.table, self.draws, self.error_rate, self.title)

    def __str__(self) -> str:
        table = self.table.sort_values("p", kind="stable").to_string(float_format=lambda v: f"{v:.3g}", na_rep="")
        return "\n".join([table, "", *self.warnings, *filter(None, [self.trust_verdict]), self.verdict])


def advice(finding: str) -> str:
    """What to do about an error of the draws.

    >>> advice("the draws are too narrow")
    'do not take intervals from it'
    """
    if "correlation" in finding:
        return "do not take differences or sums of quantities from it"
    if "too low" in finding or "too high" in finding:
        return "use neither its means nor its intervals"
    if "narrow" in finding:
        return "do not take intervals from it"
    if "wide" in finding:
        return "its intervals are wider than they need be"
    return "do not trust its tails"
