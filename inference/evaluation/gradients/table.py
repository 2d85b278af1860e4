"""A gradient report as a table, and the sentences below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.gradients.record import FALSE_ALARM_RATE, GradientReportRecord
from inference.plots.numbers import with_error

if TYPE_CHECKING:
    import pandas as pd


def table_by_group(r: GradientReportRecord) -> pd.DataFrame:
    """A row for each group and estimator, those with the least variance per evaluation first."""
    import pandas as pd

    rows, index = [], []
    for group in r.groups:
        order = sorted(r.estimators, key=lambda n: r.estimators[n].groups[group].variance * r.estimators[n].evaluations)
        for name in order:
            estimator = r.estimators[name]
            m, norm = estimator.groups[group], r.reference.norms[group]
            low, high = m.bias_interval
            rows.append(
                {
                    "variance": m.variance,
                    "variance_se": m.variance_se,
                    "evaluations": estimator.evaluations,
                    "per_evaluation": m.variance * estimator.evaluations,
                    "bias": m.bias,
                    "bias_low": low,
                    "bias_high": high,
                    "bias_percent": 100 * m.bias / norm if norm else np.nan,
                    "bias_percent_low": 100 * low / norm if norm else np.nan,
                    "bias_percent_high": 100 * high / norm if norm else np.nan,
                    "p": m.p,
                    "seconds": estimator.seconds,
                }
            )
            index.append((group, name))
    return pd.DataFrame(rows, index=pd.MultiIndex.from_tuples(index, names=["parameters", "estimator"]))


def short_table(r: GradientReportRecord) -> pd.DataFrame:
    """The table as text, with the errors beside the numbers; runs are evaluations of the program in one gradient."""
    import pandas as pd

    table = table_by_group(r)
    rows = [
        {
            "variance": with_error(row.variance, row.variance_se),
            "runs": f"{row.evaluations}",
            "x runs": with_error(row.per_evaluation, row.variance_se * row.evaluations),
            "bias": with_interval(row.bias, row.bias_low, row.bias_high),
            "bias, %": with_interval(row.bias_percent, row.bias_percent_low, row.bias_percent_high),
            "p": f"{row.p:.2g}",
            "ms": f"{1000 * row.seconds:.2g}",
        }
        for row in table.itertuples()
    ]
    return pd.DataFrame(rows, index=table.index)


def with_interval(value: float, low: float, high: float) -> str:
    """A number with its interval, to two digits.

    >>> with_interval(0.01943, 0.0, 0.03147), with_interval(123.4, 120.0, 126.8), with_interval(0.0, 0.0, 0.0)
    ('0.019 (0 to 0.031)', '120 (120 to 130)', '0')
    """
    if not np.isfinite(value):
        return ""
    texts = [f"{number:.2g}" if number < 100 else f"{float(f'{number:.2g}'):.0f}" for number in (value, low, high)]
    return "{} ({} to {})".format(*texts) if high > low else texts[0]


def sentences(r: GradientReportRecord) -> list[str]:
    """What the numbers are, the reference, the biases that were found, and the estimators that were left out."""
    lines = [
        f"{r.title}: the gradient per row of {r.rows} rows, {r.num_draws} draws of each estimator",
        "runs: of the program in one gradient; x runs: the variance at equal work; bias: its norm, with a 95% interval",
        f"reference: {describe_reference(r)}",
        bias_sentence(r),
    ]
    if r.skipped:
        reasons = "; ".join(f"{name} ({reason})" for name, reason in r.skipped.items())
        lines.append(f"left out: {reasons}")
    return lines


def describe_reference(r: GradientReportRecord) -> str:
    """The reference, with its error where it has one."""
    if r.reference.is_exact:
        return r.reference.source
    group = r.groups[-1]
    error, norm = r.reference.errors[group], r.reference.norms[group]
    percent = f", {100 * error / norm:.2g}% of its norm" if norm else ""
    return f"{r.reference.source}; its error has the norm {error:.2g}{percent}, and the errors of biases include it"


def bias_sentence(r: GradientReportRecord) -> str:
    """Which estimators are biased, by these draws."""
    level = f"at a level of {FALSE_ALARM_RATE:.0%} over the whole table"
    biased = r.biased
    if not biased:
        return f"bias: none was found {level}"
    unexpected = [n for n in biased if r.estimators[n].is_unbiased]
    warning = f"; {', '.join(unexpected)} should have none" if unexpected else ""
    return f"bias: {', '.join(biased)} {'is' if len(biased) == 1 else 'are'} biased {level}{warning}"


def plain_text(r: GradientReportRecord) -> str:
    """The short table and the sentences."""
    return "\n".join([short_table(r).to_string(), "", *sentences(r)])
