"""Ids of documents: where they come from, and that they stay with their documents."""

import numpy as np
import pandas as pd
import pytest

import inference
import zoo
from inference.analysis.topics.record import Topics
from zoo import ZooError
from zoo.data.corpus import Corpus, as_corpus, convert, load, read, save, write_ldac

COUNTS = np.array([[2, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 3], [4, 0, 0, 1]])
WORDS = ("ant", "bee", "cat", "dog")
IDS = ("first", "with, comma", "\u00fcber", "last")
FRAME = pd.DataFrame(COUNTS, columns=list(WORDS))
TOKENS = [["ant", "ant", "cat"], [], ["bee", "dog", "dog", "dog"], ["ant"] * 4 + ["dog"]]


@pytest.fixture
def corpus() -> Corpus:
    return as_corpus(COUNTS, WORDS, ids=IDS)


SOURCES = {
    "given beside a matrix": lambda: as_corpus((COUNTS, WORDS), ids=IDS),
    "given beside tokens": lambda: as_corpus(TOKENS, ids=iter(IDS)),
    "a column": lambda: as_corpus(FRAME.assign(title=IDS), ids="title"),
    "a column among the words": lambda: as_corpus(pd.concat([FRAME, pd.Series(IDS, name="key")], axis=1), ids="key"),
    "the index of a DataFrame": lambda: as_corpus(FRAME.set_index(pd.Index(IDS))),
    "the index of a Series": lambda: as_corpus(pd.Series(TOKENS, index=IDS)),
    "an index in a file": lambda: as_corpus(FRAME.assign(**{"Unnamed: 0": IDS})),
    "a dict": lambda: as_corpus({"counts": COUNTS, "vocabulary": WORDS, "ids": IDS}),
}


@pytest.mark.parametrize("source", SOURCES)
def test_sources(source):
    corpus = SOURCES[source]()
    assert corpus.ids == IDS
    assert corpus.vocabulary == WORDS
    np.testing.assert_array_equal(corpus.dense(), COUNTS)


def test_without_ids_there_are_none():
    assert as_corpus(FRAME).ids is None
    assert as_corpus(TOKENS).ids is None
    assert as_corpus(as_corpus(FRAME), ids=IDS).ids == IDS
    assert as_corpus(FRAME.iloc[2:]).ids == ("2", "3")  # numbers of rows of a larger table


def write_table(frame, path):
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_column_of_a_file(suffix, tmp_path):
    path = write_table(FRAME.assign(title=IDS), tmp_path / f"counts{suffix}")
    assert read(path, ids="title").ids == IDS
    with pytest.raises(ZooError, match="no column 'titel'; did you mean 'title'"):
        read(path, ids="titel")
    with pytest.raises(ZooError, match="title are not: drop them, or name the one that has the ids"):
        read(path)


def test_an_index_written_to_a_file(tmp_path):
    FRAME.set_index(pd.Index(IDS)).to_csv(tmp_path / "counts.csv")
    FRAME.set_index(pd.Index(IDS)).to_parquet(tmp_path / "counts.parquet")
    for suffix in ("csv", "parquet"):
        assert read(tmp_path / f"counts.{suffix}").ids == IDS


def test_a_file_with_one_id_a_line(corpus, tmp_path):
    counts, ids = write_ldac(corpus, tmp_path / "counts.ldac"), tmp_path / "ids.txt"
    ids.write_text("\n".join(IDS) + "\n", encoding="utf-8")
    for path in (ids, str(ids)):
        assert read(counts, ids=path).ids == IDS
        assert convert(counts, tmp_path / "folder", ids=path).ids == IDS
    ids.write_text("one\ntwo\n")
    with pytest.raises(ZooError, match="2 ids for 4 documents: give one for each"):
        read(counts, ids=ids)
    with pytest.raises(ZooError, match="2 ids for 4 documents"):
        convert(counts, tmp_path / "folder", ids=ids)
    assert load(tmp_path / "folder").ids == IDS  # nothing was written
    with pytest.raises(ZooError, match="cannot be read"):
        read(counts, ids="absent.txt")


