"""The class Corpus: rows of a sparse matrix of word counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from zoo.data.corpus.vocabulary import as_vocabulary, warn_unknown
from zoo.errors import ZooError

MOST = int(np.iinfo(np.int32).max)  # how often a word may occur in a document
ROWS = 4096  # documents, read and written together


class Corpus:
    """How often each of V words occurs in each of N documents, without the zeros.

    indptr: (N + 1,) where the entries of each document begin and end. words: (nnz,) words from 0 to V - 1, in order
    and once within a document. counts: (nnz,) how often, from 1 up. vocabulary: the V words as they are written, or
    None. An empty document is a row without entries. Arrays may be mapped files: they are read as they are needed.

    This class checks nothing: ``as_corpus`` makes one of what people have, and checks it.

    >>> corpus = Corpus([0, 2, 3], [0, 2, 1], [1, 3, 2], V=3)
    >>> corpus, corpus.total, corpus.lengths
    (Corpus(2 documents, 3 words, 6 tokens), 6, array([4, 2]))
    """

    ndim = 2

    def __init__(self, indptr: Any, words: Any, counts: Any, V: int, vocabulary: Sequence[str] | None = None):
        self.indptr = np.asanyarray(indptr, np.int64)
        self.words, self.counts = (np.asanyarray(v, np.int32) for v in (words, counts))
        self.V, self.vocabulary = int(V), None if vocabulary is None else tuple(vocabulary)

    @property
    def N(self) -> int:
        return len(self.indptr) - 1

    @property
    def shape(self) -> tuple[int, int]:
        return self.N, self.V

    @property
    def sizes(self) -> dict[str, int]:
        """The letters that a model of documents reads off it: N documents, T tokens of the longest, V words."""
        return {"N": self.N, "T": max(1, int(self.lengths.max(initial=0))), "V": self.V}

    @property
    def nnz(self) -> int:
        return int(self.indptr[-1] - self.indptr[0])

    @property
    def nbytes(self) -> int:
        """The bytes of ``raw``."""
        return 8 * self.N * max(1, int(np.diff(self.indptr).max(initial=0)))

    @cached_property
    def total(self) -> int:
        """How many tokens there are."""
        return int(self.lengths.sum())

    @cached_property
    def lengths(self) -> np.ndarray:
        """How many tokens each document has, (N,)."""
        lengths = np.empty(self.N, np.int64)
        for begun in range(0, self.N, ROWS):  # counts may be on disk: a copy of all in 64 bits might not fit
            starts = self.indptr[begun : begun + ROWS + 1]
            ends = np.cumsum(self.counts[starts[0] : starts[-1]], dtype=np.int64)
            lengths[begun : begun + ROWS] = np.diff(np.concatenate([[0], ends])[starts - starts[0]])
        return lengths

    @cached_property
    def raw(self) -> np.ndarray:
        """Pairs of word and count by document, (N, L, 2), of which those with count 0 only fill the row."""
        held = np.diff(self.indptr)
        pairs = np.zeros((self.N, max(1, int(held.max(initial=0))), 2), np.int32)
        filled = np.arange(pairs.shape[1]) < held[:, None]
        pairs[filled, 0], pairs[filled, 1] = self.words, self.counts
        return pairs

    def tokens(self) -> np.ndarray:
        """Word by word, (T, N) with T the longest document's tokens: a document a column, NaN after its end."""
        T = self.sizes["T"]
        of = np.full((self.N, T), np.nan)
        of[np.arange(T) < self.lengths[:, None]] = np.repeat(self.words, self.counts)
        return np.ascontiguousarray(of.T)

    def dense(self) -> np.ndarray:
        """The matrix of counts, (N, V), zeros and all."""
        return self.sparse().toarray()

    def sparse(self) -> Any:
        """The matrix of counts as scipy's csr_array."""
        from scipy.sparse import csr_array

        return csr_array((self.counts, self.words, self.indptr), shape=self.shape)

    def take(self, rows: Any) -> Corpus:
        """Some documents, by number, slice or mask, in that order; of a plain slice the arrays are parts of these."""
        if isinstance(rows, slice) and rows.step in (None, 1):
            begun, end, _ = rows.indices(self.N)
            starts = self.indptr[begun : max(begun, end) + 1]
            held = slice(starts[0], starts[-1])
            return Corpus(starts - starts[0], self.words[held], self.counts[held], self.V, self.vocabulary)
        rows = np.atleast_1d(np.arange(self.N)[rows])
        held = np.diff(self.indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(held)])
        index = np.arange(indptr[-1]) + np.repeat(self.indptr[:-1][rows] - indptr[:-1], held)
        return Corpus(indptr, self.words[index], self.counts[index], self.V, self.vocabulary)

    def in_words_of(self, vocabulary: Any) -> Corpus:
        """The same documents counted in other words, as those of a fit; a warning says how many tokens are left out.

        vocabulary: the words in order, a dict {word: number}, or a Corpus that has them. Raises ZooError where this
        corpus or the other has no words.
        """
        words = as_vocabulary(vocabulary.vocabulary if isinstance(vocabulary, Corpus) else vocabulary)
        if self.vocabulary is None or words is None:
            raise ZooError(
                "a corpus is carried over by its words: give both a vocabulary, by as_corpus(data, vocabulary)"
            )
        if words == self.vocabulary:
            return self
        number = {word: i for i, word in enumerate(words)}
        new = np.array([number.get(word, -1) for word in self.vocabulary])[self.words]
        known = new >= 0
        left = np.unique(self.words[~known])
        warn_unknown(int(self.counts[~known].sum(dtype=np.int64)), self.total, len(left))
        document = np.repeat(np.arange(self.N), np.diff(self.indptr))
        return of_entries(document[known], new[known], self.counts[known], self.N, len(words), words)

    def blocks(self, rows: int) -> Iterator[Corpus]:
        """Some documents at a time, in order."""
        for begun in range(0, self.N, rows):
            yield self.take(slice(begun, begun + rows))

    def __len__(self) -> int:
        return self.N

    def __repr__(self) -> str:
        return f"Corpus({self.N} documents, {self.V} words, {self.total} tokens)"


