import torch

from inference.engines.em.exponential_family import Form
from inference.engines.em.poisson_mixture import MIN_RATE


def form(data, keywords, options):
    shape, mean = keywords["shape"], keywords["mean"]

    def features(x):
        return torch.stack([torch.ones(len(x)), x.to(torch.float64)], dim=1)

    def natural(params):
        return torch.stack([params["pi"].log() - params["rate"], params["rate"].log()])

    def maximise(sums, previous):
        n, counts = sums.T
        if options.objective == "map" or previous is None:
            rate = (counts + shape - 1) / (n + shape / mean)
        else:
            rate = counts / n.clamp_min(MIN_RATE)
        return {"pi": n / n.sum(), "rate": rate.clamp_min(MIN_RATE)}

    return Form(features, natural, maximise, base=lambda x: -torch.lgamma(x.to(torch.float64) + 1))
