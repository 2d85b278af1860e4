"""The card: what a person may know about a model without running a backend."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.linear import Linear

KINDS = {
    "real": "any finite number",
    "positive": "a number above zero",
    "unit": "a number between 0 and 1",
    "simplex": "numbers above zero that sum to one",
    "precision": "a symmetric positive definite matrix",
    "binary": "0 or 1",
    "count": "a whole number from 0 up",
    "category": "a label from 0 up",
    "word": "a word of the vocabulary, by its number from 0 up",
}
EVENT_DIMS = {"simplex": 1, "precision": 2}  # how many trailing dimensions are one value
OF_ROWS = ("N", "T")  # letters that are the rows' own: new rows bring others along
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Site:
    """One line of a card: a kind of value and the letters of its dimensions.

    >>> Site.parse("real [K D]")
    Site(kind='real', dims=('K', 'D'))
    """

    kind: str
    dims: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Site:
        """Read ``"kind [A B]"``; raises ZooError where the line says anything else."""
        match = re.fullmatch(r"(\w+)(?: \[((?:[A-Z] ?)*)\])?", text.strip())
        if not match or match[1] not in KINDS:
            kinds = ", ".join(KINDS)
            raise ZooError(f"a site reads 'kind [A B]' with kind one of {kinds}; given {text!r}")
        return cls(match[1], tuple((match[2] or "").split()))

    def shape(self, sizes: Mapping[str, Any]) -> tuple[int, ...]:
        """The shape of the site's value, given the size of each letter."""
        return tuple(int(sizes[letter]) for letter in self.dims)

    def __str__(self) -> str:
        return f"{self.kind} [{' '.join(self.dims)}]" if self.dims else self.kind


@dataclass(frozen=True)
class Derived:
    """A quantity that is a function of latents: reported beside them, or in the place of its one source.

    ``function(*values, site)`` maps the sources, numpy over any leading dimensions, to the quantity; ``site`` is the
    first source's line of the card. ``line``: the quantity's own line, as in ``"unit [D]"``; without one it has the
    dimensions of its source, and takes its place.
    """

    sources: tuple[str, ...]
    function: Callable[..., np.ndarray]
    line: str | None = None


