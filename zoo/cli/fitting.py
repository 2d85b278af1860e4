"""``zoo fit``, ``zoo compare`` and ``zoo summary``."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import zoo
from zoo.cli.arguments import check_writable, row_titles
from zoo.cli.checking import OwnBackend, Words
from zoo.cli.console import PLAIN, dataframe_table, stdout
from zoo.cli.csv_options import Decimal, Encoding, NoHeader, NotAvailable, Sep, make_csv_options
from zoo.cli.programs.choices import Coords, Dims, RowArguments, Rows, make_choices
from zoo.cli.programs.files import load_program_file
from zoo.cli.request import CommandRequest
from zoo.cli.row_data import IdColumn
from zoo.errors import ZooError

if TYPE_CHECKING:
    from inference import Fit


ModelName = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A model of zoo list, or a program of your own: FILE.py:PROGRAM."),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        help="A .csv, .tsv, .parquet, .npy or .npz file, a corpus (.ldac, UCI's .txt, ...), or a data set of the zoo. "
        "Of a program also .json, and several.",
        show_default="the model's own",
    ),
]
Columns = Annotated[str | None, typer.Option(help="Columns of the table to use: a,b.", show_default="all")]
Vocab = Annotated[
    str | None, typer.Option(help="Words of a corpus, a text file with one a line.", show_default="words are numbers")
]
Settings = Annotated[list[str] | None, typer.Option("--set", help="A setting of the model, as in K=3; again for more.")]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        help="An option of an engine, max_iter=50 or svi.num_steps=500 (see zoo show); repeat for more.",
    ),
]
Backend = Annotated[
    str | None, typer.Option(help="numpyro or pyro.", show_default="numpyro; of a program what its file imports")
]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Device = Annotated[str, typer.Option(help="cpu or gpu.")]
Dtype = Annotated[str | None, typer.Option(help="float64 or float32.", show_default="float64 on a cpu")]
ProgressFlag = Annotated[
    bool | None, typer.Option("--progress/--no-progress", help="Show progress.", show_default="on a terminal")
]


def fit(
    context: typer.Context,
    model: ModelName,
    words: Words = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="em, svi, nuts, gibbs or pathfinder: see zoo show MODEL.", show_default="the first that supports it"
        ),
    ] = None,
    data: Data = None,
    columns: Columns = None,
    vocab: Vocab = None,
    ids: IdColumn = None,
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
    to: Annotated[Path | None, typer.Option("--out", help="Folder to save the fit in.")] = None,
    report: Annotated[Path | None, typer.Option(help="HTML file to write the topics of a topic model to.")] = None,
    backend: Backend = None,
    seed: Seed = 0,
    device: Device = "cpu",
    dtype: Dtype = None,
    progress: ProgressFlag = None,
) -> None:
    """Fit a model or a program of your own by one engine, print its summary, and save it where a folder is named."""
    from inference.analysis import topics
    from inference.storage import check_fit_folder

    choices = make_choices(rows, row_arguments, dims, coords)
    csv = make_csv_options(sep, decimal, encoding, no_header, na)
    request = CommandRequest(
        model, words, data, columns, vocab, settings, options, choices, csv, backend, seed, device, dtype, progress, ids
    )
    if to:
        check_fit_folder(to)
        check_writable(to / "fit.json")
    if report and not topics.has_topics(request.card):
        raise ZooError(f"--report is of topics, and {model} has none: zoo compare {model} has one for any model")
    if report:
        check_writable(report)
    (result,) = request.fits([engine or request.supported_engines()[0]])
    saved = f"saved in {result.save(to)}" if to else "not saved: name a folder with --out"
    print_summary(result)
    stdout().print(saved, **PLAIN)
    if report:
        titles = row_titles(result.model.card, data[0] if data else None)
        stdout().print(
            f"report: {topics.report(result, report, titles=titles, command=context.meta['command'])}", **PLAIN
        )


def compare(
    context: typer.Context,
    model: ModelName,
    words: Words = None,
    engines: Annotated[
        str | None, typer.Option(help="Which engines to compare: em,svi,nuts.", show_default="all that support it")
    ] = None,
    data: Data = None,
    columns: Columns = None,
    vocab: Vocab = None,
    ids: IdColumn = None,
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
    report: Annotated[
        Path | None, typer.Option("--report", "--out", help="HTML file to write tables and figures to.")
    ] = None,
    backend: Backend = None,
    seed: Seed = 0,
    device: Device = "cpu",
    dtype: Dtype = None,
    progress: ProgressFlag = None,
) -> None:
    """Fit a model by several engines and print how far they agree, and which posterior to trust."""
    import inference

    choices = make_choices(rows, row_arguments, dims, coords)
    csv = make_csv_options(sep, decimal, encoding, no_header, na)
    request = CommandRequest(
        model, words, data, columns, vocab, settings, options, choices, csv, backend, seed, device, dtype, progress, ids
    )
    engine_names = (
        list(dict.fromkeys(e.strip() for e in engines.split(","))) if engines else request.supported_engines()
    )
    if len(engine_names) < 2:
        names = engines or f"{', '.join(engine_names)}, which alone supports {model}"
        raise ZooError(f"compare takes two engines or more, as in --engines em,nuts; given {names}")
    if report:
        check_writable(report)
    fits = []
    for result in request.fits(engine_names):
        stdout().print(fit_line(result), **PLAIN)
        fits.append(result)
    comparison = inference.compare(*fits)
    stdout().print("", comparison)
    if report:
        stdout().print(f"\nreport: {comparison.save(report, context.meta['command'])}", **PLAIN)


def summary(
    folder: Annotated[Path, typer.Argument(help="Folder that zoo fit --out wrote.")],
    program: Annotated[
        str | None, typer.Argument(metavar="[FILE.py:PROGRAM]", help="The program, where it is your own.")
    ] = None,
    backend: OwnBackend = None,
) -> None:
    """Print the summary of a saved fit."""
    import inference

    file = load_program_file(program, backend) if program else None
    model = zoo.Model(file.program, backend=file.backend) if file else None
    print_summary(inference.load(folder, model))


def print_summary(result: Fit) -> None:
    """Print the summary of a fit, and the result of its own checks."""
    from inference.analysis import topics
    from inference.engines.svi.relaxed import penalty_note, relaxed_note
    from inference.evaluation.comparison import judge
    from inference.summaries.collapse import collapse_note

    if topics.has_topics(result.model.card):  # a row for each word would be too long
        stdout().print(dataframe_table(topics.overview(result)), "")
        problems = " ".join(topics.warnings(result)) or "no problems were found"
        stdout().print(f"{fit_line(result)}\n{problems}", **PLAIN)
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "collapsed: ")  # printed below
        table = result.summary()
    stdout().print(dataframe_table(table), "")
    verdict, relaxed = judge(result), result.diagnostics.get("relaxed")
    if relaxed:
        stdout().print(relaxed_note(relaxed), **PLAIN)
    if penalty := result.diagnostics.get("penalty"):
        stdout().print(penalty_note(penalty), **PLAIN)
    if note := collapse_note(result):
        stdout().print(note, **PLAIN)
    stdout().print(f"{fit_line(result)}\ntrust: {verdict.trust}; {verdict.explanation}", **PLAIN)


def fit_line(result: Fit) -> str:
    """Engine, objective and time on one line."""
    rows = next(iter(result.data.values())).shape[0]
    return f"{result.engine} in {result.model.backend}: {rows} rows, {result.seconds:.1f} s"
