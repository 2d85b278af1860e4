"""Measures of cross-fitted predictions, with bootstrap intervals over rows.

Rows that agree in group, target and all predictions are one cell, so that the rows of a bootstrap sample are
multinomial counts of the cells, and every measure is arithmetic on counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from inference.analysis.fairness.inputs import FairnessData
from inference.analysis.fairness.prediction import ALL, COMPLEMENT
from inference.analysis.fairness.record import CodeMeasures, Estimate, PredictorMeasures

LEVEL = 0.95  # of the intervals


class Cells(NamedTuple):
    """Rows that agree, U cells.

    group : group of each cell, (U,); outcome : whether the target is positive, (U,); columns : by set of codes, the
    three columns of ``predict_rows``, (U, 3); counts : rows of each cell, then of each bootstrap sample, (1 + B, U)
    """

    group: np.ndarray
    outcome: np.ndarray
    columns: Mapping[str, np.ndarray]
    counts: np.ndarray


def collect_cells(data: FairnessData, columns: Mapping[str, np.ndarray], num_bootstrap: int, seed: int) -> Cells:
    """The cells of all rows, and their counts in bootstrap samples of as many rows."""
    rows = np.column_stack([data.group, data.outcome, columns[ALL], columns[COMPLEMENT]])
    cells, counts = np.unique(rows, axis=0, return_counts=True)
    N = len(rows)
    samples = np.random.default_rng(seed).multinomial(N, counts / N, size=num_bootstrap)
    split = {ALL: cells[:, 2:5].astype(bool), COMPLEMENT: cells[:, 5:8].astype(bool)}
    return Cells(cells[:, 0], cells[:, 1].astype(bool), split, np.vstack([counts, samples]))


def measure(cells: Cells) -> PredictorMeasures:
    """The measures of one predictor on both sets of codes, and the accuracy lost between them."""
    accuracy = {
        name: weighted_share(cells, (columns[:, 2] == cells.outcome)) for name, columns in cells.columns.items()
    }
    return PredictorMeasures(
        {name: measure_codes(cells, name, accuracy[name]) for name in (ALL, COMPLEMENT)},
        estimate(accuracy[ALL] - accuracy[COMPLEMENT]),
    )


def measure_codes(cells: Cells, name: str, accuracy: np.ndarray) -> CodeMeasures:
    """The measures of one predictor on one set of codes."""
    is_group, is_group_balanced, is_predicted = cells.columns[name].T
    rates = group_shares(cells, is_predicted)
    true_positive_rates = group_shares(cells, is_predicted, among=cells.outcome)
    parity, opportunity = extreme_groups(rates), extreme_groups(true_positive_rates)
    return CodeMeasures(
        sensitive_accuracy=estimate(weighted_share(cells, is_group)),
        sensitive_balanced_accuracy=estimate(group_shares(cells, is_group_balanced).mean(1)),
        accuracy=estimate(accuracy),
        parity_difference=estimate(rates[:, parity[0]] - rates[:, parity[1]]),
        parity_groups=parity,
        opportunity_difference=estimate(
            true_positive_rates[:, opportunity[0]] - true_positive_rates[:, opportunity[1]]
        ),
        opportunity_groups=opportunity,
        rates=estimate(rates),
        true_positive_rates=estimate(true_positive_rates),
    )


def weighted_share(cells: Cells, is_counted: np.ndarray) -> np.ndarray:
    """The share of the rows of each sample in the cells that count, (1 + B,)."""
    return cells.counts @ is_counted / cells.counts.sum(1)


def group_shares(cells: Cells, is_counted: np.ndarray, among: np.ndarray | bool = True) -> np.ndarray:
    """The same by group and among some cells, (1 + B, G); NaN where a sample has no such rows."""
    indicator = (cells.group[:, None] == np.arange(cells.group.max() + 1)) & np.reshape(among, (-1, 1))
    total = cells.counts @ indicator
    with np.errstate(invalid="ignore"):
        return cells.counts @ (indicator & is_counted[:, None]) / total


def extreme_groups(shares: np.ndarray) -> tuple[int, int]:
    """The groups with the largest and the smallest share of all rows."""
    return int(shares[0].argmax()), int(shares[0].argmin())


def estimate(values: np.ndarray) -> Estimate:
    """The value of all rows, values[0], with the interval between quantiles over the samples, the rest."""
    low, high = np.nanquantile(values[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Estimate(values[0], low, high)
