"""What a saved fit holds of a program of the user's own: the call that it was read with, and its card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo._programs.reading import Choices, read_program
from zoo._programs.saving import arguments_from_json, arguments_to_json
from zoo.errors import ZooError
from zoo.model import Model
from zoo.read_model import ReadModel
from zoo.sites import Site
from zoo.types import Keywords

SITE_FIELDS = ("latents", "deterministic", "learned")  # of a card, where a test of the density renames dimensions


def call_to_json(model: ReadModel) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The call as JSON, and its arrays by the names that the JSON has for them.

    Parameters
    ----------
    model : ReadModel

    Returns
    -------
    saved : dict
    arrays : dict of str to array
    """
    card, choices = model.card, model.reading.choices
    arguments, arrays = arguments_to_json(model.reading.runnable.arguments)
    saved = {
        **arguments,
        "choices": {
            "rows": choices.rows,
            "row_arguments": None if choices.row_arguments is None else list(choices.row_arguments),
            "dims": {site: list(names) for site, names in choices.dims.items()},
            "coords": {dim: np.asarray(labels).tolist() for dim, labels in choices.coords.items()},
        },
        "card": {
            "sites": {f: {n: site_to_json(s) for n, s in getattr(card, f).items()} for f in SITE_FIELDS},
            "exchangeable": list(card.exchangeable),
            "symmetries": dict(card.symmetries),
            "hyper": list(card.hyper),
        },
    }
    return saved, arrays


def call_from_json(
    saved: Mapping[str, Any], arrays: Mapping[str, np.ndarray], source: Model, settings: Keywords
) -> ReadModel:
    """Read a program again with the call that was saved.

    Parameters
    ----------
    saved : dict
        From ``call_to_json``.
    arrays : dict of str to array
    source : Model
        The program; its settings have the arguments that could not be saved.
    settings : dict
        Sizes that differ from those of the reading.

    Returns
    -------
    ReadModel

    Raises
    ------
    ZooError
        Where an argument is missing, or the program has other sites than the one that was saved.
    """
    source = source.source if isinstance(source, ReadModel) else source
    if source.has_card:
        raise ZooError(f"the fit is of a program of your own, and {source.name} has a card: give zoo.Model(program)")
    arguments = arguments_from_json(saved, arrays, source.settings, source.name)
    reading = read_program(source.program, source.backend, arguments, Choices(**saved["choices"]))
    card = saved["card"]
    fields = {f: {n: Site(kind, tuple(dims)) for n, (kind, *dims) in s.items()} for f, s in card["sites"].items()}
    for field, sites in fields.items():
        own = {n: len(site_to_json(s)) for n, s in getattr(reading.card, field).items()}
        if own != {n: 1 + len(s.dims) for n, s in sites.items()}:
            raise ZooError(
                f"{source.name} has the {field} {', '.join(own) or 'none'}, and the fit was saved with "
                f"{', '.join(sites) or 'none'}: give the program of the fit"
            )
    labels = {"exchangeable": tuple(card["exchangeable"]), "symmetries": card["symmetries"]}
    return ReadModel(source, reading, settings).with_card(**fields, **labels, hyper=tuple(card["hyper"]))


def site_to_json(site: Site | str) -> list[str]:
    """The kind of a site, then its dimensions."""
    site = Site.from_line(site)
    return [site.kind, *site.dims]
