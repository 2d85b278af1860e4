"""Vocabularies: the words that a corpus counts, in order, each once."""

from __future__ import annotations

import warnings
from codecs import BOM_UTF8 as BOM
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from zoo.errors import ZooError


def as_vocabulary(vocabulary: Any, V: int | None = None) -> tuple[str, ...] | None:
    """V words in order, each once; of a dict {word: column} by its columns. Raises ZooError.

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
        raise ZooError(f"a vocabulary is a list of words; given {said(vocabulary)}")
    words = tuple(vocabulary)
    if not words:
        raise ZooError("the vocabulary is empty: give at least one word")
    seen: dict[str, int] = {}
    for place, word in enumerate(words):
        if not isinstance(word, str) or not word:
            raise ZooError(f"a vocabulary is a list of words, and number {place} of it is {said(word)}")
        if seen.setdefault(word, place) != place:
            raise ZooError(f"the vocabulary has {word!r} twice, at {seen[word]} and at {place}: words are there once")
    if V is not None and len(words) != V:
        raise ZooError(f"the vocabulary has {len(words)} words and the counts {V} columns: give one word a column")
    return tuple(map(str, words))


def read_vocabulary(path: str | PathLike[str]) -> tuple[str, ...]:
    """The words of a text file, one a line; raises ZooError, with the number of the line."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ZooError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    words: list[str] = []
    for at, line in enumerate(text.removeprefix(BOM).rstrip(b"\r\n").split(b"\n"), start=1):
        try:
            words.append(line.removesuffix(b"\r").decode())
        except UnicodeDecodeError:
            raise ZooError(f"{str(path)!r}, line {at}: found {said(line)}, which is not text in UTF-8") from None
    try:
        return as_vocabulary(words if any(words) else ()) or ()
    except ZooError as error:
        raise ZooError(f"{str(path)!r}: {error}") from None


def write_vocabulary(vocabulary: Sequence[str], path: str | PathLike[str]) -> Path:
    """Write words one a line; raises ZooError for a word that would not be one line."""
    for word in vocabulary:
        if set(word) & {"\n", "\r"}:
            raise ZooError(f"a vocabulary is written one word a line, and {word!r} is more than one line")
    Path(path).write_bytes("".join(f"{word}\n" for word in vocabulary).encode())
    return Path(path)


def warn_unknown(tokens: int, of: int, words: int) -> None:
    """Say how many tokens were left out because the vocabulary has no such word; nothing where there were none."""
    if tokens:
        share = f"{tokens} of {of} tokens ({tokens / of:.1%})"
        warnings.warn(f"{share} are left out: {words} words are not in the vocabulary", stacklevel=3)


def said(value: Any) -> str:
    """A value as it is written, on one line and cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."
