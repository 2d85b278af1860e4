"""Closed-form M-steps: the ``em`` hooks of models.

A hook (``zoo.hooks``: a folder here named like the model, or ``em/`` beside the model) is of one of five kinds:

    "exponential_family"  a mixture: ``in_<backend>.py`` fulfils ``ExponentialFamilyHook``
    "chain"               a hidden Markov model: ``__init__.py`` fulfils ``ChainHook``, for all backends
    "linear_gaussian"     a model whose card has ``linear``: ``__init__.py`` fulfils ``LinearGaussianForm``, for all
                          backends
    "linear_chain"        a model whose card has ``linear_chain``: ``__init__.py`` fulfils ``LinearChainForm``, for all
                          backends
    "variational"         the E-step is the best member of a family rather than the posterior: ``__init__.py`` fulfils
                          ``VariationalForm``, all of the engine for that model, with options of its own

``__init__.py`` declares the kind as ``KIND``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Literal, Protocol, cast, get_args

import numpy as np

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.em.chain import ChainForm
from inference.engines.em.exponential_family import Form
from inference.engines.em.linear_chain import ChainMoments
from inference.engines.em.linear_gaussian import NoiseType, Prior
from inference.engines.em.options import PreparedOptions
from inference.engines.options import EngineOptions
from zoo import Card, Model, ZooError
from zoo._backend import in_backend
from zoo.hooks import find_hook
from zoo.linear import Linear
from zoo.types import BackendParams, Keywords

HOME = "inference.engines.em"
Params = Mapping[str, np.ndarray]
HookKind = Literal["exponential_family", "chain", "linear_gaussian", "linear_chain", "variational"]


class ExponentialFamilyHook(Protocol):
    """The closed form of a mixture in one backend."""

    def form(self, data: BackendParams, keywords: Keywords, options: PreparedOptions) -> Form:
        """The mixture as an exponential family, for data by site in arrays of the backend."""
        ...


class ChainHook(Protocol):
    """The closed form of a hidden Markov model, in NumPy."""

    def form(self, keywords: Keywords, options: PreparedOptions) -> ChainForm:
        """The closed form under the settings."""
        ...


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


class LinearChainForm(Protocol):
    """What ``linear_chain`` needs of a model, in NumPy."""

    def units(self, keywords: Keywords) -> dict[str, np.ndarray]:
        """The unit of parameters that are in those of the columns and may be negative."""
        ...

    def least(self, keywords: Keywords, floor: float) -> dict[str, np.ndarray]:
        """The least value of each positive parameter; floor: of a variance, in squares of the columns' units."""
        ...

    def start(
        self, x: np.ndarray, weights: np.ndarray, keywords: Keywords, random: np.random.Generator | None
    ) -> dict[str, np.ndarray]:
        """Where EM begins, varied at random where ``random`` is given; x (N, T, D)."""
        ...

    def maximise(
        self, moments: ChainMoments, params: dict[str, np.ndarray], keywords: Keywords, is_map: bool, floor: float
    ) -> dict[str, np.ndarray]:
        """The M-step from the given parameters; floor: of a variance, in squares of the columns' units."""
        ...

    def score(
        self, moments: ChainMoments, params: dict[str, np.ndarray], keywords: Keywords, is_map: bool
    ) -> dict[str, np.ndarray]:
        """The derivative of the objective with respect to each parameter, or the log of a positive one."""
        ...

    def canonical(self, params: dict[str, np.ndarray], keywords: Keywords) -> dict[str, np.ndarray]:
        """The same likelihood, with the latents on axes of their own."""
        ...

    def num_parameters(self, keywords: Keywords) -> int:
        """How many numbers the likelihood determines."""
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


def load_hook(card: Card, kind: HookKind) -> ModuleType | None:
    """The hook of a model, or None where it has none of this kind; raises ZooError where the hook declares no kind."""
    name = find_hook(card.package, "em", home=HOME)
    if name is None:
        return None
    hook, kinds = importlib.import_module(name), get_args(HookKind)
    declared = getattr(hook, "KIND", None)
    if declared not in kinds:
        raise ZooError(f"{name} has KIND = {declared!r}: set it to one of {', '.join(map(repr, kinds))}")
    for kind_of_card, function in (("linear_gaussian", "linear"), ("linear_chain", "linear_chain")):
        if declared == kind_of_card and not getattr(card, function):
            raise ZooError(
                f"{name} has KIND = {declared!r}, and the card of {card.name} has no {function}: give it one"
            )
    return hook if declared == kind else None


def variational_form(card: Card) -> VariationalForm | None:
    """The variational EM of a model, or None where it has none."""
    return cast("VariationalForm | None", load_hook(card, "variational"))


def linear_gaussian_form(model: Model) -> LinearGaussianForm | None:
    """The closed form of a linear-Gaussian model, or None where it has none."""
    return cast("LinearGaussianForm | None", load_hook(model.card, "linear_gaussian"))


def linear_chain_form(model: Model) -> LinearChainForm | None:
    """The closed form of a linear-Gaussian chain, or None where it has none."""
    return cast("LinearChainForm | None", load_hook(model.card, "linear_chain"))


def exponential_family_form(model: Model) -> ExponentialFamilyHook | None:
    """The closed form of a mixture in the model's backend, or None where it has none."""
    hook = load_hook(model.card, "exponential_family")
    return cast(ExponentialFamilyHook, in_backend(hook.__name__, model.backend)) if hook else None


def chain_form(model: Model) -> ChainHook | None:
    """The closed form of a hidden Markov model, or None where it has none."""
    return cast("ChainHook | None", load_hook(model.card, "chain"))
