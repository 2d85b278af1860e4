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


def save_page(r: GradientReportRecord, path: Path) -> Path:
    """Write the page in one step; raises ZooError where it cannot be written."""
    title = "Gradient estimators for discrete latents"
    first, *_ = sentences(r)
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="pale">{escape(first)}.</p>',
        f'<p class="verdict">{escape(bias_sentence(r).capitalize())}.</p>',
        f"<p>Reference: {escape(describe_reference(r))}.</p>",
        page.figure_html("gradients", plot_moments(r), CAPTION),
        f'<div class="wide">{short_table(r).to_html(border=0, escape=True)}</div>',
        *(f"<p>{escape(name)} was left out: {escape(reason)}.</p>" for name, reason in r.skipped.items()),
        "<h2>Every number</h2>",
        f'<div class="wide">{table_by_group(r).to_html(border=0, float_format=lambda v: f"{v:.4g}")}</div>',
    ]
    return page.write_page(page.page_html(title, parts), path)
