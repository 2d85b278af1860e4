"""Self-contained HTML reports: inline style, embedded figures, no scripts, no links."""

from __future__ import annotations

import base64
import io
import platform
from collections.abc import Iterable, Mapping
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import zoo
from inference import engines
from inference.record import FitRecord
from zoo import ZooError
from zoo._backend import BACKENDS
from zoo.checks import equal_values
from zoo.data.atomic import replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST_VALUE = 80  # characters; a longer keyword value is printed as "..."

CSS = """
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


def page_html(title: str, parts: Iterable[str]) -> str:
    """The text of a page: a title and its parts in HTML, of which the empty ones are left out."""
    body = "\n".join(filter(None, parts))
    head = (
        f'<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{CSS}</style>'
    )
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def write_page(text: str, path: Path) -> Path:
    """Write the page to a temporary file and move it to ``path`` in one step; raises ZooError where that fails."""
    try:
        with replace_file(path) as draft:
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"cannot write the report to {str(path)!r} ({error.strerror}): name a file in another folder"
        raise ZooError(message) from error
    return path


def figure_html(name: str, figure: Figure, caption: str) -> str:
    """A figure as an embedded PNG image with its caption."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=140)
    data = base64.b64encode(buffer.getvalue()).decode()
    image = f'<img alt="{escape(name)}" src="data:image/png;base64,{data}">'
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def model_call(fit: FitRecord) -> str:
    """The call that loads the model of a fit."""
    constructor = f"zoo.load({fit.model.name!r}, " if fit.model.name in zoo.names() else f"zoo.Model({fit.model.name}, "
    return f"{constructor}{format_keywords({'backend': fit.model.backend, **fit.model.settings})})"


def fit_call(fit: FitRecord) -> str:
    """The call that made a fit, given ``model`` and ``data``, without options at their defaults."""
    if fit.engine not in engines.names():
        return f"...  # made elsewhere, by {fit.engine}"
    defaults = engines.get(fit.engine).options().as_dict()
    changed = {k: v for k, v in fit.options.items() if k not in defaults or not equal_values(v, defaults[k])}
    device = {"device": fit.device} if fit.device != "cpu" else {}
    dtype = {"dtype": fit.dtype} if fit.dtype else {}
    keywords = format_keywords({"seed": fit.seed, **device, **dtype, **changed})
    return f"inference.fit(model, data, {fit.engine!r}, {keywords})"


def format_keywords(values: Mapping[str, object]) -> str:
    """The keywords of a call; long values, such as arrays, are printed as "...".

    >>> format_keywords({"K": 2, "start": np.zeros(100)})
    'K=2, start=...'
    """
    texts = {k: repr(v.tolist() if isinstance(v, np.ndarray | np.generic) else v) for k, v in values.items()}
    return ", ".join(f"{k}={text if len(text) <= LONGEST_VALUE else '...'}" for k, text in texts.items())


def package_versions(*fits: FitRecord) -> str:
    """The versions of Python and of the packages that the fits used, in one sentence."""
    backends = {fit.model.backend for fit in fits}
    needed = [{"pyro": "pyro-ppl"}.get(p, p) for b in sorted(backends & BACKENDS.keys()) for p in BACKENDS[b]]
    versions = [f"Python {platform.python_version()}"]
    for package in ["latent-zoo", *needed, "numpy", "arviz-stats"]:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue  # run from the source folder
    return ", ".join(versions) + "."
