"""What is done about each discrete latent of a guide: its values are enumerated, or it is drawn with an estimator."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from inference.objectives import Objective
from inference.objectives.estimators import EVERY_SITE, Auto, Estimator, check_site, make
from inference.objectives.sites import Site, is_in_rows
from inference.objectives.supports import SUPPORTS
from zoo.errors import ZooError, unknown
from zoo.types import BackendArray

AUTO = Auto()


def find(estimators: Mapping[str, Estimator], name: str) -> Estimator:
    """The estimator of a site: its own, that of all sites, or ``auto``."""
    return estimators.get(name) or estimators.get(EVERY_SITE) or AUTO


def resolve(estimator: Estimator, kind: str, objective: str) -> Estimator:
    """The estimator of a site that is drawn, of some kind: for ``auto`` that which its rule gives."""
    if not isinstance(estimator, Auto):
        return estimator
    return make(estimator.binary if kind == "binary" and objective == "elbo" else estimator.other)


def check_estimators(objective: Objective, guide: Sequence[str], discrete: Sequence[str]) -> None:
    """Raise ZooError for a gradient estimator of discrete latents that the guide does not have.

    guide, discrete: the latents of the guide, and the discrete ones among them.
    """
    for name, estimator in objective.estimators:
        if name == EVERY_SITE and not discrete and not isinstance(estimator, Auto):
            raise ZooError(f"{estimator.name} is for discrete sites, and the guide has none: leave gradient out")
        if name != EVERY_SITE and name not in guide:
            raise unknown("site of the guide", name, guide)
        if name != EVERY_SITE and name not in discrete:
            raise ZooError(
                f"{estimator.name} is for discrete sites, and {name} is continuous: its gradient is reparameterised"
            )


def choose_estimators(
    objective: Objective,
    latents: Mapping[str, Site],
    enumerated: Collection[str],
    kind_of: Callable[[BackendArray], str],
) -> dict[str, Estimator]:
    """The estimator of each discrete latent that is drawn.

    Raises ZooError for one that the site, the objective or the number of draws does not allow.
    """
    discrete = [n for n, s in latents.items() if s["fn"].support.is_discrete]
    check_estimators(objective, list(latents), discrete)
    chosen: dict[str, Estimator] = {}
    for name, latent in latents.items():
        if name not in discrete or name in enumerated:
            continue
        option, kind = find(objective.by_site, name), kind_of(latent["fn"])
        estimator = chosen[name] = resolve(option, kind, objective.name)
        least = estimator.min_particles if isinstance(option, Auto) else 1
        check_site(estimator, name, kind, objective.name, max(objective.num_particles, least))
    order = list(latents)
    for name, estimator in chosen.items():
        rigid = [n for n in order[order.index(name) + 1 :] if n in chosen and kind_of(latents[n]["fn"]) not in SUPPORTS]
        if estimator.relaxes_later and rigid:
            raise ZooError(
                f"{estimator.name} of {name} relaxes {rigid[0]}, which is drawn later and is "
                f"{kind_of(latents[rigid[0]]['fn'])}: take rloo for {name}, or draw binary or one-hot vectors"
            )
        later = [n for n in enumerated if order.index(n) > order.index(name)]
        if later and is_in_rows(latents[name]):
            raise ZooError(
                f"{later[0]} is enumerated given {name}, which is drawn: let the guide have {later[0]} first, or give "
                f"both an estimator, gradient={{{later[0]!r}: 'rloo', ...}}"
            )
    return chosen
