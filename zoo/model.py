"""Model: one program of one backend, with its card and its settings, and the validation of data."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zoo._backend import BACKENDS, backend_of
from zoo._programs.arguments import program_name, signature_parameters
from zoo.cards import NOTHING, ROW_SIZES, Card
from zoo.checks import as_settings, check_seed, check_weights, is_whole
from zoo.data.column_kinds import check_columns
from zoo.data.column_names import Names, column_names, is_numbering
from zoo.data.columns import COVARIATE, Columns, check_codes, check_covariates
from zoo.data.corpus import Corpus, from_tokens
from zoo.data.intensities import binarise_once
from zoo.data.sequences import check_ragged, first_table
from zoo.data.tables import SiteData, as_table, check_any_observed, check_labels, check_values, data_by_site
from zoo.errors import ZooError, unknown
from zoo.fixed import expand_fixed, read_fixed
from zoo.sites import Site
from zoo.types import DataLike, Keywords, Program


class Model:
    """A program with its backend, its card and its settings; immutable.

    Parameters
    ----------
    program : callable
        A function of sample statements, an object with ``__call__``, or a ``PyroModule``: any program that NumPyro or
        Pyro runs. One with a card is a function ``program(x=None, *, N, D, K, ...)``, whose positional arguments are
        data, named as their sites, and each keyword of one capital letter is a size.
    backend : str
        "numpyro" or "pyro".
    card : Card, optional
        What is known of the program. Without one the program is the user's own, and is read with its data when it is
        fitted (``zoo.read``).
    collapsed : callable, optional
        The same joint density with the continuous latents of the rows integrated out, with the same arguments.
    **settings
        Keywords of the program. Sizes that are not set are read off the data when the model is fitted.

    Raises
    ------
    ZooError
        For an unknown backend or setting, and for a size that is not a whole number.

    Attributes
    ----------
    columns : dict of str to tuple of str
        The names of the columns of observed sites, in the model of a fit to DataFrames.

    Examples
    --------
    >>> import zoo
    >>> zoo.load("gaussian_mixture", K=2)
    Model('gaussian_mixture', backend='numpyro', K=2)
    """

    columns: Mapping[str, Names] = NOTHING

    def __init__(
        self,
        program: Program,
        *,
        backend: str = "",
        card: Card | None = None,
        collapsed: Program | None = None,
        **settings: Any,
    ):
        if not backend:
            raise ZooError(
                f"in which language is {program_name(program)} written? zoo.Model(program, backend='numpyro') or 'pyro'"
            )
        if backend not in BACKENDS:
            raise unknown("backend", backend, BACKENDS)
        self.program, self.backend, self.collapsed = program, backend, collapsed
        self.settings = as_settings(settings) if card else dict(settings)
        self._card = card
        parameters = signature_parameters(program)
        self.data_names = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
        self.keywords = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        is_any_allowed = card is None and any(p.kind is p.VAR_KEYWORD for p in parameters)
        for keyword, value in settings.items():
            if card is None and (keyword in self.data_names or is_any_allowed):
                continue
            if keyword not in self.keywords:
                raise unknown(f"setting of {self.name}", keyword, self.keywords)
            least = 0 if keyword == "Z" else 1  # without latent dimensions, noise remains
            if len(keyword) == 1 and keyword.isupper() and not (is_whole(value) and value >= least):
                raise ZooError(f"{keyword} is a size: give a whole number from {least} up, not {value!r}")
            if card and isinstance(self.keywords[keyword], int | float) and not _is_rectangular(value):
                raise ZooError(f"{keyword} is a number or an array of them: not {value!r}")
        for keyword, words in (card.variants if card else {}).items():
            if settings.get(keyword, next(iter(words))) not in words:
                raise unknown(keyword, settings[keyword], map(str, words))
        if card:
            self.settings = read_fixed(card, self.settings)

    @property
    def name(self) -> str:
        """The card's name, or that of the function."""
        return self._card.name if self._card else program_name(self.program)

    @property
    def package(self) -> str:
        """The package of the zoo that defines program and card, "" for a user's own program."""
        package = self._card.package if self._card else ""
        return package if package and self.program.__module__.startswith(f"{package}.") else ""

    @property
    def has_card(self) -> bool:
        """Whether the model has a card: a program of the user's own has none before it is read."""
        return self._card is not None

    @property
    def card(self) -> Card:
        """The card, with the latents under the settings; a program of the user's own has one once it is read."""
        if self._card is None:
            raise ZooError(f"{self.name} is a program of your own: zoo.read(model, data, ...) gives it a card")
        return self._card.with_latents_of(self.settings)

    def with_settings(self, **settings: Any) -> Model:
        """The same program with some settings replaced.

        Parameters
        ----------
        **settings
            Keywords of the program.

        Returns
        -------
        Model
        """
        model = Model(
            self.program,
            backend=self.backend,
            card=self._card,
            collapsed=self.collapsed,
            **{**self.settings, **settings},
        )
        model.columns = self.columns
        return model

    def with_columns(self, columns: Mapping[str, Sequence[str]]) -> Model:
        """The same model of tables whose columns have names: data is matched by name, and tables and messages use them.

        Parameters
        ----------
        columns : dict of str to sequence of str
            The names of the columns of observed sites; of documents the words.

        Returns
        -------
        Model
        """
        if not columns:
            return self
        model = copy.copy(self)
        model.columns = {**self.columns, **{n: tuple(map(str, names)) for n, names in columns.items()}}
        card = self._card
        if card is not None:
            lines = {n: Site.from_line(card.observed[n]) for n in model.columns if n in card.observed}
            labels = {s.dims[-1]: model.columns[n] for n, s in lines.items() if s.kind != "word" and has_columns(s)}
            shown = {dim: names for dim, names in labels.items() if not is_numbering(names)}
            model._card = dataclasses.replace(card, coords={**card.coords, **shown})
            if card.labels and shown:
                (names,) = model.columns.values()
                model._card = dataclasses.replace(model._card, entry_labels=card.labels(self.settings, names))
        return model

    def bind(
        self, data: DataLike, seed: int | None = 0, weights: ArrayLike | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Validate data against the card, and complete the keywords.

        Parameters
        ----------
        data : array, DataFrame or dict
            ``{site: array}``; a bare array or DataFrame where one site is observed. The columns of a DataFrame are
            matched by name with those of ``columns``, where the model has these, as that of a fit does.
        seed : int or None, default 0
            Seed of the one draw of binary pixels from ``Intensities``; None leaves them unchanged.
        weights : array, (N,), optional
            The weight of each row, on which priors that are computed from the data depend.

        Returns
        -------
        table : dict of str to array
            The data by site.
        keywords : dict
            Every keyword that the program needs.

        Raises
        ------
        ZooError
            For data that the model does not allow.
        """
        sites, data = self.card.sites(self.settings), self._encode_tables(data)
        is_fitted = self.keywords.keys() - set(self.card.row_sizes) <= self.settings.keys()
        num_words = self.settings.get("V") if is_fitted else None
        table = as_table(data, {n: sites[n] for n in self.data_names}, self.columns, num_words)
        sizes = {k: v for k, v in self.settings.items() if len(k) == 1}
        for name, values in table.items():
            missing = name in (*self.card.missing, *self.card.ragged)
            table[name] = check_values(name, values, sites[name], missing, self.columns.get(name, ()))
            if name in self.card.ragged:
                check_ragged(name, np.asarray(table[name]))
            if sites[name].kind == "category":
                check_labels(name, table[name], self.card.classes, sizes.get(self.card.classes))
            for letter, size in sizes_of(table[name], sites[name]).items():
                if sizes.setdefault(letter, size) != size:
                    raise ZooError(f"{letter}={sizes[letter]} but {name} has {letter}={size}: they must agree")
        self._check_columns(table)
        if not is_fitted:  # of a row without values the fitted model gives the prior
            check_any_observed(table)
        table = table if seed is None else binarise_once(table, seed)
        weights = None if weights is None else check_weights(weights, sizes["N"])
        return table, self.complete({**self.settings, **sizes}, table, weights)

    @property
    def encoded_names(self) -> dict[str, Names]:
        """The names of the columns that DataFrames have, where the setting is ``zoo.columns.Columns``."""
        columns = self._columns_setting()
        return dict.fromkeys(self._sites_with_columns(), columns.names) if isinstance(columns, Columns) else {}

    def _columns_setting(self) -> object:
        """What the setting of the columns of a table is, None where there is none."""
        return self.settings.get(self._card.columns) if self._card and self._card.columns else None

    def _sites_with_columns(self) -> list[str]:
        """The observed sites whose columns are those of the setting."""
        sites = self.card.sites(self.settings)
        return [n for n in self.data_names if sites[n].kind == "real" and has_columns(sites[n])]

    def _encode_tables(self, data: DataLike) -> DataLike:
        """Data whose DataFrames have whole numbers for words, where the model has the columns of its tables."""
        columns = self._columns_setting()
        if not isinstance(columns, Columns):
            return data
        sites = self.card.sites(self.settings)
        given, encoded = data_by_site(data, {n: sites[n] for n in self.data_names}), self._sites_with_columns()

        def encode(values: DataLike) -> DataLike:
            if isinstance(values, list | tuple) and column_names(first_table(values)):  # a list of sequences
                return [encode(table) for table in values]
            return columns.encode(values) if column_names(values) else values

        return {n: encode(v) if n in encoded else v for n, v in given.items()}

    def _check_columns(self, table: Mapping[str, SiteData]) -> None:
        """Raise ZooError for a setting that is not of the columns of the data, and for values they cannot have."""
        columns = self._columns_setting()
        is_given = columns is not None or (self._card and self._card.default_columns)
        for name in self._sites_with_columns() if is_given else ():
            values, names = np.asarray(table[name]), self.columns.get(name, ())
            D = values.shape[-1]
            kinds = check_columns(self.card.column_kinds(self.settings, D), D, self.card.column_words)
            if values.ndim == 3:
                check_covariates(name, values, kinds, names)
                responses = tuple(0 if kind == COVARIATE else kind for kind in kinds)
                check_codes(values.reshape(-1, D), responses, names)
            else:
                check_codes(values, kinds, names)

    def complete(
        self, settings: Keywords, table: Mapping[str, np.ndarray], weights: np.ndarray | None = None
    ) -> dict[str, Any]:
        """Every keyword of the program: the setting, else a variant's default, else the card's prior, else the default.

        Parameters
        ----------
        settings : dict
            Keywords that are set, sizes among them.
        table : dict of str to array
            The data by site, from which priors are computed; {} for none.
        weights : array, (N,), optional
            The weight of each row.

        Returns
        -------
        dict

        Raises
        ------
        ZooError
            Where a keyword without a default is missing, or the card does not allow a value.
        """
        settings = {**(self._card.variant(settings) if self._card else {}), **settings}
        self._require([k for k in self.keywords if len(k) == 1], settings)  # priors may depend on the sizes
        if self._card and self._card.priors and table and not settings.keys() >= self.keywords.keys():
            settings = {**self._card.compute_priors(table, settings, weights), **settings}
        self._require(self.keywords, settings)
        keywords = {k: settings.get(k, default) for k, default in self.keywords.items()}
        if self._card:
            keywords = expand_fixed(self._card, keywords)
            if self._card.check:
                self._card.check(keywords)
        return keywords

    def _require(self, names: Iterable[str], settings: Keywords) -> None:
        missing = [k for k in names if k not in settings and self.keywords[k] is inspect.Parameter.empty]
        if missing:
            raise ZooError(f"{self.name} needs {', '.join(f'{k}=...' for k in missing)}")

    def simulate(
        self, seed: int = 0, values: Mapping[str, np.ndarray] = NOTHING, **settings: Any
    ) -> dict[str, np.ndarray]:
        """Draw every site without a value in ``values`` from the program.

        Parameters
        ----------
        seed : int, default 0
        values : dict of str to array, optional
            Sites and learned parameters that are fixed.
        **settings
            Keywords of the program; sizes that are not set are the card's defaults.

        Returns
        -------
        dict of str to ndarray
            One draw of every site, and what the program learns: from ``values``, or its initial value.
        """
        check_seed(seed)
        keywords = self.complete({**self.card.sizes, **self.settings, **settings}, {})
        return self._as_data(backend_of(self).simulate(self.program, keywords, seed, self._as_data(values)))

    def data_of(self, values: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The observed part of simulated values, as ``inference.fit`` takes it.

        Parameters
        ----------
        values : dict of str to array
            From ``simulate``.

        Returns
        -------
        dict
            Arrays by site; tokens become the Corpus of their counts, with V of the settings or the card.
        """
        sites, V = self.card.sites(self.settings), self.settings.get("V", self.card.sizes.get("V"))
        data: dict[str, Any] = {n: values[n] for n in self.data_names}
        for name, tokens in data.items():
            if sites[name].kind == "word":
                data[name] = from_tokens(tokens.T if sites[name].dims[0] == "N" else tokens, V)
        return data

    def deterministic(
        self, draws: Mapping[str, np.ndarray], table: Mapping[str, Any], keywords: Keywords
    ) -> dict[str, np.ndarray]:
        """The deterministic sites at draws of the latents; a model of the zoo has none.

        Parameters
        ----------
        draws : dict of str to array, (chain, draw, *shape)
        table : dict of str to array
            The data by site.
        keywords : dict
            Every keyword of the program.

        Returns
        -------
        dict of str to array, (chain, draw, *shape)
        """
        return {}

    def log_joint(self, values: Mapping[str, np.ndarray], **settings: Any) -> float:
        """log p(latents, data) in nats, in 64 bits.

        Parameters
        ----------
        values : dict of str to array
            A value for each site and each learned parameter.
        **settings
            Keywords of the program.

        Returns
        -------
        float
        """
        keywords = self.complete({**self.settings, **settings}, {})
        values = self._as_data(values)
        data = {n: values[n] for n in self.data_names}
        latents = {n: v for n, v in values.items() if n not in data}
        return backend_of(self).log_joint(self.program, {**data, **keywords}, latents)

    def _as_data(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        # labels are integers and everything else float64, in both backends
        sites = self.card.sites(self.settings)
        labels = {n for n, site in sites.items() if site.kind == "category" and n not in self.card.missing}
        return {n: np.asarray(v, dtype=int if n in labels else float) for n, v in values.items()}

    def __repr__(self) -> str:
        settings = "".join(f", {k}={v!r}" for k, v in self.settings.items())
        return f"Model({self.name!r}, backend={self.backend!r}{settings})"


def _is_rectangular(value: Any) -> bool:
    """Whether a value is a number or an array of them: no text, and no rows of several lengths."""
    try:
        return np.asarray(value).dtype.kind not in "US"
    except ValueError:
        return False


def has_columns(site: Site) -> bool:
    """Whether the last dimension of a site is that of columns, beside rows, or rows and steps."""
    return len(site.dims) > 1 and site.dims[-1] not in ROW_SIZES


def sizes_of(values: Any, site: Site) -> dict[str, int]:
    """The sizes of data by letter: the shape of an array; of a corpus also the number of words."""
    return values.sizes if isinstance(values, Corpus) else dict(zip(site.dims, values.shape, strict=True))
