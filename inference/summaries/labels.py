"""Labels of entries: those along the dimensions of a user's program in place of numbers, as words of a column."""

from __future__ import annotations

from collections.abc import Iterable

from zoo import Card


def labelled_entries(card: Card, names: Iterable[str]) -> list[str]:
    """Names of entries such as ``effect[2]`` with the labels of the card, as ``effect[Ytterby]``.

    Parameters
    ----------
    card : Card
    names : iterable of str

    Returns
    -------
    list of str
        A name is unchanged where its dimensions have no labels.
    """
    sites = card.reported()
    labelled = []
    for name in names:
        site, _, inside = name.removesuffix("]").partition("[")
        positions = inside.split(",")
        if site in sites and len(positions) == len(sites[site].dims):
            entries = zip(sites[site].dims, positions, strict=True)
            name = f"{site}[{','.join(label_of(card, dim, position) for dim, position in entries)}]"
        labelled.append(name)
    return labelled


def label_of(card: Card, dim: str, position: str) -> str:
    """The label at a position along a dimension, or the position where it has none."""
    labels = card.coords.get(dim, ())
    return str(labels[int(position)]) if position.isdecimal() and int(position) < len(labels) else position
