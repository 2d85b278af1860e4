"""Corpora in files: reading, conversion to a folder, and writing."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path

from zoo.data.corpus import folder as folders
from zoo.data.corpus.conversion import as_corpus
from zoo.data.corpus.counts import Corpus, concatenate
from zoo.data.corpus.ids import IdsLike, read_ids
from zoo.data.corpus.text import PAIRS, SIZE, first_line, ldac, uci
from zoo.data.corpus.texts import read_texts, text_files
from zoo.data.corpus.vocabulary import VocabularyLike, as_vocabulary, read_vocabulary, short_repr
from zoo.data.files import read as read_table
from zoo.errors import ZooError
from zoo.types import DataLike

LDAC = (".ldac", ".lda-c", ".dat")
MARKET = (".mm", ".mtx")
TABLES = (".csv", ".parquet", ".npy", ".npz")
READABLE = (
    ".ldac or .dat (lda-c), .txt (UCI's bag of words or lda-c), .mm, .npz, .npy, .csv, .parquet, a saved corpus, or a "
    "folder of documents (.txt)"
)


def read(
    path: str | Path,
    vocab: str | PathLike[str] | VocabularyLike | None = None,
    ids: IdsLike | PathLike[str] | None = None,
) -> Corpus:
    """Read a corpus from a file, from a folder that ``save`` wrote, or from a folder of documents.

    Text formats: ``.ldac``, ``.lda-c`` and ``.dat`` are those of lda-c, ``.txt`` is UCI's bag of words or lda-c,
    ``.mm`` and ``.mtx`` are Matrix Market with documents in rows. Tables of counts: ``.npz`` of
    ``scipy.sparse.save_npz``, or
    with arrays ``counts``, ``vocabulary`` and ``ids``; ``.npy``, ``.csv`` and ``.parquet``, whose columns are words. A
    text file may end in ``.gz``. In a folder of documents each ``.txt`` file is one: its words are cut as by
    scikit-learn's CountVectorizer, and its id is the name of the file.

    Parameters
    ----------
    path : path
        The file; its ending names the format.
    vocab : path or sequence of str, optional
        The vocabulary, or a file with one word a line. Without it a file of lda-c has as many words as it uses.
    ids : str, path or sequence, optional
        What the documents are called: a column of a table, a file with one id a line, or an id for each document.

    Returns
    -------
    Corpus

    Raises
    ------
    ZooError
        For a file that cannot be read, with the number of the line; for another number of ids than documents.
    """
    path, words = Path(path), _vocabulary(vocab)
    if path.is_dir():
        data = read_texts(path, words) if _has_texts(path) else folders.load(path)
    elif reader := _text_format(path):
        parts = list(reader(path, len(words) if words else None))
        data = concatenate(parts, max((part.V for part in parts), default=0))
    else:
        data = _table(path)
    return as_corpus(data, words, ids=read_ids(ids, getattr(data, "columns", ())))


def convert(
    path: str | Path,
    folder: str | Path,
    vocab: str | PathLike[str] | VocabularyLike | None = None,
    ids: IdsLike | PathLike[str] | None = None,
) -> Corpus:
    """Convert a text file of lda-c or UCI, of any size, to a folder, and load the corpus from there.

    Memory is bounded: the text is read in blocks, and words and counts stay on disk. Other formats are read whole.

    Parameters
    ----------
    path : path
        The file.
    folder : path
        A new or empty folder, or one that holds a corpus, which is replaced.
    vocab : path or sequence of str, optional
        The vocabulary, or a file with one word a line.
    ids : str, path or sequence, optional
        As in ``read``.

    Returns
    -------
    Corpus

    Raises
    ------
    ZooError
        As ``read``; then nothing is written.
    """
    path, words = Path(path), _vocabulary(vocab)
    reader = _text_format(path)
    if reader is None:
        return folders.load(folders.save(read(path, words, ids), folder))
    names = read_ids(ids)
    return folders.load(folders.write(reader(path, len(words) if words else None), folder, words, names))


def write_ldac(corpus: Corpus, path: str | Path) -> Path:
    """Write counts in the format of lda-c: a document a line, ``M word:count word:count ...``, without the vocabulary.

    Parameters
    ----------
    corpus : Corpus
    path : path
        The file.

    Returns
    -------
    Path
        The file.
    """
    with open(path, "w") as file:
        for part in corpus.blocks(1000):
            for begin, end in zip(part.indptr[:-1].tolist(), part.indptr[1:].tolist(), strict=True):
                pairs = zip(part.words[begin:end].tolist(), part.counts[begin:end].tolist(), strict=True)
                file.write(" ".join([str(end - begin), *(f"{word}:{count}" for word, count in pairs)]) + "\n")
    return Path(path)


def _has_texts(folder: Path) -> bool:
    """Whether a folder holds documents as text files, and no saved corpus."""
    return not list(folder.glob("*.npy")) and bool(text_files(folder))


def _vocabulary(vocab: str | PathLike[str] | VocabularyLike | None) -> tuple[str, ...] | None:
    """The words of a file, or the words themselves."""
    return read_vocabulary(vocab) if isinstance(vocab, str | PathLike) else as_vocabulary(vocab)


def _text_format(path: Path) -> Callable[[Path, int | None], Iterator[Corpus]] | None:
    """The reader of a text file of counts; None for another format."""
    suffix = _suffix(path)
    if suffix in LDAC:
        return ldac
    if suffix != ".txt":
        return None
    line = first_line(path)
    if SIZE.fullmatch(line) and int(line):
        return uci
    if PAIRS.fullmatch(line):
        return ldac
    remedy = "documents as text are cut into words first, by scikit-learn's CountVectorizer or by str.split"
    raise ZooError(f"{str(path)!r}, line 1: found {short_repr(line)}, neither UCI's bag of words nor lda-c's; {remedy}")


def _table(path: Path) -> DataLike:
    """The content of a matrix or table, as ``as_corpus`` accepts it."""
    if not path.exists():
        raise ZooError(f"no file {str(path)!r}; a corpus is read from {READABLE}")
    suffix = _suffix(path)
    if suffix not in (*MARKET, *TABLES):
        raise ZooError(f"cannot read {path.suffix or 'a file without an ending'}; a corpus is read from {READABLE}")
    if suffix in TABLES:
        table = read_table(path)
        if not (isinstance(table, dict) and "format" in table):
            return table
    from scipy.io import mmread
    from scipy.sparse import load_npz

    try:
        return mmread(path) if suffix in MARKET else load_npz(path)
    except (OSError, EOFError, ValueError, OverflowError, KeyError, zlib.error) as error:
        raise ZooError(f"{str(path)!r} cannot be read: {str(error).splitlines()[0]}") from error


def _suffix(path: Path) -> str:
    """The ending without ``.gz``, which names the format: ``.txt`` for ``docword.txt.gz``."""
    return Path(path.name.lower().removesuffix(".gz")).suffix
