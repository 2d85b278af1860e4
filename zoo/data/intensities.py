"""Pixel intensities: probabilities from which binary pixels are drawn, stored in their original type."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import DTypeLike

from zoo.data.arrays import to_numbers
from zoo.data.blocks import blocks
from zoo.data.corpus import Corpus
from zoo.errors import ZooError
from zoo.types import DataLike, RowIndex


class Intensities:
    """Grey values (N, ...) of binary pixels: each pixel is 1 with probability ``raw / levels``.

    A model with binary pixels takes these in the place of zeros and ones. An engine that visits its rows many times
    draws the pixels anew at each visit (dynamic binarisation), every other engine draws them once.

    Parameters
    ----------
    raw : array_like
        Numbers from 0 to ``levels``, (N, ...); NaN marks a missing pixel. An array is not copied: bytes stay bytes, and
        a memory-mapped file stays on disk.
    levels : float, default 1
        The grey value whose probability is 1.

    Raises
    ------
    ZooError
        For values that are not numbers from 0 to ``levels``.

    References
    ----------
    Salakhutdinov, R. and Murray, I. (2008). On the quantitative analysis of deep belief networks. ICML, 872-879.

    Examples
    --------
    >>> x = Intensities([[0, 8, 16]], levels=16)
    >>> x, x[0], np.asarray(x)
    (Intensities((1, 3), levels=16), array([0. , 0.5, 1. ]), array([[0. , 0.5, 1. ]]))
    """

    dtype = np.dtype(float)  # of the probabilities

    def __init__(self, raw: object, levels: float = 1):
        try:
            if isinstance(raw, np.ma.MaskedArray):
                raw = to_numbers("intensities", raw)
            self.raw = raw if isinstance(raw, np.ndarray) else np.asarray(raw)
            if self.raw.dtype.kind not in "biuf" or self.raw.ndim == 0:
                raise TypeError
        except (TypeError, ValueError):
            raise ZooError("intensities are a rectangular array of numbers from 0 to levels") from None
        if isinstance(levels, bool) or not isinstance(levels, int | float | np.number) or not 0 < levels < np.inf:
            raise ZooError(f"levels is the grey value that is always 1, a number above 0; given {levels!r}")
        self.levels = levels
        for _, block in blocks(self.raw):
            outside = block[(block < 0) | (block > levels)]
            if outside.size:
                high = outside.max()
                remedy = f"give levels={high:g} or more" if 0 < high < np.inf and outside.min() > 0 else "correct it"
                raise ZooError(f"intensities lie from 0 to levels={levels:g}, and {outside[0]:g} does not: {remedy}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of ``raw``."""
        return self.raw.shape

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.raw.ndim

    @property
    def size(self) -> int:
        """The number of pixels."""
        return self.raw.size

    @property
    def nbytes(self) -> int:
        """The number of bytes of ``raw``."""
        return self.raw.nbytes

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, rows: RowIndex) -> np.ndarray:
        """Probabilities of some rows, float64; those of the other rows are not computed."""
        return np.asarray(self.raw[rows], dtype=float) / self.levels

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or float, copy=False)

    def take(self, rows: RowIndex) -> Intensities:
        """The intensities of some rows.

        Parameters
        ----------
        rows : array, slice or mask
            An index of NumPy.

        Returns
        -------
        Intensities
        """
        return Intensities(self.raw[rows], self.levels)

    def reshape(self, *shape: int) -> Intensities:
        """The same values in another shape, for example images (N, side, side) as rows (N, D).

        Parameters
        ----------
        *shape : int
            The new shape.

        Returns
        -------
        Intensities
        """
        return Intensities(self.raw.reshape(*shape), self.levels)

    def binarise(self, seed: int, dtype: DTypeLike = float) -> np.ndarray:
        """Draw every pixel once.

        Parameters
        ----------
        seed : int
            Equal seeds give equal draws.
        dtype : data type, default float
            Type of the result.

        Returns
        -------
        ndarray
            Zeros and ones of the same shape; NaN where a pixel is missing.

        Examples
        --------
        >>> Intensities([[0, 0.5, 0.5, 1]]).binarise(seed=0)
        array([[0., 1., 1., 1.]])
        """
        rng = np.random.default_rng(seed)
        pixels = np.empty(self.shape, dtype)
        for first, block in blocks(self):
            draw = np.where(np.isnan(block), np.nan, rng.random(block.shape) < block)
            pixels[first : first + len(block)] = draw
        return pixels

    def __repr__(self) -> str:
        return f"Intensities({self.shape}, levels={self.levels:g})"


def binarise_once(data: DataLike, seed: int) -> DataLike:
    """Data, bare or by site, with intensities replaced by one draw; other data is unchanged.

    >>> binarise_once({"x": Intensities([[0, 1]]), "y": 3}, seed=0)
    {'x': array([[0., 1.]]), 'y': 3}
    """
    if isinstance(data, Intensities):
        return data.binarise(seed)
    if isinstance(data, Mapping):
        return {name: binarise_once(values, seed) for name, values in data.items()}
    return data


def take_rows(table: Mapping[str, DataLike], rows: RowIndex) -> dict[str, DataLike]:
    """Some rows of a table; intensities stay intensities, and a corpus a corpus.

    >>> take_rows({"x": Intensities([[0], [1]]), "y": np.array([3, 4])}, [1])
    {'x': Intensities((1, 1), levels=1), 'y': array([4])}
    """
    return {n: v.take(rows) if isinstance(v, Intensities | Corpus) else np.asarray(v)[rows] for n, v in table.items()}


def has_intensities(data: object) -> bool:
    """Whether data, bare or by site, holds intensities."""
    return isinstance(data, Intensities) or (isinstance(data, Mapping) and any(map(has_intensities, data.values())))
