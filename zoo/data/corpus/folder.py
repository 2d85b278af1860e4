"""Corpora in folders: three arrays that are memory-mapped, the sizes, the vocabulary and the ids, one a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from zoo.data.atomic import check_replaceable, replace_folder
from zoo.data.corpus.counts import DOCUMENTS_PER_BLOCK, Corpus
from zoo.data.corpus.ids import check_ids
from zoo.data.corpus.vocabulary import read_lines, read_vocabulary, write_lines
from zoo.errors import ZooError

FORMAT = 1
METADATA, WORDS, IDS = "corpus.json", "vocabulary.txt", "ids.txt"


def write(
    parts: Iterable[Corpus],
    folder: str | Path,
    vocabulary: Sequence[str] | None = None,
    ids: Iterable[object] | None = None,
) -> Path:
    """Write the documents of several corpora, in order, as one; needs the memory of one part, and 8 bytes a document.

    The folder appears once it is complete. Raises ZooError for a folder that holds anything but a corpus, and for
    another number of ids than documents.
    """
    folder = Path(folder)
    check_replaceable(folder, METADATA, "corpus")
    with replace_folder(folder) as new:
        V, sizes = 0, [np.zeros(1, np.int64)]
        with append_to_npy(new / "words.npy") as append_words, append_to_npy(new / "counts.npy") as append_counts:
            for part in parts:
                append_words(part.words)
                append_counts(part.counts)
                sizes.append(np.diff(part.indptr))
                V = max(V, part.V)
        np.save(new / "indptr.npy", np.cumsum(np.concatenate(sizes)))
        if vocabulary is not None:
            write_lines(vocabulary, new / WORDS)
        if ids is not None:
            write_lines(check_ids(ids, sum(map(len, sizes)) - 1), new / IDS)
        (new / METADATA).write_text(json.dumps({"format": FORMAT, "V": V}))
    return folder


def save(corpus: Corpus, folder: str | Path) -> Path:
    """Write a corpus to a folder, from which ``load`` maps it.

    Parameters
    ----------
    corpus : Corpus
    folder : path
        A new or empty folder, or one that holds a corpus, which is replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ZooError
        Where the folder holds something other than a corpus.
    """
    return write(corpus.blocks(DOCUMENTS_PER_BLOCK), folder, corpus.vocabulary, corpus.ids)


def load(folder: str | Path) -> Corpus:
    """Load a corpus from a folder; its words and counts stay on disk until they are used.

    Parameters
    ----------
    folder : path
        A folder that ``save`` or ``convert`` wrote.

    Returns
    -------
    Corpus

    Raises
    ------
    ZooError
        Where the folder holds no corpus, or a damaged one.
    """
    folder = Path(folder)
    try:
        metadata = json.loads((folder / METADATA).read_text())
        indptr = np.load(folder / "indptr.npy", allow_pickle=False)
        words, counts = (np.load(folder / f"{n}.npy", mmap_mode="r", allow_pickle=False) for n in ("words", "counts"))
        if metadata["format"] != FORMAT or not len(words) == len(counts) == indptr[-1]:
            raise ValueError(
                f"format {metadata['format']}, {indptr[-1]} entries, {len(words)} words, {len(counts)} counts"
            )
        vocabulary = read_vocabulary(folder / WORDS) if (folder / WORDS).exists() else None
        ids = read_lines(folder / IDS) if (folder / IDS).exists() else None
        return Corpus(indptr, words, counts, metadata["V"], vocabulary).with_ids(ids)
    except FileNotFoundError as error:
        raise ZooError(f"{str(folder)!r} holds no corpus: give the folder that save or convert wrote") from error
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ZooError(f"{str(folder)!r} is damaged: {str(error).splitlines()[0]}") from error


@contextmanager
def append_to_npy(path: Path) -> Iterator[Callable[[np.ndarray], None]]:
    """Give a function that appends to an npy file of 32-bit integers; the header is completed at the end."""
    length = 0
    with open(path, "wb") as file:

        def write_header() -> None:
            # numpy pads the header, so that its size does not depend on the length
            fields = {"descr": "<i4", "fortran_order": False, "shape": (length,)}
            np.lib.format.write_array_header_1_0(file, fields)

        def append(values: np.ndarray) -> None:
            nonlocal length
            file.write(np.ascontiguousarray(values, "<i4").data)
            length += len(values)

        write_header()
        yield append
        file.seek(0)
        write_header()
