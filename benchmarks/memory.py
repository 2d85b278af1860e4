"""Peak memory of a process without the files that it maps, and large files written block by block."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

STATUS = Path("/proc/self/status")
INTERVAL = 0.003  # seconds between two readings


def can_measure() -> bool:
    """Whether the system reports memory without mapped files; prints a line where it does not."""
    if not STATUS.exists():
        print("this benchmark reads /proc/self/status, which this system does not have: nothing is measured")
    return STATUS.exists()


def resident() -> tuple[float, float]:
    """Resident memory in MiB: the process's own pages (RssAnon), and those of mapped files (RssFile)."""
    fields = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    own, mapped = (int(fields[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile"))
    return own, mapped


class PeakMemory:
    """The largest resident memory while the block runs, in MiB: ``own`` and ``mapped``."""

    def __enter__(self) -> PeakMemory:
        self.own, self.mapped = resident()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._end.wait(INTERVAL):
            own, mapped = resident()
            self.own, self.mapped = max(self.own, own), max(self.mapped, mapped)

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()


def write_rows(path: Path, shape: tuple[int, int], dtype: str, block: int, rows: Callable[[int], Any]) -> None:
    """Write a .npy file whose rows do not fit into memory; ``rows(count)`` makes the next block of them."""
    file = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    for first in range(0, shape[0], block):
        count = min(block, shape[0] - first)
        file[first : first + count] = rows(count)
    file.flush()
