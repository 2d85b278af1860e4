import math

import jax
import jax.numpy as jnp
from numpyro.distributions import ExpandedDistribution, ImproperUniform, MaskedDistribution
from numpyro.primitives import Messenger

from inference.exact.enumeration import density
from inference.exact.enumeration.chains import ArrayFunctions, states_factor, transitions_factor
from inference.exact.enumeration.elimination import Factor, Plate, Variable
from inference.exact.enumeration.loops import join_loops
from inference.exact.enumeration.loops.in_numpyro import read_scan
from inference.exact.markov.in_numpyro import forward_pass
from zoo._distributions.chain.in_numpyro import Chain
from zoo.errors import ZooError


def logsumexp(array, dim):
    return jax.nn.logsumexp(array, axis=dim, keepdims=True)


def as_numbers(values, like):
    return jnp.asarray(values, like.dtype)


FUNCTIONS = ArrayFunctions(logsumexp, forward_pass, jnp.moveaxis, jnp.broadcast_to, jnp.concatenate, as_numbers)


class Enumerate(Messenger):
    """Gives every discrete latent all its values at once, and records the sites that depend on one.

    A continuous latent that depends on a discrete one remains, without its density, which is among the factors.
    """

    def __init__(self, program, plate_depth, sampled_sites=()):
        self.plate_depth, self.sampled_sites = plate_depth, sampled_sites
        super().__init__(program)

    def __enter__(self):
        self.sites, self.variables, self.loops, self.dependent = [], [], [], {}
        return super().__enter__()

    def process_message(self, msg):
        if msg["type"] == "control_flow":
            self._read_scan(msg)
        if msg["type"] != "sample" or msg["name"] in self.sampled_sites:
            return
        is_latent = not msg["is_observed"]
        if is_latent and msg["fn"].is_discrete:
            fn = unexpanded(msg["fn"])
            is_chain = isinstance(fn, Chain)
            if not is_chain and not fn.has_enumerate_support:
                raise ZooError(density.infinite_support(msg["name"]))
            dim = self.free_dim
            values = jnp.arange(fn.initial.shape[-1]) if is_chain else fn.enumerate_support(expand=False)
            msg["value"] = values.reshape((len(values),) + (1,) * (-dim - 1) + msg["fn"].event_shape)
            self.variables.append(Variable(msg["name"], dim, len(values), site_plates(msg), int(is_chain)))
        elif len(msg["fn"].batch_shape) <= self.plate_depth:
            return  # as in the program
        elif is_latent:
            self.dependent[msg["name"]] = fn = msg["fn"]
            batch_shape = fn.batch_shape[len(fn.batch_shape) - self.plate_depth :]
            msg["fn"] = ImproperUniform(fn.support, batch_shape, fn.event_shape)
            return
        self.sites.append(msg)
        msg["stop"] = True

    def postprocess_message(self, msg):
        if msg.get("name") in self.dependent:  # a scan has no name
            self.dependent[msg["name"]] = site = {**msg, "fn": self.dependent[msg["name"]]}
            self.sites.append(site)

    @property
    def free_dim(self):
        """The first dimension to the left of those in use."""
        return -self.plate_depth - 1 - sum(len(v.dims) for v in self.variables)

    def _read_scan(self, msg):
        """Take a scan with discrete sites out of the program, unless they are sampled."""
        loop, value = read_scan(msg, self.free_dim, site_plates, log_prob_of_values, self.sampled_sites)
        if loop is not None:
            self.loops.append(loop)
            self.variables += loop.variables
            msg["value"], msg["stop"] = value, True

    def factor_graph(self, sites, rows=None):
        """The factors of some sites outside of loops and of all in loops."""
        factors = {n: f for s in sites for n, f in factors_of(s, self.variables).items()}
        return join_loops(factors, self.variables, rows, self.loops, FUNCTIONS)


def site_plates(site):
    return frozenset(Plate(f.name, f.dim) for f in site.get("cond_indep_stack", ()))


def factors_of(site, variables):
    """The factors by name of a site that is observed, or one of the ``variables``."""
    name, fn, plates = site["name"], site["fn"], site_plates(site)
    v = next((v for v in variables if v.name == name), None)
    if v is not None and v.is_chain:
        if list(masks_of(fn)):
            raise ZooError(density.masked_chain(name))
        chain = unexpanded(fn)
        states = states_factor(chain.log_states, v.dim, fn.batch_shape, FUNCTIONS)
        transitions = transitions_factor(chain.log_transitions, v.dim, FUNCTIONS)
        return {name: Factor(states, plates), v.transition: Factor(transitions, plates)}
    return {name: Factor(log_prob_of_values(site, None if v is None else v.size), plates)}


def log_prob_of_values(site, size):
    """The log density of a site; of a latent with all its values, which together count once where it is masked."""
    log = site["fn"].log_prob(site["value"])
    if size is not None:
        for mask in masks_of(site["fn"]):
            log = jnp.where(mask, log, -math.log(size))
    return log


def unexpanded(fn):
    """The distribution within masks and expansions; an expansion cannot enumerate vectors, as one-hot ones."""
    while isinstance(fn, ExpandedDistribution | MaskedDistribution):
        fn = fn.base_dist
    return fn


def masks_of(fn):
    """The masks of a distribution, within what expands it."""
    while hasattr(fn, "base_dist"):
        if isinstance(fn, MaskedDistribution):
            yield fn._mask
        fn = fn.base_dist
