"""Coherence of six documents by the formulas, against the library."""

import numpy as np
import pytest

from inference.analysis.topics import Topics, coherence
from zoo import ZooError
from zoo.data.corpus import as_corpus

pytest.importorskip("gensim")

DOCUMENTS = [["a", "b", "c"], ["a", "b"], ["c", "d"], ["a", "d", "d"], [], ["b"]]
WORDS = [["a", "b", "c"], ["c", "d"]]
TINY = 1e-12  # added to p(w, w')


def p(windows, *words):
    return sum(set(words) <= window for window in windows) / len(windows)


def u_mass(words, windows):
    pairs = [(w, before) for i, w in enumerate(words) for before in words[:i]]
    return np.mean([np.log((p(windows, *pair) + TINY) / p(windows, pair[1])) for pair in pairs])


def npmi(a, b, windows):
    joint = p(windows, a, b) + TINY
    return np.log(joint / p(windows, a) / p(windows, b)) / -np.log(joint)


def c_npmi(words, windows):
    return np.mean([npmi(a, b, windows) for a in words for b in words if a != b])


def c_v(words, windows):
    vectors = np.array([[npmi(a, b, windows) for b in words] for a in words])
    total = vectors.sum(0)
    return np.mean(vectors @ total / np.linalg.norm(vectors, axis=1) / np.linalg.norm(total))


@pytest.mark.parametrize(("measure", "by_hand"), [("u_mass", u_mass), ("c_npmi", c_npmi), ("c_v", c_v)])
def test_coherence_equals_the_formula(measure, by_hand):
    windows = [set(document) for document in DOCUMENTS]
    exact = [by_hand(words, windows) for words in WORDS]
    for reference in (as_corpus(DOCUMENTS), DOCUMENTS):  # counts, and windows longer than any document
        values = coherence(WORDS, reference, measure)
        assert values.name == measure
        np.testing.assert_allclose(values, exact, rtol=1e-9)


def test_windows_slide_over_tokens():
    long = [list("abxxxxxxxxxxxxab"), list("bcda")]
    windows = [set(long[0][i : i + 10]) for i in range(7)] + [set(long[1])]
    np.testing.assert_allclose(coherence(WORDS[:1], long, "c_npmi"), [c_npmi(WORDS[0], windows)], rtol=1e-9)


def test_words_and_documents_default_to_those_of_the_topics():
    corpus = as_corpus(DOCUMENTS)
    phi = [[0.5, 0.3, 0.2, 0.0], [0.0, 0.1, 0.5, 0.4]]
    values = coherence(Topics(phi, corpus=corpus), top=2)
    np.testing.assert_array_equal(values, coherence([["a", "b"], ["c", "d"]], corpus))
    nameless = as_corpus([[0, 1, 2], [0, 1], [2, 3], [0, 3, 3], [], [1]])
    np.testing.assert_array_equal(coherence(np.array(phi), nameless, top=2), values)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: coherence(WORDS, DOCUMENTS, "cv"), "did you mean 'c_v'"),
        (lambda: coherence(WORDS), "give a Corpus"),
        (lambda: coherence(WORDS, "a b"), "list of documents"),
        (lambda: coherence(WORDS, ["a b"]), "list of documents"),
        (lambda: coherence([["a", "e"]], DOCUMENTS), "the reference has no 'e'"),
        (lambda: coherence([["a", "a"]], DOCUMENTS), "topic 0 has a, a"),
        (lambda: coherence([["a"]], DOCUMENTS), "topic 0 has a"),
        (lambda: coherence("ab", DOCUMENTS), "a list of words for each topic"),
        (lambda: coherence(WORDS, DOCUMENTS, top=1), "top from 2 up"),
        (lambda: coherence(np.full((2, 4), 0.25), as_corpus(DOCUMENTS), top=5), "vocabulary of 4"),
    ],
)
def test_errors_are_one_line(call, line):
    with pytest.raises(ZooError, match=line) as caught:
        call()
    assert "\n" not in str(caught.value)
