"""A model: one program of one backend, with its settings, and what data it can be given."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from zoo._backend import BACKENDS, backend_of
from zoo.cards import NOTHING, Card, Site
from zoo.data.corpus import Corpus, of_tokens
from zoo.data.intensities import binarise_once
from zoo.data.tables import as_table, check_seen, check_values
from zoo.errors import ZooError, unknown

PROBES = (7, 5, 11, 13, 17, 19, 23)  # sizes by which a program without a card is traced


class Model:
    """A program with its backend, its card and its settings; immutable.

    ``program`` is a function ``program(x=None, *, N, D, K, ...)`` of sample statements. Its positional
    arguments are data, named as their sites; each keyword of one capital letter is a size, and what is
    not set is read off the data when the model is fitted. Without a card, one is inferred by tracing.
    """

    def __init__(
        self,
        program: Callable[..., Any],
        *,
        backend: str,
        card: Card | None = None,
        collapsed: Callable[..., Any] | None = None,
        **settings: Any,
    ):
        if backend not in BACKENDS:
            raise unknown("backend", backend, BACKENDS)
        self.program, self.backend, self.collapsed = program, backend, collapsed
        self.settings = dict(settings)
        self._card = card
        parameters = inspect.signature(program).parameters.values()
        self.data_names = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
        self.keywords = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        for word, value in settings.items():
            if word not in self.keywords:
                raise unknown(f"setting of {self.name}", word, self.keywords)
            least = 0 if word == "Z" else 1  # of latent dimensions there may be none: what is left is the noise
            if len(word) == 1 and word.isupper() and not (isinstance(value, int | np.integer) and value >= least):
                raise ZooError(f"{word} is a size: give a whole number from {least} up, not {value!r}")
            if isinstance(self.keywords[word], int | float) and not _is_rectangular(value):
                raise ZooError(f"{word} is a number or an array of them: not {value!r}")
        for word, of in (card.variants if card else {}).items():
            if settings.get(word, next(iter(of))) not in of:
                raise unknown(word, settings[word], of)

    @property
    def name(self) -> str:
        """The card's name, or that of the function."""
        return self._card.name if self._card else getattr(self.program, "__name__", "program")

    @property
    def package(self) -> str:
        """The package of the zoo that defines program and card, "" for a user's own program."""
        package = self._card.package if self._card else ""
        return package if package and self.program.__module__.startswith(f"{package}.") else ""

    @cached_property
    def card(self) -> Card:
        """The card: the one given, or one inferred by running the program forward once."""
        return self._card or infer_card(self)

    def with_settings(self, **settings: Any) -> Model:
        """The same program with some settings replaced."""
        return Model(
            self.program,
            backend=self.backend,
            card=self._card,
            collapsed=self.collapsed,
            **{**self.settings, **settings},
        )

    def bind(self, data: Any, seed: int | None = 0) -> tuple[dict[str, Any], dict[str, Any]]:
        """Check data against the card: ``(arrays by site, every keyword the program needs)``.

        ``data`` is ``{"x": array}``, or a bare array or DataFrame where one site is observed. Of ``Intensities`` the
        arrays are one draw by ``seed``; with None they stay what they are. Raises ZooError, in one line, for data the
        model cannot take.
        """
        sites = self.card.sites(self.settings)
        table = as_table(data, {n: sites[n] for n in self.data_names})
        sizes = {k: v for k, v in self.settings.items() if len(k) == 1}
        for name, values in table.items():
            table[name] = check_values(name, values, sites[name], missing=name in self.card.missing)
            for letter, size in sizes_of(table[name], sites[name]).items():
                if sizes.setdefault(letter, size) != size:
                    raise ZooError(f"{letter}={sizes[letter]} but {name} has {letter}={size}: they must agree")
        check_seen(table)
        table = table if seed is None else binarise_once(table, seed)
        return table, self.complete({**self.settings, **sizes}, table)

    def complete(self, settings: Mapping[str, Any], table: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Every keyword of the program: as set, else a variant's default, else the card's prior, else its own."""
        chosen = {**(self._card.variant(settings) if self._card else {}), **settings}
        self._require([k for k in self.keywords if len(k) == 1], chosen)  # priors may want the sizes
        if self._card and self._card.priors and table and not chosen.keys() >= self.keywords.keys():
            chosen = {**self._card.priors(table, chosen), **chosen}
        self._require(self.keywords, chosen)
        whole = {k: chosen.get(k, default) for k, default in self.keywords.items()}
        if self._card and self._card.check:
            self._card.check(whole)
        return whole

    def _require(self, words: Iterable[str], chosen: Mapping[str, Any]) -> None:
        lacking = [k for k in words if k not in chosen and self.keywords[k] is inspect.Parameter.empty]
        if lacking:
            raise ZooError(f"{self.name} needs {', '.join(f'{k}=...' for k in lacking)}")

    def simulate(
        self, seed: int = 0, values: Mapping[str, np.ndarray] = NOTHING, **settings: Any
    ) -> dict[str, np.ndarray]:
        """Draw every site that has no value in ``values`` from the program: ``{site: array}``.

        What the program learns is among them: as in ``values``, or as it begins. Sizes not set are the card's defaults.
        """
        keywords = self.complete({**self.card.sizes, **self.settings, **settings}, {})
        return self._as_data(backend_of(self).simulate(self.program, keywords, seed, self._as_data(values)))

    def data_of(self, values: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Of simulated values what is observed, as a fit takes it: of tokens the corpus of their counts.

        Their V is that of the settings, else the card's default.
        """
        sites, V = self.card.sites(self.settings), self.settings.get("V", self.card.sizes.get("V"))
        data: dict[str, Any] = {n: values[n] for n in self.data_names}
        for name, tokens in data.items():
            if sites[name].kind == "word":
                data[name] = of_tokens(tokens.T if sites[name].dims[0] == "N" else tokens, V)
        return data

    def log_joint(self, values: Mapping[str, np.ndarray], **settings: Any) -> float:
        """log p(latents, data) in nats at ``values``, an array for each site and each thing learned, in 64 bits."""
        keywords = self.complete({**self.settings, **settings}, {})
        values = self._as_data(values)
        data = {n: values[n] for n in self.data_names}
        latents = {n: v for n, v in values.items() if n not in data}
        return backend_of(self).log_joint(self.program, {**data, **keywords}, latents)

    def _as_data(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        # labels are integers and all else float64, whichever backend drew them and whichever is asked
        sites = self.card.sites(self.settings)
        labels = {n for n, site in sites.items() if site.kind == "category" and n not in self.card.missing}
        return {n: np.asarray(v, dtype=int if n in labels else float) for n, v in values.items()}

    def __repr__(self) -> str:
        settings = "".join(f", {k}={v!r}" for k, v in self.settings.items())
        return f"Model({self.name!r}, backend={self.backend!r}{settings})"


def _is_rectangular(value: Any) -> bool:
    """Whether it can be a number or an array of them: no text, and no rows of several lengths."""
    try:
        return np.asarray(value).dtype.kind not in "US"
    except ValueError:
        return False


def sizes_of(values: Any, site: Site) -> dict[str, int]:
    """What data tells of the sizes: an array by its shape, a corpus also how many words there are."""
    return values.sizes if isinstance(values, Corpus) else dict(zip(site.dims, values.shape, strict=True))


def infer_card(model: Model) -> Card:
    """A card read off one forward run, in which each letter has a size of its own.

    Raises ZooError for a site with a dimension that no keyword names.
    """
    letters = [k for k, default in model.keywords.items() if _is_size(k, default, model)]
    if len(letters) > len(PROBES):
        raise ZooError(f"{model.name} has {len(letters)} sizes: a card is inferred for at most {len(PROBES)}")
    sizes = dict(zip(letters, PROBES, strict=False))
    try:
        traced = _trace(model, sizes)
    except Exception:  # settings of the user's may have the user's sizes: then those must do
        sizes |= {k: int(v) for k, v in model.settings.items() if k in sizes}
        traced = _trace(model, sizes)
    by_size = {size: letter for letter, size in sizes.items()}
    lines = {}
    for name, site in traced.items():
        nameless = [s for s in site.shape if s not in by_size]
        if nameless:
            raise ZooError(
                f"site {name!r} has a dimension of {nameless[0]}: let a keyword of one capital letter name it"
            )
        lines[name] = f"{site.kind} [{' '.join(by_size[s] for s in site.shape)}]" if site.shape else site.kind
    discrete = tuple(n for n, site in traced.items() if site.discrete and n not in model.data_names)
    return Card(
        name=model.name,
        title=model.name.replace("_", " "),
        citation="a program of your own",
        latents={n: line for n, line in lines.items() if n not in model.data_names},
        observed={n: lines[n] for n in model.data_names if n in lines},
        enumerated=discrete,
        sizes=sizes,
        exact=("enumeration",) if discrete else (),
    )


def _is_size(word: str, default: Any, model: Model) -> bool:
    return len(word) == 1 and word.isupper() and (default is inspect.Parameter.empty or word in model.settings)


def _trace(model: Model, sizes: Mapping[str, int]) -> dict[str, Any]:
    return backend_of(model).trace(model.program, model.complete({**model.settings, **sizes}, {}))
