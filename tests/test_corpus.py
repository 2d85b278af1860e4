"""Corpora: conversion of every input form, file formats both ways, and errors with their position."""

import gzip
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import zoo
from tests import table as table_of
from zoo import ZooError, datasets
from zoo.cli import app
from zoo.data.corpus import Corpus, as_corpus, convert, from_tokens, load, read, save, text, write_ldac
from zoo.data.corpus.synthetic import bars, sample_documents, sample_lda

COUNTS = np.array([[2, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 3]])  # a document without words stays
WORDS = ("ant", "bee", "cat", "dog")
TOKENS = [["cat", "ant", "ant"], [], ["dog", "bee", "dog", "dog"]]
NUMBERS = [[WORDS.index(word) for word in document] for document in TOKENS]


def same(one: Corpus, other: Corpus, words: bool = True) -> None:
    assert one.shape == other.shape
    for name in ("indptr", "words", "counts"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    if words:
        assert one.vocabulary == other.vocabulary


def untidy() -> sp.coo_array:
    """The counts with one entry in two halves, one explicit zero, and nothing in order."""
    document, word, count = [2, 0, 2, 0, 1, 2], [3, 2, 1, 0, 1, 3], [1, 1, 1, 2, 0, 2]
    return sp.coo_array((np.array(count, np.uint8), (document, word)), shape=COUNTS.shape)


def untidy_csr() -> sp.csr_matrix:
    return sp.csr_matrix((np.array([1, 2, 0, 1, 2, 1.0]), [2, 0, 1, 1, 3, 3], [0, 2, 3, 6]), shape=COUNTS.shape)


FORMS = {
    "dense": lambda: COUNTS,
    "dense floats": lambda: COUNTS.astype(float),
    "dense bytes": lambda: COUNTS.astype(np.int8),
    "csr": lambda: sp.csr_array(COUNTS),
    "csr matrix of floats": lambda: sp.csr_matrix(COUNTS.astype(np.float32)),
    "csc": lambda: sp.csc_array(COUNTS),
    "coo, untidy": untidy,
    "csr, untidy": untidy_csr,
    "lil": lambda: sp.lil_array(COUNTS),
    "pair": lambda: (sp.csr_array(COUNTS), np.array(WORDS)),
    "pair with the words by column": lambda: (
        COUNTS,
        {word: np.int64(i) for i, word in reversed(list(enumerate(WORDS)))},
    ),
    "dict": lambda: {"counts": COUNTS, "vocabulary": list(WORDS)},
    "dict by site": lambda: {"w": sp.csr_array(COUNTS), "vocabulary": WORDS},
    "corpus": lambda: Corpus([0, 2, 2, 4], [0, 2, 1, 3], [2, 1, 1, 3], V=4, vocabulary=WORDS),
    "matrix of torch": lambda: pytest.importorskip("torch").tensor(COUNTS),
    "matrix of jax": lambda: pytest.importorskip("jax.numpy").asarray(COUNTS),
    "matrix of objects": lambda: np.array(COUNTS, dtype=object),
    "frame": lambda: pd.DataFrame(COUNTS, columns=list(WORDS)),
    "frame without words": lambda: pd.DataFrame(COUNTS),
    "sparse frame": lambda: pd.DataFrame.sparse.from_spmatrix(sp.csr_array(COUNTS), columns=list(WORDS)),
    "nullable frame": lambda: pd.DataFrame(COUNTS, columns=list(WORDS)).convert_dtypes(),
    "tokens": lambda: TOKENS,
    "tokens as they come": lambda: (iter(document) for document in TOKENS),
    "tokens in a Series": lambda: pd.Series(TOKENS),
    "tokens in arrays": lambda: [np.array(document, dtype=str) for document in TOKENS],
    "numbers": lambda: NUMBERS,
    "numbers in arrays": lambda: [np.array(document, dtype=np.uint16) for document in NUMBERS],
    "pairs": lambda: [[(2, 1), (0, 2)], [], [(1, 1), (3, 3.0)]],
    "pairs, untidy": lambda: [[(0, 1), (2, 1), (0, 1)], [(3, 0)], [(3, np.int64(3)), (1, 1)]],
    "tallies": lambda: [{"ant": 2, "cat": 1}, {}, {"bee": 1, "dog": 3}],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_input_form_gives_the_same_corpus(form):
    data = FORMS[form]()
    before = data.copy() if sp.issparse(data) else None
    corpus = as_corpus(data)
    assert corpus.vocabulary in (None, WORDS)
    same(corpus, as_corpus(COUNTS), words=False)
    if before is not None:  # the input is unchanged
        for name in ("data", "indices", "indptr") if data.format in ("csr", "csc") else ():
            np.testing.assert_array_equal(getattr(data, name), getattr(before, name))
    if not isinstance(data, tuple | dict | pd.DataFrame) and form != "tokens as they come":
        assert as_corpus(data, WORDS).vocabulary == WORDS


def test_matrices_of_scikit_learn_and_gensim():
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer()
    matrix = vectorizer.fit_transform([" ".join(document) for document in TOKENS])
    for words in (vectorizer.get_feature_names_out(), vectorizer.vocabulary_):
        same(as_corpus((matrix, words)), as_corpus(TOKENS))
        same(as_corpus(matrix, words), as_corpus(TOKENS))
    corpora = pytest.importorskip("gensim.corpora")
    dictionary = corpora.Dictionary(TOKENS)
    bags = [dictionary.doc2bow(document) for document in TOKENS]
    same(as_corpus(bags, dictionary.token2id).with_vocabulary(WORDS), as_corpus(TOKENS))


def test_a_valid_corpus_is_not_copied():
    corpus = as_corpus(TOKENS)
    assert as_corpus(corpus) is corpus
    named = as_corpus(Corpus(corpus.indptr, corpus.words, corpus.counts, 4), WORDS)
    assert named.vocabulary == WORDS
    assert named.words is corpus.words


def test_words_outside_the_vocabulary_are_left_out_with_a_warning():
    with pytest.warns(UserWarning, match=r"3 of 7 tokens \(42\.9%\) are left out: 2 words are not in the vocabulary"):
        corpus = as_corpus(TOKENS, ["dog", "bee", "eel"])
    np.testing.assert_array_equal(corpus.dense(), [[0, 0, 0], [0, 0, 0], [3, 1, 0]])
    with pytest.warns(UserWarning, match="3 of 7 tokens"):
        same(as_corpus(TOKENS).with_vocabulary(["dog", "bee", "eel"]), corpus)
    whole = as_corpus(TOKENS)
    assert whole.with_vocabulary(WORDS) is whole
    reordered = whole.with_vocabulary(corpus_with(WORDS[::-1]))
    np.testing.assert_array_equal(reordered.dense(), whole.dense()[:, ::-1])
    same(reordered.with_vocabulary({word: i for i, word in enumerate(WORDS)}), whole)
    with pytest.raises(ZooError, match="give both a vocabulary"):
        as_corpus(COUNTS).with_vocabulary(WORDS)


def corpus_with(words):
    return Corpus([0, 1], [0], [1], len(words), words)


BIG = 2**31
WRONG = {
    "empty": ([], "is empty: give at least one document"),
    "empty matrix": (np.zeros((0, 3)), "is empty: give at least one document"),
    "no words": (np.zeros((3, 0)), "the vocabulary is empty"),
    "sparse, no words": (sp.csr_array((3, 0)), "the vocabulary is empty"),
    "empty documents": (np.zeros((3, 2)), "all 3 documents are without words"),
    "empty documents of tokens": ([[], []], "all 2 documents are without words"),
    "negative": (np.array([[1, 0], [0, -2]]), "word 1 in document 1 is -2"),
    "sparse negative": (sp.csr_array([[1, 0], [0, -2]]), "word 1 in document 1 is -2"),
    "fraction": (np.array([[1, 0.5]]), "word 1 in document 0 is 0.5"),
    "NaN": (np.array([[1, np.nan]]), "word 1 in document 0 is missing (NaN)"),
    "infinite": (sp.coo_array([[1, np.inf]]), "word 1 in document 0 is inf"),
    "large": (np.array([[BIG, 0]]), "counts are whole numbers from 0 to 2147483647"),
    "large in sum": (sp.coo_array(([BIG - 1, 1], ([0, 0], [1, 1])), shape=(1, 2)), "more than 2147483647 times"),
    "complex": (sp.csr_array([[1j]]), "given complex128"),
    "a number too far": ([[BIG - 2]], "2147483647 words for 1 entries, which cannot be meant"),
    "one dimension": (np.array([1, 2]), "has two dimensions, documents and words; given shape (2,)"),
    "three dimensions": (np.zeros((2, 2, 2), int), "given shape (2, 2, 2)"),
    "list of numbers": ([1, 2], "document 0 is 1: a document is a list of tokens"),
    "number": (7, "a corpus is a sparse or dense matrix"),
    "nothing": (None, "a corpus is a sparse or dense matrix"),
    "text": ("the cat", "a corpus is a sparse or dense matrix"),
    "texts": (["the cat", "the dog"], "document 0 is one text, 'the cat': cut it into words first"),
    "texts in an array": (np.array(["the cat"]), "document 0 is one text"),
    "text after tokens": ([["a"], "the dog"], "document 1 is one text"),
    "mixed": ([["a"], [3]], "document 1 holds 3 beside strs"),
    "fractional token": ([[1.5]], "document 0 holds 1.5"),
    "negative token": ([[0], [-1]], "document 1 holds -1"),
    "word and list": ([["a", ["b"]]], "document 0 holds words beside lists"),
    "no token": ([[None]], "document 0 holds None"),
    "empty token": ([["a", ""]], "document 0 holds ''"),
    "fractional pair": ([[(0, 0.3)]], "the count of 0 in document 0 is 0.3"),
    "negative pair": ([[("a", -1)]], "the count of 'a' in document 0 is -1"),
    "NaN in a pair": ([[(0, np.nan)]], "the count of 0 in document 0 is nan"),
    "pair of three": ([[(0, 1, 2)]], "document 0 holds (0, 1, 2)"),
    "many words": ((COUNTS, ["a", "b"]), "the vocabulary has 2 words and the counts 4 columns"),
    "word twice": ((COUNTS, ["a", "b", "c", "a"]), "has 'a' twice, at 0 and at 3"),
    "no vocabulary": ((COUNTS, []), "the vocabulary is empty"),
    "vocabulary of numbers": ((COUNTS, [1, 2, 3, 4]), "number 0 of it is 1"),
    "vocabulary with a hole": ((COUNTS, {"a": 0, "b": 2, "c": 3, "d": 4}), "numbers them from 0 to 3"),
    "vocabulary of one text": ((COUNTS, "abcd"), "a vocabulary is a list of words; given 'abcd'"),
    "frame of words": (pd.DataFrame({"n": [1], "name": ["x"]}), "columns of a table of counts are numbers, and name"),
    "frame with a hole": (pd.DataFrame({"n": [1, None]}), "word 0 in document 1 is missing"),
    "dict of something": ({"x": COUNTS}, "a dict is a corpus by 'counts', 'vocabulary' and 'ids'; given x"),
    "falling": (Corpus([0, 2], [1, 0], [1, 1], 2), "words of a Corpus rise"),
    "beyond": (Corpus([0, 1], [2], [1], 2), "words of a Corpus rise"),
    "zero": (Corpus([0, 1], [1], [0], 2), "words of a Corpus rise"),
    "short": (Corpus([0, 2], [1], [1], 2), "a corpus with 2 entries has 1 words and 1 counts"),
    "turned": (Corpus([0, 2, 1], [0, 1], [1, 1], 2), "indptr of a corpus rises"),
}


@pytest.mark.parametrize("case", WRONG)
def test_invalid_corpora_raise_one_line_errors(case):
    data, words = WRONG[case]
    with pytest.raises(ZooError) as error:
        as_corpus(data)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "vocabulary", "words"),
    [
        ([[0, 4]], WORDS, "document 0 has word 4: the vocabulary ends at 3"),
        ([["x"]], WORDS, "no document has a word of the vocabulary: they hold 'x', it 'ant'"),
        (as_corpus(TOKENS), ["a", "b", "c", "d"], "corpus.with_vocabulary(vocabulary) carries it over"),
        ((COUNTS, WORDS), WORDS[::-1], "corpus.with_vocabulary(vocabulary) carries it over"),
    ],
)
def test_vocabularies_that_do_not_match_raise(data, vocabulary, words):
    with pytest.raises(ZooError) as error:
        as_corpus(data, vocabulary)
    assert words in str(error.value)


