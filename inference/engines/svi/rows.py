"""The rows of the data: which are trained on, which are held out, and how they are carried over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.engines import FitRequest
from inference.engines.svi.guide import is_amortised
from zoo import ZooError
from zoo.cards import Site
from zoo.data.corpus import Corpus
from zoo.data.intensities import Intensities, binarise_once

BATCH = 128  # rows that networks are trained on at a time
ON_DEVICE = 1 << 28  # bytes of data that are copied whole
PLENTY = 2000  # rows enough to see the shape of the density, where there are batches
MOST = 1000  # rows looked at together, where the bound of many is taken
CHUNK = 1000  # steps, at most, whose rows are carried over at once
FEED = 1 << 24  # bytes of them, at most


@dataclass(frozen=True)
class Rows:
    """table: the data by site, as numpy; axes: of the sites with rows, which dimension they are along.

    kept, held: indices of the rows trained on and held out. batch: how many a step sees, None for all.
    on_device: whether the whole table is carried over, or each batch as it is needed.
    """

    table: dict[str, Any]
    axes: dict[str, int]
    kept: np.ndarray
    held: np.ndarray
    batch: int | None
    on_device: bool

    @classmethod
    def of(cls, request: FitRequest) -> Rows:
        """As the options ask; raises ZooError where nothing would be left, or where a guide needs the table whole."""
        amortised = is_amortised(request)
        options, sites = request.options, request.card.sites(request.keywords)
        axes = {n: axis_of(v, sites[n]) for n, v in request.table.items() if "N" in sites[n].dims}
        order = np.arange(request.rows)
        count = round(request.rows * options.held_out) if options.held_out else 0
        if options.held_out:
            if not 0 < count < request.rows:
                raise ZooError(
                    f"held_out={options['held_out']} of {request.rows} rows leaves no rows to train on or to hold out"
                )
            order = np.random.default_rng([request.seed, count]).permutation(request.rows)
        kept, held = np.sort(order[count:]), np.sort(order[:count])
        batch = options.batch_size
        if batch is None and amortised:
            batch = min(BATCH, len(kept))
        if batch and batch > len(kept):
            raise ZooError(f"batch_size={batch} but {len(kept)} rows are trained on: take at most as many")
        size = sum(raw(v).nbytes for v in request.table.values())
        mapped = any(isinstance(raw(v), np.memmap) for v in request.table.values())
        wish = {"auto": size <= ON_DEVICE and not mapped, "device": True, "host": False}[options.minibatches]
        on_device = wish or not (batch and amortised)
        if options.minibatches == "host" and on_device:
            raise ZooError(
                "minibatches='host' is for amortised guides and a batch_size: this guide needs every row at hand"
            )
        # a guide that reads no rows is shown all of them at once
        table = request.table if amortised else binarise_once(request.table, request.seed)
        return cls(table, axes, kept, held, batch, on_device)

    @property
    def most(self) -> int:
        """How many steps' rows are carried over at once."""
        if self.on_device or not self.batch:
            return CHUNK
        bytes_a_row = sum(raw(self.table[n]).nbytes for n in self.axes) / (len(self.kept) + len(self.held))
        return int(np.clip(FEED // (bytes_a_row * self.batch), 1, CHUNK))

    def some(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The data of some rows, by site, intensities as they are stored; other dimensions of ``rows`` go along."""
        return {n: np.take(raw(self.table[n]), rows, axis=axis) for n, axis in self.axes.items()}

    @property
    def carried(self) -> dict[str, Any]:
        """The table as it is stored, by site, if it is to be on the device; else nothing."""
        return {n: raw(v) for n, v in self.table.items()} if self.on_device else {}

    @property
    def whole(self) -> dict[str, Any]:
        """The data of all rows that are trained on, by site."""
        if not len(self.held):
            return {n: v if isinstance(v, Corpus) else raw(v) for n, v in self.table.items()}
        corpora = {n: v.take(self.kept) for n, v in self.table.items() if isinstance(v, Corpus)}
        return {n: raw(v) for n, v in self.table.items()} | self.some(self.kept) | corpora

    def levels(self) -> dict[str, float]:
        """Of the sites with intensities, the level that is 1."""
        return {n: v.levels for n, v in self.table.items() if isinstance(v, Intensities)}

    def in_parts(self, rows: np.ndarray) -> np.ndarray:
        """``rows`` in parts of equal size, (parts, rows): as many of them as fill the parts."""
        parts = -(-len(rows) // MOST)
        size = len(rows) // parts
        return rows[: parts * size].reshape(parts, size)


def raw(values: Any) -> Any:
    """Numbers as they are stored."""
    return values.raw if isinstance(values, Intensities | Corpus) else values


def axis_of(values: Any, site: Site) -> int:
    """The dimension that rows are along: of a corpus the first, however its tokens are laid out."""
    return 0 if isinstance(values, Corpus) else site.dims.index("N")


def first_rows(request: FitRequest, rows: Rows, plates: dict[str, tuple[str, ...]]) -> np.ndarray | None:
    """The rows, of those trained on, by which a guide is set up: enough of them where the data goes in batches.

    None is for all of them: a guide must see all of them where the program has latents in the plate of the rows.
    """
    some, count = max(PLENTY, rows.batch or 0), len(rows.kept)
    if rows.batch is None or any("N" in p for p in plates.values()) or some >= count:
        return None
    return np.random.default_rng(request.seed).choice(count, some, replace=False)
