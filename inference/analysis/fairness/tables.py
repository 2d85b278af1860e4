"""A report of fairness as tables, and the sentences below them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.fairness.prediction import ALL, COMPLEMENT
from inference.analysis.fairness.record import Estimate, FairnessRecord

if TYPE_CHECKING:
    import pandas as pd

MEASURES = {  # attribute of CodeMeasures: its name in tables
    "sensitive_accuracy": "sensitive: accuracy",
    "sensitive_balanced_accuracy": "sensitive: balanced accuracy",
    "accuracy": "target: accuracy",
    "parity_difference": "target: demographic parity difference",
    "opportunity_difference": "target: equal opportunity difference",
}
LIMITS = (
    "An accuracy near chance shows that these two predictors learn nothing of the attribute from these rows. It is no "
    "bound for other predictors or more rows, and rows on which the codes were trained may show less than new ones.",
    "Demographic parity compares how often groups are predicted to be positive, not whether the predictions are "
    "right. Equal opportunity compares it among rows recorded as positive, and takes the records for the truth: a bias "
    "in them is in the measure too. Where base rates differ, both are 0 only with unequal false positive rates, or "
    "with predictions that ignore the target.",
    "Both compare averages of the groups listed: they show nothing of individuals, of parts of groups, of causes, or "
    "of what is decided by a prediction. A difference of 0 makes no decision fair or lawful.",
    "Intervals are for other rows from the same source, with the predictors as they are. They do not include training "
    "codes and predictors anew, nor other times and places.",
)


def table_by_measure(r: FairnessRecord) -> pd.DataFrame:
    """A row for each predictor, measure and set of codes: value, low, high, and chance."""
    import pandas as pd

    chance = chances(r)
    rows = {
        (predictor, label, codes): (*getattr(measures.codes[codes], name), chance[name])
        for predictor, measures in r.predictors.items()
        for name, label in MEASURES.items()
        for codes in (ALL, COMPLEMENT)
    }
    index = pd.MultiIndex.from_tuples(rows, names=["predictor", "measure", "codes"])
    return pd.DataFrame(np.array(list(rows.values()), float), index, ["value", "low", "high", "chance"])


def table_by_group(r: FairnessRecord) -> pd.DataFrame:
    """A row for each predictor, set of codes and group: sizes, base rate, and the rates of the predictions."""
    import pandas as pd

    tables = []
    for predictor, measures in r.predictors.items():
        for codes in (ALL, COMPLEMENT):
            columns = {"rows": r.counts, "positives": r.positives, "base_rate": r.base_rates}
            for name in ("rates", "true_positive_rates"):
                estimate = getattr(measures.codes[codes], name)
                columns |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
            index = pd.MultiIndex.from_product(
                [[predictor], [codes], r.groups], names=["predictor", "codes", r.sensitive]
            )
            tables.append(pd.DataFrame(columns, index))
    return pd.concat(tables)


def chances(r: FairnessRecord) -> dict[str, float]:
    """Each measure of a prediction without codes: the most frequent group, and the more frequent target."""
    return {
        "sensitive_accuracy": r.sensitive_chance,
        "sensitive_balanced_accuracy": r.sensitive_balanced_chance,
        "accuracy": r.target_chance,
        "parity_difference": 0.0,
        "opportunity_difference": 0.0,
    }


def short_table(r: FairnessRecord) -> pd.DataFrame:
    """The measures as text, the two sets of codes side by side."""
    import pandas as pd

    chance = chances(r)
    rows = {
        (predictor, label.replace("sensitive", r.sensitive, 1).replace("target", r.target, 1)): [
            with_interval(getattr(measures.codes[ALL], name)),
            with_interval(getattr(measures.codes[COMPLEMENT], name)),
            f"{chance[name]:.3f}",
        ]
        for predictor, measures in r.predictors.items()
        for name, label in MEASURES.items()
    }
    return pd.DataFrame(list(rows.values()), pd.MultiIndex.from_tuples(rows), [ALL, COMPLEMENT, "chance"])


def group_table(r: FairnessRecord) -> pd.DataFrame:
    """Sizes of the groups, and rates of predictions from both sets of codes, as text."""
    import pandas as pd

    columns: dict[str, list[str]] = {
        "rows": [f"{count}" for count in r.counts],
        r.positive: [f"{count}" for count in r.positives],
        "recorded": [f"{rate:.3f}" for rate in r.base_rates],
    }
    for predictor, measures in r.predictors.items():
        columns[f"{predictor}, all"] = [f"{rate:.3f}" for rate in measures.codes[ALL].rates.value]
        columns[f"{predictor}, other"] = [f"{rate:.3f}" for rate in measures.codes[COMPLEMENT].rates.value]
    return pd.DataFrame(columns, pd.Index(r.groups, name=r.sensitive))


def with_interval(estimate: Estimate) -> str:
    """A number with its interval, to three decimals.

    >>> with_interval(Estimate(0.1234, 0.1, 0.1456))
    '0.123 (0.100 to 0.146)'
    """
    value, low, high = (f"{number:.3f}".replace("-0.000", "0.000") for number in estimate)
    return f"{value} ({low} to {high})"


def title(r: FairnessRecord) -> str:
    """What was compared, in one sentence."""
    carriers = ", ".join(f"z_{j}" for j in r.coordinates)
    return (
        f"{r.target} = {r.positive} by {r.sensitive}, from all {r.num_dimensions} coordinates of the codes and from "
        f"the {r.num_dimensions - len(r.coordinates)} other than {carriers}"
    )


def sentences(r: FairnessRecord) -> list[str]:
    """What the numbers are, which groups differ most, and the accuracy lost."""
    lines = [
        f"{r.rows} rows, {r.folds}-fold cross-fitting, 95% intervals by {r.num_bootstrap} bootstrap samples of rows",
        f"the recorded {r.target} has a demographic parity difference of {r.recorded_parity_difference:.3f}",
    ]
    if len(r.groups) > 2:
        lines.append(
            "of more than two groups the largest difference tends to be too large, most of all if some are small"
        )
    if extreme := extreme_rates(r):
        lines.append(
            f"a rate is exactly 0 or 1 for {', '.join(extreme)}: resampling cannot change it, and its intervals "
            "are too short (with n rows it may differ by 3 / n)"
        )
    for predictor, measures in r.predictors.items():
        high, low = (r.groups[g] for g in measures.codes[ALL].parity_groups)
        lines.append(
            f"{predictor}: without {', '.join(f'z_{j}' for j in r.coordinates)} the accuracy falls by "
            f"{with_interval(measures.accuracy_loss)}; from all codes {r.positive} is predicted most often for {high}, "
            f"least often for {low}"
        )
    return lines


def extreme_rates(r: FairnessRecord) -> list[str]:
    """The groups with a rate of 0 or 1, among all rows or among those recorded as positive."""
    codes = [codes for measures in r.predictors.values() for codes in measures.codes.values()]
    rates = np.array([[c.rates.value, c.true_positive_rates.value] for c in codes])
    is_extreme = ((rates == 0) | (rates == 1)).any((0, 1))
    return [group for group, extreme in zip(r.groups, is_extreme, strict=True) if extreme]


def plain_text(r: FairnessRecord) -> str:
    """The tables, the sentences, and what such numbers do and do not show."""
    from textwrap import wrap

    limits = [line for limit in LIMITS for line in wrap(limit, 116, initial_indent="- ", subsequent_indent="  ")]
    return "\n".join(
        [
            title(r),
            "",
            short_table(r).to_string(),
            "",
            f"predicted to be {r.positive}, as a share of each group",
            group_table(r).to_string(),
            "",
            *sentences(r),
            "",
            "what these numbers show and do not show",
            *limits,
        ]
    )
