"""Codes of a run of the guide, for the penalty of an objective: which latent they are, and their normal parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from inference.objectives import BoundTerms, Objective, bounds
from inference.objectives.penalties import Arrays, Codes, PenaltyInputs
from inference.objectives.sites import Run, Site, is_in_rows, plate_dims
from zoo.errors import ZooError
from zoo.types import BackendArray

STATE = "penalty"  # the key of what a penalty learns, beside the sites with estimators
KEY = 15  # of its random numbers
WRAPPERS = ("Independent", "ExpandedDistribution", "MaskedDistribution")  # of both backends


def penalty_inputs(
    objective: Objective,
    run: Run,
    terms: BoundTerms,
    fraction: BackendArray,
    state: dict[str, Arrays],
    key: BackendArray,
    functions: Any,
) -> PenaltyInputs:
    """What the penalty of an objective depends on, with gradients.

    run: of the guide, with its draws. functions: the backend's ``inference.objectives.estimators.in_<backend>``.
    """
    N = terms.scale * terms.likelihood.shape[-1]
    codes = read_codes(objective, run, N, functions)
    known = state.get(STATE) or initial_state(objective, codes, key, functions).get(STATE, {})
    kl = bounds.kl_of_rows(terms) / N
    return PenaltyInputs(kl, codes, fraction, known, functions.next_key(key, KEY), functions)


def without_gradients(inputs: PenaltyInputs, functions: Any) -> PenaltyInputs:
    """The inputs, with codes without gradients."""
    codes = inputs.codes
    if codes:
        mean, sd, draws = map(functions.detach, codes[:3])
        codes = codes._replace(mean=mean, sd=sd, draws=draws)
    return inputs._replace(kl=functions.detach(inputs.kl), codes=codes)


def initial_penalty_state(objective: Objective, run: Run, key: BackendArray, functions: Any) -> dict[str, Arrays]:
    """What the penalty has learned before the first step; empty where it learns nothing."""
    return initial_state(objective, read_codes(objective, run, 1, functions), key, functions)


def initial_state(objective: Objective, codes: Codes | None, key: BackendArray, functions: Any) -> dict[str, Arrays]:
    """The same, for codes."""
    if codes is None or objective.penalty is None:
        return {}
    state = objective.penalty.initial_state(codes.mean.shape[-1], functions.next_key(key, KEY), functions)
    return {STATE: state} if state else {}


def next_penalty_state(objective: Objective, inputs: PenaltyInputs, functions: Any) -> dict[str, Arrays]:
    """What the penalty has learned after a step; empty where it learns nothing."""
    if not (objective.penalty and inputs.state):
        return {}
    return {STATE: objective.penalty.next_state(without_gradients(inputs, functions))}


def read_codes(objective: Objective, run: Run, num_rows: float, functions: Any) -> Codes | None:
    """The codes of the rows of a batch; None where the penalty reads none.

    Raises ZooError where the guide has no one normal latent of the rows, and for a batch of one row.
    """
    assert objective.penalty
    if not objective.penalty.reads_codes:
        return None
    name = objective.penalty.name
    site = code_site(name, run)
    codes = code_parameters(site, functions)
    if codes is None:
        raise ZooError(
            f"{name} is for codes that are normal with independent numbers, and the guide draws {site['name']} from "
            f"{type(without_wrappers(site['fn'])).__name__}: draw it from Normal(...).to_event(1)"
        )
    mean, sd = codes
    if len(mean) < 2:
        raise ZooError(f"{name} compares the rows of a batch, and this one has 1 row: batch_size=2 or more")
    # with K draws of each row there is no one of them, and no penalty that needs it
    value = site["value"]
    draws = value.reshape(mean.shape) if math.prod(value.shape) == math.prod(mean.shape) else mean
    return Codes(mean, sd, draws, num_rows, (site["infer"] or {}).get("blocks"))


def code_site(name: str, run: Run) -> Site:
    """The one latent of the rows; raises ZooError where there are none, several or a discrete one.

    name: of the penalty.
    """
    local = [n for n, s in run.latents.items() if is_in_rows(s)]
    discrete = [n for n in local if run.latents[n]["fn"].support.is_discrete]
    if not local:
        raise ZooError(f"{name} is for codes of the rows, and the guide has none in the plate N: take elbo")
    if discrete:
        raise ZooError(f"{name} is for normal codes, and the guide has {discrete[0]}, which is discrete: take beta")
    if len(local) > 1:
        raise ZooError(
            f"{name} is for one latent of the rows, and the guide has {listed(local)}: take beta, or join them"
        )
    return run.latents[local[0]]


def listed(names: Sequence[str]) -> str:
    """Names as a list in a sentence."""
    return f"{', '.join(names[:-1])} and {names[-1]}"


def code_parameters(site: Site, functions: Any) -> tuple[BackendArray, BackendArray] | None:
    """Mean and sd of the codes, (B, Z) each, or None where the numbers of a code are not normal and independent."""
    base, fn = without_wrappers(site["fn"]), site["fn"]
    if type(base).__name__ != "Normal" or plate_dims(site) != {"N": -1} or len(fn.batch_shape) != 1:
        return None
    shape = (*fn.batch_shape, *fn.event_shape)
    mean, sd = (functions.broadcast_to(v, shape).reshape(shape[0], -1) for v in (base.loc, base.scale))
    return mean, sd


def without_wrappers(distribution: BackendArray) -> BackendArray:
    """The distribution of independent numbers, without ``to_event``, expansions and masks; those transformed stay."""
    while type(distribution).__name__ in WRAPPERS:
        distribution = distribution.base_dist
    return distribution
