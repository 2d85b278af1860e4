"""One HTML page that asks nothing of anyone: style inline, figures inside, no scripts."""

from __future__ import annotations

import base64
import io
import os
import platform
import tempfile
from collections.abc import Iterable
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from inference import engines
from inference.record import FitRecord
from zoo import ZooError
from zoo._backend import BACKENDS
from zoo.checks import equal_values

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


def whole(title: str, parts: Iterable[str]) -> str:
    """The whole page; parts are HTML, and those that are empty are left out."""
    body = "\n".join(filter(None, parts))
    head = (
        f'<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{STYLE}</style>'
    )
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def write(text: str, path: Path) -> Path:
    """Write the page beside ``path`` and move it there in one step. Raises ZooError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as draft:
            complete = Path(draft) / "page"
            complete.write_text(text, encoding="utf-8")
            os.replace(complete, path)
    except OSError as error:
        why = f"cannot write the report to {str(path)!r} ({error.strerror}): name a file in another folder"
        raise ZooError(why) from error
    return path


def picture(name: str, figure: Any, caption: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=140)
    data = base64.b64encode(buffer.getvalue()).decode()
    image = f'<img alt="{escape(name)}" src="data:image/png;base64,{data}">'
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def model_of(fit: FitRecord) -> str:
    """The call that gives the model of a fit."""
    opened = f"zoo.load({fit.model.name!r}, " if fit.model.name in zoo.names() else f"zoo.Model({fit.model.name}, "
    return f"{opened}{words({'backend': fit.model.backend, **fit.model.settings})})"


def call_of(fit: FitRecord) -> str:
    """The call that made a fit, given ``model`` and ``data``; options that stand at their defaults are left out."""
    known = engines.get(fit.engine).options().as_dict() if fit.engine in engines.names() else {}
    changed = {k: v for k, v in fit.options.items() if k not in known or not equal_values(v, known[k])}
    where = {"device": fit.device} if fit.device != "cpu" else {}
    width = {"dtype": fit.dtype} if fit.dtype else {}
    said = words({"seed": fit.seed, **where, **width, **changed})
    return f"inference.fit(model, data, {fit.engine!r}, {said})"


def words(values: dict[str, Any]) -> str:
    """Keywords of a call; an array of many numbers is left to the saved fit."""

    def one(value: Any) -> str:
        if isinstance(value, np.ndarray | np.generic):
            value = value.tolist()
        text = repr(value)
        return text if len(text) <= 80 else "..."

    return ", ".join(f"{k}={one(v)}" for k, v in values.items())


def versions(*fits: FitRecord) -> str:
    """What fits ran on."""
    backends = {fit.model.backend for fit in fits}
    needed = [{"pyro": "pyro-ppl"}.get(p, p) for b in sorted(backends) for p in BACKENDS[b]]
    found = [f"Python {platform.python_version()}"]
    for package in ["latent-zoo", *needed, "numpy", "arviz-stats"]:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue  # run from the source folder
    return ", ".join(found) + "."
