import torch
from pyro.distributions import Delta
from pyro.distributions.util import scale_and_mask
from pyro.poutine.messenger import Messenger
from pyro.poutine.subsample_messenger import _Subsample

from inference.objectives.densities import GuideAndProgram
from inference.objectives.estimators.in_pyro import within
from inference.objectives.sites import CannotBroadcast, Run, check_broadcast, draw_site, is_in_rows
from zoo._backend.in_pyro import is_deterministic


class AtValues(Messenger):
    """Sites at ``values``; latents without one at ``fill(site, number filled before)``, or drawn.

    Latents of the rows are drawn with ``sample_shape`` to the left of the rows and of what was filled. ``stopped``:
    parameters have no gradients.
    """

    def __init__(self, values, fill=draw_site, sample_shape=(), stopped=False, through=None):
        super().__init__()
        self.values, self.fill, self.sample_shape, self.stopped = values, fill, sample_shape, stopped
        self.through, self.assigned, self.straight_through, self.shared = through or {}, {}, {}, {}
        self.sites, self.plate, self.filled, self.has_draws = {}, None, 0, False

    def _pyro_sample(self, msg):
        if msg["name"] in self.through and is_deterministic(msg):
            through = self.through[msg["name"]]
            msg["value"] = msg["value"].detach() + (through - through.detach())
        if msg["is_observed"] or isinstance(msg["fn"], _Subsample):
            return
        if msg["name"] in self.values:
            msg["value"], msg["done"] = self.values[msg["name"]], True
            return
        value = self.fill(msg, self.filled)
        if value is not None:
            is_enumerated = msg["name"] in getattr(self.fill, "names", ())
            if self.has_draws and is_enumerated:
                # the distribution may depend on draws, whose dimension is not in its place
                raise CannotBroadcast(msg["name"])
            msg["value"], msg["done"] = value, True
            self.filled += is_enumerated
            if self.sample_shape and is_in_rows(msg) and not is_enumerated:
                check_broadcast(msg)
                self.has_draws = True
        elif self.sample_shape and is_in_rows(msg) and not msg["done"]:
            check_broadcast(msg)
            missing = 2 + self.filled - len(msg["fn"].batch_shape)  # none where it depends on an earlier draw
            shape = self.sample_shape + (1,) * (missing - 1) if missing else ()
            msg["value"], msg["done"], self.has_draws = msg["fn"](torch.Size(shape)), True, True

    def _pyro_post_sample(self, msg):
        if not isinstance(msg["fn"], _Subsample):
            self.sites[msg["name"]] = msg
        elif msg["name"] == "N":
            self.plate = msg["fn"].size, len(msg["value"])

    def _pyro_post_param(self, msg):
        if self.stopped:
            msg["value"] = msg["value"].detach()

    def _pyro_assign(self, msg):
        self.assigned[msg["name"]] = msg["value"].detach()

    def _pyro_straight_through(self, msg):
        self.straight_through[msg["name"]] = msg["value"]

    def _pyro_shared(self, msg):
        self.shared = msg["value"]


def traced(program, values, inputs, fill=draw_site, sample_shape=(), stopped=False, through=None):
    with AtValues(values, fill, sample_shape, stopped, through) as at_values:
        program(**inputs)
    statements = at_values.assigned, at_values.straight_through, at_values.shared
    return Run(at_values.sites, at_values.plate, tuple(getattr(fill, "names", ())), *statements)


class TracedPair(GuideAndProgram):
    """``GuideAndProgram`` in Pyro."""

    def run(self, program, values, stopped=False, through=None):
        return traced(program, values, self.inputs, draw_site, stopped=stopped, through=through)

    def log_of(self, site, value):
        return scale_and_mask(site["fn"].log_prob(value), mask=site["mask"])

    def is_point(self, distribution):
        return isinstance(within(distribution), Delta)

    def point_of(self, distribution):
        return distribution.rsample()

    def broadcast_to(self, array, shape):
        return array.expand(shape)

    def zeros(self, shape):
        return torch.zeros(shape)


def can_vectorise(program, guide, inputs):
    """Whether two draws of the latents of the rows can be one more dimension of a run of guide and program.

    They can where every log density is then that of a run with each draw by itself. A program that does not broadcast
    may raise any error, or index another dimension without one.
    """
    with torch.no_grad(), torch.random.fork_rng():
        try:
            both = traced(guide, {}, inputs, sample_shape=(2,))
            values = {n: s["value"] for n, s in both.latents.items()}
            pairs = [(both, guide), (traced(program, values, inputs), program)]
            for k in (0, 1):
                draw = {n: part_of(values[n], s, k) for n, s in both.latents.items()}
                if not all(is_part(run, traced(each, draw, inputs), k) for run, each in pairs):
                    return False
        except Exception:  # of any kind: the program is the user's
            return False
    return True


def part_of(array, site, k):
    """One of two draws, where an array of a site has a dimension of them."""
    return array[k] if array.dim() == site["fn"].event_dim + 2 and is_in_rows(site) else array


def is_part(both, single, k):
    """Whether the log densities of a run are those of one of the two draws that another run holds."""
    for name, site in single.sites.items():
        other = both.sites[name]
        log, logs = site["fn"].log_prob(site["value"]), other["fn"].log_prob(other["value"])
        logs = logs[k] if logs.dim() == log.dim() + 1 else logs
        if not torch.allclose(*torch.broadcast_tensors(log, logs), rtol=1e-3, atol=1e-4, equal_nan=True):
            return False
    return True
