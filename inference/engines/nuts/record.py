"""What a run of NUTS records of its chains, and the checkpoints that keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.engines.contract import FitRequest
from inference.engines.nuts.options import NUTSOptions
from inference.run.checkpoints import describe, load_checkpoint, make_folder, save_checkpoint
from zoo.errors import ZooError

OTHER_OPTIONS = ("num_samples", "checkpoint", "checkpoint_every")  # options that an iteration does not depend on


class ChainRecord:
    """The iterations of one chain, or of chains that run together, up to the last.

    done: their number, warm-up included; total: that of the whole run. divergences: after warm-up. axis: of the
    iterations in each array.
    """

    def __init__(self, options: NUTSOptions, axis: int = 0):
        self.warmup, self.thinning, self.axis = options.num_warmup, options.thinning, axis
        self.total = options.num_warmup + options.num_samples
        self.done = self.divergences = 0
        self._arrays: dict[str, list[np.ndarray]] = {}

    @property
    def is_whole(self) -> bool:
        """Whether every iteration is done."""
        return self.done == self.total

    def positions(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Of the next ``count`` iterations those after warm-up, and those of them that are kept: one in ``thinning``.

        >>> record = ChainRecord(NUTSOptions(num_warmup=2, thinning=2))
        >>> [positions.tolist() for positions in record.positions(6)]
        [[2, 3, 4, 5], [3, 5]]
        """
        number = np.arange(self.done, self.done + count) - self.warmup + 1  # the first after warm-up is 1
        return np.flatnonzero(number > 0), np.flatnonzero((number > 0) & (number % self.thinning == 0))

    def add(self, count: int, made: Mapping[str, np.ndarray], kept: Mapping[str, np.ndarray]) -> None:
        """Record ``count`` iterations: ``made`` at the positions after warm-up, ``kept`` at those that are kept.

        Each name is in one of the two throughout; ``made`` has "diverging".
        """
        self.done += count
        self.divergences += int(made["diverging"].sum())
        for name, values in {**made, **kept}.items():
            if values.shape[self.axis]:
                self._arrays.setdefault(name, []).append(values)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything recorded, by name."""
        joined = {name: np.concatenate(parts, self.axis) for name, parts in self._arrays.items()}
        self._arrays = {name: [values] for name, values in joined.items()}
        return joined

    def restore(self, arrays: dict[str, np.ndarray], done: int) -> None:
        """Continue from what ``arrays`` returned after ``done`` iterations."""
        self.done, self._arrays = done, {name: [values] for name, values in arrays.items()}
        self.divergences = int(arrays["diverging"].sum()) if "diverging" in arrays else 0


@dataclass
class ChainCheckpoint:
    """The checkpoint of one chain, or of chains that run together.

    folder: where the file is. every: iterations between two. settings: what an iteration depends on, by name.
    """

    folder: Path
    every: int
    settings: dict[str, str]

    @classmethod
    def from_request(
        cls, request: FitRequest[NUTSOptions], chain: int, dtype: str, device: str
    ) -> ChainCheckpoint | None:
        """As the options describe; None without the option. Raises ZooError where the folder cannot be one."""
        options = request.options
        if options.checkpoint is None:
            return None
        values = {"model": request.model.name, "backend": request.model.backend, "seed": request.seed}
        values |= {n: v for n, v in options.as_dict().items() if n not in OTHER_OPTIONS}
        values |= {"dtype": dtype, "device": device, **{f"data {n}": v for n, v in request.table.items()}}
        settings = {n: describe(v) for n, v in {**values, **request.keywords}.items()}
        folder = make_folder(make_folder(options.checkpoint) / f"chain_{chain}")
        return cls(folder, options.checkpoint_every, settings)

    def resume(self, record: ChainRecord) -> dict[str, np.ndarray] | None:
        """Restore the record from the file, and return the state of the sampler; None without a file.

        Raises ZooError where the chain is longer than the run.
        """
        checkpoint = load_checkpoint(self.folder, self.settings)
        if checkpoint is None:
            return None
        arrays, plain = checkpoint
        if plain["done"] > record.total:
            raise ZooError(
                f"{str(self.folder)!r} has {plain['done'] - record.warmup} iterations after warm-up, more than "
                f"num_samples={record.total - record.warmup}: ask for as many, or name another folder"
            )
        groups: dict[str, dict[str, np.ndarray]] = {"state": {}, "record": {}}
        for name, value in arrays.items():
            group, _, rest = name.partition("/")
            groups[group][rest] = value
        record.restore(groups["record"], plain["done"])
        return groups["state"]

    def is_due(self, record: ChainRecord) -> bool:
        """Whether to write the file after the last iteration of the record."""
        return record.done % self.every == 0 or record.is_whole

    def save(self, record: ChainRecord, state: Mapping[str, np.ndarray]) -> None:
        """Write the file. Where that fails the old one stays, and there is a warning."""
        arrays = {**{f"state/{n}": np.asarray(v) for n, v in state.items()}}
        arrays |= {f"record/{n}": v for n, v in record.arrays().items()}
        save_checkpoint(self.folder, self.settings, arrays, {"done": record.done}, f"iteration {record.done}")
