import copy

from numpyro.infer import init_to_value
from numpyro.infer.autoguide import AutoGuide
from numpyro.primitives import Messenger

from zoo import ZooError
from zoo._programs.parameters.in_numpyro import NetworkParameters

AUTO_GUIDES = AutoGuide
REFUSED = {
    "AutoLaplaceApproximation": "has no spread while it is trained: take guide='full_rank', which begins as Laplace's "
    "approximation",
    "AutoDAIS": "has a bound of its own: take AutoMultivariateNormal, AutoBNAFNormal or engine='nuts'",
    "AutoSemiDAIS": "has a bound of its own: take AutoMultivariateNormal, AutoBNAFNormal or engine='nuts'",
}


def with_parameters(guide):
    return NetworkParameters(guide)


def from_class(guide, program, start):
    return guide(program, init_loc_fn=init_to_value(values=start or {}))


def rebuild(guide, own, program, run_part):
    if not isinstance(guide, AutoGuide):
        return run_part(guide)  # a function, as a part of a list
    rebuilt = copy.copy(guide)
    rebuilt.model = replace_program(guide.model, own, program, guide)
    rebuilt.prototype_trace, rebuilt._prototype_frames, rebuilt._prototype_frame_full_sizes = None, {}, {}
    rebuilt.create_plates = None  # batches of rows are those of the engine
    if hasattr(guide, "_guides"):
        rebuilt._guides = [rebuild(part, own, program, run_part) for part in guide._guides]
    return rebuilt


def replace_program(fn, own, program, guide):
    """The handlers about the user's own program, about ``program``."""
    if any(fn == one for one in own):
        return program
    if isinstance(fn, Messenger) and fn.fn is not None:
        handler = copy.copy(fn)
        handler.fn = replace_program(fn.fn, own, program, guide)
        return handler
    name = type(guide).__name__
    raise ZooError(f"guide={name}(...) was made for another program than the one that is fitted: give {name} itself")
