"""The rows of a program: their plate, and the arguments that go with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, islice
from types import ModuleType
from typing import NamedTuple

import numpy as np

from zoo._programs.runnable import RunnableProgram
from zoo._programs.sites import SiteRecord, Trace
from zoo.errors import ZooError

MAX_RUNS = 256  # runs on half of the rows: every subset of eight arrays; of more the largest subsets


class Rows(NamedTuple):
    """The rows of a program.

    plate: the user's name of their plate. batch_sites: observed sites whose first batch dimension they are, where
    there is no plate. entries: the arrays that go with them. size: how many there are. reason: why there are none, or
    why they cannot be taken in parts.
    """

    plate: str = ""
    batch_sites: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    size: int = 0
    reason: str = ""


def find_rows(
    module: ModuleType,
    program: RunnableProgram,
    trace: Trace,
    entry_of_site: Mapping[str, str],
    name: str | None,
    row_arguments: Sequence[str] | None,
) -> Rows:
    """The rows of a program, found by running it on half of them, or as the user says."""
    observed = [s for s in trace.values() if s.role == "observed"]
    plates = common_plates(observed)
    if name is not None:
        every = {p.name for s in trace.values() for p in s.plates}
        if name not in every:
            raise ZooError(f"rows={name!r} is no plate of the program: it has {', '.join(sorted(every)) or 'none'}")
        if name not in plates:
            outside = next(s.name for s in observed if name not in {p.name for p in s.plates})
            raise ZooError(
                f"rows={name!r} does not hold {outside}, which is observed: name a plate that holds them all"
            )
        plates = {name: plates[name]}
    if not observed:
        return Rows(reason="no site is observed")
    failures = ""
    for plate, size in plates.items():
        rows = Rows(plate=plate, size=size)
        entries = find_entries(module, program, trace, rows, entry_of_site, row_arguments)
        if entries:
            return rows._replace(entries=entries)
        failures = f"the program does not run on a part of the rows of {plate}, or needs row_arguments=[...]"
    if plates:  # the rows have a name, and cannot be taken in parts
        plate, size = next(iter(plates.items()))
        return Rows(plate=plate, size=size, reason=failures)
    if any(s.plates for s in observed) or any(not s.batch_shape for s in observed):
        return Rows(reason="no plate holds every observed site")
    sizes = {s.batch_shape[0] for s in observed}
    if len(sizes) > 1:
        return Rows(reason="the observed sites have different numbers of rows")
    rows = Rows(batch_sites=tuple(s.name for s in observed), size=sizes.pop())
    entries = find_entries(module, program, trace, rows, entry_of_site, row_arguments)
    return rows._replace(entries=entries) if entries else Rows(reason="no plate holds every observed site")


def common_plates(observed: Sequence[SiteRecord]) -> dict[str, int]:
    """The plates that hold every observed site, the one of the first array axis first, with their sizes."""
    if not observed:
        return {}
    shared = set.intersection(*({p.name for p in s.plates} for s in observed))
    return {p.name: p.full_size for p in sorted(observed[0].plates, key=lambda p: p.dim) if p.name in shared}


def find_entries(
    module: ModuleType,
    program: RunnableProgram,
    trace: Trace,
    rows: Rows,
    entry_of_site: Mapping[str, str],
    row_arguments: Sequence[str] | None,
) -> tuple[str, ...]:
    """The arrays that go with the rows: the most that can be cut to half of the rows while all else keeps its shape."""
    arrays = program.arguments.arrays
    candidates = [n for n, v in arrays.items() if v.ndim and len(v) == rows.size and n not in program.static]
    if row_arguments is not None:
        unknown = [n for n in row_arguments if n not in candidates]
        if unknown:
            raise ZooError(
                f"row_arguments={', '.join(unknown)}: an array of {rows.size} rows each; there are "
                f"{', '.join(candidates) or 'none'}"
            )
        candidates = list(row_arguments)
    observed = {entry for entry in entry_of_site.values() if entry in candidates}
    others = [n for n in candidates if n not in observed]
    if rows.size < 2:
        return tuple(candidates)
    smallest = len(others) if row_arguments is not None else 0
    subsets = (chosen for count in range(len(others), smallest - 1, -1) for chosen in combinations(others, count))
    for chosen in islice(subsets, MAX_RUNS):
        entries = tuple(n for n in candidates if n in observed or n in chosen)
        if entries and runs_on_half(module, program, trace, rows._replace(entries=entries), entry_of_site):
            return entries
    return ()


def runs_on_half(
    module: ModuleType, program: RunnableProgram, trace: Trace, rows: Rows, entry_of_site: Mapping[str, str]
) -> bool:
    """Whether the program runs on the first half of the rows, and every site outside of the rows has its shape."""
    half = rows.size // 2
    runnable = module.RunnableProgram(
        program.program,
        program.arguments,
        entry_of_site,
        rows.plate,
        rows.batch_sites,
        rows.entries,
        {},
        program.static,
        program.dtype,
        program.imputed,
    )
    arrays = {site: program.arguments.arrays[entry] for site, entry in entry_of_site.items()}
    arrays |= {n: v for n, v in program.arguments.arrays.items() if n not in entry_of_site.values()}
    row_names = {site for site, entry in entry_of_site.items() if entry in rows.entries} | set(rows.entries)
    arrays = {n: v[:half] if n in row_names else v for n, v in arrays.items()}
    try:
        shorter = module.trace(runnable, arrays, is_abstract=True)
    except Exception:  # the arrays do not fit together: so they do not all go with the rows
        return False
    return shorter.keys() == trace.keys() and all(
        shorter[n].shape == expected_shape(s, rows, half) for n, s in trace.items() if s.role != "factor"
    )


def expected_shape(site: SiteRecord, rows: Rows, half: int) -> tuple[int, ...]:
    """The shape of a site where there are half as many rows."""
    axis = site.axis_of(rows.plate) if rows.plate else 0 if site.name in rows.batch_sites else None
    if site.role == "deterministic" and axis is None and site.shape[:1] == (rows.size,):
        axis = 0
    if axis is None:
        return site.shape
    return tuple(half if i == axis and np.equal(s, rows.size) else s for i, s in enumerate(site.shape))
