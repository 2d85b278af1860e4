import torch

from inference.engines.em.exponential_family import Form, Precise
from inference.engines.em.poisson_mixture import MAX_RATE, MIN_RATE
from zoo._distributions.counts.in_pyro import Poisson


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

    def log_joint(x, params):
        return params["pi"].log() + Poisson(params["rate"]).log_prob(x.to(torch.float64)[:, None])

    precise = Precise(
        is_needed=lambda params: params["rate"].max() > MAX_RATE,
        log_joint=log_joint,
        sums=lambda x, r, origin: r.T @ features(x),
        maximise=lambda sums, params, origin: maximise(sums, params),
    )
    return Form(features, natural, maximise, base=lambda x: -torch.lgamma(x.to(torch.float64) + 1), precise=precise)
