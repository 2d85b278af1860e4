import torch

from inference.engines.em.exponential_family import Form
from inference.engines.em.latent_class import MARGIN


def form(data, keywords, options):
    J = keywords["J"]
    a, b = keywords["a"], keywords["b"]

    def features(x):
        x = x.to(torch.float64)
        return torch.cat([torch.ones(len(x), 1), ~x.isnan(), x.nan_to_num()], dim=1)

    def natural(params):
        no, yes = torch.log1p(-params["theta"]), params["theta"].log()
        return torch.cat([params["pi"].log()[:, None], no, yes - no], dim=1).T

    def maximise(sums, previous):
        n, answered, yes = sums[:, 0], sums[:, 1 : J + 1], sums[:, J + 1 :]
        if options.objective == "map":
            answered, yes = answered + a + b - 2, yes + a - 1
        if previous is None:  # the start: one more yes and one more no in each class
            answered, yes = answered + 2, yes + 1
        # an item without answers in a class is at one half
        theta = torch.where(answered > 0, yes / torch.where(answered > 0, answered, 1.0), 0.5)
        return {"pi": n / n.sum(), "theta": theta.clamp(MARGIN, 1 - MARGIN)}

    return Form(features, natural, maximise, base=lambda x: torch.zeros(len(x)))