def test_a_large_sparse_matrix_is_not_made_dense():
    rng = np.random.default_rng(0)
    entries = (np.ones(1000), (rng.integers(0, 10**5, 1000), rng.integers(0, 10**6, 1000)))
    matrix = sp.coo_array(entries, shape=(10**5, 10**6))
    tracemalloc.start()
    try:
        corpus = as_corpus(matrix)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert corpus.total == 1000
    assert peak < 10 * 8 * 10**5  # some numbers a document and an entry


# class Corpus

matrices = st.integers(1, 4).flatmap(
    lambda V: st.lists(st.lists(st.sampled_from([0, 0, 0, 1, 2, 7]), min_size=V, max_size=V), min_size=1, max_size=7)
)


@st.composite
def corpora(draw):
    counts = np.array(draw(matrices))
    assume(counts.any())
    words = draw(st.booleans())
    return as_corpus(counts, [f"wörd {i}" for i in range(counts.shape[1])] if words else None)


@given(corpora(), st.data())
def test_a_corpus_equals_its_matrix(corpus, data):
    dense = corpus.dense()
    np.testing.assert_array_equal(corpus.lengths, dense.sum(1))
    assert corpus.total == dense.sum()
    rows = data.draw(
        st.one_of(
            st.slices(corpus.N),
            st.integers(0, corpus.N - 1),
            st.lists(st.integers(-corpus.N, corpus.N - 1)).map(lambda r: np.array(r, int)),
            st.lists(st.booleans(), min_size=corpus.N, max_size=corpus.N).map(lambda r: np.array(r, bool)),
        )
    )
    subset = corpus.take(rows)
    np.testing.assert_array_equal(subset.dense(), np.atleast_2d(dense[rows]))
    assert subset.vocabulary == corpus.vocabulary
    size = data.draw(st.integers(1, 4))
    np.testing.assert_array_equal(np.concatenate([part.dense() for part in corpus.blocks(size)]), dense)
    tokens = corpus.tokens()
    assert tokens.shape == (dense.sum(1).max(), corpus.N)
    same(from_tokens(tokens, corpus.V), corpus, words=False)
    pairs = np.zeros_like(dense)
    np.add.at(pairs, (np.arange(corpus.N)[:, None], corpus.raw[..., 0]), corpus.raw[..., 1])
    np.testing.assert_array_equal(pairs, dense)


