"""Distributions of words, in which a document may end before its last position, and may be given as counts.

Tokens are words from 0 up, float, NaN after the end of the document. Pairs (..., L, 2) are a document's distinct words
and how often each occurs, whole numbers, of which those with count 0 fill the row; they say the same but for the order,
on which no model of exchangeable words depends. Each ``in_<backend>.py`` promises

    Word(probs)                  one position: a categorical distribution in which NaN is certain
    Topics(theta, phi, T, w)     a document of independent tokens with p(w) = sum_k theta_k phi_kw
    Words(logits, T, w)          a document of independent tokens with p(w) = softmax(logits)_w
    as_tokens(w, T), as_pairs(w), as_bag(w, V)   either form as the one that is wanted, or as V counts

Draws are T tokens; ``w`` is the data, whose form values have, or None. Densities are those of sequences of tokens: no
multinomial coefficient counts the orders. ``Topics`` looks at the entries of a block of documents at a time, forwards
and again backwards, so that memory grows with the entries of the count matrix (documents padded to the one with most
distinct words) and not with entries times topics.
"""

BLOCK = 1 << 21  # numbers that a block of documents may need at a time
