import torch
from pyro import param, sample
from pyro.distributions import MultivariateNormal, constraints

from guides.in_pyro import ModeCentredGuide


def guide(program, start=None):
    return ModeCentredGuide(program, start, full_rank, lambda mode: mode.root)


def full_rank(at):
    centre, root = (torch.as_tensor(a).to(torch.zeros(())) for a in (at.centre, at.unit))
    loc = param("guide_loc", lambda: torch.zeros_like(centre))
    tril = param("guide_tril", lambda: torch.eye(len(centre)), constraint=constraints.lower_cholesky)
    q = MultivariateNormal(centre + root @ loc, scale_tril=root @ tril)
    return sample("guide_free", q, infer={"is_auxiliary": True})
