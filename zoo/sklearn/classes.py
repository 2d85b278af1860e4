"""The class of each model, made from its card: bases by the kind of its latents, parameters by its program."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from inference import engines
from zoo import registry
from zoo.cards import Card
from zoo.sklearn.estimator import LatentVariableEstimator
from zoo.sklearn.kinds import FactorEstimator, MixtureEstimator, TopicEstimator

ABBREVIATIONS = {"pca": "PCA"}  # written in capitals in the name of a class
FIT_OPTIONS = ("sample_weight",)  # options of engines that are arguments of ``fit``
DEFAULT_BACKEND = "numpyro"


class Parameter(NamedTuple):
    """A parameter of an estimator."""

    name: str
    default: Any
    text: str


def class_names() -> dict[str, str]:
    """The model of each class, by the name of the class."""
    return {class_name(n): n for n, card in registry.cards()[0].items() if kinds_of(card)}


def class_name(model: str) -> str:
    """The name of the class of a model.

    >>> class_name("gaussian_mixture"), class_name("bayesian_pca")
    ('GaussianMixture', 'BayesianPCA')
    """
    return "".join(ABBREVIATIONS.get(word, word.capitalize()) for word in model.split("_"))


def kinds_of(card: Card) -> tuple[type[LatentVariableEstimator], ...]:
    """The bases of the class of a model; empty where it is no estimator, as where it has networks."""
    if card.networks or card.learned or card.sampled or len(card.observed) != 1 or DEFAULT_BACKEND in card.absent:
        return ()
    if card.topics:
        return (TopicEstimator,)
    sites = card.sites()
    if any("N" not in sites[name].dims[:1] or len(sites[name].dims) > 2 for name in card.observed):
        return ()
    kinds: list[type[LatentVariableEstimator]] = []
    if card.linear:
        kinds.append(FactorEstimator)
    if len(card.enumerated) == 1 and sites[card.enumerated[0]].dims == ("N",) and "K" in card.sizes:
        kinds.append(MixtureEstimator)
    return tuple(kinds)


def make_class(model: str) -> type[LatentVariableEstimator]:
    """The class of a model of the zoo."""
    card = registry.card(model)
    settings, options = list(settings_of(card)), list(engine_options_of(card))
    parameters = [*settings, *common_parameters(card), *options]
    namespace = {
        "__init__": make_init(parameters),
        "__doc__": describe(card, parameters),
        "__module__": __package__,
        "_card": card,
        "_settings": tuple(p.name for p in settings),
        "_engine_options": {p.name: p.default for p in options},
    }
    return type(class_name(model), kinds_of(card), namespace)


def settings_of(card: Card) -> Iterator[Parameter]:
    """The keywords of the program, apart from the sizes of the data."""
    sites = card.sites()
    data_sizes = {letter for name in card.observed for letter in sites[name].dims} | ({"V"} if card.of_words else set())
    for name, default in registry.program_keywords(card.name).items():
        if name in data_sizes:
            continue
        if name in card.variants:
            words = list(card.variants[name])
            yield Parameter(name, words[0], f"One of {', '.join(map(str, words))}.")
        elif name in card.empirical:
            yield Parameter(name, None, "Hyperparameter of a prior; by default from the data.")
        elif len(name) == 1 and name.isupper():
            yield Parameter(name, card.sizes[name] if default is None else ast.literal_eval(default), "Size.")
        else:
            yield Parameter(name, None if default is None else ast.literal_eval(default), "Setting of the program.")


def common_parameters(card: Card) -> Iterator[Parameter]:
    """The parameters that every class has."""
    engine = engines.supported_engines(card, DEFAULT_BACKEND)[0]
    yield Parameter("backend", DEFAULT_BACKEND, '"numpyro" or "pyro".')
    yield Parameter("engine", engine, f"One of {', '.join(engines.supported_engines(card, DEFAULT_BACKEND))}.")
    yield Parameter("options", None, f"Further options of an engine other than {engine}, a dict.")
    yield Parameter("random_state", None, "Seed of everything random: a number, a RandomState, or None for a new seed.")


def engine_options_of(card: Card) -> Iterator[Parameter]:
    """The options of the first engine that supports the model."""
    engine = engines.get(engines.supported_engines(card, DEFAULT_BACKEND)[0])
    for option in engine.default_options(card).described():
        if option.name not in FIT_OPTIONS:
            text = f"{option.help[:1].upper()}{option.help[1:]}: {option.allowed}."
            yield Parameter(option.name, option.default, f"Option of {engine.name}. {text}")


def make_init(parameters: list[Parameter]) -> Callable[..., None]:
    """A constructor that stores its arguments, with the signature that scikit-learn reads."""
    defaults = {p.name: p.default for p in parameters}

    def __init__(self: LatentVariableEstimator, **given: Any) -> None:
        if unknown := given.keys() - defaults.keys():
            known = ", ".join(defaults)
            raise TypeError(f"{type(self).__name__} has no parameter {min(unknown)!r}; known: {known}")
        for name, default in defaults.items():
            setattr(self, name, given.get(name, default))

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    keywords = [inspect.Parameter(p.name, inspect.Parameter.KEYWORD_ONLY, default=p.default) for p in parameters]
    __init__.__signature__ = inspect.Signature([own, *keywords])  # type: ignore[attr-defined]
    return __init__


def describe(card: Card, parameters: list[Parameter]) -> str:
    """The docstring of a class: the story of the model, and its parameters."""
    lines = [f"{p.name} : default {p.default!r}\n    {p.text}" for p in parameters]
    return f"{card.story}\n\nParameters\n----------\n" + "\n".join(lines)
