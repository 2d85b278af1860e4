"""Fairness of predictions from codes: what they show of a sensitive attribute, and how groups are treated.

    report(codes, sensitive=a, target=y, coordinates=(0,))        for arrays: codes (N, Z), a (N,), y (N,)
    report(fit, data, sensitive=a, target=y, coordinates=(0,))    for the means of the codes of a fit with an encoder

A report compares all codes with the other coordinates, those that are not named in ``coordinates``: how well the
sensitive attribute is predicted, beside chance; and of a predictor of the target demographic parity, equal opportunity
and accuracy. Predictors are a logistic regression and boosted trees, and each row is predicted by a predictor that was
trained without it.

``inputs`` checks and encodes the arrays, ``prediction`` cross-fits the predictors, ``measures`` computes the numbers
and their bootstrap intervals, ``record``, ``tables``, ``charts`` and ``result`` display them.
"""

from inference.analysis.fairness.record import CodeMeasures, Estimate, PredictorMeasures
from inference.analysis.fairness.result import FairnessReport, report

__all__ = ["CodeMeasures", "Estimate", "FairnessReport", "PredictorMeasures", "report"]
