"""Model hooks: what a model brings for an engine, a guide or a figure, beside its program.

A hook is a module or package, found in two places, the first of which wins:

- beside the model, ``zoo/<model>/<hook>``, for a model of the zoo and for one in a folder that ``ZOO_MODELS`` names;
- in the package that uses it, ``<home>/<model>``, for the models that come with the project.

The hooks are ``em`` (a closed-form M-step, home ``inference.engines.em``), ``gibbs`` (a sampler, home
``inference.engines.gibbs``), ``guide`` (the model's own guide, home ``guides``), ``start`` (where svi and nuts begin,
home ``inference.engines.starts``) and ``plot`` (beside the model alone).
"""

from __future__ import annotations

import importlib.util


def find_hook(package: str, hook: str, home: str = "") -> str | None:
    """The dotted name of a model's hook, or None where it has none; imports neither the hook nor a backend.

    Parameters
    ----------
    package : str
        The package that defines the model, as ``Card.package``; "" for a user's own program, which has no hooks.
    hook : str
        "em", "gibbs", "guide", "start" or "plot".
    home : str
        The package of the project that holds hooks of this kind.

    Examples
    --------
    >>> find_hook("zoo.gaussian_mixture", "em", home="inference.engines.em")
    'inference.engines.em.gaussian_mixture'
    >>> find_hook("", "em", home="inference.engines.em")
    """
    if not package:
        return None
    model = package.rpartition(".")[2]
    places = [f"{package}.{hook}", *([f"{home}.{model}"] if home else [])]
    return next((place for place in places if importlib.util.find_spec(place)), None)
