"""Bag-of-words corpora: construction, file formats, storage.

``Corpus`` is a sparse matrix of counts with its vocabulary and the ids of its documents. ``as_corpus(data)`` converts
users' data, ``read(path)`` a file or a folder of documents. ``save(corpus, folder)`` and ``convert(path, folder)``
write a corpus that ``load(folder)`` maps from disk, so that it may exceed memory. ``zoo.corpus.synthetic`` simulates
corpora with known topics.
"""

from zoo.data.corpus.conversion import as_corpus
from zoo.data.corpus.counts import Corpus, from_tokens
from zoo.data.corpus.files import convert, read, write_ldac
from zoo.data.corpus.folder import load, save
from zoo.data.corpus.vocabulary import read_vocabulary

__all__ = ["Corpus", "as_corpus", "convert", "from_tokens", "load", "read", "read_vocabulary", "save", "write_ldac"]
