"""Tables with columns of numbers, categories, counts and covariates: words become whole numbers, NaN stays missing.

``read(frame)`` reads which columns of a DataFrame are categories, and gives ``Columns``: its ``encode(frame)`` makes an
array of a table with these columns, new rows too, and ``decode(array)`` a table. Models take the array and
``columns.levels``: for each column the number of levels, 0 for a number, or "count" or "covariate". A model whose
setting is the ``Columns`` themselves takes DataFrames as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from zoo.data.sequences import observed_steps
from zoo.errors import ZooError, unknown

if TYPE_CHECKING:
    import pandas as pd

COUNT, COVARIATE = "count", "covariate"  # the kinds of a column that are words
ColumnKind: TypeAlias = int | str


@dataclass(frozen=True)
class Columns:
    """The columns of a table, and the levels of those that are categories.

    Attributes
    ----------
    names : tuple of str
        The D columns in their order.
    categories : tuple of tuple
        The levels of each column in the order of their codes; () for a column of numbers.
    counts, covariates : tuple of str
        The columns of numbers that are counts, and those on which the others may depend.
    """

    names: tuple[str, ...]
    categories: tuple[tuple[Any, ...], ...]
    counts: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()

    @property
    def levels(self) -> tuple[ColumnKind, ...]:
        """The number of levels of each column, 0 for a number, "count" or "covariate": the setting of a model."""
        words = dict.fromkeys(self.counts, COUNT) | dict.fromkeys(self.covariates, COVARIATE)
        return tuple(words.get(n, len(c)) for n, c in zip(self.names, self.categories, strict=True))

    def encode(self, frame: pd.DataFrame) -> np.ndarray:
        """A table as an array.

        Parameters
        ----------
        frame : DataFrame
            With these columns, in any order and among others.

        Returns
        -------
        ndarray of float, (N, D)
            Numbers in their units, codes of categories from 0 up, NaN where missing.

        Raises
        ------
        ZooError
            For a missing column, a level that is not among those of the column, and words in a column of numbers.
        """
        if absent := [name for name in self.names if name not in frame.columns]:
            raise ZooError(f"the table has no column {', '.join(absent)}; the columns are {', '.join(self.names)}")
        pairs = zip(self.names, self.categories, strict=True)
        columns = [as_codes(n, frame[n], c) if c else as_column(n, frame[n]) for n, c in pairs]
        return np.stack(columns, 1)

    def decode(self, values: np.ndarray) -> pd.DataFrame:
        """An array as a table.

        Parameters
        ----------
        values : ndarray, (N, D)
            As ``encode`` makes it.

        Returns
        -------
        DataFrame
            Of numbers and categories.

        Raises
        ------
        ZooError
            For another number of columns, and for a code that is no level of its column.
        """
        import pandas as pd

        values = np.asarray(values, float)
        if values.ndim != 2 or values.shape[1] != len(self.names):
            raise ZooError(f"values are rows of {len(self.names)} columns; given shape {values.shape}")
        check_codes(values, self.levels, self.names)
        columns: dict[str, Any] = {}
        for name, categories, column in zip(self.names, self.categories, values.T, strict=True):
            codes = np.nan_to_num(column, nan=-1).astype(int)
            columns[name] = pd.Categorical.from_codes(codes, categories=list(categories)) if categories else column
        return pd.DataFrame(columns)


def read(frame: pd.DataFrame, counts: Sequence[str] = (), covariates: Sequence[str] = ()) -> Columns:
    """The columns of a table: categories are those of a categorical dtype, words and booleans.

    Parameters
    ----------
    frame : DataFrame
        A number that stands for a category, as a code of a region, is made one by ``astype("category")``. The levels
        of a categorical dtype keep their order, and those without rows count; words are in alphabetical order.
    counts, covariates : sequence of str
        The columns of numbers that are counts, and those that are covariates, of which booleans may be some.

    Returns
    -------
    Columns

    Raises
    ------
    ZooError
        For something other than a DataFrame, columns of the same name, dates, categories with fewer than two levels,
        and words among counts and covariates.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"age": [39.0, 50.0, 38.0], "work": ["state", None, "private"]})
    >>> columns = read(frame)
    >>> columns.levels, columns.encode(frame).tolist()
    ((0, 2), [[39.0, 1.0], [50.0, nan], [38.0, 0.0]])
    """
    if not hasattr(frame, "select_dtypes"):
        raise ZooError(
            f"columns are read off a DataFrame; given {type(frame).__name__}: give arrays to the model itself"
        )
    names = tuple(map(str, frame.columns))
    if len(set(names)) < len(names):
        raise ZooError(f"two columns are named {next(n for n in names if names.count(n) > 1)}: rename one of them")
    counts, covariates = tuple(counts), tuple(covariates)
    for name in (*counts, *covariates):
        if name not in names:
            raise unknown("column", name, names)
    if repeated := [name for name in counts if name in covariates]:
        raise ZooError(f"column {repeated[0]} is a count or a covariate, not both: leave it out of one")
    numbers = (*counts, *covariates)
    for name in numbers:
        check_numbers(name, frame[name], name in covariates)
    levels = [() if n in numbers else levels_of(n, frame.iloc[:, i]) for i, n in enumerate(names)]
    return Columns(names, tuple(levels), counts, covariates)


def check_numbers(name: str, column: pd.Series, is_covariate: bool) -> None:
    """Raise ZooError unless a count has numbers, and a covariate numbers or booleans."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not is_numeric_dtype(column) or (is_bool_dtype(column) and not is_covariate):
        if not is_covariate:
            raise ZooError(f"column {name} has other values than numbers, and counts are numbers: code it")
        raise ZooError(f"column {name} is a covariate, and has words: give an indicator of each, as get_dummies makes")


