"""Tables of the fuzz: valid simulated data of every model, and what happens to the data of users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

import guides
import zoo
from inference import engines
from tests.table import network_sizes, required_sizes, variants, without_density
from zoo.data.corpus import Corpus

Draw = Callable[[st.SearchStrategy[Any]], Any]
Table = dict[str, np.ndarray]

N = 12  # rows at most, of every model
CELLS = [np.nan, np.inf, -np.inf, -1.0, 0.0, 0.5, 2.0, 1e6, 2.0**31, 1e15, 1e-320, 1e-160, 1e150, 1e200, -1e308]
DTYPES = ("float32", "float64")
WEIGHTS = [0.0, 1.0, 2.0, 0.3, 1e-8, 1e8]


@dataclass(frozen=True)
class Subject:
    """A small model of one variant: settings and their sizes that users choose, valid data, the engine and its options.

    table: by site; of documents their counts (N, V). kinds: of the observed sites.
    """

    card: zoo.Card
    settings: dict[str, Any]
    sizes: list[str]
    table: Table
    kinds: dict[str, str]
    engine: str
    options: frozenset[str]

    @property
    def guide(self) -> dict[str, str]:
        """The guide of a model that svi fits first and that has none of its own: one without draws is fast."""
        return {"guide": "point"} if self.engine == "svi" and guides.own_guide(self.card) is None else {}

    def load(self, **settings: Any) -> zoo.Model:
        """The model with other settings."""
        return zoo.load(self.card.name, "pyro", **{**self.settings, **settings})

    def simulated(self) -> Table:
        """A copy of the valid data."""
        return {n: x.copy() for n, x in self.table.items()}


@cache
def subjects(name: str) -> list[Subject]:
    """A model in each of its variants."""
    return [_subject(name, variant) for variant in variants(name)]


def _subject(name: str, variant: dict[str, Any]) -> Subject:
    card, sizes = zoo.card(name), required_sizes(name)
    model = zoo.load(name, "pyro", **{**sizes, **network_sizes(name), **variant})
    data = model.data_of(model.simulate(1, N=N))
    table = {n: np.asarray(v.dense() if isinstance(v, Corpus) else v, dtype=float) for n, v in data.items()}
    kinds = {n: card.sites(variant)[n].kind for n in card.observed}
    engine = engines.supported_engines(card, "pyro")[0]
    options = frozenset(engines.get(engine).default_options(card).as_dict())
    return Subject(card, dict(model.settings), list(sizes), table, kinds, engine, options)


# changes of one site: function(draw, values) -> values


def random_cells(draw: Draw, x: np.ndarray) -> np.ndarray:
    """Missing cells at random."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x[rng.random(x.shape) < draw(st.sampled_from([0.05, 0.3, 0.9, 1.0]))] = np.nan
    return x


def missing_rows(draw: Draw, x: np.ndarray) -> np.ndarray:
    """Rows without values."""
    x[draw(st.lists(st.integers(0, len(x) - 1), max_size=N))] = np.nan
    return x


def missing_columns(draw: Draw, x: np.ndarray) -> np.ndarray:
    """A column without values."""
    x[..., draw(st.integers(0, x.shape[-1] - 1))] = np.nan
    return x


def monotone(draw: Draw, x: np.ndarray) -> np.ndarray:
    """Rows that end early, as of people who leave a study."""
    if x.ndim == 2:
        ends = draw(st.lists(st.integers(0, x.shape[1]), min_size=len(x), max_size=len(x)))
        x[np.arange(x.shape[1]) >= np.array(ends)[:, None]] = np.nan
    return x


def one_cell(draw: Draw, x: np.ndarray) -> np.ndarray:
    """A value that is far away, or impossible."""
    x[tuple(draw(st.integers(0, size - 1)) for size in x.shape)] = draw(st.sampled_from(CELLS))
    return x


def constant_column(draw: Draw, x: np.ndarray) -> np.ndarray:
    """A column with one value."""
    column = draw(st.integers(0, x.shape[-1] - 1))
    x[..., column] = np.ravel(x)[0]
    return x


def equal_columns(draw: Draw, x: np.ndarray) -> np.ndarray:
    """A column that is there twice."""
    first, second = (draw(st.integers(0, x.shape[-1] - 1)) for _ in range(2))
    x[..., first] = x[..., second]
    return x


def other_units(draw: Draw, x: np.ndarray) -> np.ndarray:
    """Other units, in all columns or in one."""
    column = draw(st.sampled_from([slice(None), 0, x.shape[-1] - 1]))
    x[..., column] = draw(offsets) + draw(scales) * x[..., column]
    return x


def rounded(draw: Draw, x: np.ndarray) -> np.ndarray:
    """Few digits, with ties."""
    return np.round(x, draw(st.integers(-1, 1)))


def large_counts(draw: Draw, x: np.ndarray) -> np.ndarray:
    """Counts of many."""
    return np.round(x * draw(st.sampled_from([10.0, 1e4, 1e8, 1e14])))


