"""Invariances of the fuzz: changes of the data that change a fit in a known way, or not at all.

Each is a function of draws, the subject, its model, valid data, options and the fit to them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import inference
import zoo
from tests.fuzz_results import fit, row_results
from tests.fuzz_tables import Draw, N, Subject, Table, scales
from tests.table import without_density

ORIGINS = [0.0, 1.0, -1e3, 1e5]  # in units of the data


def rows(draw: Draw, subject: Subject, model: zoo.Model, table: Table, options: Any, base: inference.Fit) -> None:
    """The results of a row do not depend on the other rows."""
    index = draw(st.lists(st.integers(0, N - 1), min_size=1, max_size=N))
    if "guide" in options:
        return  # without an encoder the latents are those of the rows of the fit
    if "word" in subject.kinds.values() and not any(x[index].any() for x in table.values()):
        return  # a corpus has a word
    all_rows = row_results(base)
    for name, values in row_results(base, take(table, index)).items():
        np.testing.assert_allclose(values, all_rows[name][index], rtol=1e-7, atol=1e-9, err_msg=name)


def order(draw: Draw, subject: Subject, model: zoo.Model, table: Table, options: Any, base: inference.Fit) -> None:
    """From one start, the order of the rows makes no difference."""
    index = draw(st.permutations(range(N)))
    options = {**options, "start": base.params}
    weights = options["sample_weight"]
    other = {**options, "sample_weight": None if weights is None else np.array(weights)[index]}
    one, permuted = (fit(model, t, subject.engine, **o) for t, o in ((table, options), (take(table, index), other)))
    check_same(one, permuted)


def copies(draw: Draw, subject: Subject, model: zoo.Model, table: Table, options: Any, base: inference.Fit) -> None:
    """A weight is a number of copies."""
    weights = np.array(draw(st.lists(st.integers(0, 3), min_size=N, max_size=N)))
    options = {**options, "start": base.params}
    weighted = fit(model, table, subject.engine, **{**options, "sample_weight": weights})
    copied = take(table, np.repeat(np.arange(N), weights))
    check_same(weighted, fit(model, copied, subject.engine, **{**options, "sample_weight": None}))


def columns(draw: Draw, subject: Subject, model: zoo.Model, table: Table, options: Any, base: inference.Fit) -> None:
    """The order of the columns makes no difference."""
    other = {n: x[:, draw(st.permutations(range(x.shape[1])))] for n, x in table.items()}
    check_same(base, fit(model, other, subject.engine, **options), has_same_params=False)


def units(draw: Draw, subject: Subject, model: zoo.Model, table: Table, options: Any, base: inference.Fit) -> None:
    """Other units and another origin change log densities by the Jacobian, and nothing else."""
    scale = draw(scales)
    counts, other = np.zeros(N), dict(table)
    for n, kind in subject.kinds.items():
        if kind == "real":
            other[n] = scale * (draw(st.sampled_from(ORIGINS)) + table[n])
            has_density = ~np.isnan(table[n]) & ~without_density(subject.card, subject.settings, table[n])
            counts += has_density.reshape(N, -1).sum(1)
    result = fit(model, other, subject.engine, **options)
    assert not isinstance(result, zoo.ZooError), str(result)
    if "guide" in options:
        return  # rounding decides where the search for a mode ends at its limit of steps
    weights = options.get("sample_weight")
    shift = np.log(scale) * (counts.sum() if weights is None else counts @ np.array(weights))
    if options.get("objective") == "map":  # the prior has a Jacobian too
        shift = base.trace[0] - result.trace[0]
    check_same(base, result, shift, has_same_params=False)
    changed = row_results(result)
    sites = model.card.sites(base.keywords)
    for name, values in row_results(base).items():
        latent = sites.get(name.split()[0])
        if latent is not None and "D" in latent.dims:  # levels are in units of the columns themselves
            continue
        jacobian = counts * np.log(scale) if name.startswith("log_likelihood") else 0.0
        np.testing.assert_allclose(changed[name], values - jacobian, rtol=1e-5, atol=1e-5, err_msg=name)


def check_same(
    one: inference.Fit | zoo.ZooError,
    other: inference.Fit | zoo.ZooError,
    shift: float = 0.0,
    has_same_params: bool = True,
) -> None:
    """Two fits with one trace, up to a constant, or two errors."""
    assert isinstance(one, zoo.ZooError) == isinstance(other, zoo.ZooError), f"{one}; {other}"
    if isinstance(one, zoo.ZooError) or isinstance(other, zoo.ZooError):
        return
    size = max(1.0, np.abs(one.trace).max())
    np.testing.assert_allclose(other.trace + shift, one.trace, rtol=1e-7, atol=1e-7 * size)
    for name in one.params if has_same_params else ():
        np.testing.assert_allclose(one.params[name], other.params[name], rtol=1e-5, atol=1e-9, err_msg=name)


def take(table: Table, index: Any) -> Table:
    """Some rows of every site."""
    return {n: x[index] for n, x in table.items()}
