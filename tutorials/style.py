"""Style and files of the figures of these tutorials. Importing this module sets the style.

Figures are written to the folder named by the environment variable ``FIGURES``, by default ``figures/``.
"""

import os
from pathlib import Path

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

from inference.plots.style import COMPONENT_COLOURS

mpl.rcParams.update({"axes.prop_cycle": cycler(color=COMPONENT_COLOURS), "legend.frameon": False, "font.size": 9})
mpl.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10})


class SavedFigure:
    """A figure in a PNG file, which notebooks display."""

    def __init__(self, path: Path):
        self.path = path

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()


def show(figure: Figure, name: str) -> SavedFigure:
    """Save a figure as ``name.png``; as the last line of a notebook cell it is displayed."""
    folder = Path(os.environ.get("FIGURES", "figures"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    figure.savefig(path, dpi=110)
    return SavedFigure(path)
