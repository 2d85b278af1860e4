"""New data for a program that was read: arrays by name, beside those of the reading that do not go with the rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo._programs.arguments import Arguments, positional_names
from zoo._programs.reading import Reading
from zoo.data.column_names import Names, column_order
from zoo.errors import ZooError, unknown
from zoo.types import DataLike, Program


def arrays_by_name(reading: Reading, program: Program, data: DataLike) -> dict[str, np.ndarray]:
    """Arrays by observed site or covariate, of a dict, the positional arguments of the program, or one array.

    The columns of a DataFrame are in the order of those of the reading. Raises ZooError for names that the program does
    not have, and for other columns than those of the reading.
    """
    runnable = reading.runnable
    if not isinstance(data, Mapping):
        args = data if isinstance(data, tuple) else (data,)
        data = dict(zip(positional_names(program), args, strict=False))
    values = {n: v for n, v in data.items() if v is not None}
    by_entry = {entry: site for site, entry in runnable.entry_of_site.items()}
    call = Arguments.from_call(lambda **values: None, (), values)
    arrays = {by_entry.get(n, n): array for n, array in call.arrays.items()}
    own = columns_of(reading)
    for entry, array in call.arrays.items():
        name = by_entry.get(entry, entry)
        if name not in reading.table:
            raise unknown(f"array of {runnable.__name__}", name, reading.table)
        labels = call.columns.get(entry)
        order = column_order(name, own.get(name), None if labels is None else tuple(map(str, labels)))
        arrays[name] = array if order is None else array[..., order]
    return arrays


def columns_of(reading: Reading) -> dict[str, Names]:
    """The names of the columns of each array that was read as a DataFrame, by observed site or covariate."""
    by_entry = {entry: site for site, entry in reading.runnable.entry_of_site.items()}
    return {by_entry.get(n, n): tuple(map(str, labels)) for n, labels in reading.runnable.arguments.columns.items()}


def merge_arrays(reading: Reading, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays given, beside those of the reading that do not go with the rows.

    Raises ZooError for arrays of other dimensions or of different numbers of rows, and where a covariate is missing.
    """
    sites, own = reading.card.sites(), reading.table
    local = {n for n in own if "N" in sites[n].dims}
    given = {n: arrays[n] for n in own if n in arrays}
    for name, array in given.items():
        if array.ndim != own[name].ndim:
            raise ZooError(f"{name} has {own[name].ndim} dimensions, not shape {array.shape}")
    rows = {n: a.shape[sites[n].dims.index("N")] for n, a in given.items() if n in local}
    if len(set(rows.values())) > 1:
        raise ZooError(f"arrays of different numbers of rows: {', '.join(f'{n} {size}' for n, size in rows.items())}")
    if rows and next(iter(rows.values())) == reading.rows.size:
        return {**own, **given}
    absent = [n for n in local - given.keys() if n in reading.card.covariates]
    if rows and absent:
        raise ZooError(f"the program reads {', '.join(absent)} for every row: give it beside {', '.join(rows)}")
    return {n: given.get(n, own[n]) for n in own if n in given or not (rows and n in local)}
