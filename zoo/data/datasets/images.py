"""Two sets of images of digits, in parts, and the forms in which a model is given them.

A source has ``levels`` (the grey value that is full ink), ``grey(part)``, bytes (N, D), and ``labels(part)``, the digit
that each image shows, (N,). A view makes of it what a model observes.
"""

from __future__ import annotations

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.datasets.sources import Bundled, Fetched
from zoo.data.intensities import Intensities
from zoo.errors import ZooError

PARTS = ("train", "test")
LABELLED = 100  # of the training images, where a data set keeps few of its labels


@dataclass(frozen=True)
class Mnist:
    """Four files in the idx format, kept in the cache folder; the parts are those of its authors."""

    files: tuple[tuple[str, str], ...]  # name and sha256: images and labels to train on, images and labels to test on
    address: str
    levels = 255

    def grey(self, part: str) -> np.ndarray:
        images = read_idx(self.path(2 * PARTS.index(part)), dims=3)
        return images.reshape(len(images), -1)

    def labels(self, part: str = PARTS[0]) -> np.ndarray:
        return read_idx(self.path(2 * PARTS.index(part) + 1), dims=1).astype(int)

    def path(self, which: int) -> Path:
        """One of the four files, fetched unless it is there; raises ZooError as ``Fetched.path``."""
        name, sha256 = self.files[which]
        return Fetched(f"mnist/{name}", self.address + name, sha256).path()


@dataclass(frozen=True)
class Digits(Bundled):
    """scikit-learn's table of digits; of its rows in one fixed random order 1500 are to train on, 297 to test on."""

    levels = 16
    train = 1500

    def rows(self, part: str) -> np.ndarray:
        order = np.random.default_rng(0).permutation(len(self.table()))
        return np.sort((order[: self.train], order[self.train :])[PARTS.index(part)])

    def grey(self, part: str) -> np.ndarray:
        return self.table().to_numpy(np.uint8)[self.rows(part)]

    def labels(self, part: str = "") -> np.ndarray:
        classes = super().labels()
        return classes[self.rows(part)] if part else classes


def grey(source: Any, part: str) -> np.ndarray:
    """Grey values from 0 to the source's ``levels``, bytes (N, D)."""
    return source.grey(part)


def dynamic(source: Any, part: str) -> Intensities:
    """Probabilities of the pixels, from which whoever looks draws."""
    return Intensities(source.grey(part), source.levels)


def static(source: Any, part: str) -> np.ndarray:
    """Zeros and ones, bytes (N, D): one draw, the same for everybody (seed 0)."""
    return dynamic(source, part).drawn(seed=0, dtype=np.uint8)


def labelled(source: Any, part: str) -> dict[str, Any]:
    """``{"x": Intensities (N, D), "label": (N,)}``: 100 labels to train on, as many of each digit, NaN elsewhere."""
    classes = source.labels(part)
    label = np.full(len(classes), np.nan)
    if part == "train":
        rng, digits = np.random.default_rng(0), np.unique(classes)
        for digit in digits:
            some = rng.choice(np.flatnonzero(classes == digit), LABELLED // len(digits), replace=False)
            label[some] = digit
    return {"x": dynamic(source, part), "label": label}


def read_idx(path: Path, dims: int) -> np.ndarray:
    """Bytes in the idx format, gzipped: an array with ``dims`` dimensions. Raises ZooError for any other file.

    Two zero bytes, the kind of value (8: a byte), the number of dimensions, each size as four bytes with the highest
    first, then the values, the last dimension running fastest (LeCun, Cortes and Burges, the MNIST database).
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise ZooError(f"{str(path)!r} cannot be read: {str(error).splitlines()[0]}; fetch it again") from error
    begun = 4 + 4 * dims
    if content[:4] != bytes([0, 0, 8, dims]) or len(content) < begun:
        raise ZooError(f"{str(path)!r} is not an idx file of bytes with {dims} dimensions; fetch it again")
    shape = np.frombuffer(content, ">u4", dims, offset=4).tolist()
    wanted = begun + math.prod(shape)
    if len(content) != wanted:
        raise ZooError(f"{str(path)!r} has {len(content)} bytes where its header says {wanted}; fetch it again")
    return np.frombuffer(content, np.uint8, offset=begun).reshape(shape)
