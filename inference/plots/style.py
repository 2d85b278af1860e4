"""Colours and style shared by all figures."""

from __future__ import annotations

# colour-blind safe: Okabe and Ito (2008) for fits, Tol's "muted" scheme (2021) for components
FIT_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
COMPONENT_COLOURS = (
    "#332288", "#CC6677", "#117733", "#DDCC77", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499",
)  # fmt: skip


def figure_style() -> dict[str, object]:
    """The settings for ``matplotlib.rc_context`` in which every figure is made; components get ``C0``, ``C1``, ..."""
    from cycler import cycler

    return {
        "axes.prop_cycle": cycler(color=COMPONENT_COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10,
        "axes.labelsize": 9,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "legend.fontsize": 8,
        "legend.frameon": False,
        "font.family": "DejaVu Sans",
    }
