import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from numpyro import handlers
from numpyro.distributions import Delta
from numpyro.primitives import Messenger

from inference.objectives.densities import GuideAndProgram
from inference.objectives.estimators.in_numpyro import within
from inference.objectives.sites import Run, check_broadcast, draw_site, is_in_rows

UNUSED_KEY = jax.random.PRNGKey(0)  # for runs in which every site has its value


class AtValues(Messenger):
    """Sites and parameters at ``values``; latents without one at ``fill(site, number filled before)``, or drawn.

    Latents of the rows are drawn with ``sample_shape`` to the left of the rows.
    """

    def __init__(self, program, values, fill, sample_shape=(), through=None):
        self.values, self.fill, self.sample_shape, self.filled = values, fill, sample_shape, 0
        self.through, self.assigned, self.straight_through, self.shared = through or {}, {}, {}, {}
        super().__init__(program)

    def process_message(self, msg):
        if msg["type"] in ("assign", "straight_through"):
            values = self.assigned if msg["type"] == "assign" else self.straight_through
            values[msg["of"]] = msg["value"]
        if msg["type"] == "shared":
            self.shared = msg["value"]
        if msg["type"] == "deterministic" and msg["name"] in self.through:
            through = self.through[msg["name"]]
            msg["value"] = stop_gradient(msg["value"]) + (through - stop_gradient(through))
        if msg["type"] not in ("sample", "param"):
            return
        if msg["name"] in self.values:
            msg["value"] = self.values[msg["name"]]
        elif msg["type"] == "sample" and not msg["is_observed"]:
            value = self.fill(msg, self.filled)
            if value is not None:
                msg["value"] = value
                self.filled += 1
            elif self.sample_shape and is_in_rows(msg):
                check_broadcast(msg)
                if len(msg["fn"].batch_shape) == 1:  # where it is longer, it depends on an earlier draw
                    msg["kwargs"]["sample_shape"] = self.sample_shape


def traced(program, values, key, inputs, fill=draw_site, sample_shape=(), through=None):
    at_values = AtValues(program, values, fill, sample_shape, through)
    nodes = handlers.trace(handlers.seed(at_values, key)).get_trace(**inputs)
    plate = (nodes["N"]["args"][0], len(nodes["N"]["value"])) if "N" in nodes else None
    sites = {n: s for n, s in nodes.items() if s["type"] == "sample"}
    statements = at_values.assigned, at_values.straight_through, at_values.shared
    return Run(sites, plate, tuple(getattr(fill, "names", ())), *statements)


class TracedPair(GuideAndProgram):
    """``GuideAndProgram`` in NumPyro; ``params`` are the parameters of guide and program, by name."""

    params: dict

    def run(self, program, values, stopped=False, through=None):
        params = stop_gradient(self.params) if stopped else self.params
        return traced(program, {**params, **values}, UNUSED_KEY, self.inputs, draw_site, through=through)

    def log_of(self, site, value):
        if value is site["value"] and site["intermediates"]:
            return site["fn"].log_prob(value, site["intermediates"])
        return site["fn"].log_prob(value)

    def is_point(self, distribution):
        return isinstance(within(distribution), Delta)

    def point_of(self, distribution):
        return distribution.sample(UNUSED_KEY)

    def broadcast_to(self, array, shape):
        return jnp.broadcast_to(array, shape)

    def zeros(self, shape):
        return jnp.zeros(shape)
