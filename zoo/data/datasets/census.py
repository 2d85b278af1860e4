"""Adult (Census income): a gzipped file of 32561 people, with numbers, categories and missing values."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.datasets.sources import RemoteFile
from zoo.errors import ZooError

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week")
COLUMNS = (
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race",
    "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income",
)  # fmt: skip


@dataclass(frozen=True)
class CensusFile(RemoteFile):
    """A gzipped table in the cache folder, whose content is checked by sha256 whenever it is read.

    The sum is that of the content, because the bytes of a gzipped file depend on the program that made it. The web has
    the table as a member of a zip archive.
    """

    member: str = "adult.data"

    def table(self) -> pd.DataFrame:
        """Whole numbers, and categories in alphabetical order; '?' in the file is a missing value."""
        import pandas as pd

        table = pd.read_csv(
            io.BytesIO(self.content()), names=list(COLUMNS), na_values="?", skipinitialspace=True, header=None
        )
        return table.astype({name: "category" for name in COLUMNS if name not in NUMBERS})

    def content(self) -> bytes:
        """The unzipped content; raises ZooError for another file."""
        path = self.path()
        try:
            content = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise ZooError(f"{str(path)!r} cannot be read: {str(error).splitlines()[0]}; fetch it again") from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ZooError(
                f"{str(path)!r} is another file: unzipped, its sha256 should be {self.sha256[:12]}...; fetch it again"
            )
        return content

    @property
    def file_sha256(self) -> None:
        """Nothing: the content is checked instead."""
        return None

    def _download(self, address: str, output: str, pooch_: object) -> None:
        super()._download(address, output, pooch_)
        path = Path(output)
        content = self._extract(path.read_bytes())
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ValueError(f"another {self.member}")
        path.write_bytes(gzip.compress(content, mtime=0))

    def _extract(self, archive: bytes) -> bytes:
        """The member of the archive; raises ValueError where there is none."""
        try:
            with zipfile.ZipFile(io.BytesIO(archive)) as files:
                return files.read(self.member)
        except (zipfile.BadZipFile, KeyError) as error:
            raise ValueError(f"no archive with {self.member}") from error
