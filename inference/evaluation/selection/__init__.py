"""Which size: a fit at each of a range of K or Z, and the criteria to choose by, laid side by side.

    log_likelihood, parameters   at the maximum, and how many numbers the likelihood leaves free (rotations are not)
    bic, icl, aic                as ``inference.em`` reports them; icl where rows have labels          smaller is better
    laplace                      log evidence of probabilistic PCA, the rows complete (``laplace``)    larger is better
    cv                           log p of rows held out, nats a row, where asked for (``held_out``)    larger is better
    cv, perplexity               of topic models: of documents held out, nats a token (``documents``)  larger is better
    ard                          how many dimensions Bayesian PCA keeps, given the most (``ard``)      no table: one fit

A criterion that cannot be had is NaN in the table, and ``Choice.notes`` says why. They ask different questions. BIC and
the evidence want the size that made the rows, and find it as rows grow many; AIC and cross-validation the size that
predicts best, and take more; ICL the number of clusters and not of bumps.
"""

from inference.evaluation.selection.choosing import choose
from inference.evaluation.selection.result import CRITERIA, Choice

__all__ = ["CRITERIA", "Choice", "choose"]
