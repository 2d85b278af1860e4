"""Three ways to come by a table. Each has ``table() -> DataFrame``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import ZooError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Shipped:
    """A file in this folder."""

    file: str

    def table(self) -> pd.DataFrame:
        import pandas as pd

        return pd.read_csv(Path(__file__).with_name(self.file))


@dataclass(frozen=True)
class Bundled:
    """A table of scikit-learn's; the classes, which no model here is given, stay behind."""

    loader: str

    def table(self) -> pd.DataFrame:
        import sklearn.datasets

        return getattr(sklearn.datasets, self.loader)(as_frame=True)["data"]


@dataclass(frozen=True)
class Fetched:
    """A CSV file kept in the cache folder under ``file``, checked by sha256 whenever it is read.

    ``convert`` makes the CSV's text from what lies at ``address``, where that is something else.
    """

    file: str
    address: str
    sha256: str
    convert: Callable[[str], str] | None = None

    def table(self) -> pd.DataFrame:
        import pandas as pd

        return pd.read_csv(self.path()).drop(columns="rownames", errors="ignore")

    def path(self) -> Path:
        """The file, fetched unless it is there; raises ZooError, which says where to put it."""
        import pooch
        import requests

        place = cache() / self.file
        try:
            kept = pooch.retrieve(self.address, self.sha256, place.name, place.parent, downloader=self._download)
        except (OSError, ValueError, requests.RequestException) as error:
            # pooch raises ValueError where the sha256 is not the one asked for
            why = "is another file now" if isinstance(error, ValueError) else "could not be fetched"
            wanted = f"put {place.name} (sha256 {self.sha256[:12]}...) at {str(place)!r}"
            raise ZooError(f"{self.address} {why}: {wanted}") from error
        return Path(kept)

    def _download(self, address: str, output: str, pooch_: object) -> None:
        import pooch

        pooch.HTTPDownloader(timeout=20)(address, output, pooch_)  # type: ignore[arg-type]
        if self.convert:
            path = Path(output)
            path.write_text(self.convert(path.read_text()))


def cache() -> Path:
    """The folder that fetched files are kept in."""
    import pooch

    return Path(os.environ.get("ZOO_DATA") or pooch.os_cache("latent-zoo"))


def earthquake_counts(page: str) -> str:
    """The table in a page of Python that holds the counts as an array.

    >>> earthquake_counts("earthquakes = np.array([13, 14,\\n 8])")
    'year,count\\n1900,13\\n1901,14\\n1902,8\\n'
    """
    counts = re.search(r"earthquakes = np\.array\(\[([\d,\s]+)\]", page)
    if not counts:
        raise ValueError("no array of earthquakes")
    rows = (f"{1900 + i},{int(count)}\n" for i, count in enumerate(counts[1].split(",")))
    return "year,count\n" + "".join(rows)
