"""Inference: engines that fit a model, and the questions asked of their fits.

``fit(model, data, engine="em", seed=0, **options)`` returns a ``Fit``; for a program of the user's own, ``fit(model,
*args, engine="nuts", **kwargs)`` takes the arguments of the program; ``refusals(model)`` tells which engines support a
model, or a program read by ``zoo.read``, and why others do not; ``compare(fit, fit, ...)`` tells which posterior to
trust, ``judge(fit)`` whether one may be trusted; ``reweight(fit)`` resamples a guide by importance weights;
``compare_models(fit, fit, ...)``, of different models, which predicts best, by ``loo(fit)``; ``leave_future_out(fit)``
predicts later steps of sequences; ``loo_pit(fit)`` tells where values lie in predictive distributions;
``predictive_check(fit)`` compares data drawn from the model with the data; ``sensitivity(fit)`` scales prior and
likelihood; ``calibrate(model, engine)`` tests an engine on data simulated from the model, or given data;
``choose(model, data, Z=range(1, 6))`` selects a size by several criteria; ``standard_errors(fit)``; ``held_out(fit,
data)`` evaluates a fit with an encoder by ``log_marginal``, ``elbo_split`` and ``inference_gap``;
``gradient_report(model, data)`` measures bias and variance of gradient estimators for discrete
latents, which ``estimator(name, **settings)`` makes;
``penalty(name, **settings)`` makes an objective that penalises the codes of an encoder;
``shared(posterior, encoder)`` is a guide that reads the program's own features, in one run with it; ``load(folder)``
reads a saved fit; ``from_mcmc``, ``from_svi`` and ``from_arviz`` read fits that were made elsewhere.

``classes``, ``factors``, ``topics``, ``latents`` and ``sequences`` are questions to one kind of model,
``disentanglement`` to any codes, and ``fairness`` to codes with a sensitive attribute; ``enumeration`` and ``gaussian``
are exact inference. Everything is imported when it is first used.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guides import shared
    from inference.analysis import classes as classes
    from inference.analysis import disentanglement as disentanglement
    from inference.analysis import factors as factors
    from inference.analysis import fairness as fairness
    from inference.analysis import latents as latents
    from inference.analysis import sequences as sequences
    from inference.analysis import topics as topics
    from inference.engines import refusals
    from inference.evaluation.calibration import calibrate
    from inference.evaluation.comparison import compare, judge
    from inference.evaluation.gradients import gradient_report
    from inference.evaluation.held_out import elbo_split, held_out, inference_gap, log_marginal
    from inference.evaluation.leave_one_out import compare_models, leave_future_out, loo, loo_pit
    from inference.evaluation.predictive_checks import predictive_check
    from inference.evaluation.reweighting import reweight
    from inference.evaluation.selection import choose
    from inference.evaluation.sensitivity import sensitivity
    from inference.evaluation.standard_errors import standard_errors
    from inference.exact import enumeration as enumeration
    from inference.exact import gaussian as gaussian
    from inference.external import from_arviz, from_mcmc, from_svi
    from inference.fitting import fit
    from inference.objectives.estimators import estimator
    from inference.objectives.penalties import penalty
    from inference.result import Fit, load

__all__ = [
    "Fit",
    "calibrate",
    "choose",
    "compare",
    "compare_models",
    "elbo_split",
    "estimator",
    "fit",
    "from_arviz",
    "from_mcmc",
    "from_svi",
    "gradient_report",
    "held_out",
    "inference_gap",
    "judge",
    "leave_future_out",
    "load",
    "log_marginal",
    "loo",
    "loo_pit",
    "penalty",
    "predictive_check",
    "refusals",
    "reweight",
    "sensitivity",
    "shared",
    "standard_errors",
]

_FUNCTIONS = {  # public name -> the module that defines it
    "Fit": "inference.result",
    "calibrate": "inference.evaluation.calibration",
    "choose": "inference.evaluation.selection",
    "compare": "inference.evaluation.comparison",
    "compare_models": "inference.evaluation.leave_one_out",
    "judge": "inference.evaluation.comparison",
    "leave_future_out": "inference.evaluation.leave_one_out",
    "loo": "inference.evaluation.leave_one_out",
    "loo_pit": "inference.evaluation.leave_one_out",
    "predictive_check": "inference.evaluation.predictive_checks",
    "sensitivity": "inference.evaluation.sensitivity",
    "elbo_split": "inference.evaluation.held_out",
    "estimator": "inference.objectives.estimators",
    "fit": "inference.fitting",
    "from_arviz": "inference.external",
    "from_mcmc": "inference.external",
    "from_svi": "inference.external",
    "gradient_report": "inference.evaluation.gradients",
    "held_out": "inference.evaluation.held_out",
    "inference_gap": "inference.evaluation.held_out",
    "load": "inference.result",
    "log_marginal": "inference.evaluation.held_out",
    "penalty": "inference.objectives.penalties",
    "refusals": "inference.engines",
    "reweight": "inference.evaluation.reweighting",
    "shared": "guides",
    "standard_errors": "inference.evaluation.standard_errors",
}
_MODULES = {
    "classes": "inference.analysis.classes",
    "disentanglement": "inference.analysis.disentanglement",
    "enumeration": "inference.exact.enumeration",
    "factors": "inference.analysis.factors",
    "fairness": "inference.analysis.fairness",
    "gaussian": "inference.exact.gaussian",
    "latents": "inference.analysis.latents",
    "sequences": "inference.analysis.sequences",
    "topics": "inference.analysis.topics",
}


def __getattr__(name: str) -> Any:
    if name == "autoencoding":
        warnings.warn("inference.autoencoding is now inference.latents", FutureWarning, stacklevel=2)
        name = "latents"
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(_FUNCTIONS[name]), name)
    raise AttributeError(f"module 'inference' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_FUNCTIONS, *_MODULES])
