"""Draws of a guide that was trained elsewhere, and their log weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.external.draws import ExternalDraws


@dataclass(frozen=True)
class SVIDraws:
    """Draws of a guide with the densities of guide and program.

    Attributes
    ----------
    name, guide : str
        The names of the program and of the guide.
    library, version : str
        The library of both.
    values : dict of str to array, (draws, *shape)
        Draws of the latents, and what the program computes from them at deterministic sites.
    latents, guide_sites : list of str
        The latents of the program, and those that the guide draws; others were drawn from their priors.
    log_q, log_p : array, (draws,)
        The log densities of guide and program in nats.
    is_subsampled : bool
        Whether a plate draws some of its rows, so that both densities are noisy.
    trace : array
        The objective after each step, in nats; empty where it was not recorded.
    """

    name: str
    guide: str
    library: str
    version: str
    values: dict[str, np.ndarray]
    latents: list[str]
    guide_sites: list[str]
    log_q: np.ndarray
    log_p: np.ndarray
    is_subsampled: bool
    trace: np.ndarray


def external_draws(svi: SVIDraws) -> ExternalDraws:
    """The draws as those of any fit made elsewhere.

    There are log weights where the guide draws every latent of the program from all rows, as it must for k-hat.
    """
    is_complete = set(svi.guide_sites) == set(svi.latents)
    names = [n for n in svi.values if n in svi.guide_sites or (is_complete and n not in svi.latents)]
    draws = {n: svi.values[n][None] for n in names}
    is_point = bool(draws) and all((v == v[:, :1]).all() for v in draws.values())
    stats = {}
    if is_complete and not svi.is_subsampled:
        stats = {"lp": svi.log_p[None], "log_weight": (svi.log_p - svi.log_q)[None]}
    return ExternalDraws(
        name=svi.name,
        engine="SVI",
        library=svi.library,
        version=svi.version,
        draws={n: v[:, :1] for n, v in draws.items()} if is_point else draws,
        kind="point" if is_point else "guide",
        stats={} if is_point else stats,
        options={"guide": svi.guide},
        log_q=None if svi.is_subsampled else svi.log_q[None],
        trace=svi.trace,
    )


def name_of(program: Any) -> str:
    """The name of a function, or of the class of a module.

    >>> name_of(np.mean), name_of(None)
    ('mean', 'program')
    """
    if program is None:
        return "program"
    return getattr(program, "__name__", type(program).__name__)


def check_steps(losses: Any) -> np.ndarray:
    """The losses of training as numbers, (steps,)."""
    return np.asarray(losses, dtype=float).reshape(-1)
