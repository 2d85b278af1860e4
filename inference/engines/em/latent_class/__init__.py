"""Closed-form EM for latent classes: what each class answered, among those who answered.

The features of a respondent are 1, which items were answered, and which were answered yes; a missing answer adds
nothing to either sum, which is the exact likelihood of what was seen. Chances are kept ``EDGE`` from 0 and 1, so that
an answer nobody gave has a small probability and not none.
"""

EDGE = 1e-9
