"""Sprites: grey images of one shape each, on the complete grid of the factors that made them.

Like dSprites (Matthey et al. 2017) these are shapes of different scale, rotation and position, but other images: the
edges are anti-aliased, the number of values of every factor is a setting, and no two images of the default are equal.
A pixel is the fraction of its area that the shape covers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from zoo.checks import check_whole
from zoo.data.datasets.row_factors import Factors
from zoo.data.intensities import Intensities
from zoo.errors import ZooError
from zoo.types import DataLike

LEVELS = 255
SIDES = (32, 64)
SHAPES = ("square", "ellipse", "heart")
FACTORS = ("shape", "scale", "rotation", "x", "y")
MAX_BYTES = 2**32  # of all images, a byte per pixel
SMALLEST = 0.5  # scale; the largest is 1, at which the area is that of a square with a quarter of the image's side
RADIUS = 0.8  # of the largest shape of area 1, about its centre of mass: that of the ellipse is 0.798
MARGIN = 0.22  # of the side, from the edge to the first and the last position: more than RADIUS / 4
LABELLED = 0.01  # of the images of ``partly_labelled_shapes``
CELLS = 128  # along each side of the fine grid on which a shape is drawn


@dataclass(frozen=True)
class Sprites:
    """Every combination of shape, scale, rotation, x and y, the last one changing fastest.

    Attributes
    ----------
    side : int, default 32
        Pixels along each side of an image, 32 or 64.
    shape : int, default 3
        Number of shapes, at most three: square, ellipse (its axes are as 2 to 1), heart.
    scale : int, default 4
        Number of scales, evenly spaced from 0.5 to 1, or 1 alone: the area of each shape is (scale * side / 4)^2.
    rotation : int, default 1
        Number of angles, evenly spaced from 0 up to but without a quarter turn, after which a square repeats itself.
    x, y : int, default 16
        Number of positions of the centre of mass along each axis, evenly spaced, or the middle alone.

    A factor with one value is constant, and is not among the factors.
    """

    side: int = 32
    shape: int = 3
    scale: int = 4
    rotation: int = 1
    x: int = 16
    y: int = 16
    levels: int = field(default=LEVELS, init=False)

    def __post_init__(self) -> None:
        if self.side not in SIDES or isinstance(self.side, bool):
            raise ZooError(f"side is 32 or 64, the pixels along each side of a sprite; given {self.side!r}")
        check_whole(1, **dict(zip(FACTORS, self.sizes, strict=True)))
        if self.shape > len(SHAPES):
            raise ZooError(f"shape is a number of shapes, 1 to 3 ({', '.join(SHAPES)}); given {self.shape}")
        if max(self.sizes) == 1:
            raise ZooError("sprites need a factor with two values or more; every number given is 1")
        if self.num_images * self.side**2 > MAX_BYTES:
            raise ZooError(
                f"{self.num_images} sprites of {self.side} by {self.side} pixels take more than 4 GiB: "
                "give fewer values of a factor"
            )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of values of each of FACTORS."""
        return self.shape, self.scale, self.rotation, self.x, self.y

    @property
    def num_images(self) -> int:
        """The number of combinations."""
        return int(np.prod([int(size) for size in self.sizes], dtype=object))

    def values(self) -> dict[str, np.ndarray]:
        """The values of each factor: numbers of shapes, scales, angles in radians, positions in pixels."""
        scales = np.linspace(SMALLEST, 1.0, self.scale) if self.scale > 1 else np.ones(1)
        angles = np.arange(self.rotation) * (np.pi / 2 / self.rotation)
        return {
            "shape": np.arange(self.shape, dtype=float),
            "scale": scales,
            "rotation": angles,
            "x": self._positions(self.x),
            "y": self._positions(self.y),
        }

    def grey(self) -> np.ndarray:
        """All images as bytes from 0 to 255, (N, side * side), the pixels of the top line first."""
        values = self.values()
        images = np.empty((*self.sizes, self.side, self.side), np.uint8)
        for (i, j, k), block in zip(np.ndindex(self.sizes[:3]), images.reshape(-1, *images.shape[3:]), strict=True):
            width = float(values["scale"][j]) * self.side / 4
            mask = draw_shape(SHAPES[i], float(values["rotation"][k]))
            columns = overlaps(values["x"], width, self.side)
            lines = overlaps(values["y"], width, self.side)
            for x, column in enumerate(columns):
                covered = lines @ (mask @ column.T)  # (Y, side, side): the area of each pixel that the shape covers
                block[x] = np.rint(LEVELS * np.minimum(covered, 1.0))
        return images.reshape(self.num_images, -1)

    def factors(self) -> Factors:
        """The factors with two values or more, by image."""
        index = np.indices(self.sizes).reshape(len(FACTORS), -1).T
        varied = [i for i, size in enumerate(self.sizes) if size > 1]
        values = self.values()
        real = np.stack([values[FACTORS[i]][index[:, i]] for i in varied], axis=1)
        return Factors(tuple(FACTORS[i] for i in varied), index[:, varied], real)

    def _positions(self, count: int) -> np.ndarray:
        edge = MARGIN * self.side
        return np.linspace(edge, self.side - edge, count) if count > 1 else np.full(1, self.side / 2)


