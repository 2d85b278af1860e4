"""The program of a fit made elsewhere: its draws are held against the card, and get their log joint."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.external.draws import ExternalDraws
from zoo import Model, ZooError
from zoo._backend import backend_of, in_backend
from zoo.types import DataLike


def add_program(
    source: ExternalDraws, model: Model, data: DataLike
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, Any], dict[str, Any]]:
    """Draws of the sites of a model, statistics with the log joint, and keywords and data of the program.

    A guide whose log weights were not recorded gets them from the log joint, where it has a density.
    """
    if not isinstance(model, Model):
        raise ZooError(f"model is zoo.load(name, ...) or zoo.Model(program, backend=...); given {model!r}")
    if data is None:
        raise ZooError(f"model= needs data=, that of the fit, as inference.fit takes it: {model.name} has none")
    table, keywords = model.bind(data)
    draws = site_draws(source, model, keywords)
    lp = log_joint(model, keywords, table, draws)
    stats = dict(source.stats) if lp is None else {**source.stats, "lp": lp}
    if source.kind == "guide" and "log_weight" not in stats and lp is not None and source.log_q is not None:
        stats["log_weight"] = lp - source.log_q
    return draws, stats, keywords, table


def site_draws(source: ExternalDraws, model: Model, keywords: dict[str, Any]) -> dict[str, np.ndarray]:
    """The draws of the latents on the card; raises ZooError where a parameter is missing or has another shape."""
    card = model.card
    parameters = card.parameters(keywords)
    missing = [name for name in parameters if name not in source.draws]
    if missing:
        raise ZooError(
            f"{model.name} has {', '.join(missing)}, and the draws have {', '.join(source.draws)}: "
            "give the model of these draws, or none"
        )
    sites = {**parameters, **card.local(keywords)}
    draws = {name: source.draws[name] for name in sites if name in source.draws}
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
