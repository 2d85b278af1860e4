"""A comparison as one HTML page that asks nothing of anyone: style inline, figures inside, no scripts."""

from __future__ import annotations

import base64
import io
import os
import platform
import tempfile
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import zoo
from inference import engines
from inference.criticism.comparison import equal
from inference.criticism.table import short
from zoo import ZooError
from zoo.registry import BACKENDS

if TYPE_CHECKING:
    from inference.criticism.comparison import Comparison

STYLE = """
:root { --ink: #1b1f24; --pale: #5b6570; --line: #d8dee4; --panel: #f6f8fa; }
body { font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; color: var(--ink);
       max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem; background: white; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.pale { color: var(--pale); }
pre { background: var(--panel); padding: .8rem 1rem; overflow-x: auto; font-size: .85rem; }
.verdict { border-left: .4rem solid #0072B2; background: var(--panel); padding: .9rem 1.2rem; font-size: 1.08rem; }
table { border-collapse: collapse; font-size: .9rem; } .wide { overflow-x: auto; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .8rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { border-bottom-width: 2px; }
.fits td { white-space: normal; text-align: left; vertical-align: top; } .fits td:first-child { white-space: nowrap; }
.fits th { text-align: left; } .fits td.mark { font-weight: 600; white-space: nowrap; }
.yes { color: #00704f; } .means-only { color: #8a5a00; }
.no { color: #b3261e; } .point { color: #0b5cad; } figure { margin: 1.4rem 0; } figcaption { color: var(--pale); }
img { max-width: 100%; height: auto; } details { margin: 1rem 0; } summary { cursor: pointer; }
"""
FEW = 8  # columns whose ranges are told
CAPTIONS = {
    "data": "The data with the components of the fit to use, at the mean of its draws (or its estimate).",
    "objective": "The objective climbed: after each EM iteration, and at each SVI step (pale) with its moving average.",
    "marginals": "The posterior of each quantity by each fit, those that agree least first; a dashed line is an "
    "estimate without spread, the shaded curve is the fit the others are held against.",
    "responsibilities": "The probability of each component for every row, by each fit, the rows in the same order.",
    "chains": "The quantities with the highest R-hat: the path of each chain, and how its draws rank among those of "
    "all chains. Chains that agree overlap on the left and stay near the dashed line on the right.",
}


def save(c: Comparison, path: Path) -> Path:
    """Write the page beside ``path`` and move it there in one step. Raises ZooError where it cannot be written."""
    text = page(c)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as draft:
            whole = Path(draft) / "page"
            whole.write_text(text, encoding="utf-8")
            os.replace(whole, path)
    except OSError as error:
        why = f"cannot write the report to {str(path)!r} ({error.strerror}): name a file in another folder"
        raise ZooError(why) from error
    return path


def page(c: Comparison) -> str:
    """The whole page."""
    fit = c.fits[c.best]
    card = fit.model.card
    title = f"{card.title}: which posterior to trust"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="pale">{escape(described(c))}</p>',
        f'<p class="verdict">{escape(c.verdict)}</p>',
        verdicts(c),
        *(f"<p>{escape(note)}</p>" for note in c.notes),
        "<h2>How far they agree</h2>",
        f"<p>Distances are from {escape(c.reference)}, in its posterior standard deviations; each cell is the worst "
        f"over {len(c.evidence[c.reference].quantities)} quantities.</p>",
        agreement_table(c),
        "<h2>Pictures</h2>",
        *(picture(name, figure) for name, figure in c.figures().items()),
        "<h2>Every quantity</h2>",
        f'<details><summary>{len(c.table)} rows</summary><div class="wide">{full_table(c)}</div></details>',
        "<h2>The model</h2>",
        f"<pre>{escape(card.story)}</pre>" if card.story else "",
        f'<p class="pale">{escape(card.citation)}</p>',
        "<h2>How to have it again</h2>",
        f"<pre>{escape(recipe(c))}</pre>",
        f'<p class="pale">{escape(versions(c))}</p>',
    ]
    body = "\n".join(filter(None, parts))
    head = (
        f'<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{STYLE}</style>'
    )
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def described(c: Comparison) -> str:
    """The data in a line: ``x: 272 rows; eruptions from 1.6 to 5.1, waiting from 43 to 96. N = 272, D = 2, K = 2.``"""
    fit, said = c.fits[c.best], []
    for name, values in fit.seen().items():
        absent = int(np.isnan(values).sum())
        table = values.reshape(len(values), -1)
        names = c.columns or [f"column {j}" for j in range(table.shape[1])]
        told = table.T if table.shape[1] <= FEW else ()
        ranges = [f"{n} from {np.nanmin(v):g} to {np.nanmax(v):g}" for n, v in zip(names, told, strict=False)]
        missing = [f"{absent} values missing"] if absent else []
        said.append(f"{name}: " + "; ".join([f"{len(values)} rows", *filter(None, [", ".join(ranges)]), *missing]))
    sizes = ", ".join(f"{k} = {v}" for k, v in fit.keywords.items() if len(k) == 1 and k.isupper())
    return f"{'. '.join(said)}. {sizes}."


