"""Closed-form EM for latent classes: the share of each class that answered yes, among those who answered.

The features of a respondent are 1, which items were answered, and which were answered yes; a missing answer adds
nothing to either sum, which is the exact likelihood of the answers given. Probabilities are kept ``MARGIN`` from 0 and
1, so that an answer that does not occur in a class has a small probability rather than none.
"""

KIND = "exponential_family"
MARGIN = 1e-9
