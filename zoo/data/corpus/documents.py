"""Counts of documents that are lists of tokens."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from zoo.checks import is_whole
from zoo.data.corpus.counts import MAX_COUNT, Corpus, from_entries
from zoo.data.corpus.vocabulary import VocabularyLike, as_vocabulary, short_repr, warn_unknown
from zoo.errors import ZooError
from zoo.types import DataLike


def from_documents(documents: Iterable[DataLike], vocabulary: VocabularyLike | None) -> Corpus:
    """A corpus of documents of words, of word numbers, or of either with counts; reads one document at a time."""
    known = as_vocabulary(vocabulary)
    number = {word: i for i, word in enumerate(known or ())}
    unknown: Counter[str] = Counter()
    ends, words, counts, kind = array("q"), array("q"), array("q"), None
    for index, document in enumerate(documents):
        tally = _tally(index, document)
        for word, count in tally.items():
            kind = kind or type(word)
            if type(word) is not kind:
                raise ZooError(
                    f"document {index} holds {word!r} beside {kind.__name__}s: let words be all text, or all numbers"
                )
            if isinstance(word, int):
                words.append(word)
            elif known is None:
                words.append(number.setdefault(word, len(number)))
            elif word in number:
                words.append(number[word])
            else:
                unknown[word] += count
                continue
            counts.append(count)
        ends.append(len(words))
    document = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    word, V = np.array(words, np.int64), len(number)
    if kind is int and known is None:
        V = int(word.max(initial=-1)) + 1
    elif kind is int and word.max(initial=-1) >= V:
        first = int(np.argmax(word >= V))
        raise ZooError(f"document {document[first]} has word {word[first]}: the vocabulary ends at {V - 1}")
    elif known is None:
        known = sorted(number)
        rank = np.empty(V, np.int64)
        rank[[number[w] for w in known]] = np.arange(V)
        word = rank[word]
    if known and unknown and not len(word):
        raise ZooError(f"no document has a word of the vocabulary: they hold {next(iter(unknown))!r}, it {known[0]!r}")
    warn_unknown(unknown.total(), unknown.total() + sum(counts), len(unknown))
    return from_entries(document, word, counts, len(ends), V, known or None)


def _tally(index: int, document: DataLike) -> Counter[str | int]:
    """The count of each word of one document, where words are str or int; raises ZooError."""
    if isinstance(document, str | bytes):
        remedy = "cut it into words first, by scikit-learn's CountVectorizer or by str.split"
        raise ZooError(f"document {index} is one text, {short_repr(document)}: {remedy}")
    if hasattr(document, "tolist"):
        document = document.tolist()
    if not isinstance(document, Iterable):
        raise ZooError(f"document {index} is {short_repr(document)}: a document is a list of tokens")
    items = list(document.items() if isinstance(document, Mapping) else document)
    if not (items and isinstance(items[0], tuple | list)):
        try:
            items = list(Counter(items).items())
        except TypeError:
            raise ZooError(
                f"document {index} holds words beside lists: tokens are words, or word numbers from 0 up"
            ) from None
    tally: Counter[str | int] = Counter()
    for item in items:
        word, count = item if isinstance(item, tuple | list) and len(item) == 2 else (item, 1)
        if isinstance(word, str) and word:
            word = str(word)
        elif is_whole(word) and 0 <= word < MAX_COUNT:
            word = int(word)
        else:
            raise ZooError(f"document {index} holds {short_repr(word)}: tokens are words, or word numbers from 0 up")
        if not isinstance(count, int | float | np.number) or not 0 <= count <= MAX_COUNT or count != int(count):
            subject = f"the count of {word!r} in document {index} is {short_repr(count)}"
            raise ZooError(f"{subject}: counts are whole numbers from 0 to {MAX_COUNT}")
        tally[word] += int(count)
    return +tally
