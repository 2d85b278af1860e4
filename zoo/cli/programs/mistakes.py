"""The usual mistakes in a program of a user's own, each in one line that says what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType

import numpy as np

import zoo
from zoo._backend import in_backend
from zoo._programs.arguments import Arguments
from zoo._programs.sites import SiteRecord
from zoo.cli.programs.failures import explain
from zoo.cli.programs.trace import CallSite, CallTrace
from zoo.errors import ZooError
from zoo.types import Program


def find_mistakes(model: zoo.ReadModel) -> list[str]:
    """The usual mistakes of a program that was read, one line each.

    Parameters
    ----------
    model : ReadModel

    Returns
    -------
    list of str
        Empty where none was found.
    """
    module = in_backend("zoo.cli.programs", model.backend)
    reading = model.reading
    arguments, static = reading.runnable.arguments, reading.runnable.static
    try:
        call = module.run_call(model.source.program, arguments, static)
    except Exception as error:  # whatever the program raises
        return [f"the densities of the program cannot be computed: {explain(error)}"]
    return [
        *missing_covariates(model),
        *infinite_densities(call, reading.trace),
        *repeated_values(call),
        *infinite_supports(reading.trace),
        *globals_in_rows(model, module),
        *subsampled_plates(call),
        *learned_without_prior(model),
    ]


def missing_covariates(model: zoo.ReadModel) -> Iterator[str]:
    """Covariates with empty cells: only observed values may be missing."""
    for name in model.card.covariates:
        values = model.reading.table[name]
        count = int(np.isnan(values).sum()) if values.dtype.kind == "f" else 0
        if count:
            yield f"{name} has {count_values(count)} missing (NaN), and is not observed: fill them, or drop those rows"


def infinite_densities(call: CallTrace, trace: Mapping[str, SiteRecord]) -> Iterator[str]:
    """Sites whose log density is not finite at the start.

    Data may be impossible given one value of a discrete latent, as counts are where nothing lives: other values are
    summed out.
    """
    has_discrete = any(s.role == "latent" and s.is_discrete for s in trace.values())
    for name, site in call.sites.items():
        if site.is_observed and site.outside:
            yield (
                f"{name} has {count_values(site.outside)} outside of the support of its distribution ({site.support}): "
                "correct the data, or choose a distribution that allows them"
            )
        elif np.isnan(site.log_density) or (np.isinf(site.log_density) and not has_discrete):
            yield (
                f"the log density of {name} is {site.log_density:g} at the start: look for a logarithm or a root of a "
                "number below zero, a division by zero, or an overflow in what its distribution is computed from"
            )


def repeated_values(call: CallTrace) -> Iterator[str]:
    """Observed sites whose shape is stretched by broadcasting, so that a value counts several times."""
    for name, site in call.sites.items():
        count, density_count = number_of_values(site), int(np.prod(site.density_shape))
        if site.is_observed and count > 1 and density_count > count:
            yield (
                f"{name} has shape {site.shape}, and its distribution {site.density_shape}: each value counts "
                f"{density_count // count} times; give the mean the shape of the data, as by [:, None] or squeeze"
            )


def count_values(count: int) -> str:
    """A number of values in words."""
    return "1 value" if count == 1 else f"{count} values"


def number_of_values(site: CallSite) -> int:
    """The number of values of a site, a vector or matrix of one event being one."""
    return int(np.prod(site.shape)) // max(int(np.prod(site.event_shape)), 1)


def infinite_supports(trace: Mapping[str, SiteRecord]) -> Iterator[str]:
    """Discrete latents that cannot be summed out."""
    for name, site in trace.items():
        if site.role == "latent" and site.is_discrete and not site.is_enumerable:
            yield (
                f"{name} is a discrete latent with infinite support, a count without an upper bound, which no engine "
                "can sum out: integrate it by hand (a Poisson with a Gamma rate is GammaPoisson), or bound it "
                "(Categorical over 0 to the largest)"
            )


def globals_in_rows(model: zoo.ReadModel, module: ModuleType) -> Iterator[str]:
    """Continuous latents in the rows' plate whose prior is fixed, which are often meant to be one for all rows.

    Standard normal latents beside others that all rows share are codes or effects in the non-centred form, which rows
    do have of their own.
    """
    reading = model.reading
    plate, trace = reading.rows.plate, reading.trace
    latents = {n: s for n, s in trace.items() if s.role == "latent" and not s.is_discrete}
    in_rows = {n: s for n, s in latents.items() if plate and plate in {p.name for p in s.plates}}
    has_shared = len(latents) > len(in_rows) or model.card.learned or model.card.networks
    arguments, static = reading.runnable.arguments, reading.runnable.static
    for name in in_rows:
        prior = module.prior_of(model.source.program, arguments, static, name)
        if prior == "fixed" or (prior == "standard normal" and not has_shared):
            yield (
                f"{name} is drawn inside plate {plate!r}, so that each of the {reading.rows.size} rows has a value of "
                "its own, and its prior has no parameters to share: where all rows have one value, move its sample "
                "statement above the plate"
            )


def subsampled_plates(call: CallTrace) -> Iterator[str]:
    """Plates with a ``subsample_size``."""
    for name, (size, full_size) in call.plates.items():
        if size < full_size:
            yield (
                f"plate {name!r} has subsample_size={size}, and the engines use all {full_size} rows: leave it out, "
                f"and give svi batch_size={size}"
            )


def learned_without_prior(model: zoo.ReadModel) -> Iterator[str]:
    """``param`` statements, which have no prior."""
    names = [*model.card.learned, *model.card.networks]
    if names:
        is_one = len(names) == 1
        yield (
            f"{', '.join(names)} {'is a param' if is_one else 'are params'} without a prior, so that nuts refuses: "
            f"write {'it' if is_one else 'them'} as a sample statement, or fit by svi or em"
        )


def guide_mistakes(model: zoo.ReadModel, guide: Program, name: str) -> list[str]:
    """What a guide has wrong: sites that it misses or adds, and values of another shape than the program's.

    Parameters
    ----------
    model : ReadModel
    guide : callable
        With the arguments of the program.
    name : str
        Name of the guide in its file.

    Returns
    -------
    list of str
    """
    arguments, static = model.reading.runnable.arguments, model.reading.runnable.static
    try:
        shapes = guide_shapes(model, guide, arguments, static)
    except Exception as error:  # whatever the guide raises
        return [f"guide {name} does not run with the arguments of the program: {explain(error)}"]
    latents = {n: s for n, s in model.reading.trace.items() if s.role == "latent"}
    missing = [n for n, s in latents.items() if n not in shapes and not s.is_discrete]
    extra = [n for n in shapes if n not in latents]
    lines = []
    if missing:
        lines.append(f"guide {name} has no site {', '.join(missing)}: it must have one for each latent of the program")
    if extra:
        lines.append(
            f"guide {name} has {', '.join(extra)}, which the program does not: its latents are {', '.join(latents)} "
            "(mark help variables infer={'is_auxiliary': True})"
        )
    lines += [
        f"guide {name} has {n} of shape {shapes[n]}, and the program of shape {site.shape}: give it that shape"
        for n, site in latents.items()
        if n in shapes and shapes[n] != site.shape
    ]
    return lines


def guide_shapes(
    model: zoo.ReadModel, guide: Program, arguments: Arguments, static: tuple[str, ...]
) -> dict[str, tuple[int, ...]]:
    """The shapes of the latents of a guide; raises what the guide raises."""
    module = in_backend("zoo.cli.programs", model.backend)
    try:
        return module.guide_sites(guide, arguments, static)
    except TypeError as error:
        if "argument" in str(error):
            raise ZooError(f"it must take the same arguments ({', '.join(arguments.values)}): {error}") from error
        raise
