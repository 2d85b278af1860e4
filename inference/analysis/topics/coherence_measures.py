"""Coherence: whether the first words of a topic occur together in documents, by the measures of gensim."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.topics.extraction import extract_topics
from inference.analysis.topics.record import Topics, TopicsLike
from inference.analysis.topics.tables import first_words
from inference.record import FitRecord
from zoo.data.corpus import Corpus
from zoo.errors import ZooError, unknown

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("u_mass", "c_v", "c_npmi")
FILLER = ""  # not a word: keeps a document that has none of the words


def coherence(
    topics: TopicsLike | Sequence[Sequence[str]],
    reference: Corpus | Iterable[Iterable[str]] | None = None,
    measure: str = "c_v",
    top: int = 10,
) -> pd.Series:
    """The coherence of each topic, by its first words; larger is better, and the mean is that of the model.

    Parameters
    ----------
    topics : Fit, Topics, array (K, V), or list of lists of str
        Topics, or the words of each.
    reference : Corpus or list of lists of str, optional
        Where words occur together: a Corpus, in complete documents; or documents as lists of tokens in their order, in
        sliding windows of 110 tokens (c_v) or 10 (c_npmi). By default the corpus of the fit.
    measure : {"c_v", "c_npmi", "u_mass"}
        "u_mass", the mean log of p(a word and one before it) over p(the latter), 0 or less (Mimno et al. 2011);
        "c_npmi", the mean normalised pointwise mutual information of pairs, from -1 to 1 (Bouma 2009); "c_v", the mean
        cosine of the words' vectors of these, usually from 0 to 1 (Röder, Both and Hinneburg 2015).
    top : int, default 10
        Number of words of each topic. Values of different ``top`` or ``reference`` cannot be compared.

    Returns
    -------
    pandas.Series, (K,)

    Raises
    ------
    ZooError
        Without gensim, and for words that the reference does not have.

    References
    ----------
    Röder, M., Both, A. and Hinneburg, A. (2015). Exploring the space of topic coherence measures. WSDM.
    """
    if measure not in MEASURES:
        raise unknown("measure of coherence", measure, MEASURES)
    import pandas as pd

    words, corpus = words_and_corpus(topics, top)
    reference = corpus if reference is None else reference
    if reference is None:
        raise ZooError("coherence needs documents in which words occur together: give a Corpus, or lists of tokens")
    vocabulary = {word for row in words for word in row}
    as_documents = isinstance(reference, Corpus)
    texts = texts_of_corpus(reference, vocabulary) if as_documents else texts_of_tokens(reference)
    absent = vocabulary.difference(*texts)
    if absent:
        names = ", ".join(map(repr, sorted(absent)[:5]))
        raise ZooError(f"the reference has no {names}: give one that has every word, or topics of its words")
    values = gensim_coherence(words, texts, measure, max(map(len, texts)) if as_documents else None)
    return pd.Series(values, index=pd.RangeIndex(len(words), name="topic"), name=measure)


def words_and_corpus(topics: object, top: int) -> tuple[list[list[str]], Corpus | None]:
    """The first words of each topic, and the corpus of the topics where it is known; raises ZooError."""
    if top < 2:
        raise ZooError(f"coherence is of pairs of words: give top from 2 up, not {top}")
    if isinstance(topics, FitRecord | Topics | np.ndarray):
        record = extract_topics(topics, draws=False)
        if top > record.V:
            raise ZooError(f"top={top} words of a vocabulary of {record.V}: give up to {record.V}")
        return first_words(record, top), record.corpus
    if (
        not isinstance(topics, Sequence)
        or isinstance(topics, str)
        or not topics
        or not all(isinstance(row, Sequence) and not isinstance(row, str) for row in topics)
    ):
        raise ZooError("topics are a fit, phi (K, V), or a list of words for each topic")
    words = [list(map(str, row))[:top] for row in topics]
    for k, row in enumerate(words):
        if len(row) < 2 or len(set(row)) < len(row):
            raise ZooError(f"coherence is of pairs of different words: topic {k} has {', '.join(row) or 'none'}")
    return words, None


def texts_of_corpus(corpus: Corpus, vocabulary: set[str]) -> list[list[str]]:
    """The words of the vocabulary that each document has, each once."""
    names = corpus.vocabulary or [f"w{v}" for v in range(corpus.V)]
    is_used = np.array([name in vocabulary for name in names])[corpus.words]
    ends = np.concatenate([[0], np.cumsum(is_used)])[corpus.indptr]
    words = [names[v] for v in corpus.words[is_used]]
    return [[FILLER, *words[begin:end]] for begin, end in pairwise(ends)]


def texts_of_tokens(reference: Iterable[Iterable[str]]) -> list[list[str]]:
    """Documents of tokens in their order; raises ZooError for anything else."""
    documents: list[Iterable[str]] = [] if isinstance(reference, str) else list(reference)
    texts = [[] if isinstance(text, str) else list(text) for text in documents]
    are_words = all(isinstance(word, str) for text in texts for word in text)
    if not texts or not are_words or any(isinstance(text, str) for text in documents):
        raise ZooError("a reference is a Corpus, or a list of documents, each a list of tokens")
    return [text or [FILLER] for text in texts]


def gensim_coherence(words: list[list[str]], texts: list[list[str]], measure: str, window: int | None) -> list[float]:
    """The value of gensim for each topic; raises ZooError where it is not installed."""
    try:
        from gensim.corpora import Dictionary
        from gensim.models import CoherenceModel
    except ImportError:
        raise ZooError("coherence needs gensim: pip install 'latent-zoo[topics]'") from None
    model = CoherenceModel(
        topics=words,
        texts=texts,
        dictionary=Dictionary(texts),
        coherence=measure,
        window_size=window,
        topn=max(map(len, words)),
        processes=1,
    )
    return [float(value) for value in model.get_coherence_per_topic()]
