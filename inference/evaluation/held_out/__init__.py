"""Evaluation of an amortised fit on rows that it was not trained on.

    log_marginal(fit, data)     log p(x_n) by importance sampling, with its errors
    elbo_split(fit, data)       the ELBO as reconstruction less KL, the KL of each latent dimension, active units
    inference_gap(fit, data)    log p(x) - ELBO, divided into the loss by the encoder and by the family of the guide
    held_out(fit, data)         all of these, as one table

The ELBOs of two models do not show which model is better, as each is below log p(x) by a gap of its own. The estimate
by importance sampling is below log p(x) in expectation too, but by less than its errors where the guide covers the
posterior. Few effective draws show that it does not; many do not show that it does, as a guide that is far too narrow
never draws from the rest of the posterior. Therefore ``held_out`` estimates log p(x) of some rows again from refined
codes, and reports where that is significantly higher.

Everything is in nats per example, or in bits per dimension where the name says so. Rows are those that the fit held out
unless given, and where it held out none those that it was trained on, which the result states. Of ``Intensities`` one
draw is evaluated, by ``seed``, which also determines every other draw. An observed label is part of its row: the
estimate is then of log p(x_n, label_n).
"""

from inference.evaluation.held_out.gap import Gap, InferenceGap, inference_gap
from inference.evaluation.held_out.marginal import LogMarginal, log_marginal
from inference.evaluation.held_out.report import HeldOut, held_out
from inference.evaluation.held_out.split import ElboSplit, elbo_split

__all__ = [
    "ElboSplit",
    "Gap",
    "HeldOut",
    "InferenceGap",
    "LogMarginal",
    "elbo_split",
    "held_out",
    "inference_gap",
    "log_marginal",
]
