"""What questions to latent classes read of a fit: parameters by draw, items, names of columns and levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference import exact
from inference.alignment import aligned_draws
from inference.record import FitRecord
from zoo import ZooError, registry
from zoo.data.columns import Columns
from zoo.items import Items


def class_parameters(fit: FitRecord) -> dict[str, np.ndarray]:
    """The parameters with one leading dimension: aligned draws, evenly spaced, or the one point estimate."""
    check_items(fit)
    values = exact.thin_draws(aligned_draws(fit)) if fit.draws else {n: v[None, None] for n, v in fit.params.items()}
    return {n: values[n][0] for n in fit.model.card.parameters(fit.keywords)}


def check_items(fit: FitRecord) -> None:
    """Raise ZooError for a model whose columns are not independent given a class."""
    if fit.model.card.items is None:
        known = ", ".join(name for name, card in registry.cards()[0].items() if card.items)
        raise ZooError(f"{fit.model.name} has no items that are independent given a class; these models have: {known}")


def items_of(fit: FitRecord, params: dict[str, np.ndarray]) -> Items:
    """The distribution of each column in each class."""
    items = fit.model.card.items
    assert items is not None
    return items(params, fit.keywords)


def column_titles(fit: FitRecord, columns: Sequence[str] | None, size: int) -> list[str]:
    """The names of the columns: those given, of the table that was fitted, or numbers."""
    names = columns if columns is not None else fit.column_labels
    if names is None:
        return [str(d) for d in range(size)]
    if len(names) != size:
        raise ZooError(f"columns has {len(names)} names for {size} columns: give one for each")
    return [str(name) for name in names]


def level_titles(fit: FitRecord, column: int, size: int) -> list[object]:
    """The levels of a category: those of the table that was fitted, or their numbers."""
    setting = fit.model.settings.get(fit.model.card.columns)
    return list(setting.categories[column]) if isinstance(setting, Columns) else list(range(size))
