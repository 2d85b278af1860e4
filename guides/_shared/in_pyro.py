import torch
from pyro.poutine.messenger import Messenger
from pyro.poutine.subsample_messenger import _Subsample

from guides import _shared
from zoo._backend.in_pyro import send


class SharedGuide(_shared.SharedGuide):
    def run(self, find, inputs):
        with Posteriors(find) as posteriors:
            self.program(**inputs)
        return posteriors.sites

    def show(self, sites):
        send("shared", "shared", sites)


class Posteriors(Messenger):
    """Latents are drawn from ``find(name, prior, features)``; handlers outside see nothing else of the program.

    sites: the program's, with the priors of latents.
    """

    def __init__(self, find):
        super().__init__()
        self.find, self.sites, self.priors = find, {}, {}

    def _pyro_sample(self, msg):
        if isinstance(msg["fn"], _Subsample):
            return
        if msg["is_observed"]:
            msg["stop"] = True
            return
        prior = self.priors[msg["name"]] = msg["fn"]
        q = self.find(msg["name"], prior, msg["infer"].get("features"))
        if q is None:  # only until it is summed out of the program
            msg["stop"] = True
            return
        batch_shape = torch.broadcast_shapes(q.batch_shape, prior.batch_shape)
        msg["fn"] = q if q.batch_shape == batch_shape else q.expand(batch_shape)

    def _pyro_post_sample(self, msg):
        if isinstance(msg["fn"], _Subsample):
            return
        site = self.sites[msg["name"]] = msg.copy()
        if msg["name"] in self.priors:
            site["fn"] = self.priors[msg["name"]]
