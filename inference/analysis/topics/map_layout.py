"""Layout of a map: points in a plane by their distances, and labels beside them that do not overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NUM_ANGLES, NUM_REACHES = 24, 14  # candidate places of a label: directions, and distances from its circle
NEAREST, FARTHEST = 0.35, 25  # the least and the greatest distance, in heights of the label
MARGIN = 1.1  # of the frame around the circles
LEAST_WIDTH = 0.1  # of the frame: points that all but coincide are shown as one
OUTSIDE_COST, OVERLAP_COST, HIDDEN_COST = 1e6, 100, 10  # of a place, beside its distance in heights of the label


def classical_scaling(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (K, 2) whose distances come nearest to those given, (K, K), and the part of these of each axis, (2,).

    Classical scaling (Torgerson 1952; Gower 1966): the principal axes of the points that have these distances. A part
    is an eigenvalue over the sum of those above zero. The furthest point of each axis lies on its positive side.

    >>> points, part = classical_scaling(np.array([[0.0, 2.0], [2.0, 0.0]]))
    >>> abs(points[:, 0]).round(6).tolist(), part.round(6).tolist()
    ([1.0, 1.0], [1.0, 0.0])
    """
    K = len(distance)
    centring = np.eye(K) - 1 / K
    values, vectors = np.linalg.eigh(-0.5 * centring @ np.square(distance) @ centring)
    lengths = np.zeros(max(K, 2))
    lengths[:K] = np.maximum(values[::-1], 0)
    points = np.zeros((K, 2))
    dimensions = min(2, K)
    points[:, :dimensions] = vectors[:, ::-1][:, :dimensions] * np.sqrt(lengths[:dimensions])
    furthest = points[np.abs(points).argmax(0), [0, 1]]
    return points * np.where(furthest < 0, -1, 1), lengths[:2] / max(lengths.sum(), np.finfo(float).tiny)


def set_limits(axes: Axes, points: np.ndarray, radii: np.ndarray) -> None:
    """Set limits so that circles around points (K, 2), of radii (K,) in pixels, are inside, both axes to one scale."""
    size = np.asarray(axes.get_window_extent().size)
    low, high = points.min(0), points.max(0)
    scale = max(((high - low) / (size / MARGIN - 2.2 * radii.max())).max(), LEAST_WIDTH / size.max())  # units per pixel
    middle, half = (low + high) / 2, scale * size / 2
    axes.set(xlim=(middle[0] - half[0], middle[0] + half[0]), ylim=(middle[1] - half[1], middle[1] + half[1]))


class LabelStyle(TypedDict):
    """Keywords of ``Axes.text``."""

    ha: Literal["center"]
    va: Literal["center"]
    fontsize: float
    zorder: float


def draw_labels(axes: Axes, points: np.ndarray, radii: np.ndarray, labels: Sequence[str], size: float) -> None:
    """Write labels beside circles around points (K, 2), of radii (K,) in pixels, with a line to the centre of each."""
    style: LabelStyle = {"ha": "center", "va": "center", "fontsize": size, "zorder": 4}
    texts = [axes.text(x, y, label, **style) for (x, y), label in zip(points, labels, strict=True)]
    boxes = np.array([text.get_window_extent().size for text in texts]) + 2
    centres = axes.transData.transform(points)
    middles = place_labels(centres, radii, boxes, axes.get_window_extent().get_points())
    to_data = axes.transData.inverted().transform
    for text, middle, centre, box in zip(texts, middles, centres, boxes, strict=True):
        x, y = to_data(middle)
        text.set_position((x, y))
        nearest = np.clip(centre, middle - box / 2, middle + box / 2)
        if (nearest != centre).any():
            axes.plot(*to_data([nearest, centre]).T, color="0.45", linewidth=0.6, zorder=3)
            axes.plot(*to_data(centre), ".", color="0.25", markersize=3, zorder=3)


def place_labels(centres: np.ndarray, radii: np.ndarray, boxes: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """The middle of each label, (K, 2): near its circle, inside the frame, on no other label and no other centre.

    centres: (K, 2), radii: (K,) of circles, boxes: (K, 2) width and height of the labels, frame: (2, 2) its lower left
    and upper right corner, all in pixels. Large circles are first; each label gets the cheapest of its candidates.
    """
    middles, half = np.array(centres, float), boxes / 2
    height = boxes[:, 1].mean()
    done: list[int] = []
    for k in np.argsort(-radii, kind="stable"):
        places, distance = candidate_places(centres[k], float(radii[k]), boxes[k])
        outside = (np.abs(places - frame.mean(0)) + half[k] > (frame[1] - frame[0]) / 2).any(1)
        others = np.arange(len(centres)) != k
        over = overlap_area(places, half[k], middles[done], half[done]).sum(1)
        hidden = overlap_area(places, half[k], centres[others], np.full((1, 2), height / 2)).sum(1)
        cost = OUTSIDE_COST * outside + (OVERLAP_COST * over + HIDDEN_COST * hidden) / height**2 + distance
        middles[k] = places[cost.argmin()]
        done.append(int(k))
    return middles


def candidate_places(centre: np.ndarray, radius: float, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places for a label, (places, 2), and the distance of each from its circle, in heights of the label.

    The first is inside the circle, and excluded by its distance where the label is larger than the circle; at others
    the nearest side of the label has that distance.
    """
    angle = np.linspace(0, 2 * np.pi, NUM_ANGLES, endpoint=False)
    direction = np.column_stack([np.cos(angle), np.sin(angle)])
    reach = np.geomspace(NEAREST, FARTHEST, NUM_REACHES)
    beside = (radius + reach * box[1])[:, None, None] * direction + np.clip(2 * direction, -1, 1) * box / 2
    inside = 0.0 if np.hypot(*box) / 2 < radius else 1e9
    return centre + np.vstack([[0.0, 0.0], beside.reshape(-1, 2)]), np.append(inside, np.repeat(reach, NUM_ANGLES))


def overlap_area(middles: np.ndarray, half: np.ndarray, others: np.ndarray, half_others: np.ndarray) -> np.ndarray:
    """The area that boxes of one size share with other boxes, (boxes, others)."""
    distance = np.abs(middles[:, None] - others)
    return np.clip(half + half_others - distance, 0, 2 * np.minimum(half, half_others)).prod(-1)
