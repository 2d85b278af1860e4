"""Two sets of images of digits, in parts, and the forms in which models take them.

A source has ``levels``, the largest grey value; ``grey(part)``, bytes (N, D); and ``labels(part)``, the digit of each
image, (N,). The functions ``form(source, part)`` give the data of a model.
"""

from __future__ import annotations

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from zoo.data.datasets.sources import RemoteFile, SklearnTable
from zoo.data.intensities import Intensities
from zoo.errors import ZooError
from zoo.types import DataLike

PARTS = ("train", "test")
NUM_LABELLED = 100  # training images with their label, in the data sets *_labelled


class ImageSource(Protocol):
    """Images in parts, "train" and "test", with the digit of each."""

    levels: int

    def grey(self, part: str) -> np.ndarray: ...

    def labels(self, part: str = ...) -> np.ndarray: ...


@dataclass(frozen=True)
class Mnist:
    """Four files of the cache folder in the idx format; the parts are those of the authors."""

    files: tuple[tuple[str, str], ...]  # name and sha256: images and labels of "train", then of "test"
    address: str
    levels = 255

    def grey(self, part: str) -> np.ndarray:
        images = read_idx(self.path(2 * PARTS.index(part)), dims=3)
        return images.reshape(len(images), -1)

    def labels(self, part: str = PARTS[0]) -> np.ndarray:
        return read_idx(self.path(2 * PARTS.index(part) + 1), dims=1).astype(int)

    def path(self, which: int) -> Path:
        """The path of one of the four files; fetches it where absent, and raises ZooError as ``RemoteFile.path``."""
        name, sha256 = self.files[which]
        return RemoteFile(f"mnist/{name}", self.address + name, sha256).path()


@dataclass(frozen=True)
class Digits(SklearnTable):
    """scikit-learn's table of digits: of its rows in a fixed random order 1500 are for training, 297 for testing."""

    levels = 16
    num_train = 1500

    def rows(self, part: str) -> np.ndarray:
        order = np.random.default_rng(0).permutation(len(self.table()))
        return np.sort((order[: self.num_train], order[self.num_train :])[PARTS.index(part)])

    def grey(self, part: str) -> np.ndarray:
        return self.table().to_numpy(np.uint8)[self.rows(part)]

    def labels(self, part: str = "") -> np.ndarray:
        classes = super().labels()
        return classes[self.rows(part)] if part else classes


def grey_bytes(source: ImageSource, part: str) -> np.ndarray:
    """Grey values from 0 to the source's ``levels``, bytes (N, D)."""
    return source.grey(part)


def intensities(source: ImageSource, part: str) -> Intensities:
    """Probabilities of the pixels."""
    return Intensities(source.grey(part), source.levels)


def binary_pixels(source: ImageSource, part: str) -> np.ndarray:
    """Zeros and ones, bytes (N, D): one draw by a fixed seed."""
    return intensities(source, part).binarise(seed=0, dtype=np.uint8)


def partly_labelled(source: ImageSource, part: str) -> dict[str, DataLike]:
    """``{"x": Intensities (N, D), "label": (N,)}``: 100 training labels, ten of each digit, NaN elsewhere."""
    classes = source.labels(part)
    label = np.full(len(classes), np.nan)
    if part == "train":
        rng, digits = np.random.default_rng(0), np.unique(classes)
        for digit in digits:
            rows = rng.choice(np.flatnonzero(classes == digit), NUM_LABELLED // len(digits), replace=False)
            label[rows] = digit
    return {"x": intensities(source, part), "label": label}


def read_idx(path: Path, dims: int) -> np.ndarray:
    """Read a gzipped file of bytes in the idx format, with ``dims`` dimensions; raises ZooError for any other file.

    The format: two zero bytes, the type of value (8: byte), the number of dimensions, each size as four bytes with the
    highest first, then the values, the last dimension running fastest (LeCun, Cortes and Burges, the MNIST database).
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise ZooError(f"{str(path)!r} cannot be read: {str(error).splitlines()[0]}; fetch it again") from error
    begin = 4 + 4 * dims
    if content[:4] != bytes([0, 0, 8, dims]) or len(content) < begin:
        raise ZooError(f"{str(path)!r} is not an idx file of bytes with {dims} dimensions; fetch it again")
    shape = np.frombuffer(content, ">u4", dims, offset=4).tolist()
    expected = begin + math.prod(shape)
    if len(content) != expected:
        raise ZooError(f"{str(path)!r} has {len(content)} bytes where its header says {expected}; fetch it again")
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)
