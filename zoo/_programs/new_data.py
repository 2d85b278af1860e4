"""New data for a program that was read: arrays by name, beside those of the reading that do not go with the rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo._programs.arguments import Arguments, positional_names
from zoo._programs.reading import Reading
from zoo.errors import ZooError, unknown
from zoo.types import DataLike, Program


def arrays_by_name(reading: Reading, program: Program, data: DataLike) -> dict[str, np.ndarray]:
    """Arrays by observed site or covariate, of a dict, the positional arguments of the program, or one array.

    Raises ZooError for names that the program does not have.
    """
    runnable = reading.runnable
    if not isinstance(data, Mapping):
        args = data if isinstance(data, tuple) else (data,)
        data = dict(zip(positional_names(program), args, strict=False))
    values = {n: v for n, v in data.items() if v is not None}
    by_entry = {entry: site for site, entry in runnable.entry_of_site.items()}
    call = Arguments.from_call(lambda **values: None, (), values)
    arrays = {by_entry.get(n, n): array for n, array in call.arrays.items()}
    for name in arrays:
        if name not in reading.table:
            raise unknown(f"array of {runnable.__name__}", name, reading.table)
    return arrays


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
