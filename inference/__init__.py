"""Engines, and what is done with their answers.

``fit(model, data, engine="em", seed=0, **options)`` gives a ``Fit``; ``refusals(model)`` says which engines
take a model and why others do not; ``compare(fit, fit, ...)`` says which posterior to trust;
``calibrate(model, engine)`` holds an engine to data simulated from the model;
``choose(model, data, Z=range(1, 6))`` picks a size, several criteria side by side; ``standard_errors(fit)``;
``load(folder)`` reads a saved fit.

An engine is a folder here whose ``__init__.py`` promises ``OPTIONS`` (names and defaults) and
``refuses(card, backend)`` (a reason, or None; pure and cheap), and whose ``in_<backend>.py`` has
``run(task) -> Answer``.
"""

from inference.choice import choose
from inference.criticism import calibrate, compare
from inference.em.errors import standard_errors
from inference.engines import refusals
from inference.fitting import fit
from inference.result import Fit
from inference.storage import load

__all__ = ["Fit", "calibrate", "choose", "compare", "fit", "load", "refusals", "standard_errors"]