def test_a_folder_of_documents_has_the_names_of_the_files(tmp_path):
    texts = {"b.txt": "Dog! Bee, dog: dog", "a.txt": "ant Ant cat", "more/c.txt": ""}
    for name, content in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    corpus = read(tmp_path)
    assert corpus.ids == ("a", "b", "more/c")
    assert corpus.vocabulary == WORDS
    np.testing.assert_array_equal(corpus.dense(), COUNTS[[0, 2, 1]])
    assert read(tmp_path, ids=["x", "y", "z"]).ids == ("x", "y", "z")
    with pytest.warns(UserWarning, match="3 of 7 tokens .* are left out"):
        assert read(tmp_path, vocab=("ant", "bee", "cat")).V == 3
    (tmp_path / "b.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ZooError, match=r"b.txt' is not text in UTF-8"):
        read(tmp_path)


def test_a_saved_corpus_is_no_folder_of_documents(corpus, tmp_path):
    save(corpus, tmp_path / "corpus")
    (tmp_path / "corpus" / "corpus.json").unlink()
    with pytest.raises(ZooError, match="holds no corpus"):
        read(tmp_path / "corpus")


def test_ids_stay_with_their_documents(corpus, tmp_path):
    assert corpus.take([3, 0]).ids == ("last", "first")
    assert corpus.take(slice(1, 3)).ids == IDS[1:3]
    assert corpus.take(np.array([True, False, False, True])).ids == ("first", "last")
    assert [block.ids for block in corpus.blocks(3)] == [IDS[:3], IDS[3:]]
    assert corpus.with_vocabulary(["dog", "cat", "bee", "ant"]).ids == IDS
    assert as_corpus(corpus, WORDS).ids == IDS
    assert read(save(corpus, tmp_path / "corpus")).ids == IDS
    assert corpus.with_ids(None).ids is None


def test_ids_of_another_number_are_refused(corpus):
    with pytest.raises(ZooError, match="3 ids for 4 documents: give one for each"):
        as_corpus(COUNTS, ids=IDS[:3])
    with pytest.raises(ZooError, match="names a column of a table of counts"):
        as_corpus(COUNTS, ids="title")
    with pytest.raises(ZooError, match="more than one line"):
        save(corpus.with_ids(["a\nb", "c", "d", "e"]), "unused")


@pytest.fixture(scope="module")
def fit():
    corpus = as_corpus(COUNTS, WORDS, ids=IDS)
    return inference.fit(zoo.load("latent_dirichlet", K=2), corpus, "em", max_iter=20, threads=1)


def test_the_table_of_documents_has_their_ids(fit, corpus, tmp_path):
    table = inference.topics.document_table(fit, threads=1)
    assert list(table.index) == list(IDS)
    assert table.index.name == "document"
    assert list(table.columns) == ["topic 0", "topic 1"]
    np.testing.assert_array_equal(table, inference.topics.mixtures(fit, threads=1))
    new = inference.topics.document_table(fit, FRAME.assign(title=IDS), ids="title", threads=1)
    np.testing.assert_array_equal(new, table)
    assert list(new.index) == list(IDS)
    assert list(inference.topics.document_table(fit, FRAME, threads=1).index) == [0, 1, 2, 3]
    again = inference.load(fit.save(tmp_path / "fit"))
    assert again.data["w"].ids == IDS
    pd.testing.assert_frame_equal(inference.topics.document_table(again, threads=1), table)


def test_documents_of_a_figure_are_called_by_their_ids(corpus):
    topics = Topics(np.full((2, 4), 0.25), theta=np.full((4, 2), 0.5), corpus=corpus)
    assert topics.document_titles() == IDS
    assert topics.document_titles(["a", "b", "c", "d"]) == ["a", "b", "c", "d"]
    with pytest.raises(ZooError, match="2 titles for 4 documents"):
        topics.document_titles(["a", "b"])
    (axes,) = inference.topics.document_figure(topics).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"{n}  {i}" for n, i in enumerate(IDS)]
