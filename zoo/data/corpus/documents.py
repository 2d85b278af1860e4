"""Documents as lists of tokens, counted."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from zoo.data.corpus.counts import MOST, Corpus, of_entries
from zoo.data.corpus.vocabulary import as_vocabulary, said, warn_unknown
from zoo.errors import ZooError


def of_documents(documents: Iterable[Any], vocabulary: Any) -> Corpus:
    """Documents of words, of word numbers, or of either with counts: one after another, none kept."""
    own = as_vocabulary(vocabulary)
    number = {word: i for i, word in enumerate(own or ())}
    unknown: Counter[str] = Counter()
    held, words, counts, kind = array("q"), array("q"), array("q"), None
    for at, document in enumerate(documents):
        tally = _tally(at, document)
        for word, count in tally.items():
            kind = kind or type(word)
            if type(word) is not kind:
                raise ZooError(
                    f"document {at} holds {word!r} beside {kind.__name__}s: let words be all text, or all numbers"
                )
            if kind is int:
                words.append(word)
            elif own is None:
                words.append(number.setdefault(word, len(number)))
            elif word in number:
                words.append(number[word])
            else:
                unknown[word] += count
                continue
            counts.append(count)
        held.append(len(words))
    document = np.repeat(np.arange(len(held)), np.diff(held, prepend=0))
    word, V = np.array(words, np.int64), len(number)
    if kind is int and own is None:
        V = int(word.max(initial=-1)) + 1
    elif kind is int and word.max(initial=-1) >= V:
        first = int(np.argmax(word >= V))
        raise ZooError(f"document {document[first]} has word {word[first]}: the vocabulary ends at {V - 1}")
    elif own is None:
        own = sorted(number)
        rank = np.empty(V, np.int64)
        rank[[number[w] for w in own]] = np.arange(V)
        word = rank[word]
    if own and unknown and not len(word):
        raise ZooError(f"no document has a word of the vocabulary: they hold {next(iter(unknown))!r}, it {own[0]!r}")
    warn_unknown(unknown.total(), unknown.total() + sum(counts), len(unknown))
    return of_entries(document, word, counts, len(held), V, own or None)


def _tally(at: int, document: Any) -> Counter[Any]:
    """How often one document has each of its words, which are str or int; raises ZooError."""
    if isinstance(document, str | bytes):
        cure = "cut it into words first, by scikit-learn's CountVectorizer or by str.split"
        raise ZooError(f"document {at} is one text, {said(document)}: {cure}")
    if hasattr(document, "tolist"):
        document = document.tolist()
    if not isinstance(document, Iterable):
        raise ZooError(f"document {at} is {said(document)}: a document is a list of tokens")
    items = list(document.items() if isinstance(document, Mapping) else document)
    if not (items and isinstance(items[0], tuple | list)):
        try:
            items = list(Counter(items).items())
        except TypeError:
            raise ZooError(
                f"document {at} holds words beside lists: tokens are words, or word numbers from 0 up"
            ) from None
    tally: Counter[Any] = Counter()
    for item in items:
        word, count = item if isinstance(item, tuple | list) and len(item) == 2 else (item, 1)
        if isinstance(word, str) and word:
            word = str(word)
        elif isinstance(word, int | np.integer) and not isinstance(word, bool) and 0 <= word < MOST:
            word = int(word)
        else:
            raise ZooError(f"document {at} holds {said(word)}: tokens are words, or word numbers from 0 up")
        if not isinstance(count, int | float | np.number) or not 0 <= count <= MOST or count != int(count):
            place = f"the count of {word!r} in document {at} is {said(count)}"
            raise ZooError(f"{place}: counts are whole numbers from 0 to {MOST}")
        tally[word] += int(count)
    return +tally
