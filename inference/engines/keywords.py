"""The keywords of ``inference.fit`` for each engine, so that an editor completes them and a type checker checks them.

A type checker cannot read them off the option dataclasses: a test holds the two against each other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

from numpy.typing import ArrayLike

from inference.engines.options import Start
from inference.objectives import Objective
from inference.objectives.estimators import Estimator
from inference.objectives.penalties import Penalty
from zoo.types import BackendArray, Program


class CommonKeywords(TypedDict, total=False):
    """Keywords of every fit."""

    seed: int
    device: str
    dtype: str | None
    progress: bool


class EMKeywords(CommonKeywords, total=False):
    """Keywords of ``engine="em"``, exact and variational."""

    max_iter: int
    tol: float
    restarts: int
    objective: str
    sample_weight: ArrayLike | None
    covariance_floor: float | None
    start: Start | None
    closed_form: bool
    opening: int
    document_tol: float
    document_steps: int | None
    learn_alpha: str | None
    learn_eta: bool
    threads: int | None
    online: bool
    num_passes: int
    batch_size: int
    kappa: float
    tau0: float


class SVIKeywords(CommonKeywords, total=False):
    """Keywords of ``engine="svi"``."""

    num_steps: int
    num_epochs: float | None
    learning_rate: float | Callable[[BackendArray], BackendArray]
    optimizer: object
    weight_decay: float
    learning_rate_warm_up: float
    clip_norm: float | None
    skip_above: float | None
    weight_average: float | None
    batch_size: int | None
    minibatches: str
    objective: str | Penalty | Objective
    num_particles: int
    gradient: str | Estimator | Mapping[str, str | Estimator]
    kl: str
    beta: float | Callable[[BackendArray], BackendArray]
    warm_up: float
    kl_balance: bool
    free_bits: float
    held_out: float | None
    patience: float | None
    checkpoint: str | os.PathLike[str] | None
    checkpoint_every: float
    guide: str | Program
    num_draws: int
    start: Start | None
    collapsed: bool


class NUTSKeywords(CommonKeywords, total=False):
    """Keywords of ``engine="nuts"``."""

    num_warmup: int
    num_samples: int
    num_chains: int
    superchains: int | None
    thinning: int
    target_accept: float
    max_tree_depth: int
    start: Start | Sequence[Start] | None
    collapsed: bool
    checkpoint: str | os.PathLike[str] | None
    checkpoint_every: int


class GibbsKeywords(CommonKeywords, total=False):
    """Keywords of ``engine="gibbs"``."""

    num_warmup: int
    num_samples: int
    num_chains: int
    num_draws: int | None
    every: int
    start: Start | Sequence[Start] | None
    anneal: float | None
    method: str
    learn_alpha: str | None
    learn_eta: bool
    shards: int | None
    threads: int | None
    checkpoint: str | os.PathLike[str] | None
    checkpoint_every: int


class PathfinderKeywords(CommonKeywords, total=False):
    """Keywords of ``engine="pathfinder"``."""

    num_paths: int
    num_draws: int
    max_iter: int
    history: int
    elbo_draws: int
    start: Start | None
    collapsed: bool