def test_synthetic_corpora_have_their_declared_distribution():
    N, T, V = 400, 50, 30
    corpus, phi, theta = sample_lda(N, T, V, K=3, eta=1.0, seed=1)
    assert (corpus.lengths == T).all()
    np.testing.assert_allclose(phi.sum(1), 1)
    p = theta @ phi
    chi2 = ((corpus.dense() - T * p) ** 2 / (T * p)).sum()
    variance = 2 * N * (V - 1) + ((1 / p).sum() - N * (V**2 + 2 * V - 2)) / T  # of Pearson's statistic
    assert abs(chi2 - N * (V - 1)) < 4 * np.sqrt(variance)
    same(sample_lda(N, T, V, K=3, eta=1.0, seed=1)[0], corpus)
    same(sample_documents(phi, theta, T, seed=3), sample_documents(phi, theta, T, seed=3))
    images, phi = bars(N=500)
    assert images.shape == (500, 25)
    assert sorted(np.unique(phi)) == [0, 0.2]
    np.testing.assert_array_equal(phi.sum(0), np.full(25, 0.4))  # each pixel on a row and on a column
    expected = 100 / 25
    assert images.dense().mean(0) == pytest.approx(np.full(25, expected), abs=5 * expected / np.sqrt(500))


# files


def write_uci(corpus, path):
    document = np.repeat(np.arange(corpus.N), np.diff(corpus.indptr)) + 1
    rows = zip(document, corpus.words + 1, corpus.counts, strict=True)
    lines = [corpus.N, corpus.V, corpus.nnz, *(f"{d} {w} {n}" for d, w, n in rows)]
    content = "".join(f"{line}\n" for line in lines)
    path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())


