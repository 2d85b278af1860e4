"""Comparison of fits of one model: which of their posteriors may be trusted.

``compare(fit, fit, ...)`` aligns the labels and axes of all draws, checks each fit by its own diagnostics and against
the most trustworthy fit, and gives a verdict on each; ``judge(fit)`` checks one fit by its own diagnostics. Both take
NumPy records, so they serve every engine and both backends.

``record`` holds the result as plain values, ``agreement`` the distances from the reference, ``verdict`` the rules and
``explanation`` their sentences; ``table``, ``figures`` and ``report`` display a record, ``result`` adds them to it as
methods. A model may bring a plot of its own, ``zoo/<model>/plot.py``: see ``figures``.
"""

from inference.evaluation.comparison.compute import compare, judge
from inference.evaluation.comparison.record import Verdict
from inference.evaluation.comparison.result import Comparison

__all__ = ["Comparison", "Verdict", "compare", "judge"]
