"""Reading: the roles of a program's sites, the names of their dimensions, and its card, from one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import numpy as np

from zoo._backend import in_backend
from zoo._programs.arguments import Arguments, program_name
from zoo._programs.rows import Rows, find_rows
from zoo._programs.runnable import RunnableProgram
from zoo._programs.sites import SiteRecord, Trace
from zoo.cards import Card
from zoo.errors import ZooError, describe_error
from zoo.sites import Site
from zoo.types import Program


@dataclass(frozen=True)
class Choices:
    """What a user may declare of a program, which is otherwise found by reading it.

    rows: the plate of the rows. row_arguments: the arguments that go with them. dims: names of the dimensions of a
    site, without those of plates. coords: labels along a dimension.
    """

    rows: str | None = None
    row_arguments: Sequence[str] | None = None
    dims: Mapping[str, Sequence[str]] = field(default_factory=dict)
    coords: Mapping[str, Sequence[object]] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """A program as it was read: in the form that engines run, its sites, its card, its data, sizes and choices."""

    runnable: RunnableProgram
    trace: Trace
    rows: Rows
    card: Card
    table: dict[str, np.ndarray]
    sizes: dict[str, int]
    choices: Choices

    def with_card(self, **fields: Any) -> Reading:
        """The same with some fields of the card replaced."""
        return replace(self, card=replace(self.card, **fields))


def read_program(program: Program, backend: str, arguments: Arguments, choices: Choices) -> Reading:
    """Read a program by runs with the user's own arrays; raises ZooError in the user's terms where it cannot run."""
    module = in_backend("zoo._programs", backend)
    static = find_static(module, program, arguments)
    plain, trace = first_run(module, program, arguments, static)
    check_shapes(program, trace)
    plain, trace = impute_labels(module, plain, trace)
    check_roles(program, trace)
    entry_of_site = {s.name: s.entry for s in trace.values() if s.entry}
    rows = find_rows(module, plain, trace, entry_of_site, choices.rows, choices.row_arguments)
    missing = {
        site: first_present(trace[site], arguments.arrays[entry])
        for site, entry in entry_of_site.items()
        if entry in arguments.incomplete
    }
    # an argument with the name of a site whose values it is not, as where they are transposed, has another one here
    used = set(entry_of_site.values())
    entry_of_site |= {f"{n}_argument": n for n in arguments.arrays if n in trace and n not in used}
    runnable = module.RunnableProgram(
        program,
        arguments,
        entry_of_site,
        rows.plate,
        rows.batch_sites,
        rows.entries,
        missing,
        static,
        plain.dtype,
        plain.imputed,
    )
    table = {
        **{site: arguments.arrays[entry] for site, entry in entry_of_site.items()},
        **{n: a for n, a in arguments.arrays.items() if n not in {*entry_of_site.values(), *static}},
    }
    return make_reading(runnable, trace, rows, table, choices)


def first_run(
    module: ModuleType, program: Program, arguments: Arguments, static: tuple[str, ...]
) -> tuple[RunnableProgram, Trace]:
    """The program and its sites, in 64 bits, or in 32 where its modules have these."""
    plain = module.RunnableProgram(program, arguments, {}, static=static)
    try:
        return plain, run_trace(module, plain, arguments.arrays)
    except ZooError as error:
        narrow = module.RunnableProgram(program, arguments, {}, static=static, dtype="float32")
        try:
            return narrow, run_trace(module, narrow, arguments.arrays)
        except ZooError:
            raise error from error.__cause__


def impute_labels(module: ModuleType, plain: RunnableProgram, trace: Trace) -> tuple[RunnableProgram, Trace]:
    """The program with the missing values of discrete observed sites as latents, where other sites depend on them."""
    arguments = plain.arguments
    imputed = tuple(
        s.name
        for s in trace.values()
        if s.is_discrete and s.entry in arguments.incomplete and module.depends_on(plain, arguments.arrays, s.name)
    )
    if not imputed:
        return plain, trace
    for site in (trace[n] for n in imputed):
        first_present(site._replace(joint_dim=site.event_dim), arguments.arrays[site.entry])
    plain = module.RunnableProgram(
        plain.program, arguments, {}, static=plain.static, dtype=plain.dtype, imputed=imputed
    )
    return plain, run_trace(module, plain, arguments.arrays)


def run_trace(module: ModuleType, program: RunnableProgram, arrays: Mapping[str, np.ndarray]) -> Trace:
    """``module.trace``, with errors of the program in one line."""
    try:
        return module.trace(program, arrays)
    except ZooError:
        raise
    except Exception as error:
        raise ZooError(
            f"{program.__name__} cannot run on this data: {describe_error(error)}{shapes_text(arrays)}"
        ) from error


def shapes_text(arrays: Mapping[str, np.ndarray]) -> str:
    """The shapes of the arrays of a call whose first dimensions differ, of which a mistake may be the cause."""
    if len({a.shape[:1] for a in arrays.values() if a.ndim}) < 2:
        return ""
    return f" (given {', '.join(f'{n} {a.shape}' for n, a in arrays.items() if a.ndim)})"


def find_static(module: ModuleType, program: Program, arguments: Arguments) -> tuple[str, ...]:
    """The arrays whose values the program needs while it is compiled: as few as possible, whole numbers first."""

    def needs_values(static: tuple[str, ...]) -> bool:
        runnable = module.RunnableProgram(program, arguments, {}, static=static)
        try:
            module.trace(runnable, arguments.arrays, is_abstract=True)
        except Exception as error:
            return module.needs_values(error)  # other errors are reported by the reading
        return False

    if not needs_values(()):
        return ()
    names = list(arguments.arrays)
    whole = [n for n in names if arguments.arrays[n].dtype.kind in "biu"]
    static = tuple(whole if not needs_values(tuple(whole)) else names)
    for name in names:
        fewer = tuple(n for n in static if n != name)
        if len(fewer) < len(static) and not needs_values(fewer):
            static = fewer
    return static


def check_roles(program: Program, trace: Trace) -> None:
    """Raise ZooError for a program without observations or latents."""
    name, roles = program_name(program), {s.role for s in trace.values()}
    if not roles & {"observed", "factor"}:
        raise ZooError(
            f"{name} observes nothing with these arguments: pass the data that a sample statement has as obs"
        )
    if not roles & {"latent", "learned"}:
        raise ZooError(f"{name} has no latent site and no param statement: there is nothing to fit")


def check_shapes(program: Program, trace: Trace) -> None:
    """Raise ZooError for an observed site whose values do not fit its distribution."""
    for site in trace.values():
        if site.role != "observed":
            continue
        try:
            np.broadcast_shapes(site.shape, site.distribution_shape)
        except ValueError:
            raise ZooError(
                f"{program_name(program)} cannot run on this data: {site.name} has values of shape {site.shape}, and "
                f"its distribution is of shape {site.distribution_shape}"
            ) from None


def first_present(site: SiteRecord, values: np.ndarray) -> float:
    """A value that is not missing; raises ZooError where all are, or a part of an event that does not factorise."""
    present = values[np.isfinite(values)]
    if not present.size:
        raise ZooError(f"every value of an observed array is missing ({site.name}): give at least one")
    is_missing = np.isnan(values).reshape(*values.shape[: values.ndim - site.joint_dim], -1)
    if (is_missing.any(-1) & ~is_missing.all(-1)).any():
        raise ZooError(
            f"{site.name} misses a part of an event, and its distribution is joint over {site.joint_dim} dimensions: "
            "leave out whole events (all NaN), or write it as independent numbers given latents"
        )
    return float(present[0])


def make_reading(
    runnable: RunnableProgram, trace: Trace, rows: Rows, table: dict[str, np.ndarray], choices: Choices
) -> Reading:
    """The card of the sites, with names for every dimension, and the size of each."""
    names = DimensionNames(rows, choices, {*trace, *table, *runnable.arguments.arrays})
    sites = {n: names.site_of(s) for n, s in trace.items() if s.role != "factor"}
    role = lambda *roles: {n: sites[n] for n, s in trace.items() if s.role in roles}  # noqa: E731
    covariates = {
        n: Site("real", names.entry_dims(n, values, n in rows.entries, runnable.arguments.columns.get(n)))
        for n, values in table.items()
        if n not in sites  # a factor may have the name of an argument
    }
    discrete = [s for s in trace.values() if s.role == "latent" and s.is_discrete]
    enumerated = tuple(s.name for s in discrete)
    if rows.plate or rows.batch_sites:
        names.sizes["N"] = rows.size
    card = Card(
        name=runnable.__name__,
        title=runnable.__name__.replace("_", " "),
        citation="a program of your own",
        latents=role("latent"),
        observed=role("observed"),
        learned=role("learned"),
        deterministic=role("deterministic"),
        chains=tuple(s.name for s in discrete if s.in_scan),
        covariates=covariates,
        enumerated=enumerated,
        sizes=dict(names.sizes),
        missing=tuple(runnable.missing),
        exact=("enumeration",) if enumerated else (),
        exchangeable=(),
        row_sizes=("N",),
        is_own=True,
        dim_names=names.plates,
        coords={**names.coords, **choices.coords},
    )
    return Reading(runnable, trace, rows, card, table, names.sizes, choices)


class DimensionNames:
    """Names of dimensions: plates, then those that the user gives, then ``<site>_dim_<i>`` as in ArviZ.

    Engines have N for the rows and for no other plate, and sizes beside arrays in one dict: a plate named like an array
    has another name there. ``plates`` has the user's names.
    """

    def __init__(self, rows: Rows, choices: Choices, arrays: set[str]):
        self.rows, self.choices, self.reserved = rows, choices, arrays | {"N"}
        self.plates: dict[str, str] = {"N": rows.plate} if rows.plate else {}
        self.sizes: dict[str, int] = {}
        self.coords: dict[str, Sequence[object]] = {}

    def site_of(self, site: SiteRecord) -> Site:
        """The line of a site on the card."""
        plates = {site.axis_of(p.name): p for p in site.plates if site.axis_of(p.name) is not None}
        given, dims = list(self.choices.dims.get(site.name, ())), []
        for axis, size in enumerate(site.shape):
            plate = plates.get(axis)
            if plate is not None and plate.size == size:
                dims.append(self.internal(plate.name, size))
            elif axis == 0 and site.name in self.rows.batch_sites:
                dims.append(self.add("N", size))
            else:
                dims.append(self.add(given.pop(0) if given else f"{site.name}_dim_{axis}", size))
        if given:
            raise ZooError(f"dims gives {len(given)} names too many for {site.name} of shape {site.shape}")
        return Site(site.kind, tuple(dims))

    def internal(self, plate: str, size: int) -> str:
        """The name that engines have for a plate."""
        if plate == self.rows.plate:
            return self.add("N", size)
        if plate not in self.reserved:
            return self.add(plate, size)
        name = self.add(f"{plate}_plate", size)
        self.plates[name] = plate
        return name

    def add(self, name: str, size: int) -> str:
        """A name for a dimension of some size, with its size where another of that name differs."""
        if name != "N" and self.sizes.setdefault(name, size) != size:
            name = f"{name}_{size}"
        self.sizes[name] = size
        return name

    def entry_dims(
        self, name: str, values: np.ndarray, has_rows: bool, columns: Sequence[object] | None
    ) -> tuple[str, ...]:
        """The dimensions of a covariate."""
        dims = [
            self.add("N" if has_rows and axis == 0 else f"{name}_dim_{axis}", size)
            for axis, size in enumerate(values.shape)
        ]
        if columns is not None:
            self.coords[dims[-1]] = list(columns)
        return tuple(dims)
