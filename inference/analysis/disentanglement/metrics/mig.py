"""Mutual information gap of code means, by bins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from inference.analysis.disentanglement.metrics import Metric, MetricValues, gap_of_top_two
from inference.analysis.disentanglement.rows import CodesAndFactors


class BinnedGap(Metric):
    """The definition of Locatello et al. (2019): means of the codes in 20 bins of equal width."""

    name: ClassVar[str] = "mig"
    scores: ClassVar[Mapping[str, str]] = {
        "mig": "difference of the two largest mutual informations with a factor, as a share of its entropy, in 20 bins"
    }
    citation: ClassVar[str] = "Chen et al. (2018); with bins as Locatello et al. (2019)"
    takes_continuous: ClassVar[bool] = True
    num_resamples: ClassVar[int] = 100

    def values(self, rows: CodesAndFactors) -> MetricValues:
        shares = rows.binned_information / rows.entropies
        return MetricValues({"mig": float(gap_of_top_two(shares).mean())}, shares)


METRIC = BinnedGap()
