"""Closed-form M-steps: the ``em`` hooks of models.

A hook (``zoo.hooks``: a folder here named like the model, or ``em/`` beside the model) is of one of three kinds:

- ``in_<backend>.py`` with ``form(data, keywords, options)``, a ``Form`` of ``exponential_family``;
- for a model whose card has ``linear``, an ``__init__.py`` that fulfils ``LinearGaussianForm``, for all backends;
- where the E-step is the best member of a family rather than the posterior, an ``__init__.py`` that fulfils
  ``VariationalForm``: all of the engine for that model, with options of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Protocol, cast

import numpy as np

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.em.linear_gaussian import NoiseType, Prior
from inference.engines.em.options import PreparedOptions
from inference.engines.options import EngineOptions
from zoo import Card, Model
from zoo._backend import in_backend
from zoo.hooks import find_hook
from zoo.linear import Linear
from zoo.types import Keywords

HOME = "inference.engines.em"
Params = Mapping[str, np.ndarray]


class LinearGaussianForm(Protocol):
    """What ``linear_gaussian`` needs of a model, with arrays as in ``zoo.linear``."""

    def noise_type(self, keywords: Keywords) -> NoiseType:
        """Whether the noise is one for each column and component, for each column, or one for all."""
        ...

    def prior(self, keywords: Keywords, params: Params) -> Prior:
        """The conjugate priors of W, mu and Psi; ``params`` has the hyperparameters, in the units of the data."""
        ...

    def hyperparameters(self, linear: Linear, keywords: Keywords) -> dict[str, np.ndarray]:
        """The mode of the learned hyperparameters given the other parameters, {} where there are none."""
        ...

    def to_params(self, linear: Linear, keywords: Keywords) -> dict[str, np.ndarray]:
        """The other parameters of the card from those of K components: the inverse of ``card.linear``."""
        ...

    def log_prior(self, params: Params, keywords: Keywords) -> float:
        """log p of all parameters, in nats."""
        ...


class VariationalForm(Protocol):
    """Variational EM of one model.

    ``initial_values(request, seed)`` returns the latents, those of the rows too, at which other engines may begin.
    """

    Options: type[EngineOptions]

    def initial_values(self, request: FitRequest[EngineOptions], seed: int) -> dict[str, np.ndarray]: ...
    def run(self, request: FitRequest[EngineOptions]) -> EngineResult: ...


def _hook(package: str) -> ModuleType | None:
    name = find_hook(package, "em", home=HOME)
    return importlib.import_module(name) if name else None


def variational_form(card: Card) -> VariationalForm | None:
    """The variational EM of a model, or None where it has none."""
    hook = _hook(card.package)
    return cast(VariationalForm, hook) if hasattr(hook, "run") else None


def linear_gaussian_form(model: Model) -> LinearGaussianForm | None:
    """The closed form of a linear-Gaussian model, or None where it has none."""
    return cast("LinearGaussianForm | None", _hook(model.package)) if model.card.linear else None


def exponential_family_form(model: Model) -> Any:
    """The backend's module with ``form(data, keywords, options)``, or None where the model has none."""
    hook = _hook(model.package)
    if hook is None or model.card.linear or hasattr(hook, "run"):
        return None
    return in_backend(hook.__name__, model.backend)


def check(model: Model, params: Params, keywords: Keywords, options: PreparedOptions) -> None:
    """Raise ZooError where the model's closed form finds a component that collapsed."""
    collapsed = getattr(_hook(model.package), "check", None)
    if collapsed:
        collapsed(params, keywords, options)
