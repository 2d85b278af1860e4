"""What has no gradient, or would be no bound: in one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inference.objectives import Objective
from zoo.errors import ZooError


def check_draws(objective: Objective, latents: Mapping[str, Any], exact: Sequence[str]) -> None:
    """Whether there is a gradient through every latent of a guide, but for ``exact`` ones; raises ZooError."""
    drawn = [n for n in latents if n not in exact]
    for name in drawn:
        law = latents[name]["fn"]
        if law.has_rsample:
            continue
        if law.support.is_discrete:
            raise ZooError(
                f"the guide's {name} is discrete and outside the plate N: let it be summed out of the program"
            )
        raise ZooError(
            f"the guide draws {name} from {type(law).__name__}, which has no gradient: give it a reparametrised law"
        )
    order = list(latents)
    for name in exact if objective.name == "iwae" and drawn else ():
        if order.index(drawn[0]) < order.index(name):
            raise ZooError(f"iwae weighs draws given {name}: let the guide have it before {drawn[0]}, or take elbo")


def check_sites(program: Sequence[str], guide: Sequence[str]) -> None:
    """Raises ZooError where a latent of the program has no site in the guide."""
    lacking = [n for n in program if n not in guide]
    if lacking:
        raise ZooError(f"the guide has no site {', '.join(lacking)}: it must have one for each latent of the program")


def endless(name: str) -> ZooError:
    return ZooError(f"{name} has endlessly many values, and each is to be weighed: bound it")


def other_plates(name: str) -> ZooError:
    return ZooError(f"{name} is in more plates than N, beside a discrete latent of the guide: let N be the only one")


def tied_rows() -> ZooError:
    return ZooError("iwae weighs each row by itself, but what is outside the plate N depends on rows' draws: take elbo")


def with_formula(program: Sequence[str], guide: Sequence[str]) -> list[str]:
    """Latents whose prior cannot depend on what the guide draws after them: their KL can be integrated by itself.

    >>> with_formula(["top", "z"], ["z", "top"])
    ['top']
    """
    earlier = {n: set(guide[:i]) for i, n in enumerate(guide)}
    return [n for i, n in enumerate(program) if n in earlier and earlier[n].issuperset(program[:i])]
