"""Word counts of documents, and how they are come by.

``Corpus`` is a sparse matrix of counts with its vocabulary. ``as_corpus(data)`` makes one of what people have, and
``read(path)`` of a file. ``Corpus.save(folder)`` and ``convert(path, folder)`` write one that ``load(folder)`` leaves
on disk, where it may be larger than the memory is. ``zoo.corpus.synthetic`` draws corpora whose topics are known.
"""

from zoo.corpus.counts import Corpus, of_tokens
from zoo.corpus.files import convert, read, write_ldac
from zoo.corpus.folder import load
from zoo.corpus.given import as_corpus
from zoo.corpus.vocabulary import read_vocabulary

__all__ = ["Corpus", "as_corpus", "convert", "load", "of_tokens", "read", "read_vocabulary", "write_ldac"]
