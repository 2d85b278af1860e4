"""A Corpus of what people have: matrices of counts, lists of tokens, and their vocabularies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from zoo.data.corpus.counts import MOST, Corpus, of_entries, stacked
from zoo.data.corpus.documents import of_documents
from zoo.data.corpus.vocabulary import as_vocabulary, said
from zoo.errors import ZooError

CELLS = 1 << 22  # of a dense matrix, looked at together
SPARE = 1000  # words that a corpus may have for each of its entries, of which it is granted as many
FORMS = "a sparse or dense matrix of counts, (matrix, vocabulary), or a list of lists of tokens"


def as_corpus(data: Any, vocabulary: Any = None) -> Corpus:
    """A Corpus of counts or of documents, checked; memory grows with what is not zero.

    data: a Corpus; a matrix of counts (N, V), of scipy.sparse, numpy or pandas (columns are words); the pair
    ``(matrix, vocabulary)``, or ``{"counts": matrix, "vocabulary": vocabulary}``; or N documents, each of which is a
    list of words, a list of word numbers from 0 up, pairs (word, count) or a dict {word: count}. Of documents of words
    the vocabulary is all of them in sorted order; where one is given, other words are left out, and a warning says how
    many. vocabulary: V words in order, or a dict {word: column}.

    Raises ZooError, which says where, for anything else: counts that are not whole numbers from 0 up, words beyond the
    vocabulary, a vocabulary with another number of words or with one twice, and where there is no word at all.

    >>> corpus = as_corpus([["a", "rose", "is", "a", "rose"], [], ["is"]])
    >>> corpus, corpus.vocabulary, corpus.dense()[0]
    (Corpus(3 documents, 3 words, 6 tokens), ('a', 'is', 'rose'), array([2, 1, 2], dtype=int32))
    """
    if isinstance(data, Mapping):
        data, vocabulary = _named(data, vocabulary)
    elif isinstance(data, tuple) and len(data) == 2 and getattr(data[0], "ndim", 0) == 2:
        data, vocabulary = data[0], _either(data[1], vocabulary)
    if isinstance(data, Corpus):
        corpus = _checked(data, _either(data.vocabulary, vocabulary))
    elif hasattr(data, "tocoo"):
        corpus = _of_sparse(data, vocabulary)
    elif hasattr(data, "columns"):
        corpus = _of_frame(data, vocabulary)
    elif (matrix := _matrix(data)) is not None:
        corpus = _of_dense(matrix, vocabulary)
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes):
        corpus = of_documents(data, vocabulary)
    else:
        raise ZooError(f"a corpus is {FORMS}; given {said(data)}")
    if not corpus.N:
        raise ZooError("the corpus is empty: give at least one document")
    if not corpus.nnz:
        raise ZooError(f"the corpus is empty: all {corpus.N} documents are without words")
    if SPARE * (corpus.nnz + SPARE) < corpus.V:  # topics over them would take all the memory there is
        given = f"{corpus.V} words for {corpus.nnz} entries"
        raise ZooError(f"the corpus has {given}, which cannot be meant: number the words from 0 up without gaps")
    return corpus


def _matrix(data: Any) -> np.ndarray | None:
    """An array of numbers, of numpy, torch, jax or another library; None for anything else. Raises ZooError."""
    if not hasattr(data, "__array__") or hasattr(data, "to_numpy"):  # a Series of lists of tokens, say
        return None
    try:
        array = np.asarray(data)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ZooError(f"this {type(data).__name__} is not read as numbers: give it as a numpy or scipy one") from error
    if array.dtype.kind == "O" and array.ndim == 2 and all(isinstance(v, int | float) for v in array.flat):
        return array.astype(float)
    return array if array.dtype.kind in "biufc" else None


def _checked(corpus: Corpus, vocabulary: Any) -> Corpus:
    """The same counts with these words, once they are seen to be what a Corpus promises; else ZooError."""
    starts, words, counts = corpus.indptr, corpus.words, corpus.counts
    if starts.ndim != 1 or not len(starts) or starts[0] or (np.diff(starts) < 0).any():
        raise ZooError("indptr of a corpus rises from 0: make one with zoo.corpus.as_corpus")
    if not len(words) == len(counts) == starts[-1]:
        raise ZooError(f"a corpus with {starts[-1]} entries has {len(words)} words and {len(counts)} counts")
    for begun in range(0, len(words), CELLS):
        part = np.asarray(words[begun : begun + CELLS + 1])  # one more, to see that they rise
        rises = part[1:] > part[:-1]
        first, last = np.searchsorted(starts, [begun + 1, begun + len(part)])
        rises[starts[first:last] - begun - 1] = True  # from one document to the next they need not
        within = part.min() >= 0 and part.max() < corpus.V
        if not (rises.all() and within and np.min(counts[begun : begun + CELLS]) >= 1):
            rule = "words of a Corpus rise within a document and lie below V, and counts are 1 or more"
            raise ZooError(f"{rule}: make one with zoo.corpus.as_corpus")
    own = as_vocabulary(vocabulary, corpus.V)
    return corpus if own == corpus.vocabulary else Corpus(starts, words, counts, corpus.V, own)


def _named(data: Mapping[str, Any], vocabulary: Any) -> tuple[Any, Any]:
    under = [name for name in ("counts", "w") if name in data]
    if len(under) != 1 or set(data) - {*under, "vocabulary"}:
        given = ", ".join(map(str, data)) or "nothing"
        raise ZooError(f"a dict is a corpus by 'counts' and 'vocabulary'; given {given[:80]}")
    return data[under[0]], _either(data.get("vocabulary"), vocabulary)


def _either(own: Any, given: Any) -> Any:
    if own is None or given is None:
        return given if own is None else own
    if as_vocabulary(own) != as_vocabulary(given):
        raise ZooError("the corpus has a vocabulary of its own: corpus.in_words_of(vocabulary) carries it over")
    return own


def _of_sparse(matrix: Any, vocabulary: Any) -> Corpus:
    _check_shape(matrix.shape)
    try:
        if hasattr(matrix, "check_format"):
            matrix.check_format(full_check=True)
    except ValueError as error:
        raise ZooError(f"the sparse matrix is damaged ({error}): make it anew") from error
    entries = matrix.tocoo()
    row, column = entries.coords if hasattr(entries, "coords") else (entries.row, entries.col)
    _check_counts(entries.data, row, column)
    N, V = matrix.shape
    return of_entries(row, column, entries.data, N, V, as_vocabulary(vocabulary, V))


def _of_dense(matrix: np.ndarray, vocabulary: Any) -> Corpus:
    _check_shape(matrix.shape)
    N, V = matrix.shape
    parts, step = [], max(1, CELLS // V)
    for begun in range(0, N, step):
        block = np.asarray(matrix[begun : begun + step])
        row, column = np.nonzero(block)
        _check_counts(block[row, column], row + begun, column)
        parts.append(of_entries(row, column, block[row, column], len(block), V))
    return stacked(parts, V, as_vocabulary(vocabulary, V))


def _of_frame(frame: Any, vocabulary: Any) -> Corpus:
    words = [str(c) for c, kind in zip(frame.columns, frame.dtypes, strict=True) if kind.kind not in "biuf"]
    if words:
        raise ZooError(f"columns of a table of counts are numbers, and {', '.join(words[:5])} are not: drop them")
    if len(frame.columns) and frame.columns.inferred_type != "integer":
        vocabulary = _either([str(c) for c in frame.columns], vocabulary)
    if len(frame.columns) and all(getattr(kind, "fill_value", None) == 0 for kind in frame.dtypes):
        return _of_sparse(frame.sparse.to_coo(), vocabulary)
    return _of_dense(frame.to_numpy(dtype=float, na_value=np.nan), vocabulary)


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) != 2:
        raise ZooError(f"a matrix of counts has two dimensions, documents and words; given shape {shape}")
    if not shape[1]:
        raise ZooError("the vocabulary is empty: give counts of at least one word")


def _check_counts(counts: np.ndarray, row: np.ndarray, column: np.ndarray) -> None:
    """Raise ZooError for the first count that is not a whole number from 0 up."""
    if counts.dtype.kind not in "biuf":
        raise ZooError(f"counts are whole numbers from 0 up; given {counts.dtype.name}")
    wrong = ~((counts >= 0) & (counts <= MOST))  # NaN too
    if counts.dtype.kind == "f":
        wrong |= counts != np.floor(counts)
    if wrong.any():
        first = int(np.argmax(wrong))
        what = "missing (NaN)" if np.isnan(counts[first]) else f"{counts[first]:g}"
        rule = f"counts are whole numbers from 0 to {MOST}"
        if np.isnan(counts[first]):
            rule += ", and tokens (T, N) as a program draws them are made a corpus by zoo.corpus.of_tokens"
        raise ZooError(f"the count of word {column[first]} in document {row[first]} is {what}: {rule}")