WRITERS = {
    "x.ldac": write_ldac,
    "x.dat": write_ldac,
    "ldac.txt": write_ldac,
    "docword.x.txt": write_uci,
    "docword.x.txt.gz": write_uci,
    "x.npz": lambda corpus, path: sp.save_npz(path, corpus.sparse()),
    "csc.npz": lambda corpus, path: sp.save_npz(path, sp.csc_matrix(corpus.sparse())),
    "counts.npz": lambda corpus, path: np.savez(path, counts=corpus.dense()),
    "x.mtx": lambda corpus, path: scipy.io.mmwrite(path, corpus.sparse()),
    "x.npy": lambda corpus, path: np.save(path, corpus.dense()),
    "x.csv": lambda corpus, path: pd.DataFrame(corpus.dense()).to_csv(path, index=False),
    "folder": lambda corpus, path: save(corpus, path),
}


@settings(max_examples=25)
@given(corpus=corpora(), read_together=st.sampled_from([1, 7, 1 << 22]))
def test_every_file_format_round_trips(corpus, read_together, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    words = corpus.vocabulary or tuple(f"w{i}" for i in range(corpus.V))
    (folder / "words").write_text("".join(f"{word}\r\n" for word in words), encoding="utf-8")
    named = Corpus(corpus.indptr, corpus.words, corpus.counts, corpus.V, words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "BYTES", read_together)
        for name, write in WRITERS.items():
            write(corpus if name != "folder" else named, folder / name)
            if name == "x.csv":  # its first line is the words
                same(read(folder / name), corpus, words=False)
                continue
            same(read(folder / name, folder / "words"), named)
        for name in ("x.ldac", "docword.x.txt.gz", "x.npz"):
            same(convert(folder / name, folder / "converted", words), named)
            same(read(folder / "converted"), named)
    save(corpus, folder / "folder")
    same(load(folder / "folder"), corpus)


def test_published_corpora_have_their_published_sizes():
    table_of.load_or_skip("ap")
    table_of.load_or_skip("reuters")
    ap, reuters = datasets.observed("ap"), datasets.load("reuters")
    assert (ap.shape, ap.total) == ((2246, 10473), 435838)
    assert (reuters.shape, reuters.total) == ((395, 4258), 84010)
    assert ap.vocabulary[:3] == ("i", "new", "percent")
    assert reuters.vocabulary[:2] == ("church", "pope")
    titles = datasets.titles("reuters")
    assert len(titles) == 395
    assert titles[0].startswith("UK: Prince Charles spearheads British royal revolution.")
    with pytest.raises(ZooError, match="ap has no titles; these have: reuters"):
        datasets.titles("ap")


GARBLED = {
    "fewer pairs": ("x.ldac", "1 0:1\n3 0:1 2:2\n", "line 2: found 2 pairs word:count, and not the 3 it announces"),
    "cut off": ("x.ldac", "1 0:1\n2 0:1 2", "line 2: found b'2 0:1 2', and a line is 'M word:count"),
    "letters": ("x.ldac", "1 0:1\n1 a:1\n", "line 2: found b'1 a:1\\n'"),
    "negative": ("x.ldac", "1 0:-1\n", "line 1: found b'1 0:-1\\n'"),
    "fraction": ("x.ldac", "1 0:0.5\n", "line 1: found b'1 0:0.5\\n'"),
    "blank": ("x.ldac", "1 0:1\n\n1 0:1\n", "line 2: found b'\\n'"),
    "large word": ("x.ldac", "1 9999999999:1\n", "line 1: found word 9999999999"),
    "large count": ("x.ldac", "0\n1 0:9999999999\n", "line 2: found a count of 9999999999"),
    "empty": ("x.ldac", "", "the corpus is empty"),
    "empty documents": ("x.ldac", "0\n0\n", "all 2 documents are without words"),
    "no header": ("docword.txt", "3\n", "line 2: found b'', and the first three lines are the numbers D, W and NNZ"),
    "half a header": ("docword.txt", "3\n4\n1 1 1\n", "line 3: found b'1 1 1\\n', and the first three lines"),
    "fewer entries": ("docword.txt", "2\n4\n3\n1 1 1\n2 2 2\n", "line 6: found the end after 2 entries, and 3 are ann"),
    "more entries": ("docword.txt", "2\n4\n1\n1 1 1\n2 2 2\n", "line 5: found an entry more than the 1 announced"),
    "word 0": ("docword.txt", "2\n4\n1\n1 0 1\n", "line 4: found word 0, and they are numbered from 1 to 4"),
    "word 5": ("docword.txt", "2\n4\n2\n1 4 1\n1 5 1\n", "line 5: found word 5, and they are numbered from 1 to 4"),
    "document 3": ("docword.txt", "2\n4\n1\n3 1 1\n", "line 4: found document 3, and they are numbered from 1 to 2"),
    "disorder": ("docword.txt", "2\n4\n3\n2 1 1\n2 2 1\n1 1 1\n", "line 6: found an earlier document: sort"),
    "garbage": ("docword.txt", "2\n4\n1\n1 1\n", "line 4: found b'1 1\\n', and a line is 'document word count'"),
    "absurd": ("docword.txt", "9999999999\n4\n1\n1 1 1\n", "line 1: found 9999999999 documents"),
    "prose": ("x.txt", "the cat sat\n", "neither UCI's bag of words nor lda-c's; documents as text are cut into words"),
    "market": ("x.mm", "%%MatrixMarket matrix coordinate integer general\n2 2 1\n", "cannot be read"),
    "no market": ("x.mm", "2 2 1\n", "cannot be read"),
    "negative market": ("x.mm", "%%MatrixMarket matrix coordinate integer general\n2 2 1\n1 2 -3\n", "is -3"),
    "no zip": ("x.npz", "nothing", "cannot be read"),
    "half a zip": ("x.npz", "PK\x03\x04 and no more", "cannot be read"),
    "empty npy": ("x.npy", "", "cannot be read"),
    "ending": ("x.doc", "nothing", "cannot read .doc; a corpus is read from .ldac"),
    "no gzip": ("x.txt.gz", "2\n4\n1\n1 1 1\n", "cannot be read"),
}


@pytest.mark.parametrize("read_together", [1, 1 << 22])
@pytest.mark.parametrize("case", GARBLED)
def test_errors_of_damaged_files_name_the_line(case, read_together, tmp_path, monkeypatch):
    monkeypatch.setattr(text, "BYTES", read_together)
    name, content, words = GARBLED[case]
    (tmp_path / name).write_text(content)
    with pytest.raises(ZooError) as error:
        read(tmp_path / name)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    if name.endswith((".ldac", ".txt")) and "empty" not in case:
        with pytest.raises(ZooError):
            convert(tmp_path / name, tmp_path / "folder")
        assert [path.name for path in tmp_path.iterdir()] == [name]  # no partial output


def test_vocabularies_are_read_from_files(tmp_path):
    corpus, path = as_corpus(TOKENS), tmp_path / "x.ldac"
    write_ldac(corpus, path)
    for content, message in {
        b"": "the vocabulary is empty",
        b"\n\n": "the vocabulary is empty",
        b"a\nb\n": "line 1: found word 2, and the words are numbered from 0 to 1",
        b"a\n\nc\nd\n": "number 1 of it is ''",
        b"a\nb\na\nd\n": "has 'a' twice, at 0 and at 2",
        b"a\n\xff\nc\nd\n": r"line 2: found b'\xff', which is not text in UTF-8",
    }.items():
        (tmp_path / "words").write_bytes(content)
        with pytest.raises(ZooError) as error:
            read(path, tmp_path / "words")
        assert message in str(error.value)
    (tmp_path / "words").write_bytes(b"\xef\xbb\xbfant\r\nbee\r\ncat\r\ndog")
    same(read(path, tmp_path / "words"), corpus)
    (tmp_path / "words").write_text("ant\nbee\ncat\ndog\neel\n\n")
    assert read(path, tmp_path / "words").V == 5  # unused words count too
    with pytest.raises(ZooError, match="cannot be read: No such file"):
        read(path, tmp_path / "none")
    with pytest.raises(ZooError, match="'a\\\\nb' is more than one line"):
        save(Corpus([0, 1], [0], [1], 1, ["a\nb"]), tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    write_uci(corpus, tmp_path / "docword.txt")
    with pytest.raises(ZooError, match="line 2: found 4 words, and the vocabulary has 3"):
        read(tmp_path / "docword.txt", WORDS[:3])


@settings(max_examples=150)
@given(corpus=corpora(), name=st.sampled_from(["x.ldac", "docword.txt", "x.txt.gz", "x.mtx"]), data=st.data())
def test_damaged_bytes_give_a_corpus_or_a_one_line_error(corpus, name, data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"garbage-{name}"
    {"x.txt.gz": write_uci, "x.mtx": WRITERS["x.mtx"]}.get(name, WRITERS.get(name, write_uci))(corpus, path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(content)))
        content[position : position + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b"\n", b" ", b":", b"-", b"9", b"0", b".5", b"x", b"\xff", b"\0", b"\r", b"1 1 1\n"])
        )
    path.write_bytes(content)
    try:
        result = read(path)
    except ZooError as error:
        result = None
        assert "\n" not in str(error)  # noqa: PT017  (most garbage is refused, and some is another corpus)
    if result:
        as_corpus(result)


