"""The first steps of sequences: fits to these alone, and the densities of all steps at their draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice, product
from typing import Any, NamedTuple

import numpy as np

from inference.analysis.sequences.prediction import log_p_of_steps
from inference.evaluation.refits import fit_again
from inference.evaluation.weighted_draws import check_draws, log_weights_of
from inference.exact import enumeration
from inference.result import Fit
from inference.structure import describe_density
from zoo import ReadModel, ZooError
from zoo._backend import backend_of, in_backend
from zoo._programs.arguments import Path, leaves, replace_leaves
from zoo.read_model import read_arguments

SEQUENCES = ("N", "T")
MAX_CUTS = 64  # ways to cut the arguments of a program
ROUNDING = 1e-4  # nats, of a density that is a sum over sequences, in 32 bits


class StepDensities(NamedTuple):
    """log_p: (S, N, T), of each step given those before at S draws. log_weight: (S,), of the draws, or None."""

    log_p: np.ndarray
    log_weight: np.ndarray | None = None


class Steps(NamedTuple):
    """The steps of sequences.

    has_value: (N, T). refit: ``refit(t)`` has the densities of all steps at draws given the first t steps.
    """

    has_value: np.ndarray
    refit: Callable[[int], StepDensities]


def steps_of(fit: Fit, chain: str | None) -> Steps:
    """The steps of a fit; raises ZooError for a model that has none, or that cannot be fitted to the first of them."""
    return steps_of_program(fit, fit.model, chain) if isinstance(fit.model, ReadModel) else steps_of_model(fit, chain)


def steps_of_model(fit: Fit, chain: str | None) -> Steps:
    """Those of a model of the zoo, whose data is cut."""
    site = sequence_site(fit)
    check_draws(fit, "leave_future_out")
    x = np.asarray(fit.data[site], float)

    def refit(t: int) -> StepDensities:
        partial = fit_again(fit, fit.model, {site: x[:, :t]})
        log_weight = log_weights_of(partial)
        return StepDensities(log_p_of_steps(partial, {site: x}, chain, is_thinned=False), log_weight)

    return Steps(np.any(~np.isnan(x.reshape(*x.shape[:2], -1)), axis=-1), refit)


def steps_of_program(fit: Fit, model: ReadModel, chain: str | None) -> Steps:
    """Those of a program of the user's own, whose arguments are cut.

    A step has a value unless its density is 1 at every draw, as that of a step that is masked. Which arguments have the
    steps, and along which dimension, is found by running the program on parts of them: the densities of the first steps
    must not change.
    """
    check_draws(fit, "leave_future_out")
    few = replace(fit, draws={n: v[:1, :2] for n, v in fit.draws.items()}, stats={})
    log_p = log_p_of_steps(few, None, chain, is_thinned=False)
    if not np.allclose(log_p.sum((1, 2)), log_p_of_data(few), rtol=1e-5, atol=ROUNDING):
        raise ZooError(
            f"{fit.model.name} has densities beside those of the steps of one chain, which leave_future_out would not "
            "leave out: fit a program of the chain alone"
        )
    T, arguments = log_p.shape[-1], model.reading.runnable.arguments
    entries = model.reading.runnable.entry_of_site
    arrays = {arguments.paths[n]: a for n, a in arguments.arrays.items()}
    arrays |= {arguments.paths[entries.get(n, n)]: np.asarray(a) for n, a in fit.data.items()}
    found: list[Mapping[Path, int | None]] = []

    def cut_at(t: int) -> ReadModel:
        """The program with its first t steps."""
        for axes in found or cuts(dict(leaves(dict(arguments.values), ())) | arrays, T):
            values = {path: take_steps(arrays.get(path), axis, t) for path, axis in axes.items()}
            rebuilt = {n: replace_leaves(v, (n,), {**arrays, **values}) for n, v in arguments.values.items()}
            positional = [rebuilt.pop(n) for n in arguments.positional]
            try:
                part = read_arguments(model.source, positional, rebuilt, model.reading.choices)
                if not found and not has_first_steps(part, few, log_p[:, :, :t], chain):
                    continue
            except ZooError:  # the arguments do not go together
                continue
            found[:] = [axes]
            return describe_density(part)
        raise ZooError(
            f"the arguments of {fit.model.name} cannot be cut at {t} steps without a change of their densities: pass "
            f"all that the T={T} steps have as arrays, and give continuous latents no steps"
        )

    def refit(t: int) -> StepDensities:
        partial = fit_again(fit, cut_at(t))
        whole = replace(partial, model=fit.model, data=fit.data, keywords=fit.keywords)
        return StepDensities(log_p_of_steps(whole, None, chain, is_thinned=False), log_weights_of(partial))

    return Steps(np.abs(log_p).max(0) > ROUNDING * 1e-6, refit)


def log_p_of_data(fit: Fit) -> np.ndarray:
    """log p of all data at the draws of the first chain, (S,), with a plate of rows or without."""
    model, backend, draws = fit.fitted_model, backend_of(fit.model), {**fit.draws, **fit.learned_draws()}
    table, keywords = model.bind(fit.data)
    program = in_backend("inference.exact.enumeration", model.backend).marginalize(model.program)
    num_draws = next(iter(fit.draws.values())).shape[1]
    at = [{n: v[0, s] for n, v in draws.items()} for s in range(num_draws)]
    joint = np.array([backend.log_joint(program, {**table, **keywords}, values) for values in at])
    priors = enumeration.log_priors(model, draws, fit.data)
    return joint - np.sum([v[0] for v in priors.values()], axis=0)


def cuts(values: Mapping[Path, Any], T: int) -> Iterator[dict[Path, int | None]]:
    """The ways to cut the values of a call that have T steps along a dimension, or are the number T: the axis of each.

    The axis of a number is None. The way that cuts every value is among the first.
    """
    axes: dict[Path, list[int | None]] = {}
    for path, value in values.items():
        shape = np.shape(value) if isinstance(value, np.ndarray) else ()
        axes[path] = [axis for axis, size in enumerate(shape) if size == T]
        if isinstance(value, int) and not isinstance(value, bool) and value == T:
            axes[path] = [None]
    axes = {path: options for path, options in axes.items() if options}
    ways = product(*([*((True, axis) for axis in options), (False, None)] for options in axes.values()))
    for way in islice(ways, MAX_CUTS):
        yield {path: axis for path, (is_cut, axis) in zip(axes, way, strict=True) if is_cut}


def take_steps(values: np.ndarray | None, axis: int | None, t: int) -> Any:
    """The first t steps of an array; t itself of the number of steps."""
    return t if values is None or axis is None else values.take(np.arange(t), axis)


def has_first_steps(part: ReadModel, few: Fit, log_p: np.ndarray, chain: str | None) -> bool:
    """Whether a program has the latents of a fit, and the densities of the first steps at its draws, (S, N, t)."""
    table, keywords = part.bind()
    sites = part.card.sites()
    if any(n in sites and sites[n].shape(keywords) != v.shape[2:] for n, v in few.draws.items()):
        return False
    own = log_p_of_steps(replace(few, model=part, data=table, keywords=keywords), None, chain, is_thinned=False)
    return own.shape == log_p.shape and np.allclose(own, log_p, rtol=1e-5, atol=ROUNDING)


def sequence_site(fit: Fit) -> str:
    """The observed site of a model of sequences of the zoo; raises ZooError for other models."""
    card, sites = fit.model.card, fit.model.card.sites(fit.keywords)
    names = [n for n in card.observed if sites[n].dims[:2] == SEQUENCES]
    latents = card.continuous_in_rows(fit.keywords)
    if card.linear_chain is None and latents and any("T" in sites[n].dims for n in latents):
        raise ZooError(
            f"leave_future_out integrates the latents of steps out, and {card.name} has draws of {', '.join(latents)}: "
            "fit autoregressive_hmm, whose regimes need no such latents, or linear_dynamical_system"
        )
    has_filter = card.linear_chain is not None or (card.enumerated and not latents)
    if len(names) != 1 or len(card.observed) > 1 or not has_filter:
        raise ZooError(
            "leave_future_out cuts the steps of hidden_markov, autoregressive_hmm, switching_regression, "
            f"linear_dynamical_system, and programs with a discrete chain; {fit.model.name} is none of them: loo(fit) "
            "leaves rows out"
        )
    return names[0]
