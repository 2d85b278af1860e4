"""Codes and factors as users give them, checked and converted to ``CodesAndFactors``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from inference.analysis.disentanglement.rows import CodesAndFactors, Factor
from zoo.data.datasets.row_factors import Factors
from zoo.data.tables import as_numbers
from zoo.errors import ZooError

MAX_GROUPS = 50  # different numbers up to which a factor is discrete, unless named as continuous
DEAD_KL = 0.01  # nats
MIN_ROWS = 4


def read_codes(codes: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Codes (N, Z), and standard deviations where a pair of means and sds is given; raises ZooError."""
    is_pair = isinstance(codes, tuple) and len(codes) == 2
    mean = as_matrix("codes", codes[0] if is_pair else codes)
    if not is_pair:
        return mean, None
    sd = as_matrix("sd", codes[1])
    if sd.shape != mean.shape:
        raise ZooError(f"sd has shape {sd.shape} and mean {mean.shape}: give one sd for each mean")
    if not (sd > 0).all():
        raise ZooError(f"sd is above 0; given {sd.min():g}: give the means alone where there is no posterior")
    return mean, sd


def as_matrix(name: str, values: Any) -> np.ndarray:
    """Finite numbers (N, Z); raises ZooError."""
    array = as_numbers(name, values)
    if not isinstance(array, np.ndarray) or array.ndim != 2 or not array.size:
        raise ZooError(f"{name} is (N, Z), a row for each row of the data; given shape {np.shape(array)}")
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        count = (~np.isfinite(array).all(1)).sum()
        raise ZooError(
            f"{name}: row {row}, column {column} is {array[row, column]}, and {count} rows in all are not finite: drop "
            "these rows of codes and factors"
        )
    return array.astype(float)


def read_factors(factors: Any, num_rows: int, continuous: Collection[str | int] | None) -> tuple[Factor, ...]:
    """Factors of a DataFrame, a dict of columns or an array (N, K); raises ZooError."""
    columns = factor_columns(factors)
    names = [str(name) for name in columns]
    K = len(columns)
    lengths = {len(column) for column in columns.values()}
    if num_rows < K:
        raise ZooError(f"{K} factors of {num_rows} rows: factors are (N, K), a row for each code; transpose them")
    if lengths != {num_rows}:
        raise ZooError(f"factors have {max(lengths)} rows and codes {num_rows}: give one for each")
    if K < 2:
        raise ZooError("disentanglement compares factors with each other: give two factors or more; given 1")
    if num_rows < MIN_ROWS:
        raise ZooError(f"give {MIN_ROWS} rows or more; given {num_rows}")
    chosen = None if continuous is None else continuous_names(continuous, names)
    return tuple(read_factor(name, column, chosen) for name, column in zip(names, columns.values(), strict=True))


def factor_columns(factors: Any) -> dict[Any, np.ndarray]:
    """The columns by name, "v[0]", "v[1]", ... for an array; raises ZooError."""
    if isinstance(factors, Factors):
        columns = dict(zip(factors.names, factors.values.T, strict=True))
    elif hasattr(factors, "to_dict") and hasattr(factors, "columns"):  # a DataFrame
        columns = {name: factors[name].to_numpy() for name in factors.columns}
    elif isinstance(factors, Mapping):
        columns = {name: np.asarray(column) for name, column in factors.items()}
    else:
        array = np.asarray(factors)
        if array.ndim != 2:
            remedy = "; disentanglement compares factors with each other: give two or more" if array.ndim == 1 else ""
            raise ZooError(f"factors are (N, K), a column for each factor; given shape {array.shape}{remedy}")
        columns = {f"v[{k}]": column for k, column in enumerate(array.T)}
    if not columns or any(column.ndim != 1 or not len(column) for column in columns.values()):
        raise ZooError("factors are (N, K), a column of N values for each factor; some column is empty or no column")
    return columns


def continuous_names(continuous: Collection[str | int], names: list[str]) -> set[str]:
    """The names of factors given by name or number; raises ZooError."""
    given = [continuous] if isinstance(continuous, str) else list(continuous)
    chosen = {names[c] if isinstance(c, int) and 0 <= c < len(names) else str(c) for c in given}
    if unknown := sorted(chosen.difference(names)):
        raise ZooError(f"no factor {unknown[0]!r} to be continuous; the factors are {', '.join(names)}")
    return chosen


def read_factor(name: str, column: np.ndarray, continuous: set[str] | None) -> Factor:
    """A factor of one column; raises ZooError."""
    try:
        values = None if column.dtype.kind in "US" else column.astype(float)
    except (TypeError, ValueError):
        values = None
    is_number = values is not None
    is_missing = np.array([v is None or v != v for v in column]) if values is None else ~np.isfinite(values)
    if is_missing.any():
        row = int(np.argmax(is_missing))
        raise ZooError(f"factor {name}: row {row} is missing, {is_missing.sum()} rows in all: drop them, codes too")
    if values is None:
        values = np.unique(column.astype(str), return_inverse=True)[1].reshape(-1).astype(float)
    different = len(np.unique(values))
    if different < 2:
        raise ZooError(f"factor {name} is constant: nothing can be learned about it; leave it out")
    if continuous is None:
        return Factor(name, values, not is_number or different <= min(MAX_GROUPS, len(values) / 2))
    if name in continuous and not is_number:
        raise ZooError(f"factor {name} is words, which are discrete: leave it out of continuous=")
    return Factor(name, values, name not in continuous)


def dead_dimensions(codes: np.ndarray, sd: np.ndarray | None, min_range: float) -> dict[int, str]:
    """The dimensions without information, with the reason; raises ZooError where all are dead."""
    if not (isinstance(min_range, int | float) and 0 <= min_range < 1):
        raise ZooError(f"min_range is a share of the largest range, from 0 to below 1; given {min_range!r}")
    ranges = np.ptp(codes, axis=0)
    is_constant = ranges <= 1e-12 * np.maximum(1.0, np.abs(codes).max(0))
    dead = {int(j): "constant" for j in np.flatnonzero(is_constant)}
    if sd is None:
        limit = min_range * ranges.max()
        for j in np.flatnonzero(~is_constant & (ranges <= limit)):
            dead[int(j)] = f"range {ranges[j]:.2g}, at most {min_range:g} of the largest, {ranges.max():.2g}"
    else:
        kl = ((codes**2 + sd**2 - 1) / 2 - np.log(sd)).mean(0)
        for j in np.flatnonzero(~is_constant & (kl < DEAD_KL)):
            dead[int(j)] = f"KL to the prior {kl[j]:.2g} nats, below {DEAD_KL}"
    if len(dead) == codes.shape[1]:
        raise ZooError(f"all {len(dead)} dimensions of the codes are dead (the first: {dead[0]}): nothing to score")
    return dict(sorted(dead.items()))


def make_rows(
    codes: np.ndarray,
    sd: np.ndarray | None,
    factors: tuple[Factor, ...],
    dead: Mapping[int, str],
    seed: int = 0,
    fast: bool = False,
) -> CodesAndFactors:
    """Codes without their dead dimensions, and factors."""
    active = [j for j in range(codes.shape[1]) if j not in dead]
    return CodesAndFactors(codes[:, active], factors, None if sd is None else sd[:, active], seed, fast)
