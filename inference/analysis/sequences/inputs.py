"""Chains of a fit: their logs at the draws of the parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference import exact
from inference.alignment import aligned_draws
from inference.exact import enumeration
from inference.record import FitRecord
from zoo import ZooError
from zoo.types import DataLike

RELATIVE_ROUNDING = 1e-9  # of probabilities


@dataclass(frozen=True, eq=False)
class FittedChains:
    """The chains of the sequences of some data at S draws of the parameters, one for a point estimate.

    params: (1, S, *shape) by site. log_states: (S, N, T, K). log_transitions: (S, N, T - 1 or 1, K, K). site: the chain
    that is asked for. sizes: the number of states by chain; K is their product, and a state the index of a combination.
    order: above 1, a state is that of the last ``order`` steps together, and K the power of the product. by_covariates:
    whether covariates move the transitions.
    """

    params: dict[str, np.ndarray]
    log_states: np.ndarray
    log_transitions: np.ndarray
    site: str
    sizes: dict[str, int]
    order: int = 1
    by_covariates: bool = False

    @property
    def is_constant(self) -> bool:
        """Whether all steps share one transition; of two steps there is one, even where covariates move it."""
        return self.log_transitions.shape[-3] == 1 and not self.by_covariates

    def probabilities(self, combined: np.ndarray) -> np.ndarray:
        """The probabilities of the states of the site, (..., K of it), from those of combined states, (..., K)."""
        others = tuple(i - len(self.sizes) for i, name in enumerate(self.sizes) if name != self.site)
        last = combined.reshape(*combined.shape[:-1], -1, *self.sizes.values()).sum(-1 - len(self.sizes))
        return last.sum(others)

    def states(self, combined: np.ndarray) -> dict[str, np.ndarray]:
        """The states of each chain, from combined ones; a path that is impossible is -1 everywhere."""
        sizes = tuple(self.sizes.values())
        parts = np.unravel_index(np.maximum(combined, 0) % np.prod(sizes), sizes)
        return {n: np.where(combined < 0, -1, part) for n, part in zip(self.sizes, parts, strict=True)}

    def constant_transitions(self, name: str) -> np.ndarray:
        """The transitions between combined states, (S, N, K, K).

        name: of the model; raises ZooError where the transitions change with time.
        """
        if not self.is_constant:
            raise changing_transitions(name)
        return np.exp(self.log_transitions[:, :, 0])

    def own_transitions(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The transitions of the site, (S, N', K of it, K of it), and which moves of each sequence count, (N, T - 1).

        All states of a masked step are equally probable, whatever was before: moves to such steps, as those beyond the
        end of a sequence, do not count, nor do sequences that have no others. Raises ZooError where the moves that
        count change with time, where they depend on other chains or on more than one step before, and for one step.
        """
        sizes = tuple(self.sizes.values())
        if self.order > 1:
            raise ZooError(f"{self.site} depends on its last {self.order} values: no duration follows from one of them")
        own = self.probabilities(np.exp(self.log_transitions))
        if not own.shape[2]:
            raise ZooError("sequences of one step have no transitions: give longer ones")
        is_counted = (np.abs(own - 1 / own.shape[-1]) > RELATIVE_ROUNDING).any((0, -2, -1))
        is_counted |= ~is_counted.any()  # states that are always equally probable
        first = own[:, np.arange(own.shape[1]), is_counted.argmax(1)]
        changes = np.ptp(np.where(is_counted[..., None, None], own, first[:, :, None]), 2)
        if self.by_covariates or changes.max() > RELATIVE_ROUNDING:
            raise changing_transitions(name)
        own = first[:, is_counted.any(1)]
        own = own.reshape(*own.shape[:2], *sizes, -1)
        for axis, other in enumerate(self.sizes, 2):
            if other != self.site and np.ptp(own, axis).max() > RELATIVE_ROUNDING:
                raise ZooError(f"the transitions of {self.site} depend on {other}: no duration follows from them alone")
        return own[(..., *(slice(None) if n == self.site else 0 for n in self.sizes), slice(None))], is_counted


def changing_transitions(name: str) -> ZooError:
    """The error where the transitions of a model change with time."""
    return ZooError(
        f"the transitions of {name} change with time: those of later steps are not known, and no duration follows from "
        "them"
    )


def fitted_params(fit: FitRecord, is_point: bool = False, is_thinned: bool = True) -> dict[str, np.ndarray]:
    """The aligned draws, thinned, or the point estimate of a fit without draws, or ``is_point``; (1, S, *shape).

    Draws that are not thinned are those of the first chain, then those of the others. With the continuous latents of
    the sequences where they are not integrated out, of a point the mean of their draws.
    """
    names = [*fit.fitted_model.card.parameters(fit.keywords), *latents_of_sequences(fit)]
    aligned = {**aligned_draws(fit), **fit.learned_draws()} if fit.draws else {}
    if aligned and not is_point:
        all_draws = {n: v.reshape(1, -1, *v.shape[2:]) for n, v in aligned.items()}
        params = exact.thin_draws(aligned) if is_thinned else all_draws
    else:
        params = {n: np.asarray(v)[None, None] for n, v in fit.params.items()}
        params |= {n: v.mean((0, 1))[None, None] for n, v in aligned.items() if n not in params}
    return {n: params[n] for n in names}


def latents_of_sequences(fit: FitRecord) -> list[str]:
    """The continuous latents of the sequences that a fit has values of, since they are not integrated out."""
    model = fit.fitted_model
    return [] if model.collapsed or model.card.is_own else model.card.continuous_in_rows(fit.keywords)


def check_no_latents(fit: FitRecord, question: str) -> None:
    """Raise ZooError where the sums are given continuous latents, which are known from all steps."""
    latents = ", ".join(latents_of_sequences(fit))
    if latents:
        raise ZooError(
            f"{question} of {fit.model.name} is of given steps, and the fit has {latents} of all of them: "
            "smoothed(fit) and paths(fit) have the states given all steps"
        )


def fitted_chains(
    fit: FitRecord, data: DataLike, site: str | None, is_point: bool = False, is_thinned: bool = True
) -> FittedChains:
    """The chains at the aligned draws, thinned, or at the point estimate of a fit without draws, or ``is_point``."""
    exact.check_own_rows(fit, data)
    params = fitted_params(fit, is_point, is_thinned)
    logs = enumeration.chain(fit.fitted_model, params, fit.observed_data(data), site)
    name = site or next(iter(logs.sizes))
    by_covariates = fit.keywords.get("transitions") == "covariates"
    return FittedChains(
        params, logs.log_states[0], logs.log_transitions[0], name, logs.sizes, logs.order, by_covariates
    )


def state_probabilities(fit: FitRecord, data: DataLike, site: str | None) -> np.ndarray:
    """The probabilities of the states at each draw of the parameters, (S, N, T, K)."""
    exact.check_own_rows(fit, data)
    return enumeration.chain_probabilities(fit.fitted_model, fitted_params(fit), fit.observed_data(data), site)[0]
