"""What is done about each discrete latent of a guide: its values are enumerated, or it is drawn with an estimator."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from inference.objectives import Objective, refusals
from inference.objectives.estimators import EVERY_SITE, MAX_VALUES, Auto, Enumerate, Estimator, check_site, make
from inference.objectives.sites import Site, enumerate_site, is_in_rows, plate_dims
from zoo.errors import ZooError, unknown
from zoo.types import BackendArray

AUTO = Auto()


class Enumeration:
    """The values of the discrete latents of the rows that are enumerated in one run; the others are drawn.

    Attributes
    ----------
    names : list of str
        The latents that were enumerated so far.
    """

    def __init__(self, estimators: Mapping[str, Estimator]):
        self.estimators, self.names, self.values = estimators, [], 1

    def __call__(self, latent: Site, earlier: int) -> BackendArray:
        """All values of a latent, left of the rows and of ``earlier`` others; None where it is drawn."""
        estimator = find(self.estimators, latent["name"])
        if not isinstance(estimator, Auto | Enumerate) or not latent["fn"].support.is_discrete:
            return None
        if not is_in_rows(latent):
            if isinstance(estimator, Enumerate):
                raise refusals.outside_rows(latent["name"])
            return None
        if isinstance(estimator, Auto) and not self.is_small(latent):
            return None
        values = enumerate_site(latent, earlier)
        self.names.append(latent["name"])
        self.values *= len(values)
        return values

    def is_small(self, latent: Site) -> bool:
        """Whether the values of this latent and of the earlier ones are few enough to enumerate."""
        fn = latent["fn"]
        if not fn.has_enumerate_support or fn.event_shape or plate_dims(latent) != {"N": -1}:
            return False
        return self.values * len(fn.enumerate_support(expand=False)) <= MAX_VALUES


def find(estimators: Mapping[str, Estimator], name: str) -> Estimator:
    """The estimator of a site: its own, that of all sites, or ``auto``."""
    return estimators.get(name) or estimators.get(EVERY_SITE) or AUTO


def choose_estimators(
    objective: Objective,
    latents: Mapping[str, Site],
    enumerated: Collection[str],
    kind_of: Callable[[BackendArray], str],
) -> dict[str, Estimator]:
    """The estimator of each discrete latent that is drawn.

    Raises ZooError for one that the site, the objective or the number of draws does not allow.
    """
    chosen: dict[str, Estimator] = {}
    for name, latent in latents.items():
        is_discrete = latent["fn"].support.is_discrete
        if name in objective.by_site and not is_discrete:
            raise ZooError(
                f"{objective.by_site[name].name} is for discrete sites, and {name} is continuous: its gradient is "
                "reparameterised"
            )
        if not is_discrete or name in enumerated:
            continue
        estimator, kind = find(objective.by_site, name), kind_of(latent["fn"])
        if isinstance(estimator, Auto):
            estimator = make("disarm" if kind == "binary" and objective.name == "elbo" else "rloo")
            check_site(estimator, name, kind, objective.name, max(objective.num_particles, estimator.min_particles))
        else:
            check_site(estimator, name, kind, objective.name, objective.num_particles)
        chosen[name] = estimator
    for name in objective.by_site:
        if name != EVERY_SITE and name not in latents:
            raise unknown("site of the guide", name, latents)
    order = list(latents)
    for name in chosen:
        later = [n for n in enumerated if order.index(n) > order.index(name)]
        if later and is_in_rows(latents[name]):
            raise ZooError(
                f"{later[0]} is enumerated given {name}, which is drawn: let the guide have {later[0]} first, or give "
                f"both an estimator, gradient={{{later[0]!r}: 'rloo', ...}}"
            )
    return chosen
