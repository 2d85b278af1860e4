import jax
from jax import lax
from numpyro.primitives import Messenger, apply_stack

from guides import _shared

UNUSED_KEY = jax.random.PRNGKey(0)  # of values without a meaning


class SharedGuide(_shared.SharedGuide):
    def run(self, find, inputs):
        posteriors = Posteriors(find)
        with posteriors:
            self.program(**inputs)
        return posteriors.sites

    def show(self, sites):
        apply_stack({"type": "shared", "value": sites})


class Posteriors(Messenger):
    """Latents are drawn from ``find(name, prior, features)``; handlers outside see nothing else of the program.

    sites: the program's, with the priors of latents.
    """

    def __init__(self, find):
        super().__init__()
        self.find, self.sites, self.priors = find, {}, {}

    def process_message(self, msg):
        if msg["type"] != "sample":
            return
        if msg["is_observed"]:
            msg["stop"] = True
            return
        prior = self.priors[msg["name"]] = msg["fn"]
        q = self.find(msg["name"], prior, msg["infer"].get("features"))
        if q is None:  # only until it is summed out of the program
            msg["value"], msg["stop"] = prior.sample(UNUSED_KEY), True
            return
        batch_shape = lax.broadcast_shapes(q.batch_shape, prior.batch_shape)
        msg["fn"] = q if q.batch_shape == batch_shape else q.expand(batch_shape)

    def postprocess_message(self, msg):
        if msg["type"] != "sample":
            return
        site = self.sites[msg["name"]] = msg.copy()
        if msg["name"] in self.priors:
            site["fn"], site["intermediates"] = self.priors[msg["name"]], []
