"""Readers of two text formats of word counts, in blocks of lines: lda-c of David Blei, and UCI's bag of words.

A line of lda-c is a document, ``M word:count word:count ...`` with M pairs and words from 0 up. UCI's first three
lines say how many documents, words and entries there are; each other line is ``document word count``, both from 1 up.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from zoo.data.corpus.counts import MAX_COUNT, Corpus, from_entries
from zoo.data.corpus.vocabulary import short_repr
from zoo.errors import ZooError

BYTES = 1 << 22  # of text in a block
PAIRS = re.compile(rb"[ \t]*\d{1,10}(?:[ \t]+\d{1,10}:\d{1,10})*\s*")
ENTRY = re.compile(rb"[ \t]*\d{1,10}[ \t]+\d{1,10}[ \t]+\d{1,10}\s*")
SIZE = re.compile(rb"\s*\d{1,10}\s*")


def ldac(path: Path, V: int | None) -> Iterator[Corpus]:
    """Blocks of documents of an lda-c file; without V each block has as many words as it uses.

    Raises ZooError with the number of the line for another format, a wrong number of pairs, or a word beyond V.
    """
    for first, lines in _lines(path):
        numbers = _numbers(path, first, lines, PAIRS, "'M word:count word:count ...'")
        pairs = np.array([line.count(b":") for line in lines])
        heads = np.cumsum(1 + 2 * pairs) - 2 * pairs - 1
        for i in np.flatnonzero(numbers[heads] != pairs)[:1]:
            raise _error(path, first + i, f"{pairs[i]} pairs word:count, and not the {numbers[heads][i]} it announces")
        word, count = np.delete(numbers, heads).reshape(-1, 2).T
        document, limit = np.repeat(np.arange(len(lines)), pairs), MAX_COUNT if V is None else V
        for i in np.flatnonzero(word >= limit)[:1]:
            raise _error(path, first + document[i], f"word {word[i]}, and the words are numbered from 0 to {limit - 1}")
        for i in np.flatnonzero(count > MAX_COUNT)[:1]:
            raise _error(path, first + document[i], f"a count of {count[i]}, and counts are {MAX_COUNT} at most")
        yield from_entries(document, word, count, len(lines), int(word.max(initial=-1)) + 1 if V is None else V)


def uci(path: Path, V: int | None) -> Iterator[Corpus]:
    """Blocks of documents of a file in UCI's format.

    Raises ZooError with the number of the line for another format, a number out of order or out of range, and a number
    of entries or words that differs from the first three lines or from V.
    """
    chunks = _lines(path)
    header: list[bytes] = []
    while len(header) < 3 and (chunk := next(chunks, None)):
        header += chunk[1]
    for i, line in enumerate([*header[:3], *[b""] * 3][:3]):
        if not SIZE.fullmatch(line):
            raise _error(path, 1 + i, f"{short_repr(line)}, and the first three lines are the numbers D, W and NNZ")
    D, W, entries = (int(line) for line in header[:3])
    if V not in (None, W):
        raise _error(path, 2, f"{W} words, and the vocabulary has {V}: give the vocabulary of this file")
    if entries + 1000 < D / 1000 or W > MAX_COUNT:  # a damaged header must not fill the memory
        raise _error(path, 1, f"{D} documents of {W} words, and {entries} entries, which cannot be meant")
    num_read, begin, rest = 0, 0, np.zeros((0, 3), np.int64)
    for first, lines in chain([(4, header[3:])], chunks):
        new = _numbers(path, first, lines, ENTRY, "'document word count'").reshape(-1, 3)
        for name, column, largest in (("document", 0, D), ("word", 1, W)):
            for i in np.flatnonzero((new[:, column] < 1) | (new[:, column] > largest))[:1]:
                raise _error(path, first + i, f"{name} {new[i, column]}, and they are numbered from 1 to {largest}")
        for i in np.flatnonzero(new[:, 2] > MAX_COUNT)[:1]:
            raise _error(path, first + i, f"a count of {new[i, 2]}, and counts are {MAX_COUNT} at most")
        for i in np.flatnonzero(np.diff(new[:, 0], prepend=rest[-1:, 0]) < 0)[:1]:
            raise _error(path, first + i + (not len(rest)), "an earlier document: sort the lines by document (sort -n)")
        num_read += len(new)
        if num_read > entries:
            raise _error(path, first + len(new) - (num_read - entries), f"an entry more than the {entries} announced")
        rest = np.concatenate([rest, new])
        end = int(rest[-1, 0]) - 1 if len(rest) else 0  # the last document may continue in the next block
        is_complete = rest[:, 0] <= end
        documents = rest[is_complete]
        yield from_entries(documents[:, 0] - begin - 1, documents[:, 1] - 1, documents[:, 2], end - begin, W)
        begin, rest = end, rest[~is_complete]
    if num_read < entries:
        raise _error(
            path, num_read + 4, f"the end after {num_read} entries, and {entries} are announced: the file is cut off"
        )
    yield from_entries(rest[:, 0] - begin - 1, rest[:, 1] - 1, rest[:, 2], D - begin, W)


def first_line(path: Path) -> bytes:
    """The first line of a file, or b""; raises ZooError where the file cannot be read."""
    return next(_lines(path), (1, [b""]))[1][0]


def _lines(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Blocks of lines and the number of the first, from 1; without blank lines at the end of the file."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else open(path, "rb") as file:
            first, blank = 1, []
            while new := file.readlines(BYTES):
                lines, blank = blank + new, []
                while lines and not lines[-1].strip():
                    blank.append(lines.pop())
                if lines:
                    yield first, lines
                first += len(lines)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ZooError(f"{str(path)!r} cannot be read: {why}") from error


def _numbers(path: Path, first: int, lines: list[bytes], pattern: re.Pattern[bytes], expected: str) -> np.ndarray:
    """All numbers of a block of lines; raises ZooError for the first line that does not match the pattern."""
    for i, line in enumerate(lines):
        if not pattern.fullmatch(line):
            raise _error(path, first + i, f"{short_repr(line)}, and a line is {expected}")
    return np.fromstring(b"".join(lines).replace(b":", b" "), np.int64, sep=" ")


def _error(path: Path, line: object, found: str) -> ZooError:
    """The error for a line of a file."""
    return ZooError(f"{str(path)!r}, line {line}: found {found}")
