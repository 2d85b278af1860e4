"""Checks of guides and objectives that have no gradient or are no bound; each raises ZooError with one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inference.objectives import Objective
from zoo.errors import ZooError
from zoo.types import BackendArray


def check_draws(
    objective: Objective, latents: Mapping[str, Mapping[str, BackendArray]], enumerated: Sequence[str]
) -> None:
    """Raise ZooError unless there is a gradient through every latent of the guide that is not enumerated."""
    sampled = [n for n in latents if n not in enumerated]
    for name in sampled:
        distribution = latents[name]["fn"]
        if distribution.has_rsample or distribution.support.is_discrete:  # discrete latents have estimators
            continue
        raise ZooError(
            f"the guide draws {name} from {type(distribution).__name__}, which has no gradient: "
            "use a reparametrised distribution"
        )
    discrete = [n for n in sampled if latents[n]["fn"].support.is_discrete]
    if objective.has_groups and discrete:
        raise ZooError(
            f"free_bits and kl_balance need a gradient through every draw, and the guide draws {discrete[0]}, which is "
            "discrete: leave them out, or let gradient enumerate it"
        )
    if objective.penalty and discrete:
        raise ZooError(
            f"{objective.penalty.name} needs a gradient through every draw, and the guide draws {discrete[0]}, which "
            "is discrete: take elbo, whose option beta weighs the KL"
        )
    order = list(latents)
    for name in enumerated if objective.name == "iwae" and sampled else ():
        if order.index(sampled[0]) < order.index(name):
            raise ZooError(f"iwae weighs draws given {name}: let the guide have it before {sampled[0]}, or take elbo")


def check_sites(program: Sequence[str], guide: Sequence[str]) -> None:
    """Raise ZooError where a latent of the program has no site in the guide."""
    missing = [n for n in program if n not in guide]
    if missing:
        raise ZooError(f"the guide has no site {', '.join(missing)}: it must have one for each latent of the program")


def no_groups() -> ZooError:
    """The error for groups of latents in a guide without latents of the rows."""
    return ZooError("free_bits and kl_balance are for latents of the rows, and the guide has none in the plate N")


def infinite_support(name: str) -> ZooError:
    """The error for a discrete latent of the guide that cannot be enumerated."""
    return ZooError(f"{name} has infinite support and cannot be enumerated: give the guide's {name} an upper bound")


def vector(name: str) -> ZooError:
    """The error for a vector of discrete numbers, whose values together cannot be enumerated."""
    return ZooError(f"{name} is a vector of discrete numbers and cannot be enumerated: take 'rloo' or 'disarm'")


def outside_rows(name: str) -> ZooError:
    """The error for a discrete latent that has one value for all rows."""
    return ZooError(f"the guide's {name} is outside the plate N and cannot be enumerated: take 'rloo' or 'disarm'")


def other_plates(name: str) -> ZooError:
    """The error for a site with other plates beside an enumerated latent."""
    return ZooError(f"{name} is in more plates than N, beside a discrete latent of the guide: let N be the only one")


def dependent_rows() -> ZooError:
    """The error for rows that cannot be weighed one by one."""
    return ZooError("iwae weighs each row by itself, but what is outside the plate N depends on rows' draws: take elbo")


def with_formula(program: Sequence[str], guide: Sequence[str]) -> list[str]:
    """Latents whose prior cannot depend on what the guide draws after them: their KL can be integrated by itself.

    >>> with_formula(["top", "z"], ["z", "top"])
    ['top']
    """
    earlier = {n: set(guide[:i]) for i, n in enumerate(guide)}
    return [n for i, n in enumerate(program) if n in earlier and earlier[n].issuperset(program[:i])]
