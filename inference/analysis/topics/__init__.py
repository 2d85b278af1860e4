"""What is asked of a topic model: a fit of ``latent_dirichlet`` or ``prod_lda``, or topics of any other origin.

    overview                     a line for each topic: its share of the tokens and its first words
    top_words, topic_sizes       the words of each topic by weight or relevance; its share, with intervals of draws
    similarity, matched          how alike topics are; the topics of two fits side by side
    topic_map, top_words_figure, document_figure
                                 pictures
    doubts, report               what is not to be taken for a finding; everything on one HTML page
    perplexity                   of documents held out, per word, by one evaluator for fits and for any peer's phi
    smoothed                     a peer's counts as topics in which every word has a probability above zero
    mixtures                     which topics documents are of, new ones or those of the fit
    coherence                    whether the first words of a topic occur together

Each takes a fit, an array phi (K, V), or ``Topics``: phi with a vocabulary, a corpus and the documents' mixtures.
"""

from inference.analysis.topics.coherence import coherence
from inference.analysis.topics.doubts import doubts
from inference.analysis.topics.figures import document_figure, top_words_figure, topic_map
from inference.analysis.topics.held_out import Perplexity, perplexity, smoothed
from inference.analysis.topics.mixtures import mixtures
from inference.analysis.topics.parts import Topics, has_topics
from inference.analysis.topics.report import report
from inference.analysis.topics.similarity import matched, similarity
from inference.analysis.topics.words import overview, top_words, topic_sizes

__all__ = [
    "Perplexity",
    "Topics",
    "coherence",
    "document_figure",
    "doubts",
    "has_topics",
    "matched",
    "mixtures",
    "overview",
    "perplexity",
    "report",
    "similarity",
    "smoothed",
    "top_words",
    "top_words_figure",
    "topic_map",
    "topic_sizes",
]