def levels_of(name: str, column: pd.Series) -> tuple[Any, ...]:
    """The levels of a category, () for numbers; raises ZooError for dates, and for fewer than two levels."""
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if isinstance(column.dtype, pd.CategoricalDtype):
        levels = tuple(column.cat.categories)
    elif is_numeric_dtype(column) and not is_bool_dtype(column):
        return ()
    elif column.dtype.kind in "mM":
        raise ZooError(f"column {name} has dates: write them as numbers, as days since the first")
    else:
        try:
            levels = tuple(sorted(column.dropna().unique()))
        except TypeError:
            raise ZooError(f"column {name} has values of several types: convert them to words or to numbers") from None
    if len(levels) < 2:
        only = f"one level, {levels[0]!r}" if levels else "no level"
        raise ZooError(f"column {name} is a category with {only}: drop it")
    return levels


def as_codes(name: str, column: pd.Series, categories: tuple[Any, ...]) -> np.ndarray:
    """The codes of a column of categories, NaN where missing; raises ZooError for an unknown level."""
    import pandas as pd

    codes = pd.Index(categories).get_indexer(pd.Index(column.astype(object))).astype(float)
    is_missing = column.isna().to_numpy()
    is_unknown = (codes < 0) & ~is_missing
    if is_unknown.any():
        raise unknown(f"level of column {name}", column.iloc[int(is_unknown.argmax())], map(str, categories))
    codes[is_missing] = np.nan
    return codes


def as_column(name: str, column: pd.Series) -> np.ndarray:
    """A column of numbers; raises ZooError for words."""
    try:
        return column.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise ZooError(f"column {name} has numbers where the columns were read; this table has other values") from None


def check_codes(x: np.ndarray, columns: tuple[ColumnKind, ...], names: tuple[str, ...] = ()) -> None:
    """Raise ZooError for the first value that its column cannot have.

    A category has whole numbers below its number of levels, a count whole numbers from 0 up, and a covariate no missing
    value.
    """
    for d, kind in enumerate(columns):
        if kind == 0:
            continue
        label = names[d] if names else f"{d} of x"
        is_missing = np.isnan(x[:, d])
        if kind == COVARIATE:
            if is_missing.any():
                row = int(is_missing.argmax())
                raise ZooError(f"row {row} has no value of the covariate {label}, which has no model: drop such rows")
            continue
        values = x[:, d][~is_missing]
        is_outside = (values < 0) | (values != np.round(values))
        if isinstance(kind, int):
            is_outside |= values >= kind
        if is_outside.any():
            first = f"{values[is_outside][0]:g}"
            if kind == COUNT:
                raise ZooError(f"column {label} has counts, whole numbers from 0 up: {first} is none")
            raise ZooError(
                f"column {label} has levels 0 to {int(kind) - 1}: {first} is none; recode it, or set more levels in "
                "columns"
            )


def check_covariates(site: str, x: np.ndarray, columns: tuple[ColumnKind, ...], names: tuple[str, ...] = ()) -> None:
    """Raise ZooError for a covariate that is missing before the end of a sequence of x (N, T, D)."""
    covariates = [d for d, kind in enumerate(columns) if kind == COVARIATE]
    has_values = np.asarray((~np.isnan(x)).any(axis=(1, 2)))  # a sequence without values is empty
    is_step = observed_steps(x).is_step & has_values[:, None]
    is_wrong = np.isnan(x[..., covariates]) & is_step[..., None]
    if is_wrong.any():
        n, t, p = (int(i) for i in np.argwhere(is_wrong)[0])
        d = covariates[p]
        raise ZooError(
            f"step {t} of sequence {n} has no value of the covariate {names[d] if names else f'{d} of {site}'}, which "
            "has no model: fill it in, or give the steps after it as a sequence of their own"
        )
