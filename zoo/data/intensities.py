"""Grey pixels as probabilities: what a binary pixel is drawn from, kept as small as it was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.data.blocks import blocks
from zoo.data.corpus import Corpus
from zoo.errors import ZooError


class Intensities:
    """Grey values (N, ...) of binary pixels: each pixel is 1 with probability ``raw / levels``.

    A model with binary pixels takes these in the place of zeros and ones. An engine that looks at its rows again and
    again draws them anew each time (dynamic binarisation; Salakhutdinov and Murray 2008), every other engine once.
    ``raw`` is kept as it is, bytes as bytes and a mapped file on its disk. NaN is a pixel nobody saw. Raises ZooError
    for anything that is not numbers from 0 to ``levels``.

    >>> x = Intensities([[0, 8, 16]], levels=16)
    >>> x, x[0], np.asarray(x)
    (Intensities((1, 3), levels=16), array([0. , 0.5, 1. ]), array([[0. , 0.5, 1. ]]))
    """

    dtype = np.dtype(float)  # of what comes out

    def __init__(self, raw: Any, levels: float = 1):
        try:
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
                what = f"give levels={high:g} or more" if 0 < high < np.inf and outside.min() > 0 else "correct it"
                raise ZooError(f"intensities lie from 0 to levels={levels:g}, and {outside[0]:g} does not: {what}")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.raw.shape

    @property
    def ndim(self) -> int:
        return self.raw.ndim

    @property
    def size(self) -> int:
        return self.raw.size

    @property
    def nbytes(self) -> int:
        """The bytes that are kept, which are those of ``raw``."""
        return self.raw.nbytes

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Probabilities of some rows, float64: no others are computed."""
        return np.asarray(self.raw[rows], dtype=float) / self.levels

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or float, copy=False)

    def take(self, rows: Any) -> Intensities:
        """The intensities of some rows, as intensities."""
        return Intensities(self.raw[rows], self.levels)

    def reshape(self, *shape: int) -> Intensities:
        """The same values in another shape, as of images (N, side, side) made rows (N, D)."""
        return Intensities(self.raw.reshape(*shape), self.levels)

    def drawn(self, seed: int, dtype: Any = float) -> np.ndarray:
        """One draw of every pixel, zeros and ones of ``dtype``; NaN where nobody saw it. A seed gives one draw always.

        >>> Intensities([[0, 0.5, 0.5, 1]]).drawn(seed=0)
        array([[0., 1., 1., 1.]])
        """
        rng = np.random.default_rng(seed)
        ones = np.empty(self.shape, dtype)
        for begun, block in blocks(self):
            draw = np.where(np.isnan(block), np.nan, rng.random(block.shape) < block)
            ones[begun : begun + len(block)] = draw
        return ones

    def __repr__(self) -> str:
        return f"Intensities({self.shape}, levels={self.levels:g})"


def binarise_once(data: Any, seed: int) -> Any:
    """Data, bare or by site, as who looks at it once sees it: of intensities one draw by ``seed``, the rest as it is.

    >>> seen_once({"x": Intensities([[0, 1]]), "y": 3}, seed=0)
    {'x': array([[0., 1.]]), 'y': 3}
    """
    if isinstance(data, Intensities):
        return data.drawn(seed)
    if isinstance(data, Mapping):
        return {name: binarise_once(values, seed) for name, values in data.items()}
    return data


def take_rows(table: Mapping[str, Any], rows: Any) -> dict[str, Any]:
    """Some rows of a table; intensities stay intensities, and a corpus a corpus.

    >>> taken({"x": Intensities([[0], [1]]), "y": np.array([3, 4])}, [1])
    {'x': Intensities((1, 1), levels=1), 'y': array([4])}
    """
    return {n: v.take(rows) if isinstance(v, Intensities | Corpus) else np.asarray(v)[rows] for n, v in table.items()}


def among(data: Any) -> bool:
    """Whether there are intensities in the data, bare or by site."""
    return isinstance(data, Intensities) or (isinstance(data, Mapping) and any(map(among, data.values())))
