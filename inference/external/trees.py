"""ArviZ trees: DataTree, InferenceData, and netCDF files of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.diagnostics import FitKind
from inference.external import cmdstan
from inference.external.draws import ExternalDraws
from zoo import ZooError

if TYPE_CHECKING:
    import xarray as xr

SAMPLE_DIMS = ("chain", "draw")
UNKNOWN = "not recorded"
NETCDF_PACKAGES = ("h5netcdf", "netCDF4")  # either reads the groups of a file


def read(source: Any) -> ExternalDraws:
    """The draws of a tree, of a netCDF file, or of the CSV files of CmdStan."""
    is_path = isinstance(source, str | Path)
    if is_path or (isinstance(source, list | tuple) and source and all(isinstance(s, str | Path) for s in source)):
        paths = [Path(path) for path in ([source] if is_path else source)]
        missing = [str(path) for path in paths if not path.exists()]
        if missing:
            raise ZooError(f"no file {missing[0]!r}: give netCDF, or the CSV files of CmdStan")
        if all(path.suffix == ".csv" for path in paths):
            return read_tree(cmdstan.read_csv(paths), cmdstan.program_name(paths[0]))
        if len(paths) > 1:
            raise ZooError("several paths are the CSV files of one run of CmdStan: give one netCDF file at a time")
        return read_tree(open_netcdf(paths[0]), paths[0].stem)
    return read_tree(as_groups(source), "program")


def open_netcdf(path: Path) -> dict[str, xr.Dataset]:
    """The groups of a netCDF file."""
    import xarray as xr

    try:
        with xr.open_datatree(path) as tree:
            return as_groups(tree.load())
    except (ValueError, ImportError, OSError) as error:
        if not any(importlib.util.find_spec(name) for name in NETCDF_PACKAGES):
            raise ZooError(
                f"cannot read {str(path)!r}: netCDF needs {' or '.join(NETCDF_PACKAGES)}; "
                "pip install 'latent-zoo[netcdf]'"
            ) from error
        raise ZooError(f"cannot read {str(path)!r} as netCDF: {str(error).splitlines()[0]}") from error


def as_groups(source: Any) -> dict[str, xr.Dataset]:
    """The groups of a DataTree, or of an InferenceData of ArviZ before version 1; "/" has the attributes of all."""
    import xarray as xr

    if isinstance(source, xr.DataTree):
        return {"/": source.to_dataset(inherit=False), **{n: c.to_dataset() for n, c in source.children.items()}}
    if callable(getattr(source, "groups", None)) and type(source).__name__ == "InferenceData":
        groups = {name.strip("/"): source[name.strip("/")] for name in source.groups()}
        return {"/": xr.Dataset(attrs=getattr(source, "attrs", {})), **groups}
    raise ZooError(
        "from_arviz takes a DataTree, an InferenceData, or the path of a netCDF file or of CSV files of CmdStan; "
        f"given {type(source).__name__}"
    )


def read_tree(groups: dict[str, xr.Dataset], name: str) -> ExternalDraws:
    """The draws of the posterior group, with what the other groups tell of them."""
    if "posterior" not in groups:
        others = ", ".join(group for group in groups if group != "/") or "none"
        raise ZooError(f"there is no group posterior (groups: {others}): give draws of a posterior")
    posterior = groups["posterior"]
    if not set(SAMPLE_DIMS) <= set(posterior.sizes):
        raise ZooError(f"the posterior has the dimensions {', '.join(map(str, posterior.sizes))}: chain and draw too")
    arrays = {str(n): v.transpose(*SAMPLE_DIMS, ...) for n, v in posterior.items() if v.dtype.kind in "biuf"}
    draws = {n: v.values for n, v in arrays.items() if set(SAMPLE_DIMS) <= set(v.dims)}
    stats = {str(n): v for n, v in groups["sample_stats"].items()} if "sample_stats" in groups else {}
    stats = {n: v.transpose(*SAMPLE_DIMS).values for n, v in stats.items() if set(v.dims) == set(SAMPLE_DIMS)}
    attributes = {**groups["/"].attrs, **posterior.attrs}
    library = str(attributes.get("inference_library", UNKNOWN))
    return ExternalDraws(
        name=str(attributes.get("model", name)),
        engine=str(attributes.get("engine", library if library != UNKNOWN else "draws")),
        library=library,
        version=str(attributes.get("inference_library_version", "")),
        draws=draws,
        kind=kind_of_draws(draws, stats),
        stats=stats,
        seconds=float(attributes.get("seconds", attributes.get("sampling_time", np.nan))),
        dims={n: tuple(map(str, v.dims[2:])) for n, v in arrays.items()},
        coords=named_coordinates(posterior),
        data=observed_data(groups),
        state=pointwise_log_likelihood(groups),
    )


def kind_of_draws(draws: dict[str, np.ndarray], stats: dict[str, np.ndarray]) -> FitKind:
    """Chains, unless the draws have log weights, as a guide has, or there is only one."""
    if all(v.shape[:2] == (1, 1) for v in draws.values()):
        return "point"
    return "guide" if "log_weight" in stats else "chains"


def named_coordinates(posterior: xr.Dataset) -> dict[str, np.ndarray]:
    """The coordinates that are more than positions."""
    coords = {str(d): np.asarray(posterior.coords[d].values) for d in posterior.dims if d in posterior.coords}
    return {
        d: c.astype(str) if c.dtype.kind in "OMm" else c
        for d, c in coords.items()
        if d not in SAMPLE_DIMS and not np.array_equal(c, np.arange(len(c)))
    }


def observed_data(groups: dict[str, xr.Dataset]) -> dict[str, np.ndarray]:
    """The numbers that were observed, in rows."""
    observed = groups.get("observed_data", {})
    return {str(n): np.atleast_1d(v.values) for n, v in observed.items() if v.dtype.kind in "biuf"}


def pointwise_log_likelihood(groups: dict[str, xr.Dataset]) -> dict[str, np.ndarray]:
    """The log-likelihood of each observation as the tree has it, which ``to_arviz`` exports again."""
    likelihood = groups.get("log_likelihood", {})
    return {f"log_likelihood/{n}": v.transpose(*SAMPLE_DIMS, ...).values for n, v in likelihood.items()}
