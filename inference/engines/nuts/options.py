"""The options and diagnostics of NUTS."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from inference.diagnostics import Diagnostics, FitKind
from inference.engines.options import EngineOptions, Start, custom, flag, number, whole
from zoo import ZooError


@dataclass(frozen=True)
class NUTSOptions(EngineOptions):
    """Options of ``nuts``."""

    num_warmup: int = whole(500, "warm-up iterations of each chain", least=0)
    num_samples: int = whole(1000, "iterations of each chain after warm-up, of which one in ``thinning`` is kept")
    num_chains: int = whole(4, "number of chains, run side by side on the cores")
    superchains: int | None = whole(
        None,
        "number of groups of chains with a common start each, whose R-hat is nested: for many short chains",
        least=2,
        optional=True,
    )
    thinning: int = whole(
        1,
        "one in so many iterations after warm-up is kept; num_samples counts those made, as in NumPyro",
    )
    target_accept: float = number(
        0.9,
        "a probability between 0 and 1",
        lambda p: 0 < p < 1,
        "acceptance probability to which the step size is adapted",
    )
    max_tree_depth: int = whole(10, "at most 2^depth leapfrog steps an iteration")
    start: Start | Sequence[Start] | None = custom(
        None,
        "a dict of arrays, for some or all latents, or a list of one for each chain",
        "values at which the chains begin, the same or, with chains first, of each; other latents begin as usual",
    )
    collapsed: bool = flag(True, "use the program with the latents of the rows integrated out, where there is one")
    checkpoint: str | os.PathLike[str] | None = custom(
        None, "a folder", "where the chains are saved, and from where they continue, with more num_samples as well"
    )
    checkpoint_every: int = whole(100, "iterations of a chain between two checkpoints")

    def check(self) -> None:
        """Raise ZooError for options that do not go together."""
        groups = self.superchains
        if groups is not None and (self.num_chains % groups or self.num_chains < 2 * groups):
            raise ZooError(
                f"superchains={groups} groups of one size, of two chains or more, cannot be made of "
                f"num_chains={self.num_chains}: make num_chains a multiple of it"
            )
        if self.thinning > self.num_samples:
            raise ZooError(
                f"thinning={self.thinning} keeps none of num_samples={self.num_samples} iterations: raise num_samples"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class NUTSDiagnostics(Diagnostics):
    """Diagnostics of ``nuts``.

    Attributes
    ----------
    divergences : int
        Number of divergent transitions after warm-up, those that thinning leaves out included.
    divergences_by_chain : list of int
        The same for each chain.
    at_max_tree_depth : int or None
        Number of iterations after warm-up that reached the maximum tree depth.
    interrupted_chains : int or None
        Number of chains that an interrupt ended, of which nothing is kept; None where every chain is whole.
    superchains : int or None
        Number of groups of chains with a common start.
    e_bfmi : list of float or None
        Energy Bayesian fraction of missing information of each chain (Betancourt 2016): below 0.3 heavy tails are
        explored slowly. None where the energies are not recorded.
    """

    kind: ClassVar[FitKind] = "chains"

    divergences: int
    divergences_by_chain: list[int]
    at_max_tree_depth: int | None = None
    interrupted_chains: int | None = None
    superchains: int | None = None
    e_bfmi: list[float] | None = None
