"""A corpus on disk: three arrays that are mapped and not read, its sizes, and its words, one a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from zoo.data.atomic import check_replaceable, replace_folder
from zoo.data.corpus.counts import ROWS, Corpus
from zoo.data.corpus.vocabulary import read_vocabulary, write_vocabulary
from zoo.errors import ZooError

FORMAT = 1
ABOUT, WORDS = "corpus.json", "vocabulary.txt"


def write(parts: Iterable[Corpus], folder: str | Path, vocabulary: Sequence[str] | None = None) -> Path:
    """Write the documents of some corpora, one after another, as one; memory is that of one, and 8 bytes a document.

    The folder is there once all of it is. Raises ZooError for a folder that holds anything but a corpus.
    """
    folder = Path(folder)
    check_replaceable(folder, ABOUT, "corpus")
    with replace_folder(folder) as new:
        V, held = 0, [np.zeros(1, np.int64)]
        with growing(new / "words.npy") as words, growing(new / "counts.npy") as counts:
            for part in parts:
                words(part.words)
                counts(part.counts)
                held.append(np.diff(part.indptr))
                V = max(V, part.V)
        np.save(new / "indptr.npy", np.cumsum(np.concatenate(held)))
        if vocabulary is not None:
            write_vocabulary(vocabulary, new / WORDS)
        (new / ABOUT).write_text(json.dumps({"format": FORMAT, "V": V}))
    return folder


def save(corpus: Corpus, folder: str | Path) -> Path:
    """Write a corpus to a folder, which ``load`` maps; raises ZooError where something else is there."""
    return write(corpus.blocks(ROWS), folder, corpus.vocabulary)


def load(folder: str | Path) -> Corpus:
    """The corpus that was saved in a folder; words and counts stay on disk until they are used. Raises ZooError."""
    folder = Path(folder)
    try:
        about = json.loads((folder / ABOUT).read_text())
        indptr = np.load(folder / "indptr.npy", allow_pickle=False)
        words, counts = (np.load(folder / f"{n}.npy", mmap_mode="r", allow_pickle=False) for n in ("words", "counts"))
        if about["format"] != FORMAT or not len(words) == len(counts) == indptr[-1]:
            raise ValueError(
                f"format {about['format']}, {indptr[-1]} entries, {len(words)} words, {len(counts)} counts"
            )
        named = (folder / WORDS).exists()
        return Corpus(indptr, words, counts, about["V"], read_vocabulary(folder / WORDS) if named else None)
    except FileNotFoundError as error:
        raise ZooError(f"{str(folder)!r} holds no corpus: give the folder that save or convert wrote") from error
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ZooError(f"{str(folder)!r} is damaged: {str(error).splitlines()[0]}") from error


@contextmanager
def growing(path: Path) -> Iterator[Callable[[np.ndarray], None]]:
    """Append to an npy file of 32-bit whole numbers, which is as long as what was appended."""
    length = 0
    with open(path, "wb") as file:

        def header() -> None:
            # numpy leaves room in the header, so that it has the same size for every length
            fields = {"descr": "<i4", "fortran_order": False, "shape": (length,)}
            np.lib.format.write_array_header_1_0(file, fields)

        def append(values: np.ndarray) -> None:
            nonlocal length
            file.write(np.ascontiguousarray(values, "<i4").data)
            length += len(values)

        header()
        yield append
        file.seek(0)
        header()
