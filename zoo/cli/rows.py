"""``zoo predict``, ``zoo scores`` and ``zoo impute``: tables of new rows, or of those of a saved fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

import zoo
from zoo.cli.checking import Words
from zoo.cli.csv_options import Decimal, Encoding, NoHeader, NotAvailable, Sep, make_csv_options
from zoo.cli.programs.files import load_program_file
from zoo.cli.row_data import (
    Destination,
    IdColumn,
    RowData,
    check_table_file,
    load_program_rows,
    load_rows,
    write_table,
)
from zoo.data.csv_files import CsvOptions
from zoo.errors import ZooError

if TYPE_CHECKING:
    import pandas as pd

    from inference import Fit

Folder = Annotated[Path, typer.Argument(metavar="FIT", help="Folder that zoo fit --out wrote.")]
OwnProgram = Annotated[
    str | None, typer.Argument(metavar="[FILE.py:PROGRAM]", help="The program, where it is your own.")
]
NewData = Annotated[
    str | None,
    typer.Option("--data", help="New rows: a file or a data set, as of zoo fit.", show_default="the rows of the fit"),
]
Columns = Annotated[
    str | None, typer.Option(help="Columns of the table to use: a,b.", show_default="those of the fit, by name")
]
Vocab = Annotated[str | None, typer.Option(help="Words of a corpus, a text file with one a line.")]
OtherBackend = Annotated[str | None, typer.Option("--backend", help="numpyro or pyro.", show_default="that of the fit")]


def predict(
    folder: Folder,
    program: OwnProgram = None,
    words: Words = None,
    data: NewData = None,
    id_column: IdColumn = None,
    columns: Columns = None,
    vocab: Vocab = None,
    sep: Sep = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
    na: NotAvailable = None,
    interval: Annotated[float, typer.Option(help="Probability of the interval of an observed value.")] = 0.94,
    to: Destination = None,
    backend: OtherBackend = None,
) -> None:
    """Write the most probable label of each row with its probability; of your own program the observed values again."""
    from inference.analysis.row_tables import label_table, predicted_table

    check_table_file(to)
    csv = make_csv_options(sep, decimal, encoding, no_header, na)
    fit, rows = load(folder, program, words, data, id_column, columns, vocab, csv, backend)
    answer = predicted_table(fit, rows.data, interval) if fit.model.card.is_own else label_table(fit, rows.data)
    write_table(rows.add_ids(answer), to)


def scores(
    folder: Folder,
    program: OwnProgram = None,
    words: Words = None,
    data: NewData = None,
    id_column: IdColumn = None,
    columns: Columns = None,
    vocab: Vocab = None,
    sep: Sep = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
    na: NotAvailable = None,
    rotation: Annotated[
        str | None, typer.Option(help="Rotate factors: varimax, oblimin, ...", show_default="as in the fit")
    ] = None,
    to: Destination = None,
    backend: OtherBackend = None,
) -> None:
    """Write the latents of each row: probabilities of labels, factor scores, codes, proportions of topics."""
    from inference.analysis.row_tables import latent_table

    check_table_file(to)
    csv = make_csv_options(sep, decimal, encoding, no_header, na)
    fit, rows = load(folder, program, words, data, id_column, columns, vocab, csv, backend)
    write_table(rows.add_ids(latent_table(fit, rows.data, rotation)), to)


def impute(
    folder: Folder,
    data: NewData = None,
    id_column: IdColumn = None,
    columns: Columns = None,
    sep: Sep = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
    na: NotAvailable = None,
    cells: Annotated[
        bool,
        typer.Option("--cells", help="Write a row for each missing cell: mean, standard deviation and interval."),
    ] = False,
    interval: Annotated[float, typer.Option(help="Probability of the interval of a cell.")] = 0.94,
    to: Destination = None,
    backend: OtherBackend = None,
) -> None:
    """Write the rows with a value in each missing cell, its mean given the rest of the row; other columns are kept."""
    from inference.analysis import row_tables

    check_table_file(to)
    csv = make_csv_options(sep, decimal, encoding, no_header, na)
    fit, rows = load(folder, None, None, data, id_column, columns, None, csv, backend)
    if cells:
        table = rows.add_ids(row_tables.missing_table(fit, rows.data, interval).set_index("row"))
    else:
        table = fill_table(fit, rows, row_tables.filled_rows(fit, rows.data))
    write_table(table, to)


def fill_table(fit: Fit, rows: RowData, filled: np.ndarray) -> pd.DataFrame:
    """The table that was read with the missing cells of the columns of the fit filled in, ids first."""
    import pandas as pd

    if rows.table is None:
        labels = fit.column_labels or [f"{next(iter(fit.data))}[{d}]" for d in range(filled.shape[1])]
        return rows.add_ids(pd.DataFrame(filled, columns=list(labels)))
    table = rows.table.reset_index(drop=True)
    for d, column in enumerate(rows.data.columns):
        is_missing = table[column].isna()
        if is_missing.any():
            table[column] = table[column].astype(float).mask(is_missing, pd.Series(filled[:, d]))
    if rows.ids is None:
        return table
    others = table.drop(columns=[c for c in table.columns if str(c) == rows.ids.name])
    return rows.add_ids(others)


def load(
    folder: Path,
    program: str | None,
    words: list[str] | None,
    data: str | None,
    id_column: str | None,
    columns: str | None,
    vocab: str | None,
    csv: CsvOptions,
    backend: str | None,
) -> tuple[Fit, RowData]:
    """A saved fit, and the rows of the command; raises ZooError."""
    import inference

    file = load_program_file(program, backend) if program else None
    model = zoo.Model(file.program, backend=file.backend) if file else None
    fit = inference.load(folder, model, backend=None if file else backend, device="cpu")
    if not fit.model.card.observed:
        raise ZooError(f"{str(folder)!r} was made elsewhere and has no program: there are no rows to describe")
    if file is None or data is None:
        if words:
            raise ZooError(f"{words[0]!r} names columns of new rows: give --data FILE")
        return fit, load_rows(fit, data, id_column, columns, vocab, csv)
    for flag, value in (("--columns", columns), ("--vocab", vocab)):
        if value:
            raise ZooError(f"{flag} is for models of the zoo; a program takes its columns as ARGUMENT=COL1,COL2")
    return fit, load_program_rows(fit, file.program, data, words, id_column, csv)
