"""Calibration: the result of simulation-based calibration, with its table, verdict and figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.calibration.bands import band, p_value
from inference.evaluation.calibration.figure import plot_ranks
from inference.evaluation.comparison.agreement import FALSE_ALARM_RATE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NOTABLE_Z = 2.0  # standard errors of a moment of the ranks, from which the moment is named
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
        Warnings of single simulations, each once.
    """

    title: str
    ranks: Mapping[str, np.ndarray]
    draws: int
    simulations: int
    ess: np.ndarray
    failures: Mapping[int, str]
    trial_warnings: tuple[str, ...] = ()

    @property
    def error_rate(self) -> float:
        """The probability that one calibrated quantity leaves its band: 1% over all quantities (Bonferroni)."""
        return FALSE_ALARM_RATE / len(self.ranks)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each quantity.

        p: the probability of ranks this far from uniform, for this quantity alone. bias: the mean rank over the number
        of draws, minus 1/2; above 0 the draws are too low. coverage: how often the draws' central interval of
        probability ``interval`` contained the true value. finding: "calibrated", or what is wrong with the draws.
        """
        import pandas as pd

        rows = []
        for ranks in self.ranks.values():
            p = p_value(ranks, self.draws)
            is_covered = (ranks >= self._cut) & (ranks <= self.draws - self._cut)
            bias = float((ranks / self.draws).mean() - 0.5)
            finding = "calibrated" if p > self.error_rate else describe_ranks(ranks, self.draws)
            rows.append((p, bias, is_covered.mean(), finding))
        index = pd.Index(self.ranks, name="quantity")
        return pd.DataFrame(rows, index=index, columns=["p", "bias", "coverage", "finding"])

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
        """The quantities that leave their bands, the smallest p first."""
        table = self.table.sort_values("p", kind="stable")
        return list(table.index[table.finding != "calibrated"])

    @property
    def detectable_errors(self) -> tuple[float, float]:
        """The smallest errors of a normal quantity that are likely to be detected: a shift in sds, and a spread factor.

        These are the smallest errors whose expected ECDF leaves the band of the quantity with the fewest ranks;
        infinite if none does.
        """
        from scipy.stats import norm

        n = min(map(len, self.ranks.values()))
        low, high = band(n, self.draws, self.error_rate)
        z = norm.ppf(np.arange(1, self.draws + 1) / (self.draws + 1))

        def smallest(sizes: np.ndarray, quantiles: np.ndarray) -> float:
            counts = n * norm.cdf(quantiles)
            is_outside = np.any((counts < low) | (counts > high), axis=1)
            return float(sizes[is_outside.argmax()]) if is_outside.any() else float("inf")

        shifts, factors = np.linspace(0, 5, 501), np.linspace(1, 20, 1901)
        return smallest(shifts, z + shifts[:, None]), smallest(factors, z / factors[:, None])

    @property
    def verdict(self) -> str:
        """Whether the draws are those of the posterior, and what to do where they are not."""
        count, simulations = len(self.ranks), f"over {self.simulations} simulations"
        wrong = self.miscalibrated
        if not wrong:
            shift, factor = self.detectable_errors
            subject = "the one quantity is" if count == 1 else f"all {count} quantities are"
            return (
                f"{self.title}: calibrated; {subject} within the band {simulations}, in which a shift under "
                f"{shift:.2g} sd or a spread off by a factor under {factor:.2g} may go unseen"
            )
        row = self.table.loc[wrong[0]]
        others = f"and {len(wrong) - 1} more of {count}" if len(wrong) > 1 else f"alone of {count}"
        return (
            f"{self.title}: not calibrated; for {wrong[0]} ({others}) {row.finding}: their {self.interval:.0%} "
            f"intervals contained the truth {row.coverage:.0%} of the time {simulations}; {advice(row.finding)}"
        )

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
        """Plot the ECDF of the ranks minus the uniform ECDF, with its band.

        Returns
        -------
        Figure
            A panel for each quantity, the smallest p first.
        """
        return plot_ranks(self.ranks, self.table, self.draws, self.error_rate, self.title)

    def __str__(self) -> str:
        table = self.table.sort_values("p", kind="stable").to_string(float_format=lambda v: f"{v:.3g}")
        return "\n".join([table, "", *self.warnings, self.verdict])


def describe_ranks(ranks: np.ndarray, draws: int) -> str:
    """What is wrong with draws among which the truth has these ranks, by the first two moments of the ranks.

    >>> describe_ranks(np.array([0, 10] * 50), 10)
    'the draws are too narrow'
    >>> describe_ranks(np.array([8, 9, 10] * 30), 10)
    'the draws are too low'
    """
    u = (ranks + 0.5) / (draws + 1) - 0.5
    # z-score of the mean, by the spread of these ranks, as those of narrow draws vary more from one to the next
    mean_z = u.mean() / max(u.std() / np.sqrt(len(u)), 1e-12)
    # z-score of the variance, about their mean, so that a shift alone does not appear narrow; of uniform u the variance
    # is 1/12, that of u^2 1/180
    variance_z = (u.var() - 1 / 12) * np.sqrt(180 * len(u))
    errors = []
    if abs(variance_z) > NOTABLE_Z:
        errors.append("too narrow" if variance_z > 0 else "too wide")
    if abs(mean_z) > NOTABLE_Z:
        errors.append("too low" if mean_z > 0 else "too high")
        # a shift concentrates the ranks at one end, so that their spread is informative only where it grows
        if variance_z < 0:
            errors = errors[-1:]
    return f"the draws are {' and '.join(errors)}" if errors else "the draws have another shape"


def advice(finding: str) -> str:
    """What to do about an error of the draws.

    >>> advice("the draws are too narrow")
    'do not take intervals from it'
    """
    if "low" in finding or "high" in finding:
        return "use neither its means nor its intervals"
    if "narrow" in finding:
        return "do not take intervals from it"
    if "wide" in finding:
        return "its intervals are wider than they need be"
    return "do not trust its tails"
