"""``zoo list`` and ``zoo show``: the registry, the cards and the options of the engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

import zoo
from zoo import registry
from zoo.cards import FIXED, Card
from zoo.cli.console import make_table, print_warning, stdout
from zoo.cli.programs.files import is_program_file
from zoo.errors import ZooError

if TYPE_CHECKING:
    from rich.table import Table

    from inference.engines import Engine, EngineOptions


def list_models() -> None:
    """List the models of the zoo."""
    table = make_table("model", "title", "shown on", "tags")
    cards, errors = registry.cards()
    for name, card in cards.items():
        table.add_row(Text(name, style="bold"), card.title, card.shown_on, ", ".join(card.tags))
    stdout().print(table)
    for reason in errors.values():
        print_warning(f"left out: {reason}")


def show(model: Annotated[str, typer.Argument(help="Name of a model: see zoo list.")]) -> None:
    """Show a model: its story, sites and settings, the engines and guides that support it, and their options."""
    import guides
    from inference import engines

    if is_program_file(model):
        raise ZooError(f"show is for models of the zoo: zoo check {model} --data FILE reads a program of your own")
    card, keywords, console = zoo.card(model), registry.program_keywords(model), stdout()
    console.print(f"[bold]{card.name}[/]  ({', '.join(b for b in zoo.BACKENDS if b not in card.absent)})\n")
    console.print(card.story + "\n", markup=False)

    sites = make_table("site", "is", "")
    for name, site in card.sites().items():
        sites.add_row(name, str(site), site_role(card, name))
    console.print(sites, "")

    settings = make_table("--set", "default", "")
    for name, default in keywords.items():
        settings.add_row(name, *describe_keyword(card, name, default))
    console.print(settings, "")

    support = make_table("engine", "supports it")
    reasons = {name: refusal(engines.get(name), card) for name in engines.names()}
    for name, reason in reasons.items():
        support.add_row(name, f"no: {reason}" if reason else "yes")
    console.print(support, "")

    for name in (n for n, reason in reasons.items() if not reason):
        console.print(options_table(name, engines.get(name).default_options(card)), "")

    families = make_table("guide", "family")
    for name in guides.names():
        if name == model or not (name in zoo.names() or card.networks or card.learned):
            families.add_row(name, guides.about(name).splitlines()[0])
    console.print(families, "")

    console.print(f"shown on    {card.shown_on or 'no data set'}", markup=False)
    console.print(f"citation    {card.citation}", markup=False)


def site_role(card: Card, name: str) -> str:
    """The role of a site: observed or latent, and how it is treated."""
    if name in card.observed:
        if name in card.ragged:
            return "observed; NaN after the end of a sequence"
        return "observed; may be missing (NaN)" if name in card.missing else "observed"
    reported = [q for q, derived in card.derived.items() if derived.sources == (name,) and derived.line is None]
    details = ["summed out"] if name in card.enumerated else [f"reported as {q}" for q in reported]
    details += ["drawn by the guide"] if name in card.sampled else []
    return ", ".join(["latent", *details])


def describe_keyword(card: Card, name: str, default: str | None) -> tuple[str, str]:
    """The default of a keyword, and what it is."""
    if name in card.variants:
        words = list(map(str, card.variants[name]))
        return words[0], "one of " + ", ".join(words)
    if len(name) == 1 and name.isupper():
        is_data_size = any(name in card.sites()[site].dims for site in card.observed)
        return ("from the data", "size") if is_data_size else (default or "to be given", "size")
    variants = [lines for choices in card.variants.values() for lines in choices.values()]
    is_fixed = name.removeprefix(FIXED) in card.fixable and name.startswith(FIXED)
    if is_fixed or name in card.learned or any(name in lines for lines in variants):
        return "learned", "fixed where it is given"
    source = "from the data" if name in card.empirical else default or "to be given"
    return source, "setting" if card.networks else "prior"


def refusal(engine: Engine, card: Card) -> str:
    """Why an engine cannot fit a model in one of its backends, "" where it can."""
    reasons = {engine.refuses(card, b) for b in zoo.BACKENDS if b not in card.absent}
    return "; ".join(sorted(filter(None, reasons)))


def options_table(name: str, options: EngineOptions) -> Table:
    """The options of an engine: name, default, allowed values and help."""
    table = make_table(f"{name} --option", "default", "allowed", "")
    for option in options.described():
        table.add_row(option.name, str(option.default), option.allowed, option.help)
    return table
