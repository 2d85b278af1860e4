"""Sources of tables: a file of the package, scikit-learn, and the web. Each has ``table() -> DataFrame``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import ZooError

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.utils import Bunch


@dataclass(frozen=True)
class PackageTable:
    """A CSV file of this package."""

    file: str

    def table(self) -> pd.DataFrame:
        import pandas as pd

        return pd.read_csv(Path(__file__).with_name(self.file))


@dataclass(frozen=True)
class SklearnTable:
    """A table of scikit-learn, and separately the classes of its rows."""

    loader: str

    def table(self) -> pd.DataFrame:
        return self._content()["data"]

    def labels(self) -> np.ndarray:
        return self._content()["target"].to_numpy(int)

    def _content(self) -> Bunch:
        import sklearn.datasets

        return getattr(sklearn.datasets, self.loader)(as_frame=True)


@dataclass(frozen=True)
class RemoteFile:
    """A file on the web, stored in the cache folder under ``file`` and checked by sha256 whenever it is read.

    ``convert`` makes its content from that of ``address``, where the two differ.
    """

    file: str
    address: str
    sha256: str
    convert: Callable[[bytes], bytes] | None = None

    def table(self) -> pd.DataFrame:
        import pandas as pd

        return pd.read_csv(self.path()).drop(columns="rownames", errors="ignore")

    def path(self) -> Path:
        """The path in the cache folder; fetches the file where absent. Raises ZooError, which names the path."""
        import pooch
        import requests

        target = cache_folder() / self.file
        try:
            path = pooch.retrieve(self.address, self.file_sha256, target.name, target.parent, downloader=self._download)
        except (OSError, ValueError, requests.RequestException) as error:
            # pooch raises ValueError for a wrong sha256
            why = "is another file now" if isinstance(error, ValueError) else "could not be fetched"
            remedy = f"put {target.name} (sha256 {self.sha256[:12]}...) at {str(target)!r}"
            raise ZooError(f"{self.address} {why}: {remedy}") from error
        return Path(path)

    @property
    def file_sha256(self) -> str | None:
        """The sum of the file itself."""
        return self.sha256

    def _download(self, address: str, output: str, pooch_: object) -> None:
        import pooch

        pooch.HTTPDownloader(timeout=20)(address, output, pooch_)  # type: ignore[arg-type]
        if self.convert:
            path = Path(output)
            path.write_bytes(self.convert(path.read_bytes()))


def convert_text(convert: Callable[[str], str]) -> Callable[[bytes], bytes]:
    """A function of text as a function of bytes in UTF-8."""
    return lambda content: convert(content.decode()).encode()


def nine_tests(table: str) -> str:
    r"""Nine of the 26 tests in their published units, from the raw scores; one pupil's grade is missing.

    >>> scored = "id,Gender,grade,agey,agem,school,visual,cubes,flags,paragrap,sentence,wordm,addition,counting"
    >>> print(nine_tests(scored + ",straight\n1,Male,7,13,1,Pasteur,20,31,3,7,23,9,78,115,229"))
    id,sex,ageyr,agemo,school,grade,x1,x2,x3,x4,x5,x6,x7,x8,x9
    1,1,13,1,Pasteur,7,3.3333333,7.75,0.375,2.3333333,5.75,1.2857143,3.3913043,5.75,6.3611111
    <BLANKLINE>
    """
    import io

    import pandas as pd

    scored = pd.read_csv(io.StringIO(table))
    units = {"visual": 6, "cubes": 4, "flags": 8, "paragrap": 3, "sentence": 4, "wordm": 7}
    units |= {"addition": 23, "counting": 20, "straight": 36}
    sex = scored["Gender"].map({"Male": 1, "Female": 2})
    about = {"id": scored["id"], "sex": sex, "ageyr": scored["agey"], "agemo": scored["agem"]}
    about |= {"school": scored["school"], "grade": scored["grade"].astype("Int64").mask(scored["id"] == 351)}
    eight = lambda value: float(f"{value:.8g}")  # noqa: E731  (as the published table is printed)
    tests = {f"x{i}": (scored[test] / unit).map(eight) for i, (test, unit) in enumerate(units.items(), start=1)}
    return pd.DataFrame({**about, **tests}).to_csv(index=False)


def cache_folder() -> Path:
    """The folder of fetched files: ``$ZOO_DATA``, by default the user's cache."""
    import pooch

    return Path(os.environ.get("ZOO_DATA") or pooch.os_cache("latent-zoo"))


def earthquake_counts(page: str) -> str:
    r"""A CSV table of the counts that a Python source file holds as an array.

    >>> earthquake_counts("earthquakes = np.array([13, 14,\n 8])")
    'year,count\n1900,13\n1901,14\n1902,8\n'
    """
    counts = re.search(r"earthquakes = np\.array\(\[([\d,\s]+)\]", page)
    if not counts:
        raise ValueError("no array of earthquakes")
    rows = (f"{1900 + i},{int(count)}\n" for i, count in enumerate(counts[1].split(",")))
    return "year,count\n" + "".join(rows)