def partly_labelled_shapes(source: Sprites, part: str = "") -> dict[str, DataLike]:
    """``{"x": Intensities (N, D), "attribute": (N,)}``: the number of the shape for 1% of the images, NaN elsewhere.

    The labels are drawn by a fixed seed, as many of each shape as of another up to one.
    """
    shapes, rng = np.indices(source.sizes)[0].ravel(), np.random.default_rng(0)
    attribute = np.full(source.num_images, np.nan)
    count = round(LABELLED * source.num_images)
    for shape in range(source.shape):
        rows = np.flatnonzero(shapes == shape)
        attribute[rng.choice(rows, (count + shape) // source.shape, replace=False)] = shape
    return {"x": Intensities(source.grey(), source.levels), "attribute": attribute}


def draw_shape(name: str, angle: float) -> np.ndarray:
    """Whether each cell of a fine grid lies in a shape of area 1, (CELLS, CELLS), as numbers; lines go downwards.

    The grid reaches RADIUS in every direction from the centre of mass, and the shape is turned anticlockwise.
    """
    centres = RADIUS * ((2 * np.arange(CELLS) + 1) / CELLS - 1)
    right, up = centres, -centres[:, None]
    u = np.cos(angle) * right + np.sin(angle) * up
    v = np.cos(angle) * up - np.sin(angle) * right
    return {"square": in_square, "ellipse": in_ellipse, "heart": in_heart}[name](u, v).astype(float)


def in_square(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Whether points lie in the square of side 1 about the origin."""
    return (np.abs(u) <= 0.5) & (np.abs(v) <= 0.5)


def in_ellipse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Whether points lie in the ellipse of area 1 about the origin that is twice as wide as high."""
    return (u / 2) ** 2 + v**2 <= 1 / (2 * np.pi)


def in_heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Whether points lie in the heart of area 1 with its centre of mass at the origin and its tip below.

    It is a square of side 2 on one corner, with a half disc of radius 1 on each of the upper sides. Its area is 4 + pi.
    Along each side of the square its centre of mass is (pi/2 + 2/3) / (4 + pi) from the middle: that of a half disc is
    4 / (3 pi) beyond the side.
    """
    unit, middle = np.sqrt(4 + np.pi), (np.pi / 2 + 2 / 3) / (4 + np.pi)
    a = unit * (v + u) / np.sqrt(2) + middle  # along the two upper sides, from the middle of the square
    b = unit * (v - u) / np.sqrt(2) + middle
    square = (np.abs(a) <= 1) & (np.abs(b) <= 1)
    return square | ((a > 1) & ((a - 1) ** 2 + b**2 <= 1)) | ((b > 1) & (a**2 + (b - 1) ** 2 <= 1))


def overlaps(positions: np.ndarray, width: float, side: int) -> np.ndarray:
    """The length that each pixel shares with each cell of a shape, (positions, side, CELLS), in pixels.

    ``width``: the length in pixels that is 1 where the shape is drawn. The cells of both axes together give the area of
    a pixel that the shape covers, without a further error at any position.
    """
    edges = positions[:, None] + width * RADIUS * (2 * np.arange(CELLS + 1) / CELLS - 1)
    pixels = np.arange(side)[:, None]
    low = np.maximum(edges[:, None, :-1], pixels)
    high = np.minimum(edges[:, None, 1:], pixels + 1)
    return np.maximum(high - low, 0.0)
