"""What the ranks say, as a table, a verdict and a figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.calibration.bands import band, p_value
from inference.evaluation.comparison.agreement import FALSE_ALARM_RATE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NOTICED = 2.0  # standard errors of a moment of the ranks from which it has a name
FEW = 0.5  # of the draws ranked: with fewer effective ones behind them the ranks lean to the ends


@dataclass(frozen=True)
class Calibration:
    """What simulation-based calibration found.

    what: whose draws they are. ranks: ``{quantity: (n,)}``, how many of ``draws`` draws lie below the truth; n is the
    number of simulations that did not fail, or a multiple of it where a simulation has independent repeats (rows).
    simulations: how many were asked for. ess: (simulations that did not fail,), the least effective sample size of any
    quantity among the draws that were thinned, infinite where they are independent. failures: ``{simulation: why}``.
    """

    what: str
    ranks: Mapping[str, np.ndarray]
    draws: int
    simulations: int
    ess: np.ndarray
    failures: Mapping[int, str]
    notes: tuple[str, ...] = ()

    @property
    def chance(self) -> float:
        """That one quantity leaves its band though it is calibrated: 1% over all quantities (Bonferroni)."""
        return FALSE_ALARM_RATE / len(self.ranks)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each quantity.

        p: the chance of ranks this far from uniform, for this quantity alone. bias: the mean rank over the number of
        draws, less 1/2; above 0 the draws lie too low. coverage: how often the draws' central interval of probability
        ``interval`` held the truth. finding: "calibrated", or what is wrong with the draws.
        """
        import pandas as pd

        rows = []
        for ranks in self.ranks.values():
            p = p_value(ranks, self.draws)
            held = (ranks >= self._cut) & (ranks <= self.draws - self._cut)
            bias = float((ranks / self.draws).mean() - 0.5)
            rows.append((p, bias, held.mean(), shape(ranks, self.draws) if p <= self.chance else "calibrated"))
        index = pd.Index(self.ranks, name="quantity")
        return pd.DataFrame(rows, index=index, columns=["p", "bias", "coverage", "finding"])

    @property
    def _cut(self) -> int:
        """The ranks below it, and as many at the other end, are outside the central interval of about 90%."""
        return round(0.05 * (self.draws + 1))

    @property
    def interval(self) -> float:
        """The probability of the interval whose coverage is reported: 90%, as nearly as the draws allow."""
        return 1 - 2 * self._cut / (self.draws + 1)

    @property
    def wrong(self) -> list[str]:
        """The quantities that leave their bands, the worst first."""
        table = self.table.sort_values("p", kind="stable")
        return list(table.index[table.finding != "calibrated"])

    @property
    def blind(self) -> tuple[float, float]:
        """What would as likely as not go unseen in a normal quantity: a shift in sds, and a factor of the spread.

        The smallest error whose expected ECDF leaves the band of the quantity with fewest ranks; infinite if none does.
        """
        from scipy.stats import norm

        n = min(map(len, self.ranks.values()))
        low, high = band(n, self.draws, self.chance)
        z = norm.ppf(np.arange(1, self.draws + 1) / (self.draws + 1))

        def least(sizes: np.ndarray, moved: np.ndarray) -> float:
            counts = n * norm.cdf(moved)
            seen = np.any((counts < low) | (counts > high), axis=1)
            return float(sizes[seen.argmax()]) if seen.any() else float("inf")

        shifts, factors = np.linspace(0, 5, 501), np.linspace(1, 20, 1901)
        return least(shifts, z + shifts[:, None]), least(factors, z / factors[:, None])

    @property
    def verdict(self) -> str:
        """Whether the draws are those of the posterior, and what to do where they are not."""
        count, over = len(self.ranks), f"over {self.simulations} simulations"
        if not self.wrong:
            shift, factor = self.blind
            return (
                f"{self.what}: calibrated; {said(count)} within the band {over}, in which a shift under {shift:.2g} sd "
                f"or a spread off by a factor under {factor:.2g} may go unseen"
            )
        row = self.table.loc[self.wrong[0]]
        rest = f"and {len(self.wrong) - 1} more of {count}" if len(self.wrong) > 1 else f"alone of {count}"
        return (
            f"{self.what}: not calibrated; for {self.wrong[0]} ({rest}) {row.finding}: their {self.interval:.0%} "
            f"intervals held the truth {row.coverage:.0%} of the time {over}; {advice(row.finding)}"
        )

    @property
    def caveats(self) -> list[str]:
        """What must be known beside the verdict: failures, draws that were not independent, what was not ranked."""
        found = []
        if self.failures:
            first = min(self.failures)
            found.append(
                f"{len(self.failures)} of {self.simulations} simulations failed, and the ranks speak of the others "
                f"alone; the first was simulation {first}: {self.failures[first]}"
            )
        few = int((self.ess < FEW * self.draws).sum())
        if few:
            found.append(
                f"in {few} of {len(self.ess)} simulations the least effective sample size was under half of the "
                f"{self.draws} draws ranked (at worst {self.ess.min():.0f}), and such draws look too narrow: "
                "take longer chains, or rank fewer"
            )
        return [*found, *self.notes]

    def figure(self) -> Figure:
        """The ECDF of the ranks less that of uniform ones, with its band, for each quantity; the worst first."""
        from inference.evaluation.calibration.figure import differences

        return differences(self)

    def __str__(self) -> str:
        table = self.table.sort_values("p", kind="stable").to_string(float_format=lambda v: f"{v:.3g}")
        return "\n".join([table, "", *self.caveats, self.verdict])


def shape(ranks: np.ndarray, draws: int) -> str:
    """What is wrong with draws among which the truth takes these ranks, by the first two moments of the ranks.

    >>> shape(np.array([0, 10] * 50), 10)
    'the draws are too narrow'
    >>> shape(np.array([8, 9, 10] * 30), 10)
    'the draws are too low'
    """
    u = (ranks + 0.5) / (draws + 1) - 0.5
    # in standard errors; by the spread that these ranks have, as those of narrow draws vary more from one to the next
    side = u.mean() / max(u.std() / np.sqrt(len(u)), 1e-12)
    # about their mean, or a shift alone would look narrow; of uniform u the variance is 1/12, that of u^2 1/180
    ends = (u.var() - 1 / 12) * np.sqrt(180 * len(u))
    words = []
    if abs(ends) > NOTICED:
        words.append("too narrow" if ends > 0 else "too wide")
    if abs(side) > NOTICED:
        words.append("too low" if side > 0 else "too high")
        # a shift crowds the ranks at one end, so that their spread says nothing more unless it grows
        if ends < 0:
            words = words[-1:]
    return f"the draws are {' and '.join(words)}" if words else "the draws have another shape"


def advice(finding: str) -> str:
    """What to do about it."""
    if "low" in finding or "high" in finding:
        return "use neither its means nor its intervals"
    if "narrow" in finding:
        return "do not take intervals from it"
    if "wide" in finding:
        return "its intervals are wider than they need be"
    return "do not trust its tails"


def said(count: int) -> str:
    return "the one quantity is" if count == 1 else f"all {count} quantities are"
