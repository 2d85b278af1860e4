import torch
from pyro import param

from guides.in_pyro import ModeCentredGuide


def guide(program, start=None):
    return ModeCentredGuide(program, start, point, jacobian=False)


def point(mode):
    centre, sd = (torch.as_tensor(a).to(torch.zeros(())) for a in (mode.centre, mode.sd))
    return centre + sd * param("guide_loc", lambda: torch.zeros_like(centre))
