"""The CSV files of CmdStan, one for each chain, as the groups of an ArviZ tree.

A file is a header of names, a row for each draw, and lines of settings that start with "#". Entries of arrays are named
``theta.1.2``, from 1; names that end in two underscores are the statistics of the sampler.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo import ZooError

if TYPE_CHECKING:
    import xarray as xr

STATISTICS = {  # CmdStan's name -> that of ArviZ's schema
    "lp__": "lp",
    "accept_stat__": "acceptance_rate",
    "stepsize__": "step_size",
    "treedepth__": "tree_depth",
    "n_leapfrog__": "n_steps",
    "divergent__": "diverging",
    "energy__": "energy",
}


def read_csv(paths: list[Path]) -> dict[str, xr.Dataset]:
    """The groups posterior and sample_stats of the chains, warm-up left out."""
    from arviz_base import from_dict

    chains = [read_chain(path) for path in paths]
    names, shape = list(chains[0]), len(next(iter(chains[0].values())))
    for path, chain in zip(paths, chains, strict=True):
        if list(chain) != names or len(next(iter(chain.values()))) != shape:
            raise ZooError(f"{str(path)!r} has other columns or draws than {str(paths[0])!r}: give chains of one run")
    columns = {name: np.stack([chain[name] for chain in chains]) for name in names}
    stats = {STATISTICS.get(n, n.rstrip("_")): v for n, v in columns.items() if n.endswith("__")}
    if "diverging" in stats:
        stats["diverging"] = stats["diverging"].astype(bool)
    posterior = join_entries({n: v for n, v in columns.items() if not n.endswith("__")})
    if not posterior:
        raise ZooError(f"{str(paths[0])!r} has no parameters: its columns are {', '.join(names)}")
    groups = {"posterior": posterior, **({"sample_stats": stats} if stats else {})}
    release = settings(paths[0])
    version = ".".join(release.get(f"stan_version_{part}", "") for part in ("major", "minor", "patch")).strip(".")
    attributes = {"inference_library": "cmdstan", "inference_library_version": version}
    tree = from_dict(groups, attrs={"/": attributes})
    return {"/": tree.to_dataset(inherit=False), **{n: child.to_dataset() for n, child in tree.children.items()}}


def read_chain(path: Path) -> dict[str, np.ndarray]:
    """The columns of one file, (draw,) each."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    if len(lines) < 2:
        raise ZooError(f"{str(path)!r} holds no draws: give the CSV files that CmdStan's method sample wrote")
    names = lines[0].split(",")
    try:
        values = np.array([[float(v) for v in line.split(",")] for line in lines[1:]])
    except ValueError as error:
        raise ZooError(f"{str(path)!r} is no CSV file of CmdStan ({error}): its rows hold numbers alone") from error
    if values.ndim != 2 or values.shape[1] != len(names):
        raise ZooError(f"{str(path)!r} has {len(names)} names and {values.shape[-1]} columns: the file is damaged")
    options = settings(path)
    if options.get("save_warmup") in ("1", "true"):
        warmup, thin = int(options.get("num_warmup", "1000")), int(options.get("thin", "1"))
        values = values[-(-warmup // thin) :]
    return dict(zip(names, values.T, strict=True))


def settings(path: Path) -> dict[str, str]:
    """The settings in the comments of a file, as ``# num_warmup = 1000 (Default)``."""
    pairs = (re.match(r"#\s*(\w+) = (\S+)", line) for line in path.read_text().splitlines() if line.startswith("#"))
    return {match[1]: match[2] for match in pairs if match}


def program_name(path: Path) -> str:
    """The name of the model in the comments of a file, or that of the file."""
    return settings(path).get("model", path.stem).removesuffix("_model")


def join_entries(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays (chain, draw, *shape) of their entries.

    >>> join_entries({"a": np.zeros((1, 9)), "b.1": np.ones((1, 9)), "b.2": np.ones((1, 9))})["b"].shape
    (1, 9, 2)
    """
    entries: dict[str, dict[tuple[int, ...], np.ndarray]] = {}
    for column, values in columns.items():
        name, *index = column.split(".")
        if not all(i.isdecimal() for i in index):  # a part of a tuple keeps its name
            name, index = column, []
        entries.setdefault(name, {})[tuple(int(i) - 1 for i in index)] = values
    arrays = {}
    for name, values in entries.items():
        shape = tuple(np.max(list(values), axis=0) + 1) if () not in values else ()
        leading = next(iter(values.values())).shape
        arrays[name] = np.stack([values[i] for i in np.ndindex(*shape)], axis=-1).reshape(*leading, *shape)
    return arrays
