"""The interactive figures of a report: pairs of quantities, and the path of each chain.

``inference/plots/explore.js`` draws them from the draws that the page offers for saving. Without JavaScript the section
says so, and the other figures stand for them.
"""

from __future__ import annotations

import json
from html import escape

import numpy as np

from inference.evaluation.comparison.draws_file import DrawsTable
from inference.evaluation.comparison.figures import fit_colour
from inference.evaluation.comparison.record import ComparisonRecord
from inference.plots.style import FIT_COLOURS

SAME = 0.999  # correlation above which two quantities determine each other, as pi[0] and pi[1]
PAIRS_CAPTION = (
    "Two quantities against each other, the draws in the colour of their fit; a cross is an estimate without spread. "
    "The most extreme 0.2% of the draws on either side may lie outside."
)
PATH_CAPTION = "The path of one quantity, a colour for each chain: chains that agree move over the same range."


def interactive_html(c: ComparisonRecord, table: DrawsTable) -> str:
    """The two figures with their controls; empty where no fit has draws or there is one quantity alone."""
    if len(table.quantities) < 2 or all(s.kind == "point" for s in c.statistics.values()):
        return ""
    boxes = "".join(
        f'<label><input type="checkbox" id="pairs-fit-{n}" checked autocomplete="off">'
        f'<span class="swatch plot" style="background:{fit_colour(c, name)}"></span>{escape(name)}</label>'
        for n, name in enumerate(table.draws)
    )
    chains = any(s.kind == "chains" for s in c.statistics.values())
    parts = [
        '<p class="pale" id="explore-off">These two figures need JavaScript; those above do without.</p>',
        '<div id="explore" hidden>',
        figure("pairs", [("pairs-x", "horizontal"), ("pairs-y", "vertical")], boxes, PAIRS_CAPTION),
        figure("path", [("path-fit", "fit"), ("path-quantity", "quantity")], "", PATH_CAPTION) if chains else "",
        "</div>",
        f'<script type="application/json" id="explore-fits">{fits_json(c, table)}</script>',
    ]
    return "\n".join(filter(None, parts))


def figure(name: str, selects: list[tuple[str, str]], boxes: str, caption: str) -> str:
    """A canvas with its controls and a caption."""
    controls = "".join(f'<label>{label} <select id="{key}"></select></label>' for key, label in selects)
    return (
        f'<figure><div class="controls">{controls}{boxes}</div><canvas class="plot" id="{name}" role="img"></canvas>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def fits_json(c: ComparisonRecord, table: DrawsTable) -> str:
    """What the script needs besides the draws, in the order of the file."""
    fits = [
        {
            "name": name,
            "kind": c.statistics[name].kind,
            "colour": fit_colour(c, name),
            "count": draws.shape[0] * draws.shape[1],
        }
        for name, draws in table.draws.items()
    ]
    content = {
        "quantities": table.quantities,
        "fits": fits,
        "pair": correlated_pair(c, table),
        "worst": highest_r_hat(c, table),
        "chainColours": FIT_COLOURS,
    }
    return json.dumps(content).replace("<", "\\u003c")  # no text of a user may end the script


def correlated_pair(c: ComparisonRecord, table: DrawsTable) -> list[int]:
    """The two quantities with the strongest correlation in the reference, of those that do not determine each other."""
    draws = table.draws[c.reference]
    with np.errstate(all="ignore"):
        strength = np.abs(np.corrcoef(draws.reshape(-1, draws.shape[-1]), rowvar=False))
    strength = np.where(np.triu(strength < SAME, 1), strength, -1.0)
    i, j = np.unravel_index(strength.argmax(), strength.shape)
    return [int(i), int(j)] if i < j else [0, 1]


def highest_r_hat(c: ComparisonRecord, table: DrawsTable) -> int:
    """The quantity with the highest R-hat of any chains."""
    names = c.statistics[c.reference].quantities
    highest = np.max([np.nan_to_num(s.r_hat) for s in c.statistics.values()], axis=0)
    return int(np.argmax(highest[[names.index(name) for name in table.quantities]]))
