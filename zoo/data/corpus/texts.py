"""Documents as text files, one file a document, cut into words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from zoo.data.corpus.counts import Corpus
from zoo.data.corpus.documents import from_documents
from zoo.data.corpus.vocabulary import VocabularyLike
from zoo.errors import ZooError

ENDING = ".txt"


def text_files(folder: Path) -> list[Path]:
    """The text files of a folder and of the folders in it, by name."""
    return sorted(folder.rglob(f"*{ENDING}"))


def read_texts(folder: Path, vocabulary: VocabularyLike | None) -> Corpus:
    """The corpus of the text files of a folder, whose ids are the names of the files without the ending.

    Words are as scikit-learn's CountVectorizer has them by default: two characters or more, in lower case. Raises
    ZooError for a file that is not text in UTF-8.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    cut_words, paths = CountVectorizer().build_analyzer(), text_files(folder)

    def documents() -> Iterator[list[str]]:
        for path in paths:
            try:
                yield cut_words(path.read_text(encoding="utf-8-sig"))
            except UnicodeDecodeError:
                raise ZooError(f"{str(path)!r} is not text in UTF-8: convert it, as by iconv -t utf-8") from None

    corpus = from_documents(documents(), vocabulary)
    return corpus.with_ids(path.relative_to(folder).with_suffix("").as_posix() for path in paths)
