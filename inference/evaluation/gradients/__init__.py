"""Bias and variance of the gradient estimators for discrete latents that a guide draws.

``gradient_report(model, data, at=fit)`` draws the gradient of the objective many times by each estimator, at the same
parameters and rows, and compares the mean with the gradient in which the discrete latents are summed out. What counts
in training is the variance at equal work: the variance of one gradient times the runs of the program that it takes.

``measuring`` is the call, ``setup`` what it needs of model, data and fit, ``assignments`` the sum over discrete
latents, ``moments`` the estimates of variances and biases, ``record``, ``result``, ``table``, ``figure`` and ``page``
the display. Each ``in_<backend>.py`` defines

    GradientSampler(problem)
        names, sizes                               of the parameters, in the order of a gradient as a vector
        choose(objective)                          the estimator of each drawn site, and the number of enumerated values
        draw(objective, batches, size, seed)       GradientDraws by the estimators of an objective
        discrete_latents()                         (DiscreteLatents or None, whether the guide has no other latents)
        enumerate(latents, batches, size, seed)    GradientDraws with the discrete latents summed out
"""

from inference.evaluation.gradients.measuring import gradient_report
from inference.evaluation.gradients.result import GradientReport

__all__ = ["GradientReport", "gradient_report"]
