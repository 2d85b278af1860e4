"""Analysis of topic models: a fit of ``latent_dirichlet`` or ``prod_lda``, or topics of any other origin.

    overview                     a row for each topic: its share of the tokens and its first words
    top_words, topic_sizes       the words of each topic by weight or relevance; its share, with intervals of draws
    similarity, matched          how similar topics are; the topics of two fits in pairs
    topic_map, top_words_figure, document_figure
                                 figures
    warnings, report             problems of the topics and of the run; everything on one HTML page
    perplexity                   of held-out documents, per word, by one evaluator for topics of any origin
    smoothed                     topics of counts from another package, without probabilities of zero
    mixtures, document_table     the topic proportions of documents, new ones or those of the fit; by their ids
    coherence                    whether the first words of a topic occur together

Each function takes a fit, an array phi (K, V), or ``Topics``: phi with a vocabulary, a corpus and the topic
proportions of its documents.
"""

from inference.analysis.topics.checks import warnings
from inference.analysis.topics.coherence_measures import coherence
from inference.analysis.topics.distances import matched, similarity
from inference.analysis.topics.extraction import has_topics
from inference.analysis.topics.figures import document_figure, top_words_figure, topic_map
from inference.analysis.topics.held_out import Perplexity, perplexity, smoothed
from inference.analysis.topics.held_out.proportions import document_table, mixtures
from inference.analysis.topics.record import Topics
from inference.analysis.topics.report_page import report
from inference.analysis.topics.tables import overview, top_words, topic_sizes

__all__ = [
    "Perplexity",
    "Topics",
    "coherence",
    "document_figure",
    "document_table",
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
    "warnings",
]
