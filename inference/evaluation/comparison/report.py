"""A comparison as one HTML page."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np

from inference.draws_model import has_program
from inference.evaluation.comparison.figures import make_figures
from inference.evaluation.comparison.record import ComparisonRecord
from inference.evaluation.comparison.table import short_table, table_by_quantity
from inference.plots import page
from zoo.data.corpus import Corpus

MAX_RANGES = 8  # columns whose ranges are shown
CAPTIONS = {
    "data": "The data with the components of the fit to use, at the mean of its draws (or its estimate).",
    "objective": "The objective after each EM iteration, and at each SVI step (pale) with its moving average.",
    "marginals": "The posterior of each quantity by each fit, those that agree least first; a dashed line is an "
    "estimate without spread, the shaded curve is the reference fit.",
    "responsibilities": "The probability of each component for every row, by each fit, the rows in the same order.",
    "chains": "The quantities with the highest R-hat: the path of each chain, and how its draws rank among those of "
    "all chains. Chains that agree overlap on the left and stay near the dashed line on the right.",
}


def save_report(c: ComparisonRecord, path: Path) -> Path:
    """Write the page in one step; raises ZooError where it cannot be written."""
    fit = c.fits[c.best]
    card = fit.model.card
    title = f"{card.title}: which posterior to trust"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="pale">{escape(describe_data(c))}</p>',
        f'<p class="verdict">{escape(c.verdict)}</p>',
        verdict_table(c),
        *(f"<p>{escape(warning)}</p>" for warning in c.warnings),
        "<h2>How far they agree</h2>",
        f"<p>Distances are from {escape(c.reference)}, in its posterior standard deviations; each cell is the worst "
        f"over {len(c.statistics[c.reference].quantities)} quantities.</p>",
        agreement_table(c),
        "<h2>Figures</h2>",
        *(page.figure_html(name, figure, CAPTIONS[name.split()[0]]) for name, figure in make_figures(c).items()),
        "<h2>Every quantity</h2>",
        f"<details><summary>{len(table_by_quantity(c))} rows</summary>",
        f'<div class="wide">{full_table(c)}</div></details>',
        "<h2>The model</h2>",
        f"<pre>{escape(card.story)}</pre>" if card.story else "",
        f'<p class="pale">{escape(card.citation)}</p>',
        "<h2>How to reproduce it</h2>",
        f"<pre>{escape(source_code(c))}</pre>",
        f'<p class="pale">{escape(page.package_versions(*c.fits.values()))}</p>',
    ]
    return page.write_page(page.page_html(title, parts), path)


def describe_data(c: ComparisonRecord) -> str:
    """Describe the data in one line.

    For example ``x: 272 rows; eruptions from 1.6 to 5.1, waiting from 43 to 96. N = 272, D = 2, K = 2.``
    """
    fit, sentences = c.fits[c.best], []
    for name, values in fit.observed_data().items():
        if isinstance(values, Corpus):
            sentences.append(f"{name}: {values.N} documents, {values.V} words, {values.total} tokens")
            continue
        missing_count = int(np.isnan(values).sum())
        table = values.reshape(len(values), -1)
        names = c.columns or [f"column {j}" for j in range(table.shape[1])]
        shown = table.T if table.shape[1] <= MAX_RANGES else ()
        ranges = [f"{n} from {np.nanmin(v):g} to {np.nanmax(v):g}" for n, v in zip(names, shown, strict=False)]
        missing = [f"{missing_count} values missing"] if missing_count else []
        sentences.append(f"{name}: " + "; ".join([f"{len(values)} rows", *filter(None, [", ".join(ranges)]), *missing]))
    sizes = ", ".join(f"{k} = {v}" for k, v in fit.keywords.items() if len(k) == 1 and k.isupper())
    return " ".join(f"{sentence}." for sentence in [*sentences, sizes] if sentence) or "The data is not recorded."


def verdict_table(c: ComparisonRecord) -> str:
    """Trust, explanation and rule of each fit."""
    rows = [
        f'<tr><td>{escape(name)}</td><td class="mark {v.trust.replace(" ", "-")}">{escape(v.trust)}</td>'
        f'<td>{escape(v.explanation)}.<br><span class="pale">Rule: {escape(v.rule)}.</span></td></tr>'
        for name, v in c.verdicts.items()
    ]
    return f'<table class="fits"><tr><th>fit</th><th>trust</th><th></th></tr>{"".join(rows)}</table>'


def agreement_table(c: ComparisonRecord) -> str:
    """The short table."""
    names, rows = short_table(c)
    head = "".join(f"<th>{escape(cell)}</th>" for cell in ["", *names])
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def full_table(c: ComparisonRecord) -> str:
    """Every quantity of every fit."""
    return table_by_quantity(c).to_html(
        index=False, border=0, na_rep="", float_format=lambda v: f"{v:.4g}", escape=True
    )


def source_code(c: ComparisonRecord) -> str:
    """The calls that made the fits, given the data."""
    lines = ["import inference, zoo", ""]
    for i, fit in enumerate(c.fits.values()):
        if not has_program(fit.model):
            lines.append(f"fit_{i} = ...  # made elsewhere, by {fit.engine}")
            continue
        lines += [f"model = {page.model_call(fit)}", f"fit_{i} = {page.fit_call(fit)}"]
    arguments = ", ".join(f"fit_{i}" for i in range(len(c.fits)))
    return "\n".join([*lines, f"print(inference.compare({arguments}, names={list(c.fits)!r}))"])
