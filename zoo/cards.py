"""The card: what is known about a model without running a backend."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from zoo.data.column_kinds import column_levels
from zoo.data.columns import ColumnKind
from zoo.items import Items
from zoo.linear import Linear
from zoo.linear_chain import LinearChain
from zoo.regression import Regression
from zoo.sites import Derived, Site
from zoo.types import Keywords

ROW_SIZES = ("N", "T")  # letters whose size belongs to the rows: new rows have their own
FIXED = "fixed_"  # of the setting that gives a latent its value
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Card:
    """What code cannot tell about a model; the tests hold every line against a trace.

    A line describes a site, as in ``"real [K D]"``: the kind of its values and the letters of its dimensions, whose
    meanings are in ARCHITECTURE.md.

    Attributes
    ----------
    name, title, citation : str
        The name in the registry, a title for people, and the source of the model.
    latents, observed : dict of str to str or Site
        The line of each sample site; latents that ``groups`` gives are those under the default settings.
    groups : callable, optional
        ``groups(settings) -> lines``: the lines of latents whose number depends on the settings, the top layer first,
        in place of ``latents``. A number in a line is a size, as in ``"real [N 64]"``.
    enumerated : tuple of str
        The discrete latents that engines sum out.
    sampled : tuple of str
        The discrete latents with too many values together to be summed out, as Z binary units are: a guide draws them.
    sizes : dict of str to int
        Default size of each letter, for simulation and tests.
    variants : dict
        For a keyword, its allowed words and the lines that differ under each; the first word is the default. The line
        of a latent is None where the program does not have it; ``latents`` has those that it has under any word.
    priors : callable, optional
        ``priors(data, settings) -> keywords``: weakly informative hyperparameters computed from NumPy data. A third
        parameter ``weights=None`` has the weight of each row, (N,), or None; without it rows of weight 0 are left out.
    empirical : tuple of str
        The keywords that ``priors`` computes, under some variant.
    check : callable, optional
        ``check(keywords)`` raises ZooError for keywords, all of them present, that no program can have.
    derived : dict of str to Derived
        Quantities reported beside latents, or in place of one.
    hyper : tuple of str
        Latents that the rows depend on through the priors of others alone: the likelihood does not depend on them.
    scales : dict of str to tuple of str
        For a latent of a user's program whose scale depends on other latents, as that of a centred hierarchy, these.
    bounds : dict of str to tuple of str
        For an observed site of a user's program whose bounds depend on latents, as those of ``Uniform(0, top)``, these.
    fixable : tuple of str
        Latents to which the setting ``fixed_<latent>`` gives a value: the program does not have them then.
    fixable_at_zero : tuple of str
        Those of them, positive ones, that may be fixed at 0, as the standard deviation of what does not move.
    symmetries : dict of str to str
        For a letter other than K, how its axis may be transformed without a change of the likelihood: "rotation" or
        "signed permutation". K, the letter of exchangeable components, may always be permuted. A fixed latent with
        this letter ends the symmetry; one with the letter twice, a map of the axes, leaves the matrices that commute.
    linear : callable, optional
        ``linear(params, settings) -> Linear``, where the rows given the parameters are normal, or a mixture of normals,
        by ``x = W z + mu + noise`` (``zoo.linear``).
    linear_chain : callable, optional
        ``linear_chain(params, settings) -> LinearChain``, where a row is a sequence, normal given the parameters by
        latents that move by a linear map and noise (``zoo.linear_chain``): the latents of the rows, in their order.
    regression : callable, optional
        ``regression(data, keywords) -> Regression``, where the steps of sequences regress on others with coefficients
        of their state (``zoo.regression``). data is that of the observed site.
    learned : dict of str to str
        The lines of parameters without a prior, which the program learns by maximum likelihood: its ``param``
        statements, unless a setting of that name fixes them.
    networks : tuple of str
        The networks of the program, whose weights are learned too, and have no line.
    missing : tuple of str
        Observed sites that may hold NaN.
    ragged : tuple of str
        Observed sites of sequences that may hold NaN after the end of a sequence, and nowhere else.
    continued : callable, optional
        ``continued(keywords, data) -> keywords``: what the program needs to go on after the last step of sequences,
        where a step depends on the data of those before. data is that of the observed site.
    exact : tuple of str
        Which exact results exist, of "enumeration", "marginal", "posterior".
    topics : callable, optional
        ``topics(params, settings) -> phi (K, V)``, the word probabilities of each topic, for a topic model.
    classes : str
        The letter of the number of values of the observed labels, as of named classes; else "".
    levels : str
        The keyword with the number of values of a pixel, where pixels are counts; else "".
    columns : str
        The keyword with the number of levels of each column, where rows have numbers and categories; else "".
    column_words : tuple of str
        The other kinds of a column that this keyword may name, of "count" and "covariate".
    default_columns : callable, optional
        ``default_columns(D)``: the kinds of D columns where the setting is not given; unless there, all are numbers.
    labels : callable, optional
        ``labels(settings, names) -> {quantity: {axis: labels}}``: the labels along axes of quantities that belong to
        some columns of a table, or to levels of one, given the names of the columns.
    items : callable, optional
        ``items(params, settings) -> Items``, where the columns of a row are independent given its class
        (``zoo.items``).
    tags : tuple of str
        Words to find the model by.
    shown_on : str
        The data set it is shown on.
    absent : dict of str to str
        For a backend that does not have the model, the reason.
    story : str
        The generative story: the docstring of the model's package.
    package : str
        The package that defines the model, as "zoo.vae", by which its hooks are found; "" for a user's own program.
    chains : tuple of str
        Discrete latents of the steps of a ``scan``, whose first dimension is time.
    covariates : dict of str to Site
        The arrays that the program reads and does not observe, of a user's own program.
    deterministic : dict of str to Site
        The deterministic sites of a user's own program, which are computed from the latents and reported.
    exchangeable : tuple of str
        The dimensions whose labels can be permuted without a change of the joint density.
    row_sizes : tuple of str
        The dimensions that belong to the rows: new rows have their own sizes.
    fixed : dict of str to Site
        The latents that the settings of a model fix, which are not among ``latents``.
    is_own : bool
        Whether the program is a user's own: then the continuous latents of the rows are among the parameters that are
        fitted and reported.
    dim_names : dict of str to str
        The name that users have for a dimension, where the engines have another: that of the rows is N.
    coords : dict of str to sequence
        The labels along a dimension, as the columns of a DataFrame.
    entry_labels : dict of str to dict of int to sequence
        What ``labels`` returns, once the columns have names.
    """

    name: str
    title: str
    citation: str
    latents: Mapping[str, str | Site]
    observed: Mapping[str, str | Site]
    groups: Callable[[Keywords], dict[str, str]] | None = None
    enumerated: tuple[str, ...] = ()
    sampled: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    variants: Mapping[str, Mapping[Any, Mapping[str, str | None]]] = field(default_factory=dict)
    priors: Callable[..., dict[str, Any]] | None = None
    empirical: tuple[str, ...] = ()
    check: Callable[[Mapping[str, Any]], None] | None = None
    derived: Mapping[str, Derived] = field(default_factory=dict)
    hyper: tuple[str, ...] = ()
    scales: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bounds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fixable: tuple[str, ...] = ()
    fixable_at_zero: tuple[str, ...] = ()
    symmetries: Mapping[str, str] = field(default_factory=dict)
    linear: Callable[[Mapping[str, np.ndarray], Keywords], Linear] | None = None
    linear_chain: Callable[[Mapping[str, np.ndarray], Keywords], LinearChain] | None = None
    regression: Callable[[np.ndarray, Keywords], Regression] | None = None
    learned: Mapping[str, str | Site] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    ragged: tuple[str, ...] = ()
    continued: Callable[[Keywords, np.ndarray], dict[str, Any]] | None = None
    exact: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    shown_on: str = ""
    topics: Callable[[Mapping[str, np.ndarray], Keywords], np.ndarray] | None = None
    classes: str = ""
    levels: str = ""
    columns: str = ""
    column_words: tuple[str, ...] = ()
    default_columns: Callable[[int], tuple[ColumnKind, ...]] | None = None
    labels: Callable[[Keywords, Sequence[str]], dict[str, dict[int, Sequence[str]]]] | None = None
    items: Callable[[Mapping[str, np.ndarray], Keywords], Items] | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
    story: str = ""
    package: str = ""
    chains: tuple[str, ...] = ()
    covariates: Mapping[str, Site] = field(default_factory=dict)
    deterministic: Mapping[str, Site] = field(default_factory=dict)
    exchangeable: tuple[str, ...] = ("K",)
    row_sizes: tuple[str, ...] = ROW_SIZES
    fixed: Mapping[str, Site] = field(default_factory=dict)
    is_own: bool = False
    dim_names: Mapping[str, str] = field(default_factory=dict)
    coords: Mapping[str, Sequence[object]] = field(default_factory=dict)
    entry_labels: Mapping[str, Mapping[int, Sequence[str]]] = field(default_factory=dict)

    def column_kinds(self, settings: Keywords, D: int) -> tuple[ColumnKind, ...]:
        """The kind of each of D columns of a table under the settings, all numbers where the card has no kinds.

        Parameters
        ----------
        settings : dict
            Keywords of the program.
        D : int

        Returns
        -------
        tuple
            0 for a number, the number of levels of a category, or "count" or "covariate".
        """
        setting = settings.get(self.columns) if self.columns else None
        if setting is None and self.default_columns:
            return self.default_columns(D)
        return column_levels(setting, D)

    @property
    def of_words(self) -> bool:
        """Whether the rows are documents, and the observed values words."""
        sites = self.sites()
        return any(sites[name].kind == "word" for name in self.observed)

    def compute_priors(
        self, table: Mapping[str, np.ndarray], settings: Keywords, weights: np.ndarray | None = None
    ) -> dict[str, Any]:
        """The keywords that ``priors`` computes, {} where the card has none.

        Parameters
        ----------
        table : dict of str to array
            The data by site.
        settings : dict
            Keywords of the program.
        weights : array, (N,), optional
            The weight of each row.

        Returns
        -------
        dict
        """
        if not self.priors:
            return {}
        if weights is None:
            return self.priors(table, settings)
        if "weights" in inspect.signature(self.priors).parameters:
            return self.priors(table, settings, weights)
        sites, is_counted = self.sites(settings), np.asarray(weights) > 0
        return self.priors({n: v[is_counted] if "N" in sites[n].dims[:1] else v for n, v in table.items()}, settings)

    def variant(self, settings: Keywords) -> dict[str, Any]:
        """The word chosen for each keyword with variants.

        Parameters
        ----------
        settings : dict
            Keywords of the program, of which those that are absent have their defaults.

        Returns
        -------
        dict of str to str or int
        """
        return {keyword: settings.get(keyword, next(iter(words))) for keyword, words in self.variants.items()}

    def with_latents_of(self, settings: Keywords) -> Card:
        """The card with the latents that the program has under the settings, whatever other settings are given to it.

        Parameters
        ----------
        settings : dict
            Keywords of the program: they choose the variant and the number of groups.

        Returns
        -------
        Card
        """
        lines = self._lines(settings)
        latents = {n: lines[n] for n in self._latent_lines(settings) if n in lines}
        if latents == self.latents:
            return self
        fixed = self.fixed_sites(settings)
        once = {d for site in fixed.values() for d in site.dims if site.dims.count(d) == 1}
        symmetries = {d: symmetry for d, symmetry in self.symmetries.items() if d not in once}
        enumerated, sampled = (tuple(n for n in names if n in lines) for names in (self.enumerated, self.sampled))
        others = {
            word: {choice: {n: v for n, v in lines.items() if n not in self.latents} for choice, lines in words.items()}
            for word, words in self.variants.items()
        }
        return replace(
            self,
            latents=latents,
            groups=None,
            variants=others,
            enumerated=enumerated,
            sampled=sampled,
            symmetries=symmetries,
            fixed=fixed,
        )

    def fixed_sites(self, settings: Keywords) -> dict[str, Site]:
        """The latents to which the settings give a value, which the program then does not have.

        Parameters
        ----------
        settings : dict
            Keywords of the program.

        Returns
        -------
        dict of str to Site
        """
        lines = {**self._latent_lines(settings), **self.fixed}
        return {n: Site.from_line(line) for n, line in lines.items() if self._is_fixed(n, settings)}

    def fixed_values(self, settings: Keywords) -> dict[str, Any]:
        """The values of the latents that the settings fix.

        Parameters
        ----------
        settings : dict
            Keywords of the program.

        Returns
        -------
        dict of str to array
        """
        return {n: settings[FIXED + n] for n in self.fixable if self._is_fixed(n, settings)}

    def sites(self, settings: Keywords = NOTHING) -> dict[str, Site]:
        """Every sample site, latents first, then the covariates.

        Parameters
        ----------
        settings : dict, optional
            Keywords of the program: they choose the variant.

        Returns
        -------
        dict of str to Site
        """
        lines = self._lines(settings)
        names = (*self._latent_lines(settings), *self.observed)
        sites = {n: Site.from_line(lines[n]) for n in names if n in lines}
        return {**sites, **self.covariates}

    def parameters(self, settings: Keywords = NOTHING) -> dict[str, Site]:
        """What engines fit: the global latents that are not summed out, then what is learned without a prior.

        Parameters
        ----------
        settings : dict, optional
            Keywords of the program: they choose the variant, and fix what is then not learned.

        Returns
        -------
        dict of str to Site
        """
        sites = self.sites(settings)
        not_summed = [n for n in self._latent_lines(settings) if n in sites and n not in self.enumerated]
        latents = {n: sites[n] for n in not_summed if self.is_own or "N" not in sites[n].dims}
        # what a setting fixes is not learned
        learned = {n: line for n, line in self._lines(settings).items() if n not in sites and settings.get(n) is None}
        return {**latents, **{n: Site.from_line(line) for n, line in learned.items()}}

    def _lines(self, settings: Keywords) -> dict[str, str | Site]:
        lines: dict[str, str | Site | None] = {**self._latent_lines(settings), **self.observed, **self.learned}
        for word, choice in self.variant(settings).items():
            lines.update(self.variants[word][choice])
        return {n: line for n, line in lines.items() if line is not None and not self._is_fixed(n, settings)}

    def _is_fixed(self, name: str, settings: Keywords) -> bool:
        return name in self.fixable and settings.get(FIXED + name) is not None

    def _latent_lines(self, settings: Keywords) -> Mapping[str, str | Site]:
        return self.groups(settings) if self.groups else self.latents

    def local(self, settings: Keywords = NOTHING) -> dict[str, Site]:
        """The local latents: one value (or vector) for each of the N rows, unless they are among the parameters.

        Parameters
        ----------
        settings : dict, optional
            Keywords of the program: they choose the variant.

        Returns
        -------
        dict of str to Site
        """
        sites = self.sites(settings)
        parameters = self.parameters(settings)
        latents = {n: sites[n] for n in self._latent_lines(settings) if n in sites}
        return {n: site for n, site in latents.items() if "N" in site.dims and n not in parameters}

    def continuous_in_rows(self, settings: Keywords = NOTHING) -> list[str]:
        """The continuous latents of the rows, which EM cannot sum over.

        Parameters
        ----------
        settings : dict, optional
            Keywords of the program: they choose the variant.

        Returns
        -------
        list of str
        """
        sites = self.sites(settings)
        discrete = (*self.enumerated, *self.sampled)
        return [n for n in self._latent_lines(settings) if n in sites and "N" in sites[n].dims and n not in discrete]

    def reported(self, settings: Keywords = NOTHING) -> dict[str, Site]:
        """The quantities that summaries show: the parameters and what is derived from them.

        Parameters
        ----------
        settings : dict, optional
            Keywords of the program: they choose the variant.

        Returns
        -------
        dict of str to Site
        """
        quantities = {**self.parameters(settings), **self.deterministic}
        known = set(quantities)
        for name, quantity in self.derived.items():
            if not set(quantity.sources) <= known:
                continue
            if quantity.line is None:
                quantities[name] = Site("real", quantities.pop(quantity.sources[0]).dims)
            else:
                quantities[name] = Site.parse(quantity.line)
        return quantities

    def report(self, values: Mapping[str, np.ndarray], settings: Keywords = NOTHING) -> dict[str, np.ndarray]:
        """Values of the parameters as the quantities reported.

        Parameters
        ----------
        values : dict of str to array
            Parameters, with any leading dimensions.
        settings : dict, optional
            Keywords of the program: they choose the variant.

        Returns
        -------
        dict of str to ndarray
            With the same leading dimensions.
        """
        sites = {**self.sites(settings), **self.parameters(settings)}
        quantities = {n: np.asarray(v) for n, v in values.items()}
        for name, quantity in self.derived.items():
            if not set(quantity.sources) <= set(values):
                continue
            sources = [np.asarray(values[source]) for source in quantity.sources]
            quantities[name] = quantity.function(*sources, sites[quantity.sources[0]])
            if quantity.line is None:
                del quantities[quantity.sources[0]]
        return quantities
