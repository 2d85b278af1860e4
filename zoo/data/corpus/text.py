"""Two text formats of word counts, read a few million bytes at a time: David Blei's lda-c, and UCI's bag of words.

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
from typing import Any

import numpy as np

from zoo.data.corpus.counts import MOST, Corpus, of_entries
from zoo.data.corpus.vocabulary import said
from zoo.errors import ZooError

BYTES = 1 << 22  # of text, read together
PAIRS = re.compile(rb"[ \t]*\d{1,10}(?:[ \t]+\d{1,10}:\d{1,10})*\s*")
ENTRY = re.compile(rb"[ \t]*\d{1,10}[ \t]+\d{1,10}[ \t]+\d{1,10}\s*")
SIZE = re.compile(rb"\s*\d{1,10}\s*")


def ldac(path: Path, V: int | None) -> Iterator[Corpus]:
    """The documents of an lda-c file, some at a time; without V each part has the words that it needs.

    Raises ZooError with the number of a line that is something else, has other than its number of pairs, or a word
    beyond V.
    """
    for first, lines in _lines(path):
        numbers = _numbers(path, first, lines, PAIRS, "'M word:count word:count ...'")
        pairs = np.array([line.count(b":") for line in lines])
        heads = np.cumsum(1 + 2 * pairs) - 2 * pairs - 1
        for at in np.flatnonzero(numbers[heads] != pairs)[:1]:
            raise _at(path, first + at, f"{pairs[at]} pairs word:count, and not the {numbers[heads][at]} it announces")
        word, count = np.delete(numbers, heads).reshape(-1, 2).T
        document, limit = np.repeat(np.arange(len(lines)), pairs), MOST if V is None else V
        for i in np.flatnonzero(word >= limit)[:1]:
            raise _at(path, first + document[i], f"word {word[i]}, and the words are numbered from 0 to {limit - 1}")
        for i in np.flatnonzero(count > MOST)[:1]:
            raise _at(path, first + document[i], f"a count of {count[i]}, and counts are {MOST} at most")
        yield of_entries(document, word, count, len(lines), int(word.max(initial=-1)) + 1 if V is None else V)


def uci(path: Path, V: int | None) -> Iterator[Corpus]:
    """The documents of a file of UCI's, some at a time.

    Raises ZooError with the number of a line that is something else, out of order or out of range, and where there are
    more or fewer entries, or other words than V, than the first three lines say.
    """
    chunks = _lines(path)
    top: list[bytes] = []
    while len(top) < 3 and (chunk := next(chunks, None)):
        top += chunk[1]
    for at, line in enumerate([*top[:3], *[b""] * 3][:3]):
        if not SIZE.fullmatch(line):
            raise _at(path, 1 + at, f"{said(line)}, and the first three lines are the numbers D, W and NNZ")
    D, W, entries = (int(line) for line in top[:3])
    if V not in (None, W):
        raise _at(path, 2, f"{W} words, and the vocabulary has {V}: give the vocabulary of this file")
    if entries + 1000 < D / 1000 or W > MOST:  # a garbled line must not ask for all memory there is
        raise _at(path, 1, f"{D} documents of {W} words, and {entries} entries, which cannot be meant")
    seen, begun, held = 0, 0, np.zeros((0, 3), np.int64)
    for first, lines in chain([(4, top[3:])], chunks):
        new = _numbers(path, first, lines, ENTRY, "'document word count'").reshape(-1, 3)
        for name, column, most in (("document", 0, D), ("word", 1, W)):
            for at in np.flatnonzero((new[:, column] < 1) | (new[:, column] > most))[:1]:
                raise _at(path, first + at, f"{name} {new[at, column]}, and they are numbered from 1 to {most}")
        for at in np.flatnonzero(new[:, 2] > MOST)[:1]:
            raise _at(path, first + at, f"a count of {new[at, 2]}, and counts are {MOST} at most")
        for at in np.flatnonzero(np.diff(new[:, 0], prepend=held[-1:, 0]) < 0)[:1]:
            raise _at(path, first + at + (not len(held)), "an earlier document: sort the lines by document (sort -n)")
        seen += len(new)
        if seen > entries:
            raise _at(path, first + len(new) - (seen - entries), f"an entry more than the {entries} announced")
        held = np.concatenate([held, new])
        ended = int(held[-1, 0]) - 1 if len(held) else 0  # the last document may go on
        whole = held[:, 0] <= ended
        yield of_entries(held[whole, 0] - begun - 1, held[whole, 1] - 1, held[whole, 2], ended - begun, W)
        begun, held = ended, held[~whole]
    if seen < entries:
        raise _at(path, seen + 4, f"the end after {seen} entries, and {entries} are announced: the file is cut off")
    yield of_entries(held[:, 0] - begun - 1, held[:, 1] - 1, held[:, 2], D - begun, W)


def first_line(path: Path) -> bytes:
    """The first line of a file, empty where there is none; raises ZooError where it cannot be read."""
    return next(_lines(path), (1, [b""]))[1][0]


def _lines(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Some lines at a time and the number of the first, from 1; without blank lines at the end of the file."""
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


def _numbers(path: Path, first: int, lines: list[bytes], pattern: re.Pattern[bytes], wanted: str) -> np.ndarray:
    """All numbers of some lines, once each line has the form that it should."""
    for at, line in enumerate(lines):
        if not pattern.fullmatch(line):
            raise _at(path, first + at, f"{said(line)}, and a line is {wanted}")
    return np.fromstring(b"".join(lines).replace(b":", b" "), np.int64, sep=" ")


def _at(path: Path, line: Any, found: str) -> ZooError:
    return ZooError(f"{str(path)!r}, line {line}: found {found}")
