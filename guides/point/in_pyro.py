import torch
from pyro import param

from guides.in_pyro import FromMode


def guide(program, start=None):
    return FromMode(program, start, at_one_place, jacobian=False)


def at_one_place(mode):
    centre, sd = (torch.as_tensor(a).to(torch.zeros(())) for a in (mode.centre, mode.sd))
    return centre + sd * param("guide_loc", lambda: torch.zeros_like(centre))
