"""Rows of the model along ways through the space of codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.amortised import AmortisedPosterior
from inference.analysis.latents.codes import centres, classes, code_of, encode, encoded, pixels, rows_of
from zoo.errors import ZooError

if TYPE_CHECKING:
    from inference.result import Fit

NEARLY_STRAIGHT = 1e-6  # the sine of an angle below which a great circle is a straight line, or is not defined
SHOWN = 10  # dimensions that are walked, unless they are named
LOOKED = 2000  # rows at most, by which it is seen which dimensions vary


def sample(fit: Fit, count: int, seed: int = 0, mean: bool = True, y: Any = None) -> np.ndarray:
    """Rows that the program draws at what was learned, (count, D): the mean of x given each code, in the units of the
    data, or with ``mean=False`` x itself, drawn too.

    A seed gives the same codes, whatever ``mean``; ``y`` is the class of each row, or one for all, where there are
    classes, and unless given drawn as well. With ``mean=False`` it is answered for every model of rows of columns.
    Raises ZooError.
    """
    site = pixels(fit)
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise ZooError(f"count is a whole number from 1 up; given {count!r}")
    try:
        opened = AmortisedPosterior(fit) if mean else None
    except ZooError as error:
        raise ZooError(f"{error}; mean=False (--no-mean) draws rows of any model") from error
    drawn = fit.fitted_model.simulate(seed, values={**fit.params, **classes(fit, y, count)}, N=count)
    if opened is None:
        return drawn[site]
    return opened.decode({n: drawn[n] for n in fit.model.card.local(fit.keywords)})[site]


def interpolate(fit: Fit, a: Any, b: Any, steps: int = 9) -> np.ndarray:
    """Means of x on the way from row a to row b, (steps, D): the first and the last are their reconstructions.

    a, b: an image (D,), a whole number (that row of the fit's data), or a table of one row. The way is that of ``arc``
    between the means of their codes; where there are classes, the class changes half-way. Raises ZooError.
    """
    check_steps(steps)
    opened = AmortisedPosterior(fit)
    first, last = end_of(opened, a), end_of(opened, b)
    half = np.arange(steps) < steps / 2
    way = {n: np.where(half, first[n], last[n]) for n in first if n != code_of(fit)}
    code = arc(first[code_of(fit)], last[code_of(fit)], steps)
    return opened.decode({**way, code_of(fit): code})[pixels(fit)]


def traverse(
    fit: Fit, row: Any = None, dims: Sequence[int] | None = None, span: float = 3.0, steps: int = 9, y: Any = None
) -> dict[int, np.ndarray]:
    """Means of x as one number of a code goes from ``-span`` to ``span`` in even steps, and the others stay where they
    are: ``{dimension: (steps, D)}``. The prior of a code is Normal(0, 1) in each.

    row: whose code is begun from, as in ``interpolate``; the prior's mean unless given. dims: those to walk; unless
    given those in which the codes of the fit's data vary most, ten at most, the first varying most. y: the class, where
    there are classes; unless given, the row's. Raises ZooError.
    """
    check_steps(steps)
    opened, Z = AmortisedPosterior(fit), fit.keywords["Z"]
    walked = varying(fit)[:SHOWN] if dims is None else list(dims)
    if wrong := [d for d in walked if d not in range(Z)]:
        raise ZooError(f"dimensions of a code are 0 to {Z - 1}; given {wrong[0]!r}")
    if not (isinstance(span, int | float | np.number) and 0 < span < np.inf):
        raise ZooError(f"span is a number above 0; given {span!r}")
    begun = {code_of(fit): np.zeros(Z)} if row is None else end_of(opened, row)
    begun |= {n: of[0] for n, of in classes(fit, y, 1).items()}
    code = np.tile(begun.pop(code_of(fit)), (len(walked), steps, 1))
    for i, dim in enumerate(walked):
        code[i, :, dim] = np.linspace(-span, span, steps)
    others = {n: np.full(len(walked) * steps, v) for n, v in begun.items()}
    images = opened.decode({**others, code_of(fit): code.reshape(-1, Z)})[pixels(fit)]
    return {int(dim): images[i * steps :][:steps] for i, dim in enumerate(walked)}


def varying(fit: Fit) -> list[int]:
    """The dimensions of a code, those first in which the codes of some rows of the fit's data vary most."""
    return np.argsort(-encode(fit, rows_of(fit, count=LOOKED)).mean.var(0), kind="stable").tolist()


def end_of(opened: AmortisedPosterior, row: Any) -> dict[str, np.ndarray]:
    """The code (Z,) of one row, its mean, and its class where there are classes. Raises ZooError for several rows."""
    found = centres(encoded(opened, row))
    rows = len(next(iter(found.values())))
    if rows != 1:
        raise ZooError(f"a way begins at one row: give an image (D,), or its number in the fit's data; not {rows} rows")
    return {n: v[0] for n, v in found.items()}


def check_steps(steps: Any) -> None:
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 2:
        raise ZooError(f"steps is a whole number from 2 up; given {steps!r}")


def arc(a: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
    """``steps`` codes (steps, Z) from a to b, each (Z,): the direction turns on a great circle, evenly, as the length
    goes from that of a to that of b.

    Codes that differ much are nearly orthogonal, and half-way on the straight line between them the code would be
    shorter than either by up to a factor of 1.4: nearer to the prior's mean than the codes of data are, where decoders
    give blurred averages (White 2016). Straight where the codes point the same way, or opposite ways.

    >>> arc(np.array([2.0, 0.0]), np.array([0.0, 1.0]), 3).round(3).tolist()
    [[2.0, 0.0], [1.061, 1.061], [0.0, 1.0]]
    """
    t = np.linspace(0, 1, steps)[:, None]
    lengths = np.linalg.norm([a, b], axis=1)
    if not lengths.all():
        return (1 - t) * a + t * b
    u, v = a / lengths[0], b / lengths[1]
    angle = np.arccos(np.clip(u @ v, -1, 1))
    if np.sin(angle) < NEARLY_STRAIGHT:
        return (1 - t) * a + t * b
    directions = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    return ((1 - t) * lengths[0] + t * lengths[1]) * directions
