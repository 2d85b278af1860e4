"""Trainings that optimise another objective than the bound, by relaxed draws or with a penalty: the fit names it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from inference.objectives import Objective, words
from inference.objectives.estimators import EVERY_SITE
from inference.objectives.forms import RelaxedEstimator


def relaxed_sites(objective: Objective, discrete: Iterable[str]) -> dict[str, str]:
    """The sites whose draws are relaxed in training, each with its estimator.

    Parameters
    ----------
    objective : Objective
    discrete : iterable of str
        The discrete latents of the guide.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> from inference.objectives.estimators import by_site
    >>> relaxed_sites(Objective(estimators=tuple(by_site("straight_through").items())), ["z1", "z2"])
    {'z1': 'straight_through', 'z2': 'straight_through'}
    """
    chosen = objective.by_site
    by_site = {n: chosen.get(n) or chosen.get(EVERY_SITE) for n in discrete}
    return {n: words.text_of(e) for n, e in by_site.items() if isinstance(e, RelaxedEstimator)}


def relaxed_note(relaxed: dict[str, str]) -> str:
    """What a reader of the fit has to know of relaxed sites, as one sentence without a full stop.

    Examples
    --------
    >>> relaxed_note({"z": "straight_through"})
    'trained on another objective, with z by straight_through: the trace is of that one, and the ELBO of hard draws'
    """
    sites = ", ".join(f"{n} by {text}" for n, text in relaxed.items())
    return f"trained on another objective, with {sites}: the trace is of that one, and the ELBO of hard draws"


def penalty_note(penalty: str) -> str:
    """What a reader of the fit has to know of a penalised objective, as one sentence without a full stop.

    Examples
    --------
    >>> penalty_note("beta(beta=4)")
    'trained on the ELBO with the penalty beta(beta=4): the trace is of that objective, and the ELBO is without it'
    """
    return f"trained on the ELBO with the penalty {penalty}: the trace is of that objective, and the ELBO is without it"


def objective_name(diagnostics: Mapping[str, object], bound: str) -> str:
    """What the trace of a fit is of, for figures: ``bound`` unless another objective was optimised.

    Examples
    --------
    >>> objective_name({"penalty": "beta(beta=4)"}, "ELBO")
    'penalised objective'
    """
    if "relaxed" in diagnostics:
        return "relaxed objective"
    return "penalised objective" if "penalty" in diagnostics else bound
