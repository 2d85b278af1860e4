"""Latents with a given value: the settings ``fixed_<latent>`` of a model, for the latents that its card names."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.cards import FIXED, Card
from zoo.errors import ZooError
from zoo.sites import Site
from zoo.types import Keywords


def read_fixed(card: Card, settings: Keywords) -> dict[str, Any]:
    """The settings with fixed values as arrays in 64 bits, and with the sizes that their shapes tell.

    Raises ZooError for a latent that the model does not have under the settings, and for a value that it cannot have.
    """
    settings, sites = dict(settings), card.fixed_sites(settings)
    for name, given in card.fixed_values(settings).items():
        if name not in sites:
            chosen = ", ".join(f"{k}={v!r}" for k, v in card.variant(settings).items())
            raise ZooError(f"{FIXED}{name} is given, but {card.name} with {chosen} has no {name}: leave it out")
        value = settings[FIXED + name] = read_value(name, given, sites[name], name in card.fixable_at_zero)
        for letter, size in zip(sites[name].dims, value.shape, strict=False):
            if settings.setdefault(letter, size) != size:
                raise ZooError(f"{letter}={settings[letter]} but {FIXED}{name} has {letter}={size}: they must agree")
    return settings


def read_value(name: str, given: object, site: Site, may_be_zero: bool) -> np.ndarray:
    """The value of one latent; a number stands for a vector of equal numbers. Raises ZooError."""
    try:
        value = np.asarray(given, float)
    except (TypeError, ValueError):
        raise ZooError(f"{FIXED}{name} has numbers, [{' '.join(site.dims)}]; given {given!r:.60}") from None
    if value.ndim != len(site.dims) and not (value.ndim == 0 and len(site.dims) == 1):
        raise ZooError(f"{FIXED}{name} is an array [{' '.join(site.dims)}]; given the shape {value.shape}")
    if not np.isfinite(value).all():
        raise ZooError(f"{FIXED}{name} must be finite: it has NaN or infinite values")
    if site.kind == "positive" and ((value < 0).any() or ((value == 0).any() and not may_be_zero)):
        allowed = "0 or more" if may_be_zero else "above 0"
        raise ZooError(f"{FIXED}{name} must be {allowed}: its least value is {value.min():g}")
    return value


def expand_fixed(card: Card, keywords: Keywords) -> dict[str, Any]:
    """All keywords of a program, with fixed values in the shapes of their latents; raises ZooError for other sizes."""
    expanded = dict(keywords)
    for name, site in card.fixed_sites(keywords).items():
        value, shape = np.asarray(keywords[FIXED + name], float), site.shape(keywords)
        if value.ndim and value.shape != shape:
            raise ZooError(
                f"{FIXED}{name} is an array [{' '.join(site.dims)}] = {shape}; given the shape {value.shape}"
            )
        expanded[FIXED + name] = np.broadcast_to(value, shape).copy()
    return expanded
