"""Word counts of documents, and how they are come by.

``Corpus`` is a sparse matrix of counts with its vocabulary. ``as_corpus(data)`` makes one of what people have, and
``read(path)`` of a file. ``save(corpus, folder)`` and ``convert(path, folder)`` write one that ``load(folder)`` leaves
on disk, where it may be larger than the memory is. ``zoo.corpus.synthetic`` draws corpora whose topics are known.
"""

from zoo.data.corpus.counts import Corpus, of_tokens
from zoo.data.corpus.files import convert, read, write_ldac
from zoo.data.corpus.folder import load, save
from zoo.data.corpus.given import as_corpus
from zoo.data.corpus.vocabulary import read_vocabulary

__all__ = ["Corpus", "as_corpus", "convert", "load", "of_tokens", "read", "read_vocabulary", "save", "write_ldac"]
