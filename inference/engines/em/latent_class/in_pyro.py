import torch

from inference.engines.em.exponential_family import Form
from inference.engines.em.latent_class import EDGE


def form(data, keywords, options):
    J = keywords["J"]
    a, b = keywords["a"], keywords["b"]

    def features(x):
        x = x.to(torch.float64)
        return torch.cat([torch.ones(len(x), 1), ~x.isnan(), x.nan_to_num()], dim=1)

    def natural(params):
        no, yes = torch.log1p(-params["theta"]), params["theta"].log()
        return torch.cat([params["pi"].log()[:, None], no, yes - no], dim=1).T

    def maximise(sums, before):
        n, seen, yes = sums[:, 0], sums[:, 1 : J + 1], sums[:, J + 1 :]
        if options["objective"] == "map":
            seen, yes = seen + a + b - 2, yes + a - 1
        if before is None:  # as if each class had also said one yes and one no
            seen, yes = seen + 2, yes + 1
        # an item nobody of a class answered says nothing: leave it at one half
        theta = torch.where(seen > 0, yes / torch.where(seen > 0, seen, 1.0), 0.5)
        return {"pi": n / n.sum(), "theta": theta.clamp(EDGE, 1 - EDGE)}

    return Form(features, natural, maximise, base=lambda x: torch.zeros(len(x)))
