"""``zoo choose``: a model at several sizes, and the criteria for choosing among them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.arguments import check_writable, engine_options
from zoo.cli.checking import Words
from zoo.cli.console import PLAIN, dataframe_table, stdout
from zoo.cli.csv_options import Decimal, Encoding, NoHeader, NotAvailable, Sep, make_csv_options
from zoo.cli.fitting import (
    Backend,
    Columns,
    Data,
    Device,
    Dtype,
    ModelName,
    Options,
    ProgressFlag,
    Seed,
    Settings,
    Vocab,
)
from zoo.cli.programs.choices import Coords, Dims, RowArguments, Rows, make_choices
from zoo.cli.request import CommandRequest
from zoo.errors import ZooError


def choose(
    model: ModelName,
    words: Words = None,
    sizes: Annotated[str, typer.Option(help="The size that varies: K=1-6, or Z=1,2,4.", show_default=False)] = "",
    criterion: Annotated[
        str | None,
        typer.Option(help="bic, sabic, caic, icl, aic, laplace, blrt or cv.", show_default="bic; of topic models cv"),
    ] = None,
    folds: Annotated[int | None, typer.Option(help="Folds of cross-validation.", show_default="5 for cv")] = None,
    bootstrap: Annotated[
        int | None,
        typer.Option(help="Data sets of the bootstrap likelihood-ratio test.", show_default="99 for blrt"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes of the bootstrap.", show_default="one for each core")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Of topic models.", show_default="em; of topic models gibbs")
    ] = None,
    data: Data = None,
    columns: Columns = None,
    vocab: Vocab = None,
    sep: Sep = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
    na: NotAvailable = None,
    settings: Settings = None,
    options: Options = None,
    rows: Rows = None,
    row_arguments: RowArguments = None,
    dims: Dims = None,
    coords: Coords = None,
    to: Annotated[Path | None, typer.Option("--out", help="Folder to save the fit of the chosen size in.")] = None,
    backend: Backend = None,
    seed: Seed = 0,
    device: Device = "cpu",
    dtype: Dtype = None,
    progress: ProgressFlag = None,
) -> None:
    """Fit a model at several sizes, and print the criteria and the size that each selects."""
    import inference
    from inference.evaluation.selection.choosing import choose_engine

    letter, values = parse_sizes(sizes)
    choices = make_choices(rows, row_arguments, dims, coords)
    csv = make_csv_options(sep, decimal, encoding, no_header, na)
    request = CommandRequest(
        model, words, data, columns, vocab, settings, options, choices, csv, backend, seed, device, dtype, progress
    )
    if to:
        check_writable(to / "fit.json")
    if request.is_own:  # it is read at one of the sizes
        request = replace(request, settings=[*(settings or ()), f"{letter}={values[0]}"])
    program = request.program
    name = choose_engine(program, engine, program.card.of_words)
    made = engine_options([name], options or (), program.card)[name]
    table = None if request.is_own else request.load_table(program.card)
    result = inference.choose(
        program,
        table,
        criterion=criterion,
        engine=engine,
        folds=folds,
        bootstrap=bootstrap,
        workers=workers,
        seed=seed,
        **{letter: values},
        device=device,
        dtype=dtype,
        progress=request.shows_progress,
        **made,
    )
    shown = result.table.drop(columns="note").dropna(axis=1, how="all")
    stdout().print(dataframe_table(shown), "")
    for size, note in result.table["note"].items():
        if note:
            stdout().print(f"{letter}={size}: {note}", **PLAIN)
    for chosen, size in result.sizes.items():
        stdout().print(f"{chosen}: {letter}={size}", **PLAIN)
    saved = f"saved in {result.best.save(to)}" if to else "not saved: name a folder with --out"
    stdout().print(f"{result.criterion} selects {letter}={result.sizes[result.criterion]}; {saved}", **PLAIN)


def parse_sizes(text: str) -> tuple[str, tuple[int, ...]]:
    """The size that varies, and its values; raises ZooError.

    >>> parse_sizes("K=1-3"), parse_sizes("Z=0,2,5")
    (('K', (1, 2, 3)), ('Z', (0, 2, 5)))
    """
    name, _, values = text.partition("=")
    if name.isidentifier() and (span := re.fullmatch(r"(\d+)-(\d+)", values)) and int(span[1]) <= int(span[2]):
        return name, tuple(range(int(span[1]), int(span[2]) + 1))
    if name.isidentifier() and re.fullmatch(r"\d+(,\d+)*", values):
        return name, tuple(map(int, values.split(",")))
    raise ZooError(f"--sizes reads NAME=FIRST-LAST or values, as in --sizes K=1-6 or --sizes Z=1,2,4; given {text!r}")
