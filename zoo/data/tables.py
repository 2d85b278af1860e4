"""Data as people have it, made into numpy arrays that a card allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zoo.cards import KINDS, Site
from zoo.data.blocks import blocks
from zoo.data.corpus import Corpus, as_corpus
from zoo.data.intensities import Intensities
from zoo.errors import ZooError


def as_table(data: Any, sites: Mapping[str, Site]) -> dict[str, Any]:
    """``{site: array of numbers}`` from a dict, a bare array or a DataFrame, of words a Corpus; raises ZooError."""
    names = list(sites)
    if not isinstance(data, Mapping) or _is_corpus(data, sites):
        if len(names) != 1:
            raise ZooError(f"the model observes {', '.join(names)}: give a dict with an array for each")
        data = {names[0]: data}
    lacking = [n for n in names if n not in data]
    if lacking:
        raise ZooError(f"no data for {', '.join(lacking)}; given {', '.join(map(str, data)) or 'nothing'}")
    return {
        n: as_corpus(data[n], data.get("vocabulary")) if site.kind == "word" else as_numbers(n, data[n])
        for n, site in sites.items()
    }


def _is_corpus(data: Mapping[str, Any], sites: Mapping[str, Site]) -> bool:
    """Whether a dict is itself a corpus, with its vocabulary, and not data by site."""
    return [site.kind for site in sites.values()] == ["word"] and not sites.keys() & data.keys()


def as_numbers(name: str, values: Any) -> Any:
    """One array of float64; a column of words or an untidy list is an error that names it.

    A float32 file mapped into memory stays one: a copy might be larger than the memory is. So do intensities.
    """
    if isinstance(values, Intensities):
        return values
    if hasattr(values, "select_dtypes"):  # a DataFrame: name the columns at fault
        words = [str(c) for c in values.columns if c not in values.select_dtypes(["number", "bool"]).columns]
        if words and len(values):
            raise ZooError(f"{name} has columns of words ({', '.join(words)}): drop them or code them as numbers")
        values = values.to_numpy(dtype=float, na_value=np.nan)
    elif hasattr(values, "to_numpy") and not hasattr(values, "columns"):
        values = values.to_numpy()
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":  # numbers beside None, say
            array = array.astype(float)
        if array.dtype.kind not in "biuf" or array.ndim == 0:
            raise TypeError
    except (TypeError, ValueError):
        raise ZooError(f"{name} holds something other than numbers: give a rectangular array of numbers") from None
    on_disk = isinstance(values, np.memmap) and array.dtype == np.float32
    return np.ascontiguousarray(array, dtype=np.float32 if on_disk else np.float64)


def check_values(name: str, values: Any, site: Site, missing: bool) -> Any:
    """``values`` with the dimensions of ``site``, every one allowed by its kind; else ZooError."""
    if isinstance(values, Corpus):  # checked when it was made
        return values
    wanted = f"{name} is {site}"
    grey = isinstance(values, Intensities)
    if grey and site.kind != "binary":
        raise ZooError(f"{wanted}, and intensities are for binary sites: give the grey values themselves, as an array")
    kind = "unit" if grey else site.kind
    if values.ndim == 1 and len(site.dims) == 2:
        values = values.reshape(-1, 1)  # one column given flat
    elif values.ndim == 2 and len(site.dims) == 1 and values.shape[1] == 1:
        values = values.reshape(-1)
    if values.ndim != len(site.dims):
        raise ZooError(f"{wanted}: give {len(site.dims)} dimensions, not shape {values.shape}")
    if values.size == 0:
        raise ZooError(f"{wanted}: the data is empty (shape {values.shape}); give at least one row")
    for begun, block in blocks(values):
        if not np.isfinite(block.sum()):  # a sum is quick to take, and shows that there is something to look for
            if np.isinf(block).any():
                raise ZooError(f"{wanted}: {_where(np.isinf(block), begun)} is infinite; drop or correct it")
            absent = np.isnan(block)
            if absent.any() and not missing:
                place = _where(absent, begun)
                raise ZooError(f"{wanted}: {place} is missing (NaN), which this model does not take; drop those rows")
            block = block[~absent]
        wrong = OUTSIDE[kind](block) if kind in OUTSIDE else None
        if wrong is not None and wrong.any():
            cure = GREY if kind == "binary" and not (block < 0).any() else ""
            raise ZooError(f"{wanted}: each value must be {KINDS[kind]}, and {block[wrong][0]:g} is not{cure}")
    return values


def check_seen(table: Mapping[str, Any]) -> None:
    """Raise ZooError where not one value of the whole table is there."""
    arrays = [values for values in table.values() if not isinstance(values, Corpus)]
    if arrays and all(np.isnan(block).all() for values in arrays for _, block in blocks(values)):
        raise ZooError(f"{', '.join(table)}: every value is missing")


GREY = "; binarise grey values: zoo.intensities.Intensities(x, levels=255), or a data set *_static or *_dynamic"


OUTSIDE: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # which values a kind of site cannot have
    "binary": lambda seen: (seen != 0) & (seen != 1),
    "count": lambda seen: (seen < 0) | (seen != np.round(seen)),
    "category": lambda seen: (seen < 0) | (seen != np.round(seen)),
    "positive": lambda seen: seen <= 0,
    "unit": lambda seen: (seen < 0) | (seen > 1),
}


def _where(bad: np.ndarray, begun: int) -> str:
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    place = f"row {begun + first[0]}" + (f", column {first[1]}" if len(first) > 1 else "")
    return f"{place} and more" if bad.sum() > 1 else place