def other_shape(draw: Draw, x: np.ndarray) -> np.ndarray:
    """An array of another shape."""
    shapes = [x.T, x[None], x[..., None], x.ravel(), x[:, :1] if x.ndim > 1 else x[:, None], x[..., :0], x[0], x[:5]]
    return np.ascontiguousarray(draw(st.sampled_from(shapes)))


scales = st.one_of(st.floats(-8.0, 8.0).map(lambda power: 10.0**power), st.sampled_from([1e-8, 1e-3, 1.0, 1e3, 1e8]))
offsets = st.sampled_from([0.0, 1.0, -30.0, 1e4, -1e6, 1e8])
GAPS = [random_cells, missing_rows, missing_columns, monotone]
ANY = [one_cell, constant_column, equal_columns, other_shape]
CHANGES = {
    "real": [*GAPS, *ANY, other_units, other_units, rounded],
    "count": [*GAPS, *ANY, large_counts],
    "binary": [*GAPS, *ANY],
    "category": [*GAPS, *ANY],
    "word": [one_cell, constant_column, equal_columns, other_shape, large_counts],
}


def take_rows(draw: Draw, table: Table) -> Table:
    """Few rows, or rows that are there several times, in another order."""
    index = draw(st.lists(st.integers(0, N - 1), max_size=N))
    return {n: x[[i for i in index if i < len(x)]] for n, x in table.items()}


def any_table(draw: Draw, subject: Subject) -> Table:
    """Simulated data after some changes, valid or not."""
    table = subject.simulated()
    for _ in range(draw(st.integers(0, 3))):
        site = draw(st.sampled_from([*table, None]))
        if site is None:
            table = take_rows(draw, table)
        elif table[site].size:
            change = draw(st.sampled_from(CHANGES[subject.kinds[site]]))
            with np.errstate(over="ignore"):  # of a cell that is far away already
                table[site] = change(draw, table[site].copy())
    return table


def table_of_one_shape(draw: Draw, subject: Subject) -> Table:
    """Simulated data after some changes that keep its shape."""
    table = subject.simulated()
    for _ in range(draw(st.integers(0, 3))):
        site = draw(st.sampled_from(list(table)))
        changes = [change for change in CHANGES[subject.kinds[site]] if change is not other_shape]
        with np.errstate(over="ignore"):  # of a cell that is far away already
            table[site] = draw(st.sampled_from(changes))(draw, table[site].copy())
    return table


def in_other_units(draw: Draw, subject: Subject, table: Table) -> Table:
    """The same numbers in other units, from another origin within 1000 of their size."""
    origin, scale = draw(st.sampled_from([0.0, 1.0, -1e3])), draw(scales)
    return {n: scale * (origin + x) if subject.kinds[n] == "real" else x for n, x in table.items()}


def valid_table(draw: Draw, subject: Subject) -> Table:
    """Simulated data with ties, and with missing cells where the card allows them."""
    table = subject.simulated()
    for site, kind in subject.kinds.items():
        if site in subject.card.missing and kind != "word" and draw(st.booleans()):
            rng = np.random.default_rng(draw(st.integers(0, 99)))
            is_missing = rng.random(table[site].shape) < 0.2
            table[site][is_missing & ~without_density(subject.card, subject.settings, table[site])] = np.nan
        if kind == "real" and draw(st.booleans()):
            table[site] = np.round(table[site], 1)
    return table


def any_settings(draw: Draw, subject: Subject) -> dict[str, Any]:
    """Sizes that need not suit the data."""
    sizes = {n: draw(st.sampled_from([2, 2, 1, 3, 13])) for n in subject.sizes if n != "Z"}
    latent = {n: draw(st.sampled_from([2, 1, 0, 3, 17])) for n in subject.sizes if n == "Z"}
    return {**sizes, **latent}


def any_options(draw: Draw, subject: Subject, weights: Sequence[float] = WEIGHTS) -> dict[str, Any]:
    """Options of the engine, of few steps, or of EM of as many as take it to collapsed components and floors."""
    options: dict[str, Any] = {"seed": draw(st.integers(0, 9))}
    if subject.engine == "svi":
        options |= {"num_steps": draw(st.integers(1, 2)), "warm_up": 0.0, "kl_balance": False}
        options |= subject.guide or {"batch_size": draw(st.sampled_from([None, None, 1, 5]))}
        options["dtype"] = draw(st.sampled_from(DTYPES))
    else:
        options |= {"max_iter": draw(st.sampled_from([1, 2, 3, 60])), "restarts": draw(st.sampled_from([1, 1, 2]))}
    if "sample_weight" in subject.options:
        options["objective"] = "map" if subject.card.hyper else draw(st.sampled_from(["ml", "map"]))
        options["covariance_floor"] = draw(st.sampled_from([None, None, 1e-3, 1e-12]))
        by_row = st.lists(st.sampled_from(weights), min_size=N, max_size=N)
        options["sample_weight"] = draw(st.one_of(st.none(), by_row))
    if "threads" in subject.options:
        options |= {"threads": 1, "learn_alpha": draw(st.sampled_from([None, "asymmetric"]))}
    return options
