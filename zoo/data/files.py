"""Tables and arrays read from files."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.csv_files import NO_OPTIONS, CsvOptions, read_csv
from zoo.errors import ZooError

if TYPE_CHECKING:
    import pandas as pd

CSV_SUFFIXES = (".csv", ".tsv")
READABLE = ".csv, .tsv, .parquet, .npy, .npz"


def read(path: str | Path, options: CsvOptions = NO_OPTIONS) -> pd.DataFrame | np.ndarray | dict[str, np.ndarray]:
    """A file as a DataFrame (CSV, Parquet), an array (npy) or a dict of arrays (npz); raises ZooError.

    ``options`` are of CSV alone, and refused for other files.
    """
    path = Path(path)
    if not path.exists():
        raise ZooError(f"no file {str(path)!r}; readable: {READABLE}")
    if options != NO_OPTIONS and path.suffix.lower() not in CSV_SUFFIXES:
        raise ZooError(
            "--sep, --decimal, --encoding, --no-header and --na are for "
            f"{' and '.join(CSV_SUFFIXES)}; given {path.name}"
        )
    try:
        match path.suffix.lower():
            case ".csv" | ".tsv":
                return read_csv(path, options)
            case ".parquet":
                import pandas as pd

                return pd.read_parquet(path)
            case ".npy":
                return np.load(path, mmap_mode="r", allow_pickle=False)  # read as it is needed
            case ".npz":
                with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
                    return dict(file)
    except ZooError:
        raise
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise ZooError(f"{str(path)!r} cannot be read: {str(error).splitlines()[0]}") from error
    raise ZooError(f"cannot read {path.suffix or 'a file without an ending'}; readable: {READABLE}")
