"""ControlledRows: what ``control`` returns, with its table and figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.latents.control_attribute import GeneratedAttribute
from inference.analysis.latents.images import image_table
from zoo.checks import check_whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class ControlledRows:
    """n rows, decoded with V values of J coordinates of their codes.

    Attributes
    ----------
    site : str
        The latent whose coordinates are set.
    coordinates : tuple of int
        Which.
    values : ndarray
        Their values, (V, n, J).
    rows : ndarray of int
        Numbers of the rows among those given, (n,).
    data : ndarray
        The rows, (n, D).
    codes : ndarray
        Means of their codes, (n, Z).
    unchanged, generated : ndarray
        The mean of x given these codes, (n, D), and given those with the coordinates set, (V, n, D).
    unchanged_codes, generated_codes : ndarray
        Means of the codes of ``unchanged`` and of ``generated``, by the encoder: (n, Z) and (V, n, Z).
    attribute : GeneratedAttribute, optional
        Classes of what was generated, where an attribute was given.
    size : sequence of int, optional
        Height and width of an image, where the model has them.
    limits : tuple of float
        The smallest and the largest value of the data of the fit.
    is_category : ndarray of bool, optional
        Which columns are codes of categories, (D,); none unless given.
    """

    site: str
    coordinates: tuple[int, ...]
    values: np.ndarray
    rows: np.ndarray
    data: np.ndarray
    codes: np.ndarray
    unchanged: np.ndarray
    generated: np.ndarray
    unchanged_codes: np.ndarray
    generated_codes: np.ndarray
    attribute: GeneratedAttribute | None = None
    size: Sequence[int] | None = None
    limits: tuple[float, float] = (0.0, 1.0)
    is_category: np.ndarray | None = None

    @cached_property
    def column_change(self) -> np.ndarray:
        """The mean over rows of the absolute change of each column, for each value, (V, D).

        Of a category it is the share of the rows whose most probable level changes.
        """
        change = np.abs(self.generated - self.unchanged)
        return (change if self.is_category is None else np.where(self.is_category, change > 0, change)).mean(1)

    @cached_property
    def code_change(self) -> np.ndarray:
        """The mean over rows of the absolute change of each coordinate after encoding again, (V, Z).

        Both what is generated and what is decoded from the unchanged codes are encoded, so that what the encoder does
        to any decoded row is no change.
        """
        return np.abs(self.generated_codes - self.unchanged_codes).mean(1)

    @property
    def others(self) -> list[int]:
        """The coordinates that are not set."""
        return [j for j in range(self.codes.shape[1]) if j not in self.coordinates]

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each value of z.

        Mean absolute change of a column, or, in a table with categories, that of a number in standard deviations of its
        column, and the share of categories that change; of the coordinates set, the mean of the codes of what was
        generated; mean and largest absolute change of the other coordinates; and of an attribute the accuracy, its
        standard error, the wanted class where it is the same for all rows, and the share of each class.
        """
        import pandas as pd

        others, columns = self.code_change[:, self.others], {}
        for j in self.coordinates:
            columns[f"{self.site}[{j}] again"] = self.generated_codes[:, :, j].mean(1)
        if self.is_category is None:
            columns["change of x"] = self.column_change.mean(1)
        else:
            numbers = ~self.is_category
            spread = np.nanstd(self.data[:, numbers], axis=0)
            if numbers.any():
                columns["change of numbers"] = (self.column_change[:, numbers] / np.where(spread > 0, spread, 1)).mean(
                    1
                )
            columns["categories changed"] = self.column_change[:, self.is_category].mean(1)
        if self.others:
            columns["change of other codes"] = others.mean(1)
            columns["largest of these"] = others.max(1)
        if self.attribute is not None:
            a = self.attribute
            columns["wanted"] = [str(a.classes[w[0]]) if (w == w[0]).all() else "by row" for w in a.wanted]
            columns["accuracy"], columns["standard error"] = a.accuracy, a.standard_error
            columns |= {f"share of {c}": a.shares[:, i] for i, c in enumerate(a.classes)}
        names = [f"{self.site}[{j}]" for j in self.coordinates]
        index = [tuple(text_of_value(v[:, i]) for i in range(len(names))) for v in self.values]
        return pd.DataFrame(columns, pd.MultiIndex.from_tuples(index, names=names))

    def figure(self, count: int = 8, size: Sequence[int] | None = None) -> Figure:
        """Plot images: a column for each of some rows, a line for the image, one as decoded, and one for each value.

        Parameters
        ----------
        count : int, default 8
            Number of rows, evenly spaced.
        size : sequence of int, optional
            Height and width of an image, or these and 3 colours; by default the shape of the model, or a grey square.

        Returns
        -------
        matplotlib.figure.Figure
        """
        check_whole(1, count=count)
        n = len(self.rows)
        chosen = np.linspace(0, n - 1, min(count, n)).astype(int)
        images = np.stack([self.data[chosen], self.unchanged[chosen], *self.generated[:, chosen]])
        names = [
            ", ".join(f"{n} = {v}" for n, v in zip(self.table.index.names, i, strict=True)) for i in self.table.index
        ]
        return image_table(images, size or self.size, self.limits, rows=["image", "decoded", *names])

    def __str__(self) -> str:
        names = ", ".join(map(str, self.table.index.names))
        lines = [
            f"{len(self.rows)} rows with {names} set; changes are mean absolute differences",
            self.table.round(3).to_string(),
        ]
        if self.attribute is not None:
            a = self.attribute
            lines.append(
                f"classifier, each row by one trained without it: accuracy {a.real_accuracy:.3f} on the rows, "
                f"{a.unchanged_accuracy:.3f} on rows decoded from unchanged codes, {a.chance:.3f} by chance"
            )
            if not a.is_informative:
                lines.append(
                    "no better than chance on decoded rows: the accuracies above show nothing; give classifier="
                )
        return "\n".join(lines)

    __repr__ = __str__


def text_of_value(values: np.ndarray) -> str:
    """A value of all rows as text, and otherwise "by row".

    >>> text_of_value(np.array([0.5, 0.5])), text_of_value(np.array([0.5, 1.0]))
    ('+0.5', 'by row')
    """
    return f"{values[0]:+.3g}" if (values == values[0]).all() else "by row"
