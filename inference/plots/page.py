"""Self-contained HTML reports: inline style and scripts, embedded figures and tables, nothing from a network.

``page.css`` and ``page.js`` are written into each page, which has the same text, tables and figures without JavaScript.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from inference.plots.reproduce import package_versions
from zoo import ZooError
from zoo.data.atomic import replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI, COLOURS = 140, 128  # of a figure; with a palette it has a third of the bytes and looks the same
FEWEST_SECTIONS = 3  # with a table of contents


def page_html(
    title: str, introduction: Iterable[str], sections: Mapping[str, Iterable[str]], scripts: Sequence[str] = ()
) -> str:
    """The text of a page.

    Parameters
    ----------
    title : str
    introduction : iterable of str
        What comes between the title and the table of contents, in HTML.
    sections : mapping of str to iterable of str
        The parts of each section in HTML, by its heading; sections without a part are left out.
    scripts : sequence of str
        Names of scripts beside this file that the page needs besides ``page.js``.

    Returns
    -------
    str
    """
    bodies = {heading: "\n".join(filter(None, parts)) for heading, parts in sections.items()}
    ids = {heading: section_id(heading) for heading, body in bodies.items() if body}
    parts = [f"<h1>{escape(title)}</h1>", *filter(None, introduction)]
    if len(ids) >= FEWEST_SECTIONS:
        links = "".join(f'<li><a href="#{name}">{escape(heading)}</a></li>' for heading, name in ids.items())
        parts.append(f'<nav aria-label="Contents"><ul>{links}</ul></nav>')
    for heading, name in ids.items():
        parts.append(f'<section id="{name}">\n<h2>{escape(heading)}</h2>\n{bodies[heading]}\n</section>')
    code = "\n".join(f"<script>\n{asset(script)}</script>" for script in ("page.js", *scripts))
    body = "\n".join(parts)
    size = len(body) + len(code) + len(asset("page.css"))
    head = (
        f'<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<style>\n{asset("page.css")}</style>'
    )
    footer = f"<footer><p>One file of {format_size(size)}, which loads nothing from a network.</p></footer>"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n'
        f"<body>\n<main>\n{body}\n</main>\n{footer}\n{code}\n</body>\n</html>\n"
    )


def asset(name: str) -> str:
    """The text of a style sheet or a script beside this file."""
    return files("inference.plots").joinpath(name).read_text(encoding="utf-8")


def section_id(heading: str) -> str:
    """The id of a section.

    >>> section_id("How far they agree")
    'how-far-they-agree'
    """
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def format_size(count: int) -> str:
    """A number of bytes, to two digits.

    >>> format_size(412_345), format_size(7_300_000), format_size(80)
    ('410 kB', '7.3 MB', '1 kB')
    """
    kilobytes = max(1.0, float(f"{count / 1000:.2g}"))
    return f"{kilobytes:.0f} kB" if kilobytes < 1000 else f"{kilobytes / 1000:.2g} MB"


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
    from PIL import Image

    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=DPI)
    with Image.open(full) as image:
        width, height = image.size
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    address = f"data:image/png;base64,{base64.b64encode(small.getvalue()).decode()}"
    tag = f'<img class="plot" alt="{escape(name)}" width="{width}" height="{height}" src="{address}">'
    return f"<figure>{tag}<figcaption>{escape(caption)}</figcaption></figure>"


def model_parts(story: str, citation: str) -> list[str]:
    """The parts of a section on the model: its story, where words in double backticks are code, and its citation.

    >>> model_parts("``tied``: one for all", "")
    ['<pre><code>tied</code>: one for all</pre>', '']
    """
    text = re.sub("``(.+?)``", r"<code>\1</code>", escape(story))
    return [f"<pre>{text}</pre>" if story else "", f'<p class="pale">{escape(citation)}</p>' if citation else ""]


def table_html(headings: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "") -> str:
    """A table of cells in HTML that scrolls within itself; ``kind`` is its class: "texts" for cells that wrap."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    attribute = f' class="{kind}"' if kind else ""
    table = f"<table{attribute}><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"
    return f'<div class="wide" tabindex="0">{table}</div>'


def meanings_html(meanings: Mapping[str, str]) -> str:
    """What each number of a table is."""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in meanings.items())
    return f"<dl>{items}</dl>"


def download_html(name: str, data: bytes, kind: str, element_id: str) -> str:
    """A link that saves embedded data as a file."""
    address = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    text = f"Save {name} ({format_size(len(data))})"
    return f'<p><a class="download" id="{element_id}" download="{escape(name)}" href="{address}">{escape(text)}</a></p>'


def reproduction_html(calls: str, backends: Iterable[str], command: str = "") -> list[str]:
    """The command line where there was one, the calls in Python, and the versions of the packages."""
    return [
        f"<p>The command:</p><pre>{escape(command)}</pre>" if command else "",
        f"<p>The calls in Python, given the data:</p><pre>{escape(calls)}</pre>" if calls else "",
        f'<p class="pale">{escape(package_versions(backends))}</p>',
    ]
