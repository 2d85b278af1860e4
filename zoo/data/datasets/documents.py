"""Corpora: word counts in lda-c's format, the words, and the titles where there are any."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from zoo.data.corpus import Corpus, read
from zoo.data.datasets.sources import Fetched


@dataclass(frozen=True)
class Documents:
    """Files kept in the cache folder, each checked by sha256 whenever it is read."""

    counts: Fetched
    vocabulary: Fetched
    headings: Fetched | None = None

    def table(self) -> Corpus:
        return read(self.counts.path(), vocab=self.vocabulary.path())

    def titles(self) -> list[str]:
        """What each document is called, without the number that its line begins with; nothing where nobody says."""
        lines = self.headings.path().read_text(encoding="utf-8").splitlines() if self.headings else []
        return [line.partition(" ")[2] for line in lines]


def member(name: str) -> Callable[[bytes], bytes]:
    """How to take the file of that name out of an archive; raises ValueError where there is none."""

    def taken(archive: bytes) -> bytes:
        try:
            with tarfile.open(fileobj=io.BytesIO(archive)) as files:
                for file in files:
                    if PurePosixPath(file.name).name == name and (content := files.extractfile(file)):
                        return content.read()
        except (tarfile.TarError, EOFError, OSError) as error:
            raise ValueError("no archive") from error
        raise ValueError(f"no {name} in the archive")

    return taken