def verdicts(c: Comparison) -> str:
    rows = [
        f'<tr><td>{escape(name)}</td><td class="mark {v.trust.replace(" ", "-")}">{escape(v.trust)}</td>'
        f'<td>{escape(v.words)}.<br><span class="pale">Rule: {escape(v.rule)}.</span></td></tr>'
        for name, v in c.verdicts.items()
    ]
    return f'<table class="fits"><tr><th>fit</th><th>trust</th><th></th></tr>{"".join(rows)}</table>'


def agreement_table(c: Comparison) -> str:
    names, rows = short(c)
    head = "".join(f"<th>{escape(cell)}</th>" for cell in ["", *names])
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def full_table(c: Comparison) -> str:
    return c.table.to_html(index=False, border=0, na_rep="", float_format=lambda v: f"{v:.4g}", escape=True)


def picture(name: str, figure: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=140)
    data = base64.b64encode(buffer.getvalue()).decode()
    image = f'<img alt="{escape(name)}" src="data:image/png;base64,{data}">'
    return f"<figure>{image}<figcaption>{escape(CAPTIONS[name.split()[0]])}</figcaption></figure>"


def recipe(c: Comparison) -> str:
    """The calls that made the fits, given the data."""
    lines = ["import inference, zoo", ""]
    for i, fit in enumerate(c.fits.values()):
        known = engines.get(fit.engine).OPTIONS if fit.engine in engines.names() else {}
        changed = {k: v for k, v in fit.options.items() if k not in known or not equal(v, known[k])}
        where = {"device": fit.device} if fit.device != "cpu" else {}
        width = {"dtype": fit.dtype} if fit.dtype else {}
        opened = f"zoo.load({fit.model.name!r}, " if fit.model.name in zoo.names() else f"zoo.Model({fit.model.name}, "
        lines.append(f"model = {opened}{words({'backend': fit.model.backend, **fit.model.settings})})")
        said = words({"seed": fit.seed, **where, **width, **changed})
        lines.append(f"fit_{i} = inference.fit(model, data, {fit.engine!r}, {said})")
    given = ", ".join(f"fit_{i}" for i in range(len(c.fits)))
    return "\n".join([*lines, f"print(inference.compare({given}, names={list(c.fits)!r}))"])


def words(values: dict[str, Any]) -> str:
    """Keywords of a call; an array of many numbers is left to the saved fit."""

    def one(value: Any) -> str:
        if isinstance(value, np.ndarray | np.generic):
            value = value.tolist()
        text = repr(value)
        return text if len(text) <= 80 else "..."

    return ", ".join(f"{k}={one(v)}" for k, v in values.items())


def versions(c: Comparison) -> str:
    """What it ran on."""
    backends = {fit.model.backend for fit in c.fits.values()}
    needed = [{"pyro": "pyro-ppl"}.get(p, p) for b in sorted(backends) for p in BACKENDS[b]]
    found = [f"Python {platform.python_version()}"]
    for package in ["latent-zoo", *needed, "numpy", "arviz-stats"]:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue  # run from the source folder
    return ", ".join(found) + "."
