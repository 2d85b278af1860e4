"""Relaxed estimators of a training: it then optimises another objective than the bound, and the fit names it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from inference.objectives import Objective
from inference.objectives.estimators import EVERY_SITE, Estimator
from inference.objectives.forms import RelaxedEstimator


def estimator_text(estimator: Estimator) -> str:
    """The text that names an estimator with its settings; a function by its name.

    Parameters
    ----------
    estimator : Estimator

    Returns
    -------
    str
        As the option ``gradient`` takes it, unless a setting is a function.

    Examples
    --------
    >>> from inference.objectives.estimators import make
    >>> estimator_text(make("gumbel_softmax(temperature=0.3)")), estimator_text(make("straight_through"))
    ("gumbel_softmax(temperature=0.3, kl='categorical')", 'straight_through')
    """
    values = {f.name: getattr(estimator, f.name) for f in fields(estimator)}
    texts = {n: getattr(v, "__qualname__", repr(v)) if callable(v) else repr(v) for n, v in values.items()}
    settings = ", ".join(f"{n}={text}" for n, text in texts.items())
    return f"{estimator.name}({settings})" if settings else estimator.name


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
    return {n: estimator_text(e) for n, e in by_site.items() if isinstance(e, RelaxedEstimator)}


def relaxed_note(relaxed: dict[str, str]) -> str:
    """What a reader of the fit has to know of relaxed sites, as one sentence without a full stop.

    Examples
    --------
    >>> relaxed_note({"z": "straight_through"})
    'trained on another objective, with z by straight_through: the trace is of that one, and the ELBO of hard draws'
    """
    sites = ", ".join(f"{n} by {text}" for n, text in relaxed.items())
    return f"trained on another objective, with {sites}: the trace is of that one, and the ELBO of hard draws"
