import math
from functools import cached_property

import torch
from pyro.distributions import ImproperUniform, MaskedDistribution
from pyro.distributions.util import scale_and_mask
from pyro.poutine.messenger import Messenger
from pyro.poutine.subsample_messenger import _Subsample

from inference.exact.enumeration import density
from inference.exact.enumeration.chains import ArrayFunctions, states_factor, transitions_factor
from inference.exact.enumeration.elimination import Factor, Plate, Variable
from inference.exact.enumeration.loops import join_loops
from inference.exact.enumeration.loops.in_pyro import MarkovLoop, active_markov
from inference.exact.markov.in_pyro import forward_pass
from zoo._backend.in_pyro import is_deterministic
from zoo._distributions.chain.in_pyro import Chain
from zoo.errors import ZooError


def logsumexp(array, dim):
    return array.logsumexp(dim, keepdim=True)


def as_numbers(values, like):
    return torch.as_tensor(values).to(like)


FUNCTIONS = ArrayFunctions(logsumexp, forward_pass, torch.movedim, torch.broadcast_to, torch.cat, as_numbers)


class Enumerate(Messenger):
    """Gives every discrete latent all its values at once, and records the sites that depend on one.

    A continuous latent that depends on a discrete one remains, without its density, which is among the factors.
    """

    def __init__(self, plate_depth, sampled_sites=()):
        super().__init__()
        self.plate_depth, self.sampled_sites = plate_depth, sampled_sites

    def __enter__(self):
        self.sites, self.labels, self.running, self.dependent = [], [], [], {}
        return super().__enter__()

    @cached_property
    def loops(self):
        """The loops with discrete sites, after the program has run."""
        return [loop.read(site_plates, log_prob) for loop in self.running if loop.dims]

    @cached_property
    def variables(self):
        """The discrete sites, after the program has run."""
        return [*self.labels, *(v for loop in self.loops for v in loop.variables)]

    def _pyro_sample(self, msg):
        if isinstance(msg["fn"], _Subsample) or msg["name"] in self.sampled_sites:
            return
        if is_deterministic(msg):
            msg["stop"] = len(msg["fn"].batch_shape) > self.plate_depth  # it has a value for each of a latent
            return
        loop = self._loop()
        at = loop.next_place() if loop else None
        is_latent = not msg["is_observed"]
        if is_latent and msg["fn"].support.is_discrete:
            fn = unmasked(msg["fn"])
            is_chain = isinstance(fn, Chain)
            if not is_chain and not fn.has_enumerate_support:
                raise ZooError(density.infinite_support(msg["name"]))
            dim = -self.plate_depth - 1 - sum(len(v.dims) for v in self.labels) - sum(i.num_dims for i in self.running)
            values = torch.arange(fn.initial.shape[-1]) if is_chain else msg["fn"].enumerate_support(expand=False)
            if loop and not is_chain:
                dim = loop.dim_of(at, len(values), msg["name"], dim)
            else:
                self.labels.append(Variable(msg["name"], dim, len(values), site_plates(msg), int(is_chain)))
            msg["value"] = values.reshape((len(values),) + (1,) * (-dim - 1) + msg["fn"].event_shape)
            msg["done"] = True
        elif len(msg["fn"].batch_shape) <= self.plate_depth:
            return  # as in the program
        elif is_latent:
            if loop:
                raise ZooError(density.depends_on_discrete(msg["name"]))
            self.dependent[msg["name"]] = fn = msg["fn"]
            batch_shape = fn.batch_shape[len(fn.batch_shape) - self.plate_depth :]
            msg["fn"] = ImproperUniform(fn.support, batch_shape, fn.event_shape)
            return
        if loop:
            loop.add(at, msg)
        else:
            self.sites.append(msg)
        msg["stop"] = True

    def _pyro_post_sample(self, msg):
        if msg["name"] in self.dependent:
            self.dependent[msg["name"]] = site = {**msg, "fn": self.dependent[msg["name"]]}
            self.sites.append(site)

    def _loop(self):
        """The loop of the site at hand, None outside of loops."""
        messenger = active_markov()
        if messenger is None:
            return None
        if not any(loop.messenger is messenger for loop in self.running):
            self.running.append(MarkovLoop(messenger))
        return next(loop for loop in self.running if loop.messenger is messenger)

    def factor_graph(self, sites, rows=None):
        """The factors of some sites outside of loops and of all in loops."""
        factors = {n: f for s in sites for n, f in factors_of(s, self.variables).items()}
        return join_loops(factors, self.variables, rows, self.loops, FUNCTIONS)

    @property
    def names_in_loops(self):
        """The names of the sites that loops have."""
        return {n for loop in self.loops for site in loop.sites for n in site.steps}


def site_plates(site):
    return frozenset(Plate(f.name, f.dim) for f in site["cond_indep_stack"])


def factors_of(site, variables):
    """The factors by name of a site that is observed, or one of the ``variables``."""
    name, fn, plates = site["name"], site["fn"], site_plates(site)
    v = next((v for v in variables if v.name == name), None)
    if v is None:
        return {name: Factor(log_prob(site), plates)}
    if not v.is_chain:
        return {name: Factor(log_prob(site, v.size), plates)}
    if site["mask"] is not None or unmasked(fn) is not fn:
        raise ZooError(density.masked_chain(name))
    states = states_factor(fn.log_states, v.dim, fn.batch_shape, FUNCTIONS)
    return {
        name: Factor(states, plates),
        v.transition: Factor(transitions_factor(fn.log_transitions, v.dim, FUNCTIONS), plates),
    }


def log_prob(site, size=None):
    """The log density of a site by member of its plates, without what ``poutine.mask`` leaves out.

    size: of a latent with all its values, their number: where it is masked, they count once together.
    """
    log, mask = site["fn"].log_prob(site["value"]), site["mask"]
    if size is None:
        return scale_and_mask(log, mask=mask)
    return log if mask is None else torch.where(torch.as_tensor(mask, device=log.device), log, -math.log(size))


def unmasked(fn):
    """The distribution within masks."""
    while isinstance(fn, MaskedDistribution):
        fn = fn.base_dist
    return fn
