"""What is needed to draw gradients: model, data, guide and parameters, from a fit or as training would begin."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import guides
from inference.engines import FitRequest
from inference.engines.svi import ENGINE, SVIOptions
from inference.engines.svi.guide import find_sampled_sites
from inference.engines.svi.plan import TrainingPlan
from inference.engines.svi.rows import TrainingRows
from inference.fitting import read_call
from inference.objectives import Objective
from inference.objectives.estimators import Estimator
from inference.record import FitRecord
from zoo import Model, ReadModel, ZooError
from zoo._programs.reading import Choices
from zoo.errors import unknown
from zoo.types import BackendParams, DataLike, Program

# options of svi on which the gradient at given parameters depends
OPTIONS = ("guide", "objective", "num_particles", "kl", "beta", "warm_up", "batch_size", "collapsed")


@dataclass(frozen=True)
class GradientProblem:
    """Program, guide and rows whose gradient is drawn.

    request: as an engine has it; its options are those that a gradient depends on. rows, plan: of one step, whose rows
    are the same in every draw. weights: the parameters by name, None for the initial ones. fraction: of training that
    is done, for schedules.
    """

    request: FitRequest[SVIOptions]
    rows: TrainingRows
    plan: TrainingPlan
    weights: Mapping[str, np.ndarray] | None
    fraction: float

    @property
    def beta(self) -> float:
        """The weight of the KL divergence, as at the end of training."""
        return float(self.plan.beta_at(self.plan.num_steps))

    def objective(self, by_site: Mapping[str, Estimator]) -> Objective:
        """The objective with estimators, and at least as many draws as these take."""
        own = self.request.options.make_objective()
        least = max((e.min_particles for e in by_site.values()), default=1)
        if own.name == "iwae" and own.num_particles < least:
            # its value depends on the number of draws, which must be the same for every estimator
            raise ZooError(f"iwae of {own.num_particles} draws has no estimator of {least}: num_particles={least}")
        return replace(own, num_particles=max(own.num_particles, least), estimators=tuple(by_site.items()))

    def program_and_guide(
        self,
        inputs: BackendParams,
        sites_of: Callable[[Program, BackendParams], Collection[str]],
        marginalize: Callable[[Program, Collection[str]], Program],
    ) -> tuple[Program, Program]:
        """The program, with the discrete latents summed out that the guide does not draw, and the guide.

        Raises ZooError where the guide draws none.
        """
        request = self.request
        sampled = find_sampled_sites(request, sites_of, inputs)
        if not (sampled or request.card.sampled):
            raise ZooError(
                f"no discrete latent of {request.model.name} is drawn by the guide {request.options.guide_name}: "
                f"{advice(request)}"
            )
        is_joint = len(sampled) == len(request.card.enumerated)
        program = request.program if is_joint else marginalize(request.program, sampled)
        return program, guides.make(request.options.guide, request.model)(program, None)


def advice(request: FitRequest[SVIOptions]) -> str:
    """What to do where no discrete latent is drawn."""
    card = request.card
    if not card.enumerated:
        return "its latents are continuous, with reparameterised gradients"
    own = guides.own_guide(card)
    return f"give guide={own!r}" if own else f"give a guide that has a site for {', '.join(card.enumerated)}"


def make_problem(
    model: Model, data: DataLike, at: FitRecord | None, seed: int, options: Mapping[str, Any]
) -> GradientProblem:
    """The problem of a call of ``gradient_report``; raises ZooError for what does not go together."""
    for name in options:
        if name not in OPTIONS:
            raise unknown("option of gradient_report", name, OPTIONS)
    if at is not None:
        model, data, options = from_fit(model, data, at, options)
    else:
        is_own = not model.has_card or isinstance(model, ReadModel)
        args = () if data is None else data if is_own and isinstance(data, tuple) else (data,)
        model, data, options = read_call(model, args, dict(options), "svi", Choices(None, None, {}, {}))
    made = ENGINE.default_options(model.card).replace({"num_steps": 1, **options}, ENGINE.name)
    table, keywords = model.bind(data, seed=seed)  # intensities are drawn once
    request = FitRequest(model, keywords, table, seed, made, progress=False)
    size = made.batch_size
    if size is not None and size > request.rows:
        raise ZooError(f"batch_size is a whole number from 1 to the {request.rows} rows; given {size!r}")
    rows = replace(TrainingRows.from_request(request), batch_size=size)
    weights = None if at is None else at.state
    return GradientProblem(request, rows, TrainingPlan.from_request(request, rows), weights, 0.0 if at is None else 1.0)


def from_fit(
    model: Model, data: DataLike, at: FitRecord, options: Mapping[str, Any]
) -> tuple[Model, DataLike, dict[str, Any]]:
    """The model, data and options of a fit; data and options that are given replace its own."""
    if not isinstance(at, FitRecord):
        raise ZooError(f"at is a fit by svi, or None for the initial parameters; given {type(at).__name__}")
    if at.engine != "svi":
        raise ZooError(f"at is a fit by svi, which has a guide; given one by {at.engine}")
    if model.name != at.model.name:
        raise ZooError(f"at is a fit of {at.model.name}, and the model is {model.name}: fit that by svi first")
    name = at.options.get("guide")
    if "guide" not in options and isinstance(name, str) and name not in guides.names():
        name = name.rpartition(".")[2]
        raise ZooError(f"the guide {name} of the fit is a function, which is not saved with it: give guide={name}")
    own = {name: at.options[name] for name in OPTIONS if name in at.options and name != "batch_size"}
    fitted = at.fitted_model
    if model.backend != fitted.backend:
        raise ZooError(f"at is a fit in {fitted.backend}, and the model is in {model.backend}: load the fit in that")
    return fitted, at.data if data is None else data, {**own, **options}
