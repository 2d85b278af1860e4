"""Distributions of words, where a document may end before its last position, and may be counts or tokens.

Tokens are words from 0 up, float, NaN after the end of the document. Pairs (..., L, 2) are a document's distinct words
and their counts, integers, of which those with count 0 fill the row; they hold the same information but for the order,
on which no model of exchangeable words depends. Each ``in_<backend>.py`` provides

    Word(probs)                  one position: a categorical distribution in which NaN is certain
    Topics(theta, phi, T, w)     a document of independent tokens with p(w) = sum_k theta_k phi_kw
    Words(logits, T, w)          a document of independent tokens with p(w) = softmax(logits)_w
    to_tokens(w, T), to_pairs(w), to_counts(w, V)   conversions of either form to tokens, pairs, or V counts

Draws are T tokens; ``w`` is the data, which decides the form of values, or None. Densities are those of sequences of
tokens, without the multinomial coefficient. ``Topics`` processes the entries of a block of documents at a time, in both
the forward and the backward pass, so that memory grows with the entries of the count matrix (documents padded to
the one with most distinct words) and not with entries times topics.
"""

BLOCK = 1 << 21  # numbers that a block of documents may need at a time
