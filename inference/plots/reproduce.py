"""How a fit is made again: the calls, the command and the versions of the packages."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

import numpy as np

import zoo
from inference import engines
from inference.diagnostics import REWEIGHTED, Diagnostics, ImportanceDiagnostics
from inference.record import FitRecord
from zoo._backend import BACKENDS
from zoo.checks import equal_values

LONGEST_VALUE = 80  # characters; a longer keyword value is printed as "..."


def model_call(fit: FitRecord) -> str:
    """The call that loads the model of a fit."""
    constructor = f"zoo.load({fit.model.name!r}, " if fit.model.name in zoo.names() else f"zoo.Model({fit.model.name}, "
    return f"{constructor}{format_keywords({'backend': fit.model.backend, **fit.model.settings})})"


def fit_call(fit: FitRecord) -> str:
    """The call that made a fit, given ``model`` and ``data``, without options at their defaults."""
    if isinstance(fit.diagnostics, ImportanceDiagnostics):
        guide = replace(fit, engine=fit.engine.removesuffix(REWEIGHTED), diagnostics=Diagnostics())
        settings = {"num_draws": fit.stats["source"].size, "seed": fit.diagnostics.resampling_seed}
        return f"inference.reweight({fit_call(guide)}, {format_keywords(settings)})"
    if fit.engine not in engines.names():
        return f"...  # made elsewhere, by {fit.engine}"
    defaults = engines.get(fit.engine).options().as_dict()
    changed = {k: v for k, v in fit.options.items() if k not in defaults or not equal_values(v, defaults[k])}
    device = {"device": fit.device} if fit.device != "cpu" else {}
    dtype = {"dtype": fit.dtype} if fit.dtype else {}
    keywords = format_keywords({"seed": fit.seed, **device, **dtype, **changed})
    return f"inference.fit(model, data, {fit.engine!r}, {keywords})"


def format_keywords(values: Mapping[str, object]) -> str:
    """The keywords of a call; long values, such as arrays, are printed as "...".

    >>> format_keywords({"K": 2, "start": np.zeros(100)})
    'K=2, start=...'
    """
    texts = {k: repr(v.tolist() if isinstance(v, np.ndarray | np.generic) else v) for k, v in values.items()}
    return ", ".join(f"{k}={text if len(text) <= LONGEST_VALUE else '...'}" for k, text in texts.items())


def package_versions(backends: Iterable[str]) -> str:
    """The versions of Python and of the packages that fits in these backends use, in one sentence."""
    needed = [{"pyro": "pyro-ppl"}.get(p, p) for b in sorted(set(backends) & BACKENDS.keys()) for p in BACKENDS[b]]
    versions = [f"Python {platform.python_version()}"]
    for package in ["latent-zoo", *needed, "numpy", "arviz-stats"]:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue  # run from the source folder
    return ", ".join(versions) + "."
