"""Disentanglement: how well each dimension of a code goes with one factor of the data.

    report(codes, factors)       every metric with its ceiling, floor and interval; ``report(fit, data, factors)``
    all_metrics()                the metrics by name, with their definitions, sources and invariances

Codes are arrays (N, Z), posteriors (mean, sd), or those of a fit with an encoder. ``metrics`` has one file for each
metric, ``learners`` the classifiers that they use, ``rows`` the codes and factors as metrics take them, ``inputs`` the
checks, ``measurement`` the call, ``record``, ``result``, ``tables`` and ``figures`` the display.
"""

from inference.analysis.disentanglement.measurement import report
from inference.analysis.disentanglement.metrics import Metric, MetricValues, all_metrics
from inference.analysis.disentanglement.record import Score
from inference.analysis.disentanglement.result import DisentanglementReport

__all__ = ["DisentanglementReport", "Metric", "MetricValues", "Score", "all_metrics", "report"]
