import torch
from pyro import param, sample
from pyro.distributions import Normal, constraints

from guides.in_pyro import ModeCentredGuide


def guide(program, start=None):
    return ModeCentredGuide(program, start, mean_field, lambda mode: mode.sd)


def mean_field(at):
    centre, sd = (torch.as_tensor(a).to(torch.zeros(())) for a in (at.centre, at.unit))
    loc = param("guide_loc", lambda: torch.zeros_like(centre))
    scale = param("guide_scale", lambda: torch.ones_like(centre), constraint=constraints.positive)
    q = Normal(centre + sd * loc, sd * scale).to_event(1)
    return sample("guide_free", q, infer={"is_auxiliary": True})
