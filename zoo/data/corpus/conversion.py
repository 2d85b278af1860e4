"""Conversion to Corpus: matrices of counts, lists of tokens, and their vocabularies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.arrays import to_numbers
from zoo.data.corpus.counts import MAX_COUNT, Corpus, concatenate, from_entries
from zoo.data.corpus.documents import from_documents
from zoo.data.corpus.ids import IdsLike, split_ids
from zoo.data.corpus.vocabulary import VocabularyLike, as_vocabulary, short_repr
from zoo.errors import ZooError
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import sparray, spmatrix

CELLS = 1 << 22  # of a dense matrix, processed together
MAX_WORDS_PER_ENTRY = 1000  # more would be gaps in the numbers, and topics over them could fill the memory
FORMS = "a sparse or dense matrix of counts, (matrix, vocabulary), or a list of lists of tokens"


def as_corpus(
    data: DataLike,
    vocabulary: VocabularyLike | None = None,
    *,
    ids: IdsLike | None = None,
    num_words: int | None = None,
) -> Corpus:
    """Convert counts or documents to a Corpus, and check it; memory grows with the number of entries that are not zero.

    Parameters
    ----------
    data : Corpus, matrix, pair, dict, or iterable
        A matrix of counts (N, V) of scipy.sparse, numpy or pandas (columns are words); the pair
        ``(matrix, vocabulary)``, or ``{"counts": matrix, "vocabulary": vocabulary}``; or N documents, each a list of
        words, a list of word numbers from 0 up, pairs (word, count) or a dict {word: count}.
    vocabulary : sequence of str or dict, optional
        V words in order, or ``{word: column}``. The default for documents of words is all their words, sorted; with a
        vocabulary, other words are left out, and a warning gives their number.
    ids : str or sequence, optional
        What the documents are called: the name of a column of a DataFrame of counts, or an id for each document, as
        its title, key or path. By default the index of a DataFrame or Series, unless it is a numbering, or the column
        without a name with which an index is written to a file.
    num_words : int, optional
        Lets all documents be without words, as new documents of a fit may be: the number of words that the corpus then
        has.

    Returns
    -------
    Corpus

    Raises
    ------
    ZooError
        For counts that are not whole numbers from 0 up, with their position; words beyond the vocabulary; a vocabulary
        of another length or with a repeated word; another number of ids than documents; and where there is no word at
        all.

    Examples
    --------
    >>> corpus = as_corpus([["a", "rose", "is", "a", "rose"], [], ["is"]])
    >>> corpus, corpus.vocabulary, corpus.dense()[0]
    (Corpus(3 documents, 3 words, 6 tokens), ('a', 'is', 'rose'), array([2, 1, 2], dtype=int32))
    """
    if isinstance(data, Mapping):
        ids = data.get("ids") if ids is None else ids
        data, vocabulary = _from_dict(data, vocabulary)
    elif isinstance(data, tuple) and len(data) == 2 and getattr(data[0], "ndim", 0) == 2:
        data, vocabulary = data[0], _one_vocabulary(data[1], vocabulary)
    data, labels = split_ids(data, ids)
    if isinstance(data, Corpus):
        corpus = _check_corpus(data, _one_vocabulary(data.vocabulary, vocabulary))
    elif hasattr(data, "tocoo"):
        corpus = _from_sparse(data, vocabulary)
    elif hasattr(data, "columns"):
        corpus = _from_frame(data, vocabulary)
    elif (matrix := _matrix(data)) is not None:
        corpus = _from_dense(matrix, vocabulary)
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes):
        corpus = from_documents(data, vocabulary)
    else:
        raise ZooError(f"a corpus is {FORMS}; given {short_repr(data)}")
    if not corpus.N:
        raise ZooError("the corpus is empty: give at least one document")
    corpus = corpus if labels is None else corpus.with_ids(labels)
    if not corpus.nnz and num_words is not None and corpus.V in (0, num_words):
        return Corpus(corpus.indptr, corpus.words, corpus.counts, num_words, ids=corpus.ids)
    if not corpus.nnz:
        raise ZooError(f"the corpus is empty: all {corpus.N} documents are without words")
    if MAX_WORDS_PER_ENTRY * (corpus.nnz + MAX_WORDS_PER_ENTRY) < corpus.V:
        sizes = f"{corpus.V} words for {corpus.nnz} entries"
        raise ZooError(f"the corpus has {sizes}, which cannot be meant: number the words from 0 up without gaps")
    return corpus


def _matrix(data: object) -> np.ndarray | None:
    """An array of numbers from numpy, torch, jax or another library; None for anything else. Raises ZooError."""
    if not hasattr(data, "__array__") or hasattr(data, "to_numpy"):  # for example a Series of lists of tokens
        return None
    if isinstance(data, np.ma.MaskedArray) or hasattr(data, "detach"):  # a masked count is missing
        data = to_numbers("the corpus", data)
    try:
        array = np.asarray(data)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ZooError(f"this {type(data).__name__} is not read as numbers: give it as a numpy or scipy one") from error
    if array.dtype.kind == "O" and array.ndim == 2 and all(isinstance(v, int | float) for v in array.flat):
        return array.astype(float)
    return array if array.dtype.kind in "biufc" else None


def _check_corpus(corpus: Corpus, vocabulary: VocabularyLike | None) -> Corpus:
    """The corpus with this vocabulary; raises ZooError where its arrays break the rules of a Corpus."""
    starts, words, counts = corpus.indptr, corpus.words, corpus.counts
    if starts.ndim != 1 or not len(starts) or starts[0] or (np.diff(starts) < 0).any():
        raise ZooError("indptr of a corpus rises from 0: make one with zoo.corpus.as_corpus")
    if not len(words) == len(counts) == starts[-1]:
        raise ZooError(f"a corpus with {starts[-1]} entries has {len(words)} words and {len(counts)} counts")
    for begin in range(0, len(words), CELLS):
        part = np.asarray(words[begin : begin + CELLS + 1])  # and the next word, for the comparison
        is_increasing = part[1:] > part[:-1]
        first, last = np.searchsorted(starts, [begin + 1, begin + len(part)])
        is_increasing[starts[first:last] - begin - 1] = True  # each document starts anew
        is_in_range = part.min() >= 0 and part.max() < corpus.V
        if not (is_increasing.all() and is_in_range and np.min(counts[begin : begin + CELLS]) >= 1):
            rule = "words of a Corpus rise within a document and lie below V, and counts are 1 or more"
            raise ZooError(f"{rule}: make one with zoo.corpus.as_corpus")
    named = as_vocabulary(vocabulary, corpus.V)
    return corpus if named == corpus.vocabulary else Corpus(starts, words, counts, corpus.V, named, corpus.ids)


def _from_dict(
    data: Mapping[str, DataLike], vocabulary: VocabularyLike | None
) -> tuple[DataLike, VocabularyLike | None]:
    """Counts and vocabulary of a dict."""
    keys = [name for name in ("counts", "w") if name in data]
    if len(keys) != 1 or set(data) - {*keys, "vocabulary", "ids"}:
        given = ", ".join(map(str, data)) or "nothing"
        raise ZooError(f"a dict is a corpus by 'counts', 'vocabulary' and 'ids'; given {given[:80]}")
    return data[keys[0]], _one_vocabulary(data.get("vocabulary"), vocabulary)


def _one_vocabulary(own: VocabularyLike | None, given: VocabularyLike | None) -> VocabularyLike | None:
    """The vocabulary of the data or the one given; raises ZooError where they differ."""
    if own is None or given is None:
        return given if own is None else own
    if as_vocabulary(own) != as_vocabulary(given):
        raise ZooError("the corpus has a vocabulary of its own: corpus.with_vocabulary(vocabulary) carries it over")
    return own


def _from_sparse(matrix: sparray | spmatrix, vocabulary: VocabularyLike | None) -> Corpus:
    _check_shape(matrix.shape)
    try:
        if hasattr(matrix, "check_format"):
            matrix.check_format(full_check=True)
    except ValueError as error:
        raise ZooError(f"the sparse matrix is damaged ({error}): build it again") from error
    entries = matrix.tocoo()
    row, column = entries.coords if hasattr(entries, "coords") else (entries.row, entries.col)
    _check_counts(entries.data, row, column)
    N, V = matrix.shape
    return from_entries(row, column, entries.data, N, V, as_vocabulary(vocabulary, V))


def _from_dense(matrix: np.ndarray, vocabulary: VocabularyLike | None) -> Corpus:
    _check_shape(matrix.shape)
    N, V = matrix.shape
    parts, step = [], max(1, CELLS // V)
    for first in range(0, N, step):
        block = np.asarray(matrix[first : first + step])
        row, column = np.nonzero(block)
        _check_counts(block[row, column], row + first, column)
        parts.append(from_entries(row, column, block[row, column], len(block), V))
    return concatenate(parts, V, as_vocabulary(vocabulary, V))


def _from_frame(frame: pd.DataFrame, vocabulary: VocabularyLike | None) -> Corpus:
    words = [str(c) for c, kind in zip(frame.columns, frame.dtypes, strict=True) if kind.kind not in "biuf"]
    if words:
        raise ZooError(
            f"columns of a table of counts are numbers, and {', '.join(words[:5])} are not: drop them, or name "
            "the one that has the ids of documents, as ids='title'; zoo fit --id title"
        )
    if len(frame.columns) and frame.columns.inferred_type != "integer":
        vocabulary = _one_vocabulary([str(c) for c in frame.columns], vocabulary)
    if len(frame.columns) and all(getattr(kind, "fill_value", None) == 0 for kind in frame.dtypes):
        return _from_sparse(frame.sparse.to_coo(), vocabulary)
    return _from_dense(frame.to_numpy(dtype=float, na_value=np.nan), vocabulary)


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) != 2:
        raise ZooError(f"a matrix of counts has two dimensions, documents and words; given shape {shape}")
    if not shape[1]:
        raise ZooError("the vocabulary is empty: give counts of at least one word")


def _check_counts(counts: np.ndarray, row: np.ndarray, column: np.ndarray) -> None:
    """Raise ZooError for the first count that is not a whole number from 0 up."""
    if counts.dtype.kind not in "biuf":
        raise ZooError(f"counts are whole numbers from 0 up; given {counts.dtype.name}")
    is_wrong = ~((counts >= 0) & (counts <= MAX_COUNT))  # including NaN
    if counts.dtype.kind == "f":
        is_wrong |= counts != np.floor(counts)
    if is_wrong.any():
        first = int(np.argmax(is_wrong))
        value = "missing (NaN)" if np.isnan(counts[first]) else f"{counts[first]:g}"
        rule = f"counts are whole numbers from 0 to {MAX_COUNT}"
        if np.isnan(counts[first]):
            rule += ", and tokens (T, N) as a program draws them are made a corpus by zoo.corpus.from_tokens"
        raise ZooError(f"the count of word {column[first]} in document {row[first]} is {value}: {rule}")
