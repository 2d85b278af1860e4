"""The rows of the data in training: which are trained on, which validate, and where they are stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.engines.contract import FitRequest
from inference.engines.svi.guide import is_amortised
from inference.engines.svi.options import SVIOptions
from zoo import ZooError
from zoo.data.corpus import Corpus
from zoo.data.intensities import Intensities, binarise_once
from zoo.sites import Site
from zoo.types import DataLike

DEFAULT_BATCH = 128  # rows of a step where the guide is amortised
DEVICE_BYTES = 1 << 28  # data up to this size is copied to the device as one table
SETUP_ROWS = 2000  # rows that a guide is set up with, where there are batches
EVALUATION_ROWS = 1000  # rows of one evaluation of the bound
TRANSFER_STEPS = 1000  # steps, at most, whose rows are copied to the device at once
TRANSFER_BYTES = 1 << 24  # of these rows, at most


@dataclass(frozen=True)
class TrainingRows:
    """The data of a training.

    table: the data by site, as NumPy. axes: for sites with rows, the dimension of the rows. training, validation:
    indices of the rows. batch_size: rows of a step, None for all. on_device: whether the table is on the device, or
    each batch is copied when it is needed.
    """

    table: dict[str, DataLike]
    axes: dict[str, int]
    training: np.ndarray
    validation: np.ndarray
    batch_size: int | None
    on_device: bool

    @classmethod
    def from_request(cls, request: FitRequest[SVIOptions]) -> TrainingRows:
        """As the options describe; raises ZooError where no rows remain, or where a guide needs all rows at once."""
        amortised = is_amortised(request)
        options, sites = request.options, request.card.sites(request.keywords)
        axes = {n: rows_axis(v, sites[n]) for n, v in request.table.items() if "N" in sites[n].dims}
        training, validation = split_rows(request)
        batch_size = options.batch_size
        if batch_size is None and amortised:
            batch_size = min(DEFAULT_BATCH, len(training))
        if batch_size and batch_size > len(training):
            raise ZooError(f"batch_size={batch_size} but {len(training)} rows are trained on: take at most as many")
        size = sum(stored(v).nbytes for v in request.table.values())
        is_mapped = any(isinstance(stored(v), np.memmap) for v in request.table.values())
        wanted = {"auto": size <= DEVICE_BYTES and not is_mapped, "device": True, "host": False}[options.minibatches]
        on_device = wanted or not (batch_size and amortised)
        if options.minibatches == "host" and on_device:
            raise ZooError(
                "minibatches='host' is for amortised guides and a batch_size: this guide needs every row at hand"
            )
        # a guide that is not amortised takes all rows at once
        table = request.table if amortised else binarise_once(request.table, request.seed)
        return cls(table, axes, training, validation, batch_size, on_device)

    @property
    def max_steps(self) -> int:
        """Steps, at most, whose rows are copied to the device at once."""
        if self.on_device or not self.batch_size:
            return TRANSFER_STEPS
        row_bytes = sum(stored(self.table[n]).nbytes for n in self.axes) / (len(self.training) + len(self.validation))
        return int(np.clip(TRANSFER_BYTES // (row_bytes * self.batch_size), 1, TRANSFER_STEPS))

    def take(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The data of some rows by site, intensities as they are stored; ``rows`` may have several dimensions."""
        return {n: np.take(stored(self.table[n]), rows, axis=axis) for n, axis in self.axes.items()}

    @property
    def device_table(self) -> dict[str, np.ndarray]:
        """The table as it is stored, by site, if it belongs on the device; else nothing."""
        return {n: stored(v) for n, v in self.table.items()} if self.on_device else {}

    @property
    def training_table(self) -> dict[str, np.ndarray | Corpus]:
        """The data of all rows that are trained on, by site."""
        if not len(self.validation):
            return {n: v if isinstance(v, Corpus) else stored(v) for n, v in self.table.items()}
        corpora = {n: v.take(self.training) for n, v in self.table.items() if isinstance(v, Corpus)}
        return {n: stored(v) for n, v in self.table.items()} | self.take(self.training) | corpora

    def intensity_levels(self) -> dict[str, float]:
        """For sites with intensities, the level that is 1."""
        return {n: v.levels for n, v in self.table.items() if isinstance(v, Intensities)}

    def evaluation_parts(self, rows: np.ndarray) -> np.ndarray:
        """``rows`` in parts of equal size, (parts, rows): as many of them as fill the parts."""
        parts = -(-len(rows) // EVALUATION_ROWS)
        size = len(rows) // parts
        return rows[: parts * size].reshape(parts, size)


def split_rows(request: FitRequest[SVIOptions]) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the rows that are trained on, and of those that validate; raises ZooError where either is empty."""
    fraction, order, count = request.options.held_out, np.arange(request.rows), 0
    if fraction:
        count = round(request.rows * fraction)
        if not 0 < count < request.rows:
            raise ZooError(
                f"held_out={fraction} of {request.rows} rows leaves no rows to train on or to hold out: "
                "give another fraction"
            )
        order = np.random.default_rng([request.seed, count]).permutation(request.rows)
    return np.sort(order[count:]), np.sort(order[:count])


def stored(values: DataLike) -> np.ndarray:
    """Numbers as they are stored."""
    return values.raw if isinstance(values, Intensities | Corpus) else values


def rows_axis(values: DataLike, site: Site) -> int:
    """The dimension of the rows: of a corpus the first, whatever the layout of its tokens."""
    return 0 if isinstance(values, Corpus) else site.dims.index("N")


def setup_rows(request: FitRequest, rows: TrainingRows, plates: dict[str, tuple[str, ...]]) -> np.ndarray | None:
    """The rows, of those trained on, with which a guide is set up, or None for all of them.

    All of them where there are no batches, or where the program has latents in the plate of the rows.
    """
    size, count = max(SETUP_ROWS, rows.batch_size or 0), len(rows.training)
    if rows.batch_size is None or any("N" in p for p in plates.values()) or size >= count:
        return None
    return np.random.default_rng(request.seed).choice(count, size, replace=False)
