"""Checks of HTML reports: what can be read off the text, and what a browser finds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

VOID = {"br", "hr", "img", "input", "link", "meta"}  # elements without an end
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PHONE = 390  # pixels

# goes to the head of the page: collects errors, and posts what it finds to the page around it
PROBE = """<script>
(() => {
  const errors = [];
  addEventListener("error", (e) => errors.push(String(e.message)));
  addEventListener("unhandledrejection", (e) => errors.push(String(e.reason)));
  console.error = (...words) => errors.push(words.join(" "));
  const ink = (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, i) => i % 4 === 3 && value > 0).length;
  };
  const wait = () => new Promise((resolve) => setTimeout(resolve, 1000));
  addEventListener("load", async () => {
    await wait();
    const page = document.documentElement;
    const width = page.scrollWidth;
    document.querySelector("figure img").click();
    await wait();
    const dialog = document.querySelector("dialog");
    parent.postMessage({
      errors, width, viewport: page.clientWidth,
      loads: performance.getEntriesByType("resource").map((e) => e.name).filter((name) => !name.startsWith("data:")),
      broken: [...document.images].filter((image) => !image.naturalWidth).map((image) => image.alt),
      enlarged: Boolean(dialog?.open && dialog.querySelector("img")?.naturalWidth),
      widthEnlarged: page.scrollWidth,
      ink: [...document.querySelectorAll("canvas")].map(ink),
    }, "*");
  });
})();
</script>"""


class PageReader(HTMLParser):
    """Reads a page, and lists what its elements refer to."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        assert len(attributes) == len(attrs), f"an attribute of {tag} is repeated"
        self.elements.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.addresses += [attributes[name] for name in ("src", "href", "srcset", "action") if name in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> ends nothing"
        assert self.open.pop() == tag, f"</{tag}> ends another element"


def check_page(text: str) -> PageReader:
    """Assert that a page is well formed and self-contained, and fit for a phone and for a dark screen."""
    page = PageReader(text)
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    targets = [address[1:] for address in page.addresses if address.startswith("#")]
    assert set(targets) <= set(page.ids)
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert "http" not in text
    assert not re.search(r"@import|url\(", text)
    tags = [tag for tag, _ in page.elements]
    assert not {"link", "iframe", "object", "embed"} & set(tags)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert tags.count("h1") == tags.count("main") == tags.count("title") == 1
    assert all(attributes.get("alt") for tag, attributes in page.elements if tag == "img")
    meta = {a.get("name"): a.get("content", "") for tag, a in page.elements if tag == "meta"}
    assert "width=device-width" in meta["viewport"]
    assert meta["color-scheme"] == "light dark"
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    sections = [attributes["id"] for tag, attributes in page.elements if tag == "section"]
    assert targets == sections
    return page


def browse(text: str, folder: Path) -> dict:
    """What headless Chromium finds in a page within a frame as wide as a phone; skips where there is no Chromium."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    page = json.dumps(text.replace("<head>", f"<head>{PROBE}", 1)).replace("<", "\\u003c")
    around = folder / "around.html"
    around.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><pre id="findings"></pre><iframe width="{PHONE}" height="844" '
        'style="border: 0"></iframe><script>addEventListener("message", (e) => { document.getElementById("findings")'
        f'.textContent = JSON.stringify(e.data); }}); document.querySelector("iframe").srcdoc = {page};</script>',
        encoding="utf-8",
    )
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--virtual-time-budget=10000"]
    command = [browser, *options, f"--user-data-dir={folder / 'profile'}", "--dump-dom", around.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, encoding="utf-8")
    found = re.search(r'<pre id="findings">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return json.loads(unescape(found[1]))


def check_in_browser(text: str, folder: Path) -> None:
    """Assert that a page opens on a phone without an error, a request, a broken image or sideways scrolling."""
    found = browse(text, folder)
    assert found["errors"] == found["loads"] == found["broken"] == []
    assert PHONE - 20 <= found["viewport"] <= PHONE  # a scroll bar may be a part of it
    assert found["width"] == found["widthEnlarged"] == found["viewport"]
    assert found["enlarged"]
    assert all(count > 100 for count in found["ink"])
    assert len(found["ink"]) == text.count("<canvas")
