"""Tables: users' data converted to NumPy arrays, and checked against the sites of a card."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from zoo.data.arrays import not_numbers, to_numbers
from zoo.data.blocks import blocks
from zoo.data.column_names import Names, column_names, column_order
from zoo.data.corpus import Corpus, as_corpus
from zoo.data.intensities import Intensities
from zoo.data.sequences import pad_sequences, without_time
from zoo.errors import ZooError
from zoo.sites import KINDS, Site
from zoo.types import DataLike

NO_NAMES: Mapping[str, Names] = {}
SEQUENCES = ("N", "T")  # the first dimensions of sequences of steps
SiteData: TypeAlias = np.ndarray | Intensities | Corpus  # of one observed site


def as_table(
    data: DataLike, sites: Mapping[str, Site], columns: Mapping[str, Names] = NO_NAMES, num_words: int | None = None
) -> dict[str, DataLike]:
    """``{site: array of numbers}`` from a dict, a bare array or a DataFrame, of words a Corpus; raises ZooError.

    ``columns`` are the names of the columns by site, with which those of DataFrames are matched. ``num_words`` lets
    all documents be without words, and is then the size of the vocabulary.
    """
    table: dict[str, DataLike] = {}
    given = data_by_site(data, sites)
    for n, site in sites.items():
        if site.kind == "word":
            corpus = as_corpus(given[n], given.get("vocabulary"), num_words=num_words)
            has_other_words = n in columns and corpus.vocabulary not in (None, columns[n])
            table[n] = corpus.with_vocabulary(columns[n]) if has_other_words else corpus
            continue
        if site.dims[:2] == SEQUENCES and isinstance(given[n], list | tuple):
            table[n] = pad_sequences(n, given[n], columns.get(n))
            continue
        table[n] = as_numbers(n, given[n])
        order = column_order(n, columns.get(n), column_names(given[n]))
        if order is not None:
            table[n] = table[n][:, order]
    return table


def data_by_site(data: DataLike, sites: Mapping[str, Site]) -> Mapping[str, DataLike]:
    """The data of each observed site as it was given; raises ZooError for a site without data."""
    names = list(sites)
    if not isinstance(data, Mapping) or _is_corpus(data, sites):
        if len(names) != 1:
            raise ZooError(f"the model observes {', '.join(names)}: give a dict with an array for each")
        data = {names[0]: data}
    absent = [n for n in names if n not in data]
    if absent:
        raise ZooError(f"no data for {', '.join(absent)}; given {', '.join(map(str, data)) or 'nothing'}")
    steps = {n: without_time(n, data[n]) for n, site in sites.items() if site.dims[:2] == SEQUENCES}
    return {**data, **steps} if steps else data


def _is_corpus(data: Mapping[str, object], sites: Mapping[str, Site]) -> bool:
    """Whether a dict is itself a corpus, with its vocabulary, and not data by site."""
    return [site.kind for site in sites.values()] == ["word"] and not sites.keys() & data.keys()


def as_numbers(name: str, values: DataLike) -> np.ndarray | Intensities:
    """One array of float64; raises ZooError, which names columns of words.

    A memory-mapped float32 array stays one, as a copy could exceed memory; intensities are unchanged.
    """
    if isinstance(values, Intensities):
        return values
    array = to_numbers(name, values)
    if array.ndim == 0:
        raise not_numbers(name)
    on_disk = isinstance(values, np.memmap) and array.dtype == np.float32
    return np.ascontiguousarray(array, dtype=np.float32 if on_disk else np.float64)


def check_values(name: str, values: SiteData, site: Site, missing: bool, columns: Sequence[str] = ()) -> SiteData:
    """``values`` with the dimensions of ``site``; raises ZooError for the first value that its kind does not allow.

    ``columns`` are the names of the columns, for messages.
    """
    if isinstance(values, Corpus):  # checked at construction
        return values
    expected = f"{name} is {site}"
    is_grey = isinstance(values, Intensities)
    if is_grey and site.kind != "binary":
        raise ZooError(
            f"{expected}, and intensities are for binary sites: give the grey values themselves, as an array"
        )
    kind = "unit" if is_grey else site.kind
    if values.size == 0:
        raise ZooError(f"{expected}: the data is empty (shape {values.shape}); give at least one row")
    if site.dims[:2] == SEQUENCES and values.ndim < len(site.dims):
        values = values.reshape(1, len(values), int(np.prod(values.shape[1:])))  # one sequence
    if values.ndim == 1 and len(site.dims) == 2:
        values = values.reshape(-1, 1)  # one column as a vector
    elif values.ndim == 2 and len(site.dims) == 1 and values.shape[1] == 1:
        values = values.reshape(-1)
    if values.ndim != len(site.dims):
        raise ZooError(f"{expected}: give {len(site.dims)} dimensions, not shape {values.shape}")
    for first, block in blocks(values):
        with np.errstate(over="ignore", invalid="ignore"):  # infinities of both signs
            total = block.sum()
        if not np.isfinite(total):  # one sum per block, as a fast test whether any value is not finite
            if np.isinf(block).any():
                raise ZooError(
                    f"{expected}: {_position(np.isinf(block), first, columns)} is infinite; drop or correct it"
                )
            is_missing = np.isnan(block)
            if is_missing.any() and not missing:
                position = _position(is_missing, first, columns)
                raise ZooError(
                    f"{expected}: {position} is missing (NaN), which this model does not take; drop those rows"
                )
            block = block[~is_missing]
        is_outside = OUTSIDE[kind](block) if kind in OUTSIDE else None
        if is_outside is not None and is_outside.any():
            remedy = coding_remedy(name, kind, values)
            raise ZooError(f"{expected}: each value must be {KINDS[kind]}, and {block[is_outside][0]:g} is not{remedy}")
    return values


def check_labels(name: str, values: SiteData, letter: str, size: int | None) -> None:
    """Raise ZooError for a label that is none of ``size`` values; None where the size is not set."""
    labels = np.asarray(values, dtype=float)
    if size is not None and (labels >= size).any():
        remedy = f"recode it, or set {letter}"
        raise ZooError(f"{name} has a label {np.nanmax(labels):g}, and its values are 0 to {size - 1}: {remedy}")


def coding_remedy(name: str, kind: str, values: SiteData) -> str:
    """What to do about values that a kind does not allow, where they are probably codes of those that it does."""
    x = np.asarray(values, dtype=float)
    codes = np.unique(x[~np.isnan(x)][:MAX_CODES])
    low, high = codes.min(), codes.max()
    if MISSING_CODES & set(codes.tolist()) and kind in ("binary", "count", "category", "positive"):
        return f"; where a negative number stands for a missing value, replace it by NaN, as zoo fit --na {low:g} does"
    if kind == "binary" and len(codes) == 2:
        return f"; of the two values {low:g} and {high:g}, ({name} == {high:g}) is 1 for {high:g} and 0 for {low:g}"
    if kind == "binary" and low >= 0:
        return BINARISE
    if kind in ("category", "one_hot") and low == 1 and not (codes % 1).any():
        return f"; where labels begin at 1, give {name} - 1"
    return ""


def check_any_observed(table: Mapping[str, SiteData]) -> None:
    """Raise ZooError where every value of the whole table is missing."""
    arrays = [values for values in table.values() if not isinstance(values, Corpus)]
    if arrays and all(np.isnan(block).all() for values in arrays for _, block in blocks(values)):
        raise ZooError(f"{', '.join(table)}: every value is missing")


BINARISE = "; binarise grey values: zoo.intensities.Intensities(x, levels=255), or a data set *_static or *_dynamic"


MISSING_CODES = {-1.0, -9.0, -99.0, -999.0, -9999.0}  # that surveys have for a missing answer
MAX_CODES = 100_000  # values that decide what the codes are


OUTSIDE: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # whether values lie outside the support of a kind
    "binary": lambda x: (x != 0) & (x != 1),
    "count": lambda x: (x < 0) | (x != np.round(x)),
    "category": lambda x: (x < 0) | (x != np.round(x)),
    "one_hot": lambda x: (x != 0) & (x != 1),
    "positive": lambda x: x <= 0,
    "unit": lambda x: (x < 0) | (x > 1),
}


def _position(mask: np.ndarray, first_row: int, columns: Sequence[str]) -> str:
    """Row and column of the first true value of the mask of a block."""
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    position = f"row {first_row + index[0]}"
    if len(index) > 1:
        position += f", column {columns[index[1]] if index[1] < len(columns) else index[1]}"
    return f"{position} and more" if mask.sum() > 1 else position
