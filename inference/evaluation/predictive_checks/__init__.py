"""Predictive checks: whether data drawn again from a model looks like the data that it was fitted to.

``predictive_check(fit)`` draws data at the posterior, or from the prior, and compares statistics of it with those of
the data (Rubin 1984; Gelman, Meng and Stern 1996, "Posterior predictive assessment of model fitness"). A file
``statistics.py`` has the statistics for each kind of data.
"""

from inference.evaluation.predictive_checks.checking import predictive_check
from inference.evaluation.predictive_checks.record import PredictiveCheck

__all__ = ["PredictiveCheck", "predictive_check"]
