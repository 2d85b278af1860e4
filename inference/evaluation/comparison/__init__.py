"""Questions put to a Fit, or to several of one model: which of these posteriors may I trust?

``compare(fit, fit, ...)`` puts the labels of every draw in one order, holds each fit to its own checks and then to
the most trustworthy of them, and ends in a verdict in words; ``judge(fit)`` holds one fit to its own checks alone;
``calibrate(model, engine)`` asks whether an engine gives the posteriors of data that the model itself makes. All see
numpy only, and so serve every engine and both backends. ``held_out`` asks an amortised fit for log p(x), the ELBO and
its parts, and the gap between them, on rows it was not trained on. ``alignment`` undoes label switching;
``quantities`` names the numbers; ``evidence`` is what a fit says of itself, ``agreement`` how it stands to the
reference, ``verdict`` the rules; ``table``, ``figures`` and ``report`` show it all. A model may promise a picture of
its own,
``zoo/<model>/plot.py``: see ``figures``.
"""

from inference.evaluation.comparison.compute import compare, judge
from inference.evaluation.comparison.result import Comparison

__all__ = ["Comparison", "compare", "judge"]
