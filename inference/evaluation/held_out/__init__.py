"""How good an amortised fit is on rows that it was not trained on, by numbers that do not flatter.

    log_marginal(fit, data)     log p(x_n) by importance sampling, with its errors
    elbo_split(fit, data)       the ELBO as reconstruction less KL, the KL of each latent dimension, active units
    inference_gap(fit, data)    log p(x) - ELBO, divided into what the encoder and what the family of the guide loses
    held_out(fit, data)         all of these, which print as one table

The ELBO of two models cannot say which of them is better, for each is short of log p(x) by a gap of its own. The
estimate by importance sampling is below log p(x) on average too, but by less than its errors where the guide covers the
posterior. Few effective draws show that it does not; many do not show that it does, for a guide that is far too sure of
itself draws the same again and again. Therefore ``held_out`` estimates log p(x) of some rows once more from codes that
were made better, and says where that is surely higher.
Everything is in nats per example, or in bits per dimension where the name says so. Rows are those that the fit held out
unless given, and where it held out none those that it was trained on, which is said. Of ``Intensities`` one draw is
looked at, by ``seed``, which also decides every other draw. A label that is there belongs to its row: what is estimated
then is log p(x_n, label_n).
"""

from inference.evaluation.held_out.gap import InferenceGap, inference_gap
from inference.evaluation.held_out.marginal import LogMarginal, log_marginal
from inference.evaluation.held_out.report import HeldOut, held_out
from inference.evaluation.held_out.split import ElboSplit, elbo_split

__all__ = [
    "ElboSplit",
    "HeldOut",
    "InferenceGap",
    "LogMarginal",
    "elbo_split",
    "held_out",
    "inference_gap",
    "log_marginal",
]
