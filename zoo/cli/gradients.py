"""``zoo gradients``: bias and variance of the gradient estimators for discrete latents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import zoo
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
    ProgressFlag,
    Seed,
    Settings,
    Vocab,
)
from zoo.cli.programs.choices import Coords, Dims, RowArguments, Rows, make_choices
from zoo.cli.request import CommandRequest
from zoo.errors import ZooError

if TYPE_CHECKING:
    from inference import Fit


def gradients(
    context: typer.Context,
    model: ModelName,
    words: Words = None,
    estimators: Annotated[
        str | None, typer.Option(help="Which estimators: disarm,rebar(rate=0).", show_default="all that suit the guide")
    ] = None,
    at: Annotated[
        Path | None,
        typer.Option(help="Folder of a fit by svi, at whose parameters.", show_default="the initial parameters"),
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
    options: Annotated[
        list[str] | None,
        typer.Option("--option", help="An option of svi: guide=..., num_particles=2, batch_size=100; repeat for more."),
    ] = None,
    rows: Rows = None,
    row_arguments: RowArguments = None,
    dims: Dims = None,
    coords: Coords = None,
    draws: Annotated[int, typer.Option(help="Draws of each estimator, from 2 up.")] = 500,
    report: Annotated[Path | None, typer.Option(help="HTML file to write table and figure to.")] = None,
    backend: Backend = None,
    seed: Seed = 0,
    device: Device = "cpu",
    dtype: Dtype = None,
    progress: ProgressFlag = None,
) -> None:
    """Print bias and variance of the gradient estimators for discrete latents that the guide of svi draws."""
    import inference
    from inference.evaluation.gradients.table import sentences, short_table

    choices = make_choices(rows, row_arguments, dims, coords)
    csv = make_csv_options(sep, decimal, encoding, no_header, na)
    request = CommandRequest(
        model, words, data, columns, vocab, settings, options, choices, csv, backend, seed, device, dtype, progress
    )
    if report:
        check_writable(report)
    fit = load_fit(request, at) if at else None
    subject = subject_of(request, fit)
    made = engine_options(["svi"], options or (), subject.card)
    if request.is_own:
        request.use_own_guide(made)
    needs_table = not request.is_own and (data or fit is None)
    table = request.load_table(subject.card) if needs_table else None
    result = inference.gradient_report(
        subject,
        table,
        estimators=split_estimators(estimators) if estimators else None,
        at=fit,
        num_draws=draws,
        seed=seed,
        device=device,
        dtype=dtype,
        progress=request.shows_progress,
        **made["svi"],
    )
    stdout().print(dataframe_table(short_table(result)), "")
    for line in sentences(result):
        stdout().print(line, **PLAIN)
    if report:
        stdout().print(f"report: {result.save(report, context.meta['command'])}", **PLAIN)


def split_estimators(text: str) -> list[str]:
    """Words separated by commas; those within brackets are settings of one estimator.

    >>> split_estimators("disarm, rebar(temperature=0.3, rate=0)")
    ['disarm', 'rebar(temperature=0.3, rate=0)']
    """
    return [word.strip() for word in re.split(r",(?![^()]*\))", text)]


def load_fit(request: CommandRequest, folder: Path) -> Fit:
    """The saved fit of the model; raises ZooError for settings and arguments, which it has of its own."""
    import inference

    if request.settings or request.words:
        raise ZooError("--at has a fitted model with its settings: leave --set and arguments of the program out")
    if not request.is_own:
        return inference.load(folder, backend=request.backend)
    file = request.call.file
    return inference.load(folder, zoo.Model(file.program, backend=file.backend))


def subject_of(request: CommandRequest, fit: Fit | None) -> zoo.Model:
    """The model of the command, which is that of the fit where there is one; raises ZooError where they differ."""
    if fit is None:
        return request.program
    name = request.call.model.name if request.is_own else zoo.card(request.model).name
    if name != fit.model.name:
        raise ZooError(f"--at is a fit of {fit.model.name}, and the model is {name}: name the folder of a fit of it")
    return fit.model
