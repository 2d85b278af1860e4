"""Selection of a size: a fit at each of a range of K or Z, and the criteria for choosing among them.

    log_likelihood, parameters   at the maximum, and the number of free parameters (rotations are not counted)
    bic, sabic, caic, icl, aic   as ``em`` reports them; icl where rows have labels                   smaller is better
    laplace                      log evidence of probabilistic PCA, the rows complete (``laplace``)   larger is better
    blrt                         p of the test against the size below (``likelihood_ratio``)          5% is the level
    cv                           log p of held-out rows, nats a row (``cross_validation``)            larger is better
    cv, perplexity               of topic models: of held-out documents, nats a token                 larger is better
    ard                          the dimensions that Bayesian PCA keeps (``ard``)                     no column: one fit

A criterion that cannot be computed is NaN in the table; ``Choice.unavailable`` gives the reason. The criteria answer
different questions. BIC and the evidence estimate the size that generated the rows, and are consistent; AIC and
cross-validation estimate the size that predicts best, which is larger; ICL the number of clusters rather than of
mixture components. SABIC penalises a parameter less than BIC, and CAIC more. BLRT tests sizes one after the other.
"""

from inference.evaluation.selection.choosing import choose
from inference.evaluation.selection.record import CRITERIA
from inference.evaluation.selection.result import Choice

__all__ = ["CRITERIA", "Choice", "choose"]
