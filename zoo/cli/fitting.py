"""``zoo fit``, ``zoo compare`` and ``zoo summary``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import zoo
from zoo.cli.arguments import check_writable, engine_options, load_data, parse_assignments, row_titles
from zoo.cli.console import PLAIN, dataframe_table, stdout
from zoo.errors import ZooError

if TYPE_CHECKING:
    from inference import Fit


ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="Name of a model: see zoo list.")]
Data = Annotated[
    str | None,
    typer.Option(
        help="A .csv, .parquet, .npy or .npz file, a corpus (.ldac, UCI's .txt, ...), or a data set of the zoo.",
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
Backend = Annotated[str, typer.Option(help="numpyro or pyro.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Device = Annotated[str, typer.Option(help="cpu or gpu.")]
Dtype = Annotated[str | None, typer.Option(help="float64 or float32.", show_default="float64 on a cpu")]
ProgressFlag = Annotated[
    bool | None, typer.Option("--progress/--no-progress", help="Show progress.", show_default="on a terminal")
]


def fit(
    model: ModelName,
    engine: Annotated[
        str | None,
        typer.Option(help="em, svi, nuts or gibbs: see zoo show MODEL.", show_default="the first that supports it"),
    ] = None,
    data: Data = None,
    columns: Columns = None,
    vocab: Vocab = None,
    settings: Settings = None,
    options: Options = None,
    to: Annotated[Path | None, typer.Option("--out", help="Folder to save the fit in.")] = None,
    report: Annotated[Path | None, typer.Option(help="HTML file to write the topics of a topic model to.")] = None,
    backend: Backend = "numpyro",
    seed: Seed = 0,
    device: Device = "cpu",
    dtype: Dtype = None,
    progress: ProgressFlag = None,
) -> None:
    """Fit a model by one engine, print its summary, and save it where a folder is named."""
    from inference.analysis import topics
    from inference.engines import supported_engines
    from inference.storage import check_fit_folder

    if to:
        check_fit_folder(to)
        check_writable(to / "fit.json")
    if report and not topics.has_topics(zoo.card(model)):
        raise ZooError(f"--report is of topics, and {model} has none: zoo compare {model} has one for any model")
    if report:
        check_writable(report)
    request = CommandRequest(model, data, columns, vocab, settings, options, backend, seed, device, dtype, progress)
    (result,) = request.fits([engine or supported_engines(zoo.card(model), backend)[0]])
    saved = f"saved in {result.save(to)}" if to else "not saved: name a folder with --out"
    print_summary(result)
    stdout().print(saved, **PLAIN)
    if report:
        stdout().print(f"report: {topics.report(result, report, titles=row_titles(result.model.card, data))}", **PLAIN)


def compare(
    model: ModelName,
    engines: Annotated[
        str | None, typer.Option(help="Which engines to compare: em,svi,nuts.", show_default="all that support it")
    ] = None,
    data: Data = None,
    columns: Columns = None,
    vocab: Vocab = None,
    settings: Settings = None,
    options: Options = None,
    report: Annotated[
        Path | None, typer.Option("--report", "--out", help="HTML file to write tables and figures to.")
    ] = None,
    backend: Backend = "numpyro",
    seed: Seed = 0,
    device: Device = "cpu",
    dtype: Dtype = None,
    progress: ProgressFlag = None,
) -> None:
    """Fit a model by several engines and print how far they agree, and which posterior to trust."""
    import inference
    from inference.engines import supported_engines

    engine_names = (
        list(dict.fromkeys(e.strip() for e in engines.split(",")))
        if engines
        else supported_engines(zoo.card(model), backend)
    )
    if len(engine_names) < 2:
        names = engines or f"{', '.join(engine_names)}, which alone supports {model}"
        raise ZooError(f"compare takes two engines or more, as in --engines em,nuts; given {names}")
    if report:
        check_writable(report)
    request = CommandRequest(model, data, columns, vocab, settings, options, backend, seed, device, dtype, progress)
    fits = []
    for result in request.fits(engine_names):
        stdout().print(fit_line(result), **PLAIN)
        fits.append(result)
    comparison = inference.compare(*fits, columns=request.names)
    stdout().print("", comparison)
    if report:
        stdout().print(f"\nreport: {comparison.save(report)}", **PLAIN)


def summary(folder: Annotated[Path, typer.Argument(help="Folder that zoo fit --out wrote.")]) -> None:
    """Print the summary of a saved fit."""
    import inference

    print_summary(inference.load(folder))


@dataclass
class CommandRequest:
    """The arguments of the command that every engine shares."""

    model: str
    data: str | None
    columns: str | None
    vocab: str | None
    settings: list[str] | None
    options: list[str] | None
    backend: str
    seed: int
    device: str
    dtype: str | None
    progress: bool | None
    names: list[str] | None = None  # of the columns, once the data is read

    def fits(self, engines: list[str]) -> Iterator[Fit]:
        """Yield one fit after another; raises ZooError for arguments that are not allowed before the first fit."""
        import inference

        program = zoo.load(self.model, backend=self.backend, **parse_assignments(self.settings or (), "--set"))
        reasons = inference.refusals(program)
        options = engine_options(engines, self.options or (), program.card)
        table = load_data(program.card, self.data, self.columns, self.vocab)
        self.names = list(map(str, table.columns)) if hasattr(table, "columns") else None
        common = {
            "seed": self.seed,
            "device": self.device,
            "dtype": self.dtype,
            "progress": sys.stderr.isatty() if self.progress is None else self.progress,
        }
        for engine in sorted(options, key=lambda e: not reasons[e]):  # an engine that refuses raises first
            yield inference.fit(program, table, engine=engine, **common, **options[engine])


def print_summary(result: Fit) -> None:
    """Print the summary of a fit, and the result of its own checks."""
    from inference.analysis import topics
    from inference.evaluation.comparison import judge

    if topics.has_topics(result.model.card):  # a row for each word would be too long
        stdout().print(dataframe_table(topics.overview(result)), "")
        problems = " ".join(topics.warnings(result)) or "no problems were found"
        stdout().print(f"{fit_line(result)}\n{problems}", **PLAIN)
        return
    stdout().print(dataframe_table(result.summary()), "")
    verdict = judge(result)
    stdout().print(f"{fit_line(result)}\ntrust: {verdict.trust}; {verdict.explanation}", **PLAIN)


def fit_line(result: Fit) -> str:
    """Engine, objective and time on one line."""
    rows = next(iter(result.data.values())).shape[0]
    return f"{result.engine} in {result.model.backend}: {rows} rows, {result.seconds:.1f} s"
