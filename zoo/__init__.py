"""Latent variable models as programs. One folder is one model; the folder is the registry.

``names()`` lists them, ``card(name)`` describes one without importing a backend, and
``load(name, backend="numpyro", K=3)`` gives the program. ``Model(program, backend=..., K=3)`` wraps
a program of your own.
"""

from zoo.cards import Card
from zoo.errors import MissingBackend, Refusal, ZooError
from zoo.programs import Model
from zoo.registry import BACKENDS, card, load, names

__all__ = ["BACKENDS", "Card", "MissingBackend", "Model", "Refusal", "ZooError", "card", "load", "names"]
