"""The options and diagnostics of NUTS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.diagnostics import Diagnostics, FitKind
from inference.engines.options import EngineOptions, Start, custom, flag, number, whole


@dataclass(frozen=True)
class NUTSOptions(EngineOptions):
    """Options of ``nuts``."""

    num_warmup: int = whole(500, "warm-up iterations of each chain", least=0)
    num_samples: int = whole(1000, "iterations kept of each chain")
    num_chains: int = whole(4, "number of chains, run side by side on the cores")
    target_accept: float = number(
        0.9,
        "a probability between 0 and 1",
        lambda p: 0 < p < 1,
        "acceptance probability to which the step size is adapted",
    )
    max_tree_depth: int = whole(10, "at most 2^depth leapfrog steps an iteration")
    start: Start | None = custom(None, "a dict of arrays, one for each latent", "values at which every chain begins")
    collapsed: bool = flag(True, "use the program with the latents of the rows integrated out, where there is one")


@dataclass(frozen=True, kw_only=True, eq=False)
class NUTSDiagnostics(Diagnostics):
    """Diagnostics of ``nuts``.

    Attributes
    ----------
    divergences : int
        Number of divergent transitions after warm-up.
    divergences_by_chain : list of int
        The same for each chain.
    at_max_tree_depth : int or None
        Number of iterations that reached the maximum tree depth.
    """

    kind: ClassVar[FitKind] = "chains"

    divergences: int
    divergences_by_chain: list[int]
    at_max_tree_depth: int | None = None
