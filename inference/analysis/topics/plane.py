"""Points on a plane by their distances, and labels beside them that hide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ANGLES, REACHES = 24, 14  # where a label is tried: directions, and how far away
NEAR, FAR = 0.35, 25  # the least and the greatest of these, in heights of the label
MARGIN = 1.1  # of the frame around the circles
LEAST = 0.1  # width of the frame at least: points that are all but one are not told apart


def scaled(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (K, 2) whose distances come nearest to those given, (K, K), and the part of these each axis carries, (2,).

    Classical scaling (Torgerson 1952; Gower 1966): the principal axes of the points that have these distances. A part
    is an eigenvalue over the sum of those above zero. The furthest point of each axis lies on its positive side.

    >>> points, part = scaled(np.array([[0.0, 2.0], [2.0, 0.0]]))
    >>> abs(points[:, 0]).round(6).tolist(), part.round(6).tolist()
    ([1.0, 1.0], [1.0, 0.0])
    """
    K = len(distance)
    centring = np.eye(K) - 1 / K
    values, vectors = np.linalg.eigh(-0.5 * centring @ np.square(distance) @ centring)
    lengths = np.zeros(max(K, 2))
    lengths[:K] = np.maximum(values[::-1], 0)
    points = np.zeros((K, 2))
    shown = min(2, K)
    points[:, :shown] = vectors[:, ::-1][:, :shown] * np.sqrt(lengths[:shown])
    furthest = points[np.abs(points).argmax(0), [0, 1]]
    return points * np.where(furthest < 0, -1, 1), lengths[:2] / max(lengths.sum(), np.finfo(float).tiny)


def framed(axes: Axes, points: np.ndarray, radii: np.ndarray) -> None:
    """Set limits by which circles around points (K, 2), of radii (K,) in dots, lie inside, one scale on both axes."""
    size = np.asarray(axes.get_window_extent().size)
    low, high = points.min(0), points.max(0)
    scale = max(((high - low) / (size / MARGIN - 2.2 * radii.max())).max(), LEAST / size.max())  # units a dot
    middle, half = (low + high) / 2, scale * size / 2
    axes.set(xlim=(middle[0] - half[0], middle[0] + half[0]), ylim=(middle[1] - half[1], middle[1] + half[1]))


def labelled(axes: Axes, points: np.ndarray, radii: np.ndarray, words: Sequence[str], size: float) -> None:
    """Write words beside circles around points (K, 2), of radii (K,) in dots, with a line to the middle of each."""
    style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": size, "zorder": 4}
    texts = [axes.text(x, y, word, **style) for (x, y), word in zip(points, words, strict=True)]
    boxes = np.array([text.get_window_extent().size for text in texts]) + 2
    centres = axes.transData.transform(points)
    middles = placed(centres, radii, boxes, axes.get_window_extent().get_points())
    back = axes.transData.inverted().transform
    for text, middle, centre, box in zip(texts, middles, centres, boxes, strict=True):
        x, y = back(middle)
        text.set_position((x, y))
        nearest = np.clip(centre, middle - box / 2, middle + box / 2)
        if (nearest != centre).any():
            axes.plot(*back([nearest, centre]).T, color="0.45", linewidth=0.6, zorder=3)
            axes.plot(*back(centre), ".", color="0.25", markersize=3, zorder=3)


def placed(centres: np.ndarray, radii: np.ndarray, boxes: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """The middle of each label, (K, 2): near its circle, inside the frame, on no other label or middle of a circle.

    centres: (K, 2), radii: (K,) of circles, boxes: (K, 2) width and height of the labels, frame: (2, 2) its lower left
    and upper right corner, all in dots. Large circles choose first; each takes the cheapest of some hundred places.
    """
    middles, half = np.array(centres, float), boxes / 2
    height = boxes[:, 1].mean()
    taken: list[int] = []
    for k in np.argsort(-radii, kind="stable"):
        places, far = around(centres[k], float(radii[k]), boxes[k])
        outside = (np.abs(places - frame.mean(0)) + half[k] > (frame[1] - frame[0]) / 2).any(1)
        others = np.arange(len(centres)) != k
        over = overlap(places, half[k], middles[taken], half[taken]).sum(1)
        hidden = overlap(places, half[k], centres[others], np.full((1, 2), height / 2)).sum(1)
        cost = 1e6 * outside + (100 * over + 10 * hidden) / height**2 + far
        middles[k] = places[cost.argmin()]
        taken.append(int(k))
    return middles


def around(centre: np.ndarray, radius: float, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places for a label, (places, 2), and how far each is from its circle, in heights of the label.

    The first is inside the circle, and no place where there is no room; others have the label's nearest side that far.
    """
    angle = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
    way = np.column_stack([np.cos(angle), np.sin(angle)])
    far = np.geomspace(NEAR, FAR, REACHES)
    beside = (radius + far * box[1])[:, None, None] * way + np.clip(2 * way, -1, 1) * box / 2
    inside = 0.0 if np.hypot(*box) / 2 < radius else 1e9
    return centre + np.vstack([[0.0, 0.0], beside.reshape(-1, 2)]), np.append(inside, np.repeat(far, ANGLES))


def overlap(middles: np.ndarray, half: np.ndarray, others: np.ndarray, half_others: np.ndarray) -> np.ndarray:
    """The area that each of some boxes of one size shares with each of others, (boxes, others)."""
    apart = np.abs(middles[:, None] - others)
    return np.clip(half + half_others - apart, 0, 2 * np.minimum(half, half_others)).prod(-1)
