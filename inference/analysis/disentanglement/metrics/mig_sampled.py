"""Mutual information gap of draws of the posteriors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from inference.analysis.disentanglement.metrics import Metric, MetricValues, gap_of_top_two
from inference.analysis.disentanglement.rows import CodesAndFactors

MAX_DRAWS = 500  # of which the densities under all posteriors are computed


class SampledGap(Metric):
    """The definition of Chen et al. (2018): densities of draws under the mixture of the posteriors of all rows.

    I(z_j; v) is the mean over draws of log q(z_j | v) - log q(z_j); each is the mean of the posterior densities, of the
    rows with the value of the draw's own row, and of all rows. The mean is weighted so that each row counts once.
    """

    name: ClassVar[str] = "mig_sampled"
    scores: ClassVar[Mapping[str, str]] = {
        "mig_sampled": "difference of the two largest mutual informations of draws of a code with a factor, as a share "
        "of its entropy"
    }
    citation: ClassVar[str] = "Chen et al. (2018)"
    needs_sd: ClassVar[bool] = True
    is_costly: ClassVar[bool] = True
    num_resamples: ClassVar[int] = 10

    def values(self, rows: CodesAndFactors) -> MetricValues:
        from inference.analysis.disentanglement.learners import density_kernels as kernels

        assert rows.sd is not None
        N, rng = len(rows.codes), rows.rng(4)
        rows_of_draws = np.arange(N) if N <= MAX_DRAWS else np.sort(rng.permutation(N)[:MAX_DRAWS])
        noise = rng.standard_normal((N, 1))[rows_of_draws]  # equal in all dimensions, whose order does not matter
        z = rows.codes[rows_of_draws] + rows.sd[rows_of_draws] * noise
        labels = np.stack([f.labels for f in rows.factors], 1)
        shares = kernels.sampled_information(z, rows_of_draws, rows.codes, rows.sd, labels) / rows.entropies
        return MetricValues({"mig_sampled": float(gap_of_top_two(shares).mean())}, shares)


METRIC = SampledGap()