def test_a_folder_round_trips_and_damage_raises(tmp_path):
    corpus = as_corpus(TOKENS)
    folder = save(corpus, tmp_path / "a" / "folder")
    loaded = load(folder)
    assert isinstance(loaded.words, np.memmap)
    same(loaded, corpus)
    same(loaded.take([2, 0]), corpus.take([2, 0]))
    save(as_corpus(COUNTS), folder)  # a corpus may be replaced
    assert load(folder).vocabulary is None
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["folder"]
    with pytest.raises(ZooError, match="holds no corpus"):
        load(tmp_path)
    with pytest.raises(ZooError, match="holds something other than a corpus"):
        save(corpus, tmp_path)
    (folder / "words.npy").write_bytes((folder / "words.npy").read_bytes()[:-4])
    with pytest.raises(ZooError, match="is damaged: "):
        load(folder)
    (folder / "corpus.json").write_text("{")
    with pytest.raises(ZooError, match="is damaged: "):
        load(folder)


# command line


@pytest.fixture
def files(tmp_path):
    corpus, *_ = sample_lda(N=30, T=20, V=12, K=2)
    write_ldac(corpus, tmp_path / "corpus.ldac")
    write_uci(corpus, tmp_path / "docword.txt")
    (tmp_path / "vocab.txt").write_text("".join(f"word{i}\n" for i in range(12)))
    save(corpus, tmp_path / "saved")
    return tmp_path