def of_tokens(tokens: Any, V: int) -> Corpus:
    """Tokens (T, N) as a program draws them, NaN after the end of a document, as a corpus of V words.

    >>> of_tokens([[0, 1], [2, np.nan]], V=3).sparse().toarray()
    array([[1, 0, 1],
           [0, 1, 0]], dtype=int32)
    """
    tokens = np.asarray(tokens, float)
    document, place = np.nonzero(~np.isnan(tokens.T))
    cell, counts = np.unique(document * V + tokens.T[document, place].astype(np.int64), return_counts=True)
    indptr = np.searchsorted(cell // V, np.arange(tokens.shape[1] + 1))
    return Corpus(indptr, cell % V, counts, V)


def stacked(parts: Sequence[Corpus], V: int, vocabulary: Sequence[str] | None = None) -> Corpus:
    """The documents of several corpora of the same V words, one after another.

    >>> stacked([of_tokens([[0]], V=2), of_tokens([[1, 1]], V=2)], V=2).dense()
    array([[1, 0],
           [0, 1],
           [0, 1]], dtype=int32)
    """
    indptr = np.cumsum(np.concatenate([np.zeros(1, np.int64), *(np.diff(part.indptr) for part in parts)]))
    words = np.concatenate([np.zeros(0, np.int32), *(part.words for part in parts)])
    counts = np.concatenate([np.zeros(0, np.int32), *(part.counts for part in parts)])
    return Corpus(indptr, words, counts, V, vocabulary)


def of_entries(document: Any, word: Any, count: Any, N: int, V: int, vocabulary: Sequence[str] | None = None) -> Corpus:
    """A corpus of entries in any order: those of the same document and word are added up, and zeros left out.

    Raises ZooError where a count is more than 32 bits hold.
    """
    from scipy.sparse import coo_array

    index = (np.asarray(document, np.int64), np.asarray(word, np.int64))
    matrix = coo_array((np.asarray(count, np.int64), index), shape=(N, V)).tocsr()  # it adds up
    matrix.eliminate_zeros()
    matrix.sort_indices()
    if matrix.data.max(initial=0) > MOST:
        where = int(matrix.data.argmax())
        row = int(np.searchsorted(matrix.indptr, where, "right")) - 1
        raise ZooError(f"document {row} has word {matrix.indices[where]} more than {MOST} times: counts have 32 bits")
    return Corpus(matrix.indptr, matrix.indices, matrix.data, V, vocabulary)
