"""Whether the first words of a topic belong together, by how often they occur together: gensim's measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.analysis.topics.parts import Topics, topics_of
from inference.analysis.topics.words import labels
from inference.result import Fit
from zoo.data.corpus import Corpus
from zoo.errors import ZooError, unknown

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("u_mass", "c_v", "c_npmi")
FILLER = ""  # no word: keeps a document that has none of the words asked for


def coherence(topics: Any, reference: Any = None, measure: str = "c_v", top: int = 10) -> pd.Series:
    """The coherence of each topic, by its first ``top`` words; larger is better, and the mean is that of the model.

    topics: a fit, ``Topics``, phi (K, V), or for each topic a list of its words. reference: where words are looked for
    together: a Corpus, in whole documents; or documents as lists of tokens in their order, in windows of 110 tokens
    (c_v) or 10 (c_npmi) that slide over them; that of the fit unless given. measure: "u_mass", the mean log of
    p(w and a word before it) over p(that word), 0 or less (Mimno et al. 2011); "c_npmi", the mean normalised pointwise
    mutual information of pairs, from -1 to 1 (Bouma 2009); "c_v", the mean cosine of the words' vectors of these, from
    0 to 1 as a rule (Roeder, Both and Hinneburg 2015). Those of different references or ``top`` cannot be compared.

    Raises ZooError without gensim, and for words that the reference does not have.
    """
    if measure not in MEASURES:
        raise unknown("measure of coherence", measure, MEASURES)
    import pandas as pd

    words, corpus = words_and_corpus(topics, top)
    reference = corpus if reference is None else reference
    if reference is None:
        raise ZooError("coherence looks for words together in documents: give a Corpus, or lists of tokens")
    wanted = {word for row in words for word in row}
    whole = isinstance(reference, Corpus)
    texts = in_documents(reference, wanted) if whole else tokens_of(reference)
    absent = wanted.difference(*texts)
    if absent:
        said = ", ".join(map(repr, sorted(absent)[:5]))
        raise ZooError(f"the reference has no {said}: give one that has every word, or topics of its words")
    values = measured(words, texts, measure, max(map(len, texts)) if whole else None)
    return pd.Series(values, index=pd.RangeIndex(len(words), name="topic"), name=measure)


def words_and_corpus(topics: Any, top: int) -> tuple[list[list[str]], Corpus | None]:
    """The first words of each topic, and the documents it is known to be from. Raises ZooError."""
    if top < 2:
        raise ZooError(f"coherence is of pairs of words: give top from 2 up, not {top}")
    if isinstance(topics, Fit | Topics | np.ndarray):
        of = topics_of(topics, draws=False)
        if top > of.V:
            raise ZooError(f"top={top} words of a vocabulary of {of.V}: give up to {of.V}")
        return labels(of, top), of.corpus
    listed = isinstance(topics, Sequence) and not isinstance(topics, str) and bool(topics)
    if not listed or not all(isinstance(row, Sequence) and not isinstance(row, str) for row in topics):
        raise ZooError("topics are a fit, phi (K, V), or a list of words for each topic")
    words = [list(map(str, row))[:top] for row in topics]
    for k, row in enumerate(words):
        if len(row) < 2 or len(set(row)) < len(row):
            raise ZooError(f"coherence is of pairs of different words: topic {k} has {', '.join(row) or 'none'}")
    return words, None


def in_documents(corpus: Corpus, wanted: set[str]) -> list[list[str]]:
    """For each document the words wanted that it has, each once."""
    names = corpus.vocabulary or [f"w{v}" for v in range(corpus.V)]
    held = np.array([name in wanted for name in names])[corpus.words]
    ends = np.concatenate([[0], np.cumsum(held)])[corpus.indptr]
    kept = [names[v] for v in corpus.words[held]]
    return [[FILLER, *kept[begin:end]] for begin, end in pairwise(ends)]


def tokens_of(reference: Iterable[Any]) -> list[list[str]]:
    """Documents of tokens in their order. Raises ZooError."""
    given: list[Any] = [] if isinstance(reference, str) else list(reference)
    texts = [[] if isinstance(text, str) else list(text) for text in given]
    words = all(isinstance(word, str) for text in texts for word in text)
    if not texts or not words or any(isinstance(text, str) for text in given):
        raise ZooError("a reference is a Corpus, or a list of documents, each a list of tokens")
    return [text or [FILLER] for text in texts]


def measured(words: list[list[str]], texts: list[list[str]], measure: str, window: int | None) -> list[float]:
    """gensim's value for each topic; raises ZooError where it is not installed."""
    try:
        from gensim.corpora import Dictionary
        from gensim.models import CoherenceModel
    except ImportError:
        raise ZooError("coherence is gensim's: pip install 'latent-zoo[topics]'") from None
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
