"""Corpora read from files, and written to them."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zoo.data.corpus import folder as folders
from zoo.data.corpus.counts import Corpus, stacked
from zoo.data.corpus.given import as_corpus
from zoo.data.corpus.text import PAIRS, SIZE, first_line, ldac, uci
from zoo.data.corpus.vocabulary import as_vocabulary, read_vocabulary, said
from zoo.data.files import read as read_table
from zoo.errors import ZooError

LDAC = (".ldac", ".lda-c", ".dat")
MARKET = (".mm", ".mtx")
TABLES = (".csv", ".parquet", ".npy", ".npz")
READABLE = (
    ".ldac or .dat (lda-c), .txt (UCI's bag of words or lda-c), .mm, .npz, .npy, .csv, .parquet, or a saved corpus"
)


def read(path: str | Path, vocab: Any = None) -> Corpus:
    """A corpus from a file, by its ending, or from a folder that ``save`` wrote; ``.gz`` is read as it is.

    Text: ``.ldac``, ``.lda-c`` and ``.dat`` are lda-c's, ``.txt`` is UCI's bag of words or lda-c's, ``.mm`` Matrix
    Market's, documents in rows. Tables of counts: ``.npz`` of ``scipy.sparse.save_npz``, or of a Corpus's ``counts``
    and ``vocabulary``; ``.npy``, ``.csv`` and ``.parquet``, whose columns are words.
    vocab: a file of words, one a line, or the words. Without it a file of lda-c's has as many words as it uses.

    Raises ZooError, with the number of the line, where there is anything else than there should be.
    """
    path, words = Path(path), _words(vocab)
    if path.is_dir():
        return as_corpus(folders.load(path), words)
    if form := _text_format(path):
        parts = list(form(path, len(words) if words else None))
        return as_corpus(stacked(parts, max((part.V for part in parts), default=0)), words)
    return as_corpus(_table(path), words)


def convert(path: str | Path, folder: str | Path, vocab: Any = None) -> Corpus:
    """The corpus of a file of lda-c's or UCI's, of any size, carried to a folder in little memory, and left on disk.

    Raises ZooError as ``read`` does, and then writes nothing.
    """
    path, words = Path(path), _words(vocab)
    form = _text_format(path)
    if form is None:
        return folders.load(folders.save(read(path, words), folder))
    return folders.load(folders.write(form(path, len(words) if words else None), folder, words))


def write_ldac(corpus: Corpus, path: str | Path) -> Path:
    """Write counts as lda-c reads them: a document a line, ``M word:count word:count ...``; words are not written."""
    with open(path, "w") as file:
        for part in corpus.blocks(1000):
            for begun, end in zip(part.indptr[:-1].tolist(), part.indptr[1:].tolist(), strict=True):
                pairs = zip(part.words[begun:end].tolist(), part.counts[begun:end].tolist(), strict=True)
                file.write(" ".join([str(end - begun), *(f"{word}:{count}" for word, count in pairs)]) + "\n")
    return Path(path)


def _words(vocab: Any) -> tuple[str, ...] | None:
    return read_vocabulary(vocab) if isinstance(vocab, str | os.PathLike) else as_vocabulary(vocab)


def _text_format(path: Path) -> Callable[[Path, int | None], Iterator[Corpus]] | None:
    """Who reads a text file of counts; None where it is something else."""
    ending = _ending(path)
    if ending in LDAC:
        return ldac
    if ending != ".txt":
        return None
    line = first_line(path)
    if SIZE.fullmatch(line) and int(line):
        return uci
    if PAIRS.fullmatch(line):
        return ldac
    cure = "documents as text are cut into words first, by scikit-learn's CountVectorizer or by str.split"
    raise ZooError(f"{str(path)!r}, line 1: found {said(line)}, neither UCI's bag of words nor lda-c's; {cure}")


def _table(path: Path) -> Any:
    """What a file that is no text format holds, as ``as_corpus`` takes it."""
    if not path.exists():
        raise ZooError(f"no file {str(path)!r}; a corpus is read from {READABLE}")
    ending = _ending(path)
    if ending not in (*MARKET, *TABLES):
        raise ZooError(f"cannot read {path.suffix or 'a file without an ending'}; a corpus is read from {READABLE}")
    if ending in TABLES:
        table = read_table(path)
        if not (isinstance(table, dict) and "format" in table):
            return table
    from scipy.io import mmread
    from scipy.sparse import load_npz

    try:
        return mmread(path) if ending in MARKET else load_npz(path)
    except (OSError, EOFError, ValueError, OverflowError, KeyError, zlib.error) as error:
        raise ZooError(f"{str(path)!r} cannot be read: {str(error).splitlines()[0]}") from error


def _ending(path: Path) -> str:
    """The ending that tells the format: of ``docword.txt.gz`` it is ``.txt``."""
    return Path(path.name.lower().removesuffix(".gz")).suffix
