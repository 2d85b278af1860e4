"""``zoo predict``, ``zoo scores`` and ``zoo impute``: tables of new rows, or of those of a saved fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from zoo.cli.csv_options import Decimal, Encoding, NoHeader, NotAvailable, Sep, make_csv_options
from zoo.cli.row_data import Destination, IdColumn, RowData, check_table_file, load_rows, write_table
from zoo.errors import ZooError

if TYPE_CHECKING:
    import pandas as pd

    from inference import Fit

Folder = Annotated[Path, typer.Argument(metavar="FIT", help="Folder that zoo fit --out wrote.")]
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
    data: NewData = None,
    id_column: IdColumn = None,
    columns: Columns = None,
    vocab: Vocab = None,
    sep: Sep = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
    na: NotAvailable = None,
    to: Destination = None,
    backend: OtherBackend = None,
) -> None:
    """Write the most probable label of each row with its probability: components, classes, first topics."""
    from inference.analysis.row_tables import label_table

    check_table_file(to)
    fit = load_fit(folder, backend)
    rows = load_rows(fit, data, id_column, columns, vocab, make_csv_options(sep, decimal, encoding, no_header, na))
    write_table(rows.add_ids(label_table(fit, rows.data)), to)


def scores(
    folder: Folder,
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
    fit = load_fit(folder, backend)
    rows = load_rows(fit, data, id_column, columns, vocab, make_csv_options(sep, decimal, encoding, no_header, na))
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
    fit = load_fit(folder, backend)
    rows = load_rows(fit, data, id_column, columns, None, make_csv_options(sep, decimal, encoding, no_header, na))
    if cells:
        table = row_tables.missing_table(fit, rows.data, interval)
        if rows.ids is not None:
            values = np.asarray(rows.ids.values, dtype=object)
            table = table.assign(row=values[table["row"]]).rename(columns={"row": rows.ids.name})
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


def load_fit(folder: Path, backend: str | None) -> Fit:
    """A saved fit of a model of the zoo; raises ZooError."""
    import inference

    fit = inference.load(folder, backend=backend, device="cpu")
    if not fit.model.card.observed:
        raise ZooError(f"{str(folder)!r} was made elsewhere and has no program: there are no rows to describe")
    return fit
