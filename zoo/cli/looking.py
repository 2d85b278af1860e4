"""``zoo list`` and ``zoo show``: what can be known without running anything."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import zoo
from zoo.cards import Card
from zoo.cli.console import grid, out

if TYPE_CHECKING:
    from inference.engines.options import OptionField


def list_models() -> None:
    """List the models of the zoo."""
    table = grid("model", "title", "shown on", "tags")
    for name in zoo.names():
        card = zoo.card(name)
        table.add_row(f"[bold]{name}[/]", card.title, card.shown_on, ", ".join(card.tags))
    out().print(table)


def show(model: Annotated[str, typer.Argument(help="Name of a model: see zoo list.")]) -> None:
    """Show a model: its story, sites, settings and citation, and which engines and guides take it."""
    import guides
    from inference import engines

    card, console = zoo.card(model), out()
    console.print(f"[bold]{card.name}[/]  ({', '.join(b for b in zoo.BACKENDS if b not in card.absent)})\n")
    console.print(card.story + "\n", markup=False)

    sites = grid("site", "is", "")
    for name, site in card.sites().items():
        sites.add_row(name, str(site).replace("[", r"\["), role(card, name))
    console.print(sites, "")

    settings = grid("--set", "default", "")
    for name, default in keywords(model).items():
        settings.add_row(name, *described(card, name, default))
    console.print(settings, "")

    table = grid("engine", "takes it", "--option (default)")
    for name in engines.names():
        engine = engines.get(name)
        reasons = {b: engine.refuses(card, b) for b in zoo.BACKENDS if b not in card.absent}
        refused = sorted({why for why in reasons.values() if why})
        defaults = engine.default_options(card).described()
        table.add_row(name, f"no: {'; '.join(refused)}" if refused else "yes", options(defaults))
    console.print(table, "")

    families = grid("guide", "family")
    for name in guides.names():
        if name == model or not (name in zoo.names() or card.networks or card.learned):
            families.add_row(name, guides.about(name).splitlines()[0])
    console.print(families, "")

    console.print(f"shown on    {card.shown_on or 'no data set'}", markup=False)
    console.print(f"citation    {card.citation}", markup=False)


def role(card: Card, name: str) -> str:
    """What a site is for."""
    if name in card.observed:
        return "observed; may be missing (NaN)" if name in card.missing else "observed"
    reported = [q for q, derived in card.derived.items() if derived.sources == (name,) and derived.line is None]
    notes = ["summed out"] if name in card.enumerated else [f"reported as {q}" for q in reported]
    return ", ".join(["latent", *notes])


def keywords(model: str) -> dict[str, str | None]:
    """Each keyword of the program with its default as written, None where it has none; runs and imports nothing."""
    spec = importlib.util.find_spec(f"zoo.{model}")
    source = min(Path(str(spec and spec.origin)).parent.glob("in_*.py"))
    functions = (f for f in ast.parse(source.read_text()).body if isinstance(f, ast.FunctionDef))
    arguments = next(f.args for f in functions if f.name == "model")
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return {word.arg: default and ast.unparse(default) for word, default in pairs}


def described(card: Card, name: str, default: str | None) -> tuple[str, str]:
    """Default and meaning of one keyword."""
    if name in card.variants:
        return next(iter(card.variants[name])), "one of " + ", ".join(card.variants[name])
    if len(name) == 1 and name.isupper():
        read_off = any(name in card.sites()[site].dims for site in card.observed)
        return ("from the data", "size") if read_off else (default or "to be given", "size")
    if name in card.learned or any(name in lines for of in card.variants.values() for lines in of.values()):
        return "learned", "fixed where it is given"
    source = "from the data" if name in card.empirical else default or "to be given"
    return source, "setting" if card.networks else "prior"


def options(defaults: list[OptionField]) -> str:
    """An engine's options on one line."""
    return ", ".join(f"{option.name} ({option.default})" for option in defaults)
