"""The class Corpus: sparse word counts of documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from zoo.data.corpus.ids import check_ids
from zoo.data.corpus.vocabulary import VocabularyLike, as_vocabulary, warn_unknown
from zoo.errors import ZooError
from zoo.types import DataLike, RowIndex

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MAX_COUNT = int(np.iinfo(np.int32).max)  # of a word in a document
DOCUMENTS_PER_BLOCK = 4096  # read and written together


class Corpus:
    """The number of times each of V words occurs in each of N documents, without the zeros.

    The constructor checks nothing: ``as_corpus`` converts and checks users' data.

    Parameters
    ----------
    indptr : array_like
        Where the entries of each document begin and end, (N + 1,).
    words : array_like
        Word of each entry, from 0 to V - 1, increasing within a document, (nnz,).
    counts : array_like
        Count of each entry, 1 or more, (nnz,). Like ``words`` it may be memory-mapped: it is read when needed.
    V : int
        Number of words.
    vocabulary : sequence of str, optional
        The V words.
    ids : sequence of str, optional
        What the N documents are called, as their titles, keys or files.

    Examples
    --------
    >>> corpus = Corpus([0, 2, 3], [0, 2, 1], [1, 3, 2], V=3)
    >>> corpus, corpus.total, corpus.lengths
    (Corpus(2 documents, 3 words, 6 tokens), 6, array([4, 2]))
    """

    ndim = 2

    def __init__(
        self,
        indptr: ArrayLike,
        words: ArrayLike,
        counts: ArrayLike,
        V: int,
        vocabulary: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
    ):
        self.indptr = np.asanyarray(indptr, np.int64)
        self.words, self.counts = (np.asanyarray(v, np.int32) for v in (words, counts))
        self.V, self.vocabulary = int(V), None if vocabulary is None else tuple(vocabulary)
        self.ids = None if ids is None else tuple(ids)

    @property
    def N(self) -> int:
        """The number of documents."""
        return len(self.indptr) - 1

    @property
    def shape(self) -> tuple[int, int]:
        """``(N, V)``."""
        return self.N, self.V

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes that a model reads off a corpus: N documents, T tokens in the longest one, V words."""
        return {"N": self.N, "T": max(1, int(self.lengths.max(initial=0))), "V": self.V}

    @property
    def nnz(self) -> int:
        """The number of entries."""
        return int(self.indptr[-1] - self.indptr[0])

    @property
    def nbytes(self) -> int:
        """The number of bytes of ``raw``."""
        return 8 * self.N * max(1, int(np.diff(self.indptr).max(initial=0)))

    @cached_property
    def total(self) -> int:
        """The number of tokens."""
        return int(self.lengths.sum())

    @cached_property
    def lengths(self) -> np.ndarray:
        """The number of tokens of each document, (N,)."""
        lengths = np.empty(self.N, np.int64)
        for first in range(0, self.N, DOCUMENTS_PER_BLOCK):  # a 64-bit copy of all mapped counts could exceed memory
            starts = self.indptr[first : first + DOCUMENTS_PER_BLOCK + 1]
            ends = np.cumsum(self.counts[starts[0] : starts[-1]], dtype=np.int64)
            lengths[first : first + DOCUMENTS_PER_BLOCK] = np.diff(np.concatenate([[0], ends])[starts - starts[0]])
        return lengths

    @cached_property
    def raw(self) -> np.ndarray:
        """Pairs of word and count by document, (N, L, 2); pairs with count 0 pad the rows."""
        sizes = np.diff(self.indptr)
        pairs = np.zeros((self.N, max(1, int(sizes.max(initial=0))), 2), np.int32)
        is_entry = np.arange(pairs.shape[1]) < sizes[:, None]
        pairs[is_entry, 0], pairs[is_entry, 1] = self.words, self.counts
        return pairs

    def tokens(self) -> np.ndarray:
        """The words one by one, (T, N) with T tokens in the longest document: a document a column, padded with NaN.

        Returns
        -------
        ndarray
        """
        T = self.sizes["T"]
        tokens = np.full((self.N, T), np.nan)
        tokens[np.arange(T) < self.lengths[:, None]] = np.repeat(self.words, self.counts)
        return np.ascontiguousarray(tokens.T)

    def dense(self) -> np.ndarray:
        """The matrix of counts with its zeros, (N, V).

        Returns
        -------
        ndarray
        """
        return self.sparse().toarray()

    def sparse(self) -> csr_array:
        """The matrix of counts as an array of SciPy, (N, V).

        Returns
        -------
        scipy.sparse.csr_array
        """
        from scipy.sparse import csr_array

        return csr_array((self.counts, self.words, self.indptr), shape=self.shape)

    def take(self, rows: RowIndex) -> Corpus:
        """Some documents, in the order of ``rows``.

        Parameters
        ----------
        rows : int, slice, or array
            Numbers of documents, or a mask. For a slice without a step the arrays are views.

        Returns
        -------
        Corpus
        """
        if isinstance(rows, slice) and rows.step in (None, 1):
            first, end, _ = rows.indices(self.N)
            starts = self.indptr[first : max(first, end) + 1]
            entries = slice(starts[0], starts[-1])
            ids = self.ids and self.ids[rows]
            return Corpus(starts - starts[0], self.words[entries], self.counts[entries], self.V, self.vocabulary, ids)
        rows = np.atleast_1d(np.arange(self.N)[rows])
        sizes = np.diff(self.indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(sizes)])
        index = np.arange(indptr[-1]) + np.repeat(self.indptr[:-1][rows] - indptr[:-1], sizes)
        ids = self.ids and [self.ids[row] for row in rows]
        return Corpus(indptr, self.words[index], self.counts[index], self.V, self.vocabulary, ids)

    def with_ids(self, ids: Iterable[object] | None) -> Corpus:
        """The same documents with other ids, or with none.

        Parameters
        ----------
        ids : iterable, optional
            One for each document; a path stands for the name of its file without the ending.

        Returns
        -------
        Corpus

        Raises
        ------
        ZooError
            For another number of ids than documents.
        """
        names = None if ids is None else check_ids(ids, self.N)
        return Corpus(self.indptr, self.words, self.counts, self.V, self.vocabulary, names)

    def with_vocabulary(self, vocabulary: VocabularyLike | Corpus) -> Corpus:
        """The same documents counted in another vocabulary, for example that of a fit.

        Tokens whose word is not in the vocabulary are left out; a warning gives their number.

        Parameters
        ----------
        vocabulary : sequence of str, dict, or Corpus
            The words in order, ``{word: number}``, or a corpus that has a vocabulary.

        Returns
        -------
        Corpus

        Raises
        ------
        ZooError
            Where this corpus or the other has no vocabulary.
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
        unknown = np.unique(self.words[~known])
        warn_unknown(int(self.counts[~known].sum(dtype=np.int64)), self.total, len(unknown))
        document = np.repeat(np.arange(self.N), np.diff(self.indptr))
        corpus = from_entries(document[known], new[known], self.counts[known], self.N, len(words), words)
        return corpus.with_ids(self.ids)

    def blocks(self, rows: int) -> Iterator[Corpus]:
        """Blocks of documents, in order.

        Parameters
        ----------
        rows : int
            Documents in a block.

        Yields
        ------
        Corpus
        """
        for first in range(0, self.N, rows):
            yield self.take(slice(first, first + rows))

    def __len__(self) -> int:
        return self.N

    def __repr__(self) -> str:
        return f"Corpus({self.N} documents, {self.V} words, {self.total} tokens)"


def from_tokens(tokens: DataLike, V: int) -> Corpus:
    """A corpus of tokens as a program draws them.

    Parameters
    ----------
    tokens : array_like
        Word numbers, (T, N): a document a column, padded with NaN.
    V : int
        Number of words.

    Returns
    -------
    Corpus

    Examples
    --------
    >>> from_tokens([[0, 1], [2, np.nan]], V=3).sparse().toarray()
    array([[1, 0, 1],
           [0, 1, 0]], dtype=int32)
    """
    tokens = np.asarray(tokens, float)
    document, position = np.nonzero(~np.isnan(tokens.T))
    cell, counts = np.unique(document * V + tokens.T[document, position].astype(np.int64), return_counts=True)
    indptr = np.searchsorted(cell // V, np.arange(tokens.shape[1] + 1))
    return Corpus(indptr, cell % V, counts, V)


def concatenate(corpora: Sequence[Corpus], V: int, vocabulary: Sequence[str] | None = None) -> Corpus:
    """The documents of several corpora of the same V words, one after another.

    >>> concatenate([from_tokens([[0]], V=2), from_tokens([[1, 1]], V=2)], V=2).dense()
    array([[1, 0],
           [0, 1],
           [0, 1]], dtype=int32)
    """
    indptr = np.cumsum(np.concatenate([np.zeros(1, np.int64), *(np.diff(corpus.indptr) for corpus in corpora)]))
    words = np.concatenate([np.zeros(0, np.int32), *(corpus.words for corpus in corpora)])
    counts = np.concatenate([np.zeros(0, np.int32), *(corpus.counts for corpus in corpora)])
    return Corpus(indptr, words, counts, V, vocabulary)


def from_entries(
    document: ArrayLike, word: ArrayLike, count: ArrayLike, N: int, V: int, vocabulary: Sequence[str] | None = None
) -> Corpus:
    """A corpus of entries in any order; counts of the same document and word are added, and zeros removed.

    Raises ZooError for a count that does not fit in 32 bits.
    """
    from scipy.sparse import coo_array

    index = (np.asarray(document, np.int64), np.asarray(word, np.int64))
    matrix = coo_array((np.asarray(count, np.int64), index), shape=(N, V)).tocsr()  # adds duplicates
    matrix.eliminate_zeros()
    matrix.sort_indices()
    if matrix.data.max(initial=0) > MAX_COUNT:
        largest = int(matrix.data.argmax())
        row = int(np.searchsorted(matrix.indptr, largest, "right")) - 1
        raise ZooError(
            f"document {row} has word {matrix.indices[largest]} more than {MAX_COUNT} times: counts have 32 bits"
        )
    return Corpus(matrix.indptr, matrix.indices, matrix.data, V, vocabulary)
