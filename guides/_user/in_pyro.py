from functools import partial

from pyro.infer.autoguide import AutoCallable, AutoGuide, AutoGuideList, AutoNormalizingFlow, init_to_value
from pyro.poutine.messenger import _bound_partial

from zoo import ZooError
from zoo._programs.parameters.in_pyro import NetworkParameters

AUTO_GUIDES = AutoGuide
REFUSED = {
    "AutoLaplaceApproximation": "has no spread while it is trained: take guide='full_rank', which begins as Laplace's "
    "approximation",
}


def with_parameters(guide):
    return NetworkParameters().wrap(guide)


def from_class(guide, program, start):
    if issubclass(guide, AutoNormalizingFlow):  # it begins at the standard normal distribution
        return guide(program)
    return guide(program, init_loc_fn=init_to_value(values=start or {}))


def rebuild(guide, own, program, run_part):
    if guide.prototype_trace is not None:
        name = type(guide).__name__
        raise ZooError(f"guide={name}(...) has parameters of an earlier run: give a new one, or {name} itself")
    model = replace_program(guide.model, own, program, guide)
    if isinstance(guide, AutoGuideList):
        rebuilt = type(guide)(model)
        for part in guide:
            rebuilt.append(rebuild(part, own, program, run_part))
        return rebuilt
    if isinstance(guide, AutoCallable):
        return AutoCallable(model, run_part(guide._guide), guide.median)
    # a copy by the copy module empties the original; batches of rows are those of the engine
    rebuilt = object.__new__(type(guide))
    rebuilt.__dict__.update({n: v.copy() if isinstance(v, dict) else v for n, v in vars(guide).items()})
    object.__setattr__(rebuilt, "_model", (model,))
    object.__setattr__(rebuilt, "master", None)
    rebuilt.create_plates = None
    return rebuilt


def replace_program(fn, own, program, guide):
    """The messengers about the user's own program, about ``program``."""
    if any(fn == one for one in own):
        return program
    inner = fn.func if isinstance(fn, _bound_partial) else fn
    if isinstance(inner, partial) and len(inner.args) == 2:  # (messenger, function)
        messenger, function = inner.args
        return messenger(replace_program(function, own, program, guide))
    name = type(guide).__name__
    raise ZooError(f"guide={name}(...) was made for another program than the one that is fitted: give {name} itself")