@dataclass(frozen=True)
class Card:
    """What code cannot tell about a model; the tests hold every line against a trace.

    latents, observed: ``{"mu": "real [K D]"}``; letters as in ARCHITECTURE.md.
    enumerated: the discrete latents that engines sum out.
    sizes: default size of each letter, for simulation and tests.
    variants: for a keyword, its allowed words and the lines that differ under each; the first is the default.
    priors: ``priors(data, settings) -> keywords``: weakly informative hyperparameters computed from numpy data.
    empirical: the keywords that ``priors`` computes, under some variant.
    check: ``check(keywords)`` raises ZooError for keywords, all of them there, that no program can have.
    derived: quantities reported beside latents, or in place of one.
    hyper: latents which the rows know through the priors of others alone: the likelihood does not depend on them.
    symmetries: for a letter other than K, how its axis may be turned without a change of the likelihood: "rotation" or
    "signed permutation"; K, the letter of exchangeable components, may always be permuted.
    linear: ``linear(params, settings) -> Linear``, where the rows given the parameters are normal, or a mixture of
    normals, by ``x = W z + mu + noise`` (``zoo.linear``).
    learned: parameters without a prior, which the program learns by maximum likelihood: its ``param`` statements, as
    ``{"sigma2": "positive"}``, unless a setting of that name fixes it.
    networks: the networks it has, whose weights are learned too, and have no line.
    missing: observed sites that may hold NaN.
    exact: which exact facts exist, of "enumeration", "marginal", "posterior".
    topics: ``topics(params, settings) -> phi (K, V)``, the word probabilities of each topic, where it is a topic model.
    classes: the letter of the number of classes, where the values of an observed label are named classes.
    levels: the keyword with the number of values of a pixel, where pixels are counts.
    package: the package that defines the model, "zoo.vae"; "" for a user's own program. Its hooks are found by it.
    """

    name: str
    title: str
    citation: str
    latents: Mapping[str, str]
    observed: Mapping[str, str]
    enumerated: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    priors: Callable[[Mapping[str, np.ndarray], Mapping[str, Any]], dict[str, Any]] | None = None
    empirical: tuple[str, ...] = ()
    check: Callable[[Mapping[str, Any]], None] | None = None
    derived: Mapping[str, Derived] = field(default_factory=dict)
    hyper: tuple[str, ...] = ()
    symmetries: Mapping[str, str] = field(default_factory=dict)
    linear: Callable[[Mapping[str, np.ndarray], Mapping[str, Any]], Linear] | None = None
    learned: Mapping[str, str] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    shown_on: str = ""
    topics: Callable[[Mapping[str, np.ndarray], Mapping[str, Any]], np.ndarray] | None = None
    classes: str = ""
    levels: str = ""
    absent: Mapping[str, str] = field(default_factory=dict)  # backend -> why this model is not there
    story: str = ""
    package: str = ""

    @property
    def of_words(self) -> bool:
        """Whether a row is a document: what is observed are words."""
        sites = self.sites()
        return any(sites[name].kind == "word" for name in self.observed)

    def variant(self, settings: Mapping[str, Any]) -> dict[str, str]:
        """The word chosen for each keyword with variants."""
        return {word: settings.get(word, next(iter(of))) for word, of in self.variants.items()}

    def sites(self, settings: Mapping[str, Any] = NOTHING) -> dict[str, Site]:
        """Every sample site, latents first, as the variant chosen in ``settings`` has it."""
        lines = self._lines(settings)
        return {name: Site.parse(lines[name]) for name in (*self.latents, *self.observed)}

    def parameters(self, settings: Mapping[str, Any] = NOTHING) -> dict[str, Site]:
        """What engines fit: latents without the dimension N of the rows, not summed out; then what is learned."""
        sites = self.sites(settings)
        drawn = {n: sites[n] for n in self.latents if "N" not in sites[n].dims and n not in self.enumerated}
        # what a setting fixes is not learned
        learned = {n: line for n, line in self._lines(settings).items() if n not in sites and settings.get(n) is None}
        return {**drawn, **{n: Site.parse(line) for n, line in learned.items()}}

    def _lines(self, settings: Mapping[str, Any]) -> dict[str, str]:
        lines = {**self.latents, **self.observed, **self.learned}
        for word, choice in self.variant(settings).items():
            lines.update(self.variants[word][choice])
        return lines

    def local(self, settings: Mapping[str, Any] = NOTHING) -> dict[str, Site]:
        """The local latents: one value (or vector) for each of the N rows."""
        sites = self.sites(settings)
        return {n: sites[n] for n in self.latents if "N" in sites[n].dims}

    def reported(self, settings: Mapping[str, Any] = NOTHING) -> dict[str, Site]:
        """The quantities summaries show: the parameters and what is derived from them."""
        shown = self.parameters(settings)
        for name, quantity in self.derived.items():
            if quantity.line is None:
                shown[name] = Site("real", shown.pop(quantity.sources[0]).dims)
            else:
                shown[name] = Site.parse(quantity.line)
        return shown

    def report(self, values: Mapping[str, np.ndarray], settings: Mapping[str, Any] = NOTHING) -> dict[str, np.ndarray]:
        """``values`` of the parameters (any leading dimensions) as the quantities reported."""
        sites = {**self.sites(settings), **self.parameters(settings)}
        shown = {n: np.asarray(v) for n, v in values.items()}
        for name, quantity in self.derived.items():
            if not set(quantity.sources) <= set(values):
                continue
            of = [np.asarray(values[source]) for source in quantity.sources]
            shown[name] = quantity.function(*of, sites[quantity.sources[0]])
            if quantity.line is None:
                del shown[quantity.sources[0]]
        return shown
