"""Vocabularies: the distinct words of a corpus, in order."""

from __future__ import annotations

import warnings
from codecs import BOM_UTF8 as BOM
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from zoo.errors import ZooError

VocabularyLike: TypeAlias = Iterable[str] | Mapping[str, int]  # words in order, or the column of each


def as_vocabulary(vocabulary: VocabularyLike | None, V: int | None = None) -> tuple[str, ...] | None:
    """Check the distinct words of a vocabulary, or of a dict {word: column}, and return them in order. Raises ZooError.

    >>> as_vocabulary({"rose": 1, "a": 0})
    ('a', 'rose')
    """
    if vocabulary is None:
        return None
    if isinstance(vocabulary, Mapping):
        if set(vocabulary.values()) != set(range(len(vocabulary))):
            raise ZooError(f"a vocabulary of {len(vocabulary)} words numbers them from 0 to {len(vocabulary) - 1}")
        vocabulary = sorted(vocabulary, key=vocabulary.__getitem__)
    if isinstance(vocabulary, str | bytes) or not isinstance(vocabulary, Iterable):
        raise ZooError(f"a vocabulary is a list of words; given {short_repr(vocabulary)}")
    words = tuple(vocabulary)
    if not words:
        raise ZooError("the vocabulary is empty: give at least one word")
    positions: dict[str, int] = {}
    for position, word in enumerate(words):
        if not isinstance(word, str) or not word:
            raise ZooError(f"a vocabulary is a list of words, and number {position} of it is {short_repr(word)}")
        if positions.setdefault(word, position) != position:
            first = positions[word]
            raise ZooError(f"the vocabulary has {word!r} twice, at {first} and at {position}: give each word once")
    if V is not None and len(words) != V:
        raise ZooError(f"the vocabulary has {len(words)} words and the counts {V} columns: give one word a column")
    return tuple(map(str, words))


def read_vocabulary(path: str | PathLike[str]) -> tuple[str, ...]:
    """Read a vocabulary from a text file, one word a line.

    Parameters
    ----------
    path : path
        A file in UTF-8.

    Returns
    -------
    tuple of str

    Raises
    ------
    ZooError
        Where the file cannot be read, with the number of the line; for an empty or repeated word.
    """
    words = read_lines(path)
    try:
        return as_vocabulary(words if any(words) else ()) or ()
    except ZooError as error:
        raise ZooError(f"{str(path)!r}: {error}") from None


def read_lines(path: str | PathLike[str]) -> list[str]:
    """The lines of a text file in UTF-8; raises ZooError where it cannot be read, with the number of the line."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ZooError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    lines: list[str] = []
    for number, line in enumerate(text.removeprefix(BOM).rstrip(b"\r\n").split(b"\n"), start=1):
        try:
            lines.append(line.removesuffix(b"\r").decode())
        except UnicodeDecodeError:
            raise ZooError(
                f"{str(path)!r}, line {number}: found {short_repr(line)}, which is not text in UTF-8"
            ) from None
    return lines


def write_lines(lines: Sequence[str], path: str | PathLike[str]) -> Path:
    """Write words or ids one a line; raises ZooError for one with a line break."""
    for line in lines:
        if set(line) & {"\n", "\r"}:
            raise ZooError(f"words and ids are written one a line, and {line!r} is more than one line")
    Path(path).write_bytes("".join(f"{line}\n" for line in lines).encode())
    return Path(path)


def warn_unknown(tokens: int, total: int, words: int) -> None:
    """Warn of tokens that are left out because their words are not in the vocabulary, where there are any."""
    if tokens:
        share = f"{tokens} of {total} tokens ({tokens / total:.1%})"
        warnings.warn(f"{share} are left out: {words} words are not in the vocabulary", stacklevel=3)


def short_repr(value: object) -> str:
    """The repr of a value on one line, abbreviated to 40 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."
