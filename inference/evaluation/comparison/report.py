"""A comparison as one HTML page."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np

from inference.draws_model import has_program
from inference.evaluation.comparison.draws_file import FILE_NAME, csv_bytes, thinned_draws
from inference.evaluation.comparison.figures import make_figures
from inference.evaluation.comparison.interactive import interactive_html
from inference.evaluation.comparison.numbers import MEANINGS, QUANTITY_MEANINGS, agreement_rows, quantity_rows
from inference.evaluation.comparison.record import ComparisonRecord
from inference.plots import page, reproduce
from zoo.data.corpus import Corpus

MAX_RANGES = 8  # columns whose ranges are shown
MAX_OPEN_ROWS = 40  # of the table of every quantity; a longer one is folded
CAPTIONS = {
    "data": "The data with the components of the fit to use, at the mean of its draws (or its estimate).",
    "objective": "The objective after each EM iteration, and at each SVI step (pale) with its moving average.",
    "marginals": "The posterior of each quantity by each fit, those that agree least first; a dashed line is an "
    "estimate without spread, the shaded curve is the reference fit.",
    "responsibilities": "The probability of each component for every row, by each fit, the rows in the same order.",
    "chains": "The quantities with the highest R-hat: the path of each chain, and how its draws rank among those of "
    "all chains. Chains that agree overlap on the left and stay near the dashed line on the right.",
}
ERRORS = (
    "After ± is the Monte Carlo standard error: how far a number would move if the same engine drew again. Numbers are "
    "printed to the digits that it allows."
)


def save_report(c: ComparisonRecord, path: Path, command: str = "") -> Path:
    """Write the page in one step; raises ZooError where it cannot be written."""
    card, table = c.fits[c.best].model.card, thinned_draws(c)
    title = f"{card.title}: which posterior to trust"
    introduction = [
        f'<p class="pale">{escape(describe_data(c))}</p>',
        f'<p class="verdict">{escape(c.verdict)}</p>',
    ]
    closer_look = interactive_html(c, table)
    figures = [page.figure_html(name, figure, CAPTIONS[name.split()[0]]) for name, figure in make_figures(c).items()]
    sections = {
        "The verdict on each fit": [verdict_table(c), *(f"<p>{escape(warning)}</p>" for warning in c.warnings)],
        "How far they agree": agreement_parts(c),
        "Figures": figures,
        "A closer look": [closer_look],
        "Every quantity": quantity_parts(c),
        "The draws": [
            f"<p>{escape(table.description)} pandas and R read it as it is: fit, chain, draw and a column for "
            "each quantity.</p>",
            page.download_html(FILE_NAME, csv_bytes(c, table), "application/gzip", "draws"),
        ],
        "The model": page.model_parts(card.story, card.citation),
        "How to reproduce it": page.reproduction_html(
            source_code(c), [fit.model.backend for fit in c.fits.values()], command
        ),
    }
    return page.write_page(page.page_html(title, introduction, sections, ["explore.js"] if closer_look else []), path)


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
        [
            f'<span class="mark">{escape(name)}</span>',
            f'<span class="mark {v.trust.replace(" ", "-")}">{escape(v.trust)}</span>',
            f'{escape(v.explanation)}.<br><span class="pale">Rule: {escape(v.rule)}.</span>',
        ]
        for name, v in c.verdicts.items()
    ]
    return page.table_html(["fit", "trust", "why"], rows, "texts verdicts")


def agreement_parts(c: ComparisonRecord) -> list[str]:
    """The short table with errors, and what its rows are."""
    rows = agreement_rows(c)
    return [
        f"<p>Distances are from {escape(c.reference)}; each cell has the worst of "
        f"{len(c.statistics[c.reference].quantities)} quantities. {ERRORS}</p>",
        page.table_html(["", *c.fits], [[escape(cell) for cell in row] for row in rows]),
        page.meanings_html({row[0]: MEANINGS[row[0]] for row in rows}),
    ]


def quantity_parts(c: ComparisonRecord) -> list[str]:
    """The table of every quantity, and what its columns are; columns without a number are left out."""
    rows = quantity_rows(c)
    headings = ["quantity", "fit", *QUANTITY_MEANINGS]
    shown = [j for j in range(len(headings)) if any(row[j] for row in rows)]
    table = page.table_html([headings[j] for j in shown], [[escape(row[j]) for j in shown] for row in rows])
    meanings = {headings[j]: QUANTITY_MEANINGS[headings[j]] for j in shown[2:]}
    if len(rows) > MAX_OPEN_ROWS:
        table = f"<details><summary>{len(rows)} rows</summary>{table}</details>"
    return [f"<p>Distances are from {escape(c.reference)}.</p>", table, page.meanings_html(meanings)]


def source_code(c: ComparisonRecord) -> str:
    """The calls that made the fits, given the data."""
    lines = ["import inference, zoo", ""]
    for i, fit in enumerate(c.fits.values()):
        if not has_program(fit.model):
            lines.append(f"fit_{i} = ...  # made elsewhere, by {fit.engine}")
            continue
        lines += [f"model = {reproduce.model_call(fit)}", f"fit_{i} = {reproduce.fit_call(fit)}"]
    arguments = ", ".join(f"fit_{i}" for i in range(len(c.fits)))
    return "\n".join([*lines, f"print(inference.compare({arguments}, names={list(c.fits)!r}))"])
