"""Corpora in files: word counts in lda-c's format, the vocabulary, and optionally the titles of the documents."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from zoo.data.corpus import Corpus, read
from zoo.data.datasets.sources import RemoteFile


@dataclass(frozen=True)
class CorpusFiles:
    """Files of the cache folder, each checked by its sha256 whenever it is read."""

    counts: RemoteFile
    vocabulary: RemoteFile
    title_file: RemoteFile | None = None

    def table(self) -> Corpus:
        return read(self.counts.path(), vocab=self.vocabulary.path())

    def titles(self) -> list[str]:
        """The title of each document, without the number at the beginning of its line; empty without a file."""
        lines = self.title_file.path().read_text(encoding="utf-8").splitlines() if self.title_file else []
        return [line.partition(" ")[2] for line in lines]


def extract_member(name: str) -> Callable[[bytes], bytes]:
    """A function that extracts the file of that name from an archive; it raises ValueError where there is none."""

    def extract(archive: bytes) -> bytes:
        try:
            with tarfile.open(fileobj=io.BytesIO(archive)) as files:
                for file in files:
                    if PurePosixPath(file.name).name == name and (content := files.extractfile(file)):
                        return content.read()
        except (tarfile.TarError, EOFError, OSError) as error:
            raise ValueError("no archive") from error
        raise ValueError(f"no {name} in the archive")

    return extract
