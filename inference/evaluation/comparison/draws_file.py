"""The draws of all fits as one small CSV file, thinned and rounded where nothing is lost by it."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass

import numpy as np

from inference.evaluation.comparison.figures import reference_distance
from inference.evaluation.comparison.record import ComparisonRecord
from inference.exact import spread_draws
from inference.summaries.difficulties import join_names

FILE_NAME = "draws.csv.gz"
MAX_NUMBERS = 40_000  # about 100 kB compressed
MAX_QUANTITIES, FEWEST_DRAWS = 60, 100
DIGITS_OF_SD, MOST_DIGITS = 3, 10  # a thousandth of the sd of a quantity; where there is no sd


@dataclass(frozen=True)
class DrawsTable:
    """Thinned draws of some quantities.

    Attributes
    ----------
    quantities : list of str
    draws : dict of str to array, (chain, draw, quantities)
        Of each fit; of a point one draw.
    indices : dict of str to array, (draw,)
        Which draws of each chain of the fit they are.
    description : str
        What was left out, in one sentence.
    """

    quantities: list[str]
    draws: dict[str, np.ndarray]
    indices: dict[str, np.ndarray]
    description: str


def thinned_draws(c: ComparisonRecord) -> DrawsTable:
    """Thin each fit to an equal share of the numbers, and keep the quantities in which fits differ most."""
    names = c.statistics[c.reference].quantities
    score = np.max([np.nan_to_num(reference_distance(c, name)) for name in c.fits], axis=0)
    kept = np.sort(np.argsort(-score, kind="stable")[:MAX_QUANTITIES])
    fits_with_draws = sum(s.kind != "point" for s in c.statistics.values())
    most = max(MAX_NUMBERS // max(fits_with_draws * len(kept), 1), FEWEST_DRAWS)
    indices, draws = {}, {}
    for name, s in c.statistics.items():
        chains, num_draws, _ = s.values.shape
        indices[name] = spread_draws(min(num_draws, max(most // chains, 1)), num_draws)
        draws[name] = s.values[:, indices[name]][..., kept]
    return DrawsTable([names[j] for j in kept], draws, indices, describe(c, len(kept), draws))


def describe(c: ComparisonRecord, quantities: int, draws: dict[str, np.ndarray]) -> str:
    """Which draws and which quantities the file has."""
    phrases = []
    for name, values in draws.items():
        if c.statistics[name].kind == "point":
            phrases.append(f"the estimate of {name}")
            continue
        count, total = values[..., 0].size, len(c.statistics[name].flat)
        share = f"{count} of the {total} draws" if count < total else f"all {total} draws"
        phrases.append(f"{share} of {name}" + (", evenly spaced" if count < total else ""))
    all_quantities = len(c.statistics[c.reference].quantities)
    which = "every quantity" if quantities == all_quantities else f"the {quantities} of {all_quantities} quantities"
    which += "" if quantities == all_quantities else " in which the fits differ most"
    return (
        f"The file has {join_names(phrases)}, of {which}, rounded to a thousandth of the posterior standard deviation."
    )


def csv_bytes(c: ComparisonRecord, table: DrawsTable) -> bytes:
    """The file: fit, chain, draw and a column for each quantity; ``draw`` counts the draws before thinning."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["fit", "chain", "draw", *(one_line(name) for name in table.quantities)])
    digits = significant_digits(c, table)
    for name, values in table.draws.items():
        for chain, rows in enumerate(values):
            for i, row in zip(table.indices[name].tolist(), rows.tolist(), strict=True):
                numbers = [f"{value:.{d}g}" for value, d in zip(row, digits, strict=True)]
                writer.writerow([one_line(name), chain, i, *numbers])
    return gzip.compress(text.getvalue().encode(), mtime=0)


def significant_digits(c: ComparisonRecord, table: DrawsTable) -> list[int]:
    """How many significant digits resolve a thousandth of the sd of each quantity, by the fit with the smallest."""
    names = c.statistics[c.reference].quantities
    kept = [names.index(name) for name in table.quantities]
    with np.errstate(all="ignore"):
        sd = np.nanmin([np.full(len(kept), np.inf), *(s.sd[kept] for s in c.statistics.values())], axis=0)
        largest = np.max([np.abs(draws).max((0, 1)) for draws in table.draws.values()], axis=0)
        digits = np.floor(np.log10(largest / sd)) + DIGITS_OF_SD + 1
    digits = np.where(np.isfinite(digits), digits, MOST_DIGITS)
    return np.clip(digits, 5, 17).astype(int).tolist()


def one_line(name: str) -> str:
    """A name without line breaks, so that a row of the file is a line."""
    return " ".join(name.split())