@pytest.mark.parametrize("data", ["corpus.ldac", "docword.txt", "saved"])
def test_the_command_fits_topics(data, files):
    words = ["--data", files / data, "--vocab", files / "vocab.txt", "--set", "K=2", "--engine", "gibbs"]
    words += ["--option", "num_warmup=10", "--option", "num_samples=50"]
    result = CliRunner().invoke(app, ["fit", "latent_dirichlet", *map(str, words)])
    assert result.exit_code == 0, result.output
    assert "30 rows" in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["latent_dirichlet", "--data", "corpus.ldac", "--vocab", "none.txt"], "none.txt' cannot be read"),
        (["latent_dirichlet", "--data", "none.ldac"], "none.ldac' cannot be read"),
        (["latent_dirichlet", "--data", "corpus.ldac", "--columns", "a"], "takes a corpus whole"),
        (["gaussian_mixture", "--vocab", "vocab.txt"], "gaussian_mixture does not observe one"),
        (["latent_dirichlet", "--data", "reuterz"], "did you mean 'reuters'"),
    ],
)
def test_errors_of_the_command(words, message, files, monkeypatch):
    monkeypatch.chdir(files)
    result = CliRunner().invoke(app, ["fit", *words, "--set", "K=2"])
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())


# size

CONVERT = """
import re, sys
from pathlib import Path
import zoo.data.corpus
def peak():  # of this process alone: ru_maxrss begins with that of the parent
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
before = peak()
corpus = zoo.corpus.convert(sys.argv[1], sys.argv[2])
print(corpus.N, corpus.nnz, (peak() - before) // 1024)
"""


@pytest.fixture(scope="module")
def large():
    return sample_lda(N=60_000, T=100, V=5000, K=50)[0]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("name", ["x.ldac", "docword.txt"])
def test_sixty_thousand_documents_in_bounded_memory(large, name, tmp_path):
    corpus, path = large, tmp_path / name
    WRITERS.get(name, write_uci)(corpus, path)
    words = [sys.executable, "-c", CONVERT, str(path), str(tmp_path / "folder")]
    completed = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(zoo.__file__).parent.parent)
    documents_, entries, megabytes = map(int, completed.stdout.split())
    assert (documents_, entries) == (corpus.N, corpus.nnz)
    assert megabytes < 200  # 165 with any number of documents; all lines at once are Python objects of 400 and more
    same(load(tmp_path / "folder"), corpus)
