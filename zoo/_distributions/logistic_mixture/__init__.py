"""Pixels whose values 0, ..., levels - 1 have a mixture of discretised logistic distributions (Salimans et al. 2017).

Each ``in_<backend>.py`` provides ``LogisticMixture(logits, loc, scale, levels)`` over rows of D = P C numbers, P pixels
of C colours each, the colours of a pixel one after another, with

    P(x_p) = sum_m softmax(logits_p)_m prod_c DiscretisedLogistic(x_pc; loc_pcm, scale_pcm)

logits (..., P, M), loc and scale (..., P, C, M). The colours of a pixel are independent given its component m, and
dependent through it. A missing value (NaN) is left out of the product, which is exact where it is missing at random.
"""
