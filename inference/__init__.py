"""Engines, and what is done with their answers.

``fit(model, data, engine="em", seed=0, **options)`` gives a ``Fit``; ``refusals(model)`` says which engines
take a model and why others do not; ``compare(fit, fit, ...)`` says which posterior to trust;
``calibrate(model, engine)`` holds an engine to data simulated from the model;
``choose(model, data, Z=range(1, 6))`` picks a size, several criteria side by side; ``standard_errors(fit)``;
``held_out(fit, data)`` evaluates a fit with an encoder by ``log_marginal``, ``elbo_split`` and ``inference_gap``;
``load(folder)`` reads a saved fit.

An engine is a folder here whose ``__init__.py`` promises ``OPTIONS`` (names and defaults) and
``refuses(card, backend)`` (a reason, or None; pure and cheap), and whose ``in_<backend>.py`` has
``run(task) -> Answer``.
"""

from inference.choice import choose
from inference.criticism import calibrate, compare
from inference.criticism.held_out import elbo_split, held_out, inference_gap, log_marginal
from inference.em.errors import standard_errors
from inference.engines import refusals
from inference.fitting import fit
from inference.result import Fit
from inference.storage import load

__all__ = [
    "Fit",
    "calibrate",
    "choose",
    "compare",
    "elbo_split",
    "fit",
    "held_out",
    "inference_gap",
    "load",
    "log_marginal",
    "refusals",
    "standard_errors",
]
