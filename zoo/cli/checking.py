"""``zoo check``: what the engines make of a program of a user's own, and the usual mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

import zoo
from zoo.cli.console import PLAIN, make_table, stdout
from zoo.cli.csv_options import Decimal, Encoding, NoHeader, NotAvailable, Sep, make_csv_options
from zoo.cli.programs.choices import Coords, Dims, RowArguments, Rows, make_choices
from zoo.errors import ZooError
from zoo.sites import Site

ProgramName = Annotated[str, typer.Argument(metavar="FILE.py:PROGRAM", help="A program of a file of your own.")]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ARGUMENT=VALUE]...",
        help="Arguments of the program: X=age,height (columns), y=weight (a column), K=3 (a value).",
    ),
]
DataFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--data", help="A .csv, .tsv, .parquet, .npy, .npz or .json file, whose columns are arguments; repeat."
    ),
]
OwnBackend = Annotated[
    str | None, typer.Option("--backend", help="numpyro or pyro.", show_default="what the file imports")
]


def check(
    program: ProgramName,
    words: Words = None,
    data: DataFiles = None,
    guide: Annotated[str | None, typer.Option(help="A guide of the same file, to check beside the program.")] = None,
    rows: Rows = None,
    row_arguments: RowArguments = None,
    dims: Dims = None,
    coords: Coords = None,
    sep: Sep = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
    na: NotAvailable = None,
    backend: OwnBackend = None,
) -> None:
    """Check a program of your own: its sites, rows and symmetries, the engines that can fit it, and usual mistakes."""
    from zoo.cli.programs import mistakes
    from zoo.cli.programs.calls import ProgramCall

    csv = make_csv_options(sep, decimal, encoding, no_header, na)
    call = ProgramCall.from_words(program, data or (), words or (), backend, csv)
    own_guide = call.file.guide(guide) if guide else None
    model, failure = call.read(make_choices(rows, row_arguments, dims, coords)), ""
    try:
        model = call.describe(model)
    except ZooError as error:  # the sites are printed all the same, and the usual mistakes tell the cause
        failure = str(error)
    console = stdout()
    console.print(f"{model.name}  ({model.backend}, {call.file.path})\n", **PLAIN)
    print_sites(model)
    for line in call.lines():
        console.print(line, **PLAIN)
    print_structure(model)
    print_engines(model)
    lines = mistakes.find_mistakes(model)
    lines += mistakes.guide_mistakes(model, own_guide, guide) if own_guide is not None and guide else []
    lines = lines or [failure] if failure else lines
    for line in lines:
        console.print(f"- {line}", **PLAIN)
    console.print(f"{len(lines)} to look at" if lines else "no mistakes were found", **PLAIN)


def print_sites(model: zoo.ReadModel) -> None:
    """Print a table of the sites and covariates."""
    card, table = model.card, make_table("site", "role", "kind", "shape")
    roles = {
        **{n: "latent, summed out" if n in card.enumerated else "latent" for n in card.latents},
        **dict.fromkeys(card.observed, "observed"),
        **dict.fromkeys(card.learned, "learned, no prior"),
        **dict.fromkeys(card.deterministic, "deterministic"),
        **dict.fromkeys(card.covariates, "argument"),
    }
    lines = {**card.latents, **card.observed, **card.learned, **card.deterministic, **card.covariates}
    for name, role in roles.items():
        site = Site.from_line(lines[name])
        table.add_row(name, role, site.kind, shape_text(model, site), style=None)
    factors = [n for n, s in model.reading.trace.items() if s.role == "factor"]
    for name in factors:
        table.add_row(name, "factor", "", "")
    stdout().print(table, "")


def shape_text(model: zoo.ReadModel, site: Site) -> str:
    """The dimensions of a site by name and size, as in ``county 85, x_dim_1 3``."""
    names, sizes = model.card.dim_names, model.reading.sizes
    return ", ".join(f"{names.get(dim, dim)} {sizes.get(dim, '')}".strip() for dim in site.dims) or "one number"


def print_structure(model: zoo.ReadModel) -> None:
    """Print plates, rows, exchangeable dimensions, symmetries and the roles of latents, one line each."""
    for title, text in structure_lines(model):
        stdout().print(f"{title:<16}{text}", **PLAIN)
    stdout().print("")


def structure_lines(model: zoo.ReadModel) -> Iterator[tuple[str, str]]:
    """A title and a text for each line."""
    card, reading = model.card, model.reading
    names = card.dim_names
    plates = {p.name: p.full_size for s in reading.trace.values() for p in s.plates}
    yield "plates", ", ".join(f"{n} {size}" for n, size in plates.items()) or "none"
    yield "rows", rows_text(model)
    exchangeable = [names.get(dim, dim) for dim in card.exchangeable]
    yield "exchangeable", ", ".join(exchangeable) or "no dimension"
    yield "symmetries", ", ".join(f"{names.get(d, d)}: {s}" for d, s in card.symmetries.items()) or "none"
    yield "summed out", ", ".join(card.enumerated) or "nothing"
    yield "learned", ", ".join([*card.learned, *card.networks]) or "nothing"
    yield "hyperparameters", ", ".join(card.hyper) or "none"


def rows_text(model: zoo.ReadModel) -> str:
    """The rows, the arguments that go with them, or why they cannot be taken in parts."""
    rows = model.reading.rows
    if not rows.size:
        return f"none: {rows.reason}; without rows there are no minibatches and no held-out scores"
    plate = f"plate {rows.plate}" if rows.plate else f"first dimension of {', '.join(rows.batch_sites)}"
    if not rows.entries or rows.reason:
        return f"{rows.size}, {plate}; they cannot be taken in parts: {rows.reason or 'no array goes with them'}"
    return f"{rows.size}, {plate}; with them go {', '.join(rows.entries)}"


def print_engines(model: zoo.ReadModel) -> None:
    """Print which engines can fit the program, and why others cannot."""
    from inference import engines

    table = make_table("engine", "supports it")
    for name, reason in engines.refusals(model).items():
        table.add_row(name, f"no: {reason}" if reason else "yes")
    stdout().print(table, "")
