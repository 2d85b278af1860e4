"""Labels of entries in place of numbers: those along dimensions, as words of a column, or along axes of a quantity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zoo import Card
from zoo.types import Keywords


def labelled_entries(card: Card, settings: Keywords, names: Iterable[str]) -> list[str]:
    """Names of entries such as ``effect[2]`` with the labels of the card, as ``effect[Ytterby]``.

    Parameters
    ----------
    card : Card
    settings : mapping
        The keywords of the program.
    names : iterable of str

    Returns
    -------
    list of str
        A name is unchanged where its dimensions have no labels.
    """
    if not (card.coords or card.entry_labels):
        return list(names)
    sites = card.reported(settings)
    labelled = []
    for name in names:
        site, _, inside = name.removesuffix("]").partition("[")
        positions = inside.split(",")
        if site in sites and len(positions) == len(sites[site].dims):
            own = card.entry_labels.get(site, {})
            labels = [own.get(axis, card.coords.get(dim, ())) for axis, dim in enumerate(sites[site].dims)]
            name = f"{site}[{','.join(map(label_of, labels, positions))}]"
        labelled.append(name)
    return labelled


def label_of(labels: Sequence[object], position: str) -> str:
    """The label at a position along a dimension, or the position where it has none."""
    return str(labels[int(position)]) if position.isdecimal() and int(position) < len(labels) else position
