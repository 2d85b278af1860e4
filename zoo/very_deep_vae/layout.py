"""The layout of a very deep VAE: which groups of latents there are on which side of the grid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt

from zoo.checks import is_whole
from zoo.errors import ZooError

EXAMPLE = "layout='1x2,2x2,4x4' has 2 groups on a grid of side 1, then 2 of side 2 and 4 of side 4"


@dataclass(frozen=True)
class Layout:
    """The stages of a layout and the image that they fit.

    Attributes
    ----------
    stages : tuple of (int, int)
        The side of the grid and the number of groups, the top first.
    side, colours : int
        The side of the image and the number of colours of a pixel.

    Examples
    --------
    >>> design = Layout.read("1x2,4x3", D=64)
    >>> design.stages, design.total, design.factor
    (((1, 2), (4, 3)), 5, 2)
    >>> design.latents(channels=2)
    {'z5': 2, 'z4': 2, 'z3': 32, 'z2': 32, 'z1': 32}
    """

    stages: tuple[tuple[int, int], ...]
    side: int
    colours: int

    @classmethod
    def read(cls, text: str, D: int, shape: tuple[int, int, int] | None = None) -> Layout:
        """Read a layout for images of D numbers, whose ``shape`` is (height, width, colours), or square and grey.

        Raises ZooError for a text that is no layout, and for a layout or shape that the images do not have.
        """
        stages = read_stages(text)
        side, colours = image_shape(D, shape)
        last = stages[-1][0]
        if side % last:
            sides = [s for s in range(1, side + 1) if side % s == 0]
            raise ZooError(
                f"layout={text!r}: its last side {last} does not divide the side {side} of the image; take one of "
                f"{', '.join(map(str, sides))}"
            )
        return cls(stages, side, colours)

    @property
    def total(self) -> int:
        """The number of groups."""
        return sum(count for _, count in self.stages)

    @property
    def factor(self) -> int:
        """The side of the square of pixels that one position of the last grid stands for."""
        return self.side // self.stages[-1][0]

    def latents(self, channels: int) -> dict[str, int]:
        """The name and the number of dimensions of each group, the top first."""
        return group_sizes(self.stages, channels)


def read_stages(text: object) -> tuple[tuple[int, int], ...]:
    """The sides and numbers of groups of a layout; raises ZooError for what is none."""
    if not isinstance(text, str) or not re.fullmatch(r"\s*\d+x\d+\s*(,\s*\d+x\d+\s*)*", text):
        raise ZooError(f"layout is text such as '1x2,2x2,4x4', side x groups; given {text!r}: {EXAMPLE}")
    stages = [tuple(map(int, part.split("x"))) for part in text.split(",")]
    if any(side < 1 or count < 1 for side, count in stages):
        raise ZooError(f"layout={text!r}: sides and numbers of groups are from 1 up; leave out a stage without groups")
    for (before, _), (after, _) in pairwise(stages):
        if after <= before or after % before:
            raise ZooError(
                f"layout={text!r}: side {after} follows {before}; sides grow from the top, each a multiple of the last"
            )
    if sum(count for _, count in stages) < 2:
        raise ZooError(f"layout={text!r} has one group: give two or more, or take the model 'vae', which has one layer")
    return tuple((side, count) for side, count in stages)


def group_sizes(stages: tuple[tuple[int, int], ...], channels: int) -> dict[str, int]:
    """The name and the number of dimensions of each group, the top first."""
    sizes = [side**2 * channels for side, count in stages for _ in range(count)]
    return {f"z{len(sizes) - i}": size for i, size in enumerate(sizes)}


def image_shape(D: int, shape: object) -> tuple[int, int]:
    """The side and the number of colours of images of D numbers; raises ZooError for other shapes."""
    if shape is None:
        side = isqrt(D)
        if side * side != D or not D:
            raise ZooError(
                f"D={D} pixels are no square: give square grey images, or shape=(height, width, colours) with "
                "height * width * colours = D"
            )
        return side, 1
    if not (isinstance(shape, tuple | list) and len(shape) == 3 and all(is_whole(n) and n > 0 for n in shape)):
        raise ZooError(f"shape is (height, width, colours), three whole numbers from 1 up; given {shape!r}")
    height, width, colours = shape
    if height * width * colours != D:
        raise ZooError(f"shape={tuple(shape)} is {height * width * colours} numbers, and an image of x has D={D}")
    if height != width:
        raise ZooError(
            f"shape={tuple(shape)}: the images are square; pad the shorter side, with NaN where not observed"
        )
    return height, colours
