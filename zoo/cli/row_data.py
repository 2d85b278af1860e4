"""Rows of new data on the command line: read, matched with the columns of a fit, and called by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from zoo._programs.arguments import positional_names
from zoo.cli.arguments import check_writable, choose_columns, read_data
from zoo.data.column_names import is_index_name
from zoo.data.csv_files import CsvOptions
from zoo.data.row_ids import RowIds, split_rows
from zoo.errors import ZooError, unknown
from zoo.types import DataLike, Program

if TYPE_CHECKING:
    import pandas as pd

    from inference import Fit

IdColumn = Annotated[
    str | None,
    typer.Option(
        "--id",
        help="The column with the ids of the rows; of a corpus that is no table, a file with one id a line.",
        show_default="an index column",
    ),
]
Destination = Annotated[
    Path | None, typer.Option("--out", help="A .csv, .tsv or .parquet file.", show_default="CSV on the terminal")
]
ROW_NUMBER = "row"  # the name of the first column where rows have no ids
SEPARATORS = {".csv": ",", ".tsv": "\t"}


@dataclass
class RowData:
    """Rows as the functions of a fit take them.

    data: None for those of the fit. ids: of the rows. table: the whole table as it was read, where it was one.
    """

    data: DataLike = None
    ids: RowIds | None = None
    table: pd.DataFrame | None = None

    def add_ids(self, answer: pd.DataFrame) -> pd.DataFrame:
        """An answer whose index has the numbers of rows, with their ids in its place, as the first column."""
        if self.ids is None:
            return answer.rename_axis(answer.index.name or ROW_NUMBER).reset_index()
        name = "" if is_index_name(self.ids.name) else self.ids.name
        if name in answer.columns:
            raise ZooError(f"the answer has a column {name!r} beside the ids of that name: rename it in the data")
        values = [self.ids.values[number] for number in answer.index]
        answer = answer.reset_index(drop=True)
        answer.insert(0, name, values)
        return answer


def load_rows(
    fit: Fit, data: str | None, id_column: str | None, columns: str | None, vocab: str | None, csv: CsvOptions
) -> RowData:
    """The rows of a file, of a data set, or of the fit; raises ZooError.

    Of a table the columns of the fit are taken by name, where it has them all.
    """
    if data is None:
        flags = {"--id": id_column, "--columns": columns, "--vocab": vocab, "--sep and the like": csv != CsvOptions()}
        for flag in (flag for flag, value in flags.items() if value):
            raise ZooError(f"{flag} is for new rows: give --data FILE")
        return RowData()
    table = read_data(fit.model.card, data, columns, vocab, csv, id_column)
    if fit.model.card.of_words or not hasattr(table, "columns"):
        return RowData(table)
    rows, ids = split_rows(table, id_column)
    rows = rows if columns is None else choose_columns(rows, columns)
    names = {str(column): column for column in rows.columns}
    own = next(iter(fit.columns.values()), ())
    rows = rows[[names[name] for name in own]] if own and set(own) <= names.keys() else rows
    return RowData(rows.reset_index(drop=True), ids, table)


def load_program_rows(
    fit: Fit, program: Program, data: str, words: Sequence[str] | None, id_column: str | None, csv: CsvOptions
) -> RowData:
    """New rows of a program of the user's own, as arrays by argument; raises ZooError.

    Words have the codes that they have in the fit, where it has them as labels of a dimension.
    """
    from zoo.cli.programs.calls import is_named_alike, parse_words
    from zoo.cli.programs.columns import Columns, map_arguments

    columns = Columns.read([data], csv)
    if id_column is not None and id_column not in columns.values:
        raise unknown("column", id_column, columns.values)
    call = map_arguments(program, columns, parse_words(words or ()))
    arguments = {**dict(zip(positional_names(program), call.args, strict=False)), **call.kwargs}
    for argument, sources in call.sources.items():
        if coded := [name for name in sources if name in columns.labels and name != id_column]:
            coords = fit.model.card.coords
            known = [coords[dim] for dim in coords if len(sources) == 1 and is_named_alike(dim, argument, sources)]
            if not known:
                raise ZooError(
                    f"{argument} is read from words ({', '.join(coded)}), whose codes in another file are not those of "
                    "the fit: give the whole numbers of the fit"
                )
            arguments[argument] = recode(coded[0], arguments[argument], columns.labels[coded[0]], known[0])
    ids = None
    if id_column is not None:
        codes, labels = columns.values[id_column], columns.labels.get(id_column)
        ids = RowIds(id_column, codes.tolist() if labels is None else [labels[int(code)] for code in codes])
    return RowData({n: v for n, v in arguments.items() if hasattr(v, "shape")}, ids)


def recode(column: str, codes: np.ndarray, words: Sequence[str], known: Sequence[object]) -> np.ndarray:
    """The codes of a column of words as those of the fit, whose words are known; raises ZooError for another word."""
    numbers = {str(word): code for code, word in enumerate(known)}
    for word in words:
        if word not in numbers:
            raise unknown(f"word in the fit for column {column}", word, list(numbers))
    return np.array([numbers[word] for word in words], codes.dtype)[codes]


def check_table_file(path: Path | None) -> None:
    """Raise ZooError before any work for a file that is no table, or that could not be written."""
    if path is None:
        return
    if path.suffix.lower() not in (*SEPARATORS, ".parquet"):
        raise ZooError(f"cannot write {str(path)!r}: name a file that ends in {', '.join(SEPARATORS)} or .parquet")
    check_writable(path)


def write_table(table: pd.DataFrame, path: Path | None) -> None:
    """Write a table to a file, by its ending, or as CSV to standard output."""
    if path is None:
        typer.echo(table.to_csv(index=False), nl=False)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".parquet":
        table.rename(columns=str).to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False, sep=SEPARATORS[path.suffix.lower()])
    typer.echo(f"{len(table)} rows: {path}")
