"""The program of a fit made elsewhere: its draws are held against the card, and get their log joint."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from inference.external.draws import ExternalDraws
from inference.fitting import with_column_names
from inference.structure import describe_density
from zoo import Model, ReadModel, ZooError
from zoo._backend import backend_of, in_backend
from zoo._programs.arguments import signature_parameters, split_call
from zoo._programs.reading import Choices
from zoo.read_model import read_arguments
from zoo.types import DataLike


class Call(NamedTuple):
    """What a fit made elsewhere was given: the program, its arguments, and data by name."""

    model: Model | None = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = MappingProxyType({})
    data: DataLike = None


def read_call(call: Call) -> tuple[Model, DataLike]:
    """The model, read with its arguments where it is a program of the user's own, and its data. Raises ZooError."""
    model, args, kwargs, data = call
    if not isinstance(model, Model):
        raise ZooError(f"model is zoo.load(name, ...) or zoo.Model(program, backend=...); given {model!r}")
    is_own = isinstance(model, ReadModel) or not model.has_card
    is_given = bool(args or kwargs or data is not None)
    if isinstance(model, ReadModel) and not is_given:
        return describe_density(model), None
    if is_own and (is_given or not signature_parameters(model.program)):
        source = model.source if isinstance(model, ReadModel) else model
        by_name = kwargs if data is None else {**kwargs, "data": data}
        args, kwargs, _ = split_call(source.program, args, by_name, lambda name: False)
        return describe_density(read_arguments(source, args, kwargs, Choices())), None
    if data is None and len(args) == 1:
        (data,) = args
    if data is None:
        instead = "the arguments of the program, as from_mcmc(mcmc, X, y, model=...), or " if is_own else ""
        raise ZooError(
            f"model= needs {instead}data=, that of the fit, as inference.fit takes it: {model.name} has none"
        )
    return model, data


def add_program(
    source: ExternalDraws, call: Call
) -> tuple[Model, dict[str, np.ndarray], dict[str, np.ndarray], dict[str, Any], dict[str, Any]]:
    """The model, draws of its sites, statistics with the log joint, and keywords and data of the program.

    A guide whose log weights were not recorded gets them from the log joint, where it has a density.
    """
    model, data = read_call(call)
    model = with_column_names(model, data)
    table, keywords = model.bind(data)
    draws = site_draws(source, model, keywords)
    lp = log_joint(model, keywords, table, draws)
    stats = dict(source.stats) if lp is None else {**source.stats, "lp": lp}
    if source.kind == "guide" and "log_weight" not in stats and lp is not None and source.log_q is not None:
        stats["log_weight"] = lp - source.log_q
    draws |= model.deterministic(draws, table, keywords)
    return model, draws, stats, keywords, table


def site_draws(source: ExternalDraws, model: Model, keywords: dict[str, Any]) -> dict[str, np.ndarray]:
    """The draws of the latents on the card; raises ZooError where a parameter is missing or has another shape."""
    card = model.card
    # a tree of ArviZ has dots for slashes
    known = {
        **{n: source.draws[n.replace("/", ".")] for n in card.latents if n.replace("/", ".") in source.draws},
        **source.draws,
    }
    parameters = card.parameters(keywords)
    missing = [name for name in parameters if name not in known]
    if missing and set(missing) <= set(card.learned):
        names = ", ".join(missing)
        raise ZooError(
            f"the draws have no {names}, which {model.name} learns without a prior, and chains do not learn: give "
            f"{names} a prior, or give no model"
        )
    if missing:
        raise ZooError(
            f"{model.name} has {', '.join(missing)}, and the draws have {', '.join(source.draws)}: "
            "give the model of these draws, or none"
        )
    sites = {**parameters, **card.local(keywords)}
    if card.is_own:  # discrete latents outside of the rows too
        sites |= {name: card.sites()[name] for name in card.enumerated}
    draws = {name: known[name] for name in sites if name in known}
    for name, values in draws.items():
        if values.shape[2:] != sites[name].shape(keywords):
            raise ZooError(
                f"{name} has the shape {sites[name].shape(keywords)} in {model.name} and {values.shape[2:]} in the "
                "draws: give the model and the data of these draws"
            )
    return draws


def log_joint(model: Model, keywords: dict[str, Any], table: dict[str, Any], draws: dict[str, np.ndarray]) -> Any:
    """log p(draw, data) in nats, (chain, draw), or None where the draws lack a latent that cannot be summed out."""
    program = model.collapsed or model.program
    shape = next(iter(draws.values())).shape[:2]
    flat = {n: v.reshape(-1, *v.shape[2:]) for n, v in draws.items()}
    with backend_of(model).runtime("float64"):
        try:
            values = in_backend("inference.external", model.backend).log_joint(program, keywords, table, flat)
        except ZooError:  # a discrete latent with infinite support, for one
            return None
    return None if values is None else values.reshape(shape)
