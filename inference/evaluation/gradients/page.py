"""A gradient report as one HTML page."""

from __future__ import annotations

from html import escape
from pathlib import Path

from inference.evaluation.gradients.figure import plot_moments
from inference.evaluation.gradients.record import GradientReportRecord
from inference.evaluation.gradients.table import (
    bias_sentence,
    describe_reference,
    sentences,
    short_table,
    table_by_group,
)
from inference.plots import page

CAPTION = (
    "Above the variance of one gradient times the runs of the program that it takes, below the bias in percent of the "
    "norm of the gradient, with 95% intervals; estimators that declare a bias are orange."
)
MEANINGS = {  # a sentence for each column of the short table
    "variance": "The variance of one gradient, with its Monte Carlo standard error.",
    "runs": "Runs of the program in one gradient.",
    "x runs": "The variance times the runs: the variance at equal work.",
    "bias": "The norm of the mean error, the noise of the mean taken off, with its 95% interval.",
    "bias, %": "The bias in percent of the norm of the gradient.",
    "p": "The probability of means this far from the reference without a bias.",
    "ms": "The time of one gradient in milliseconds on this machine; two digits, and no error is known.",
}


def save_page(r: GradientReportRecord, path: Path, command: str = "") -> Path:
    """Write the page in one step; raises ZooError where it cannot be written."""
    title = "Gradient estimators for discrete latents"
    first, *_ = sentences(r)
    table = short_table(r)
    rows = [[*(map(escape, index)), *map(escape, row)] for index, *row in table.itertuples()]
    introduction = [
        f'<p class="pale">{escape(first)}.</p>',
        f'<p class="verdict">{escape(bias_sentence(r).capitalize())}.</p>',
    ]
    sections = {
        "Figure": [page.figure_html("gradients", plot_moments(r), CAPTION)],
        "Every number": [
            f"<p>Reference: {escape(describe_reference(r))}.</p>",
            page.table_html([*map(str, table.index.names), *table.columns], rows),
            page.meanings_html({name: MEANINGS[name] for name in table.columns}),
            *(f"<p>{escape(name)} was left out: {escape(reason)}.</p>" for name, reason in r.skipped.items()),
        ],
        "The table": [
            "<p>The same numbers unrounded, as a CSV file.</p>",
            page.download_html("gradients.csv", table_by_group(r).to_csv().encode(), "text/csv", "numbers"),
        ],
        "How to reproduce it": page.reproduction_html("", [r.backend], command),
    }
    return page.write_page(page.page_html(title, introduction, sections), path)
