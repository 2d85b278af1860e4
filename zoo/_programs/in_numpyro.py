import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from numpyro import handlers
from numpyro.distributions import Independent, Unit
from numpyro.infer import init_to_uniform
from numpyro.ops.provenance import eval_provenance
from numpyro.primitives import CondIndepStackFrame, Messenger

from zoo._backend.in_numpyro import kind_of, runtime, to_backend
from zoo._programs import runnable
from zoo._programs.parameters.in_numpyro import NetworkParameters
from zoo._programs.sites import PlateRecord, SiteRecord
from zoo._programs.supports.in_numpyro import within_support

ENTRY = "_entry"  # of a site whose value is not the array itself, in what it tells of inference
SITE_TYPES = ("sample", "deterministic", "param")


def trace(program, arrays, is_abstract=False):
    """The sites of one run at some arrays by entry; if abstract, the run has their shapes alone, as compiled code."""
    nodes, entries = {}, {}
    with runtime(program.dtype):
        arrays = to_backend({n: v for n, v in arrays.items() if n not in program.static})

        def run(key, arrays):
            entries.update({id(v): n for n, v in arrays.items()})
            with handlers.block():
                seeded = handlers.substitute(handlers.seed(program, key), substitute_fn=init_to_uniform)
                nodes.update(handlers.trace(seeded).get_trace(**arrays))

        key = jax.random.PRNGKey(0)
        if is_abstract:
            jax.eval_shape(run, key, arrays)  # shapes alone: nothing is computed
        else:
            jax.eval_shape(lambda key: run(key, arrays), key)
        full_sizes = {n: s["args"][0] for n, s in nodes.items() if s["type"] == "plate"}
        return {n: site_record(n, s, full_sizes, entries) for n, s in nodes.items() if s["type"] in SITE_TYPES}


def simulate(program):
    """One draw of every sample site, as NumPy."""
    with runtime("float64"):
        nodes = handlers.trace(handlers.seed(program, jax.random.PRNGKey(0))).get_trace()
        return {n: np.asarray(s["value"]) for n, s in nodes.items() if s["type"] == "sample"}


def needs_values(error):
    """Whether a run failed because it needs the values of arrays, which compiled code does not have."""
    return isinstance(
        error,
        jax.errors.ConcretizationTypeError
        | jax.errors.TracerArrayConversionError
        | jax.errors.TracerIntegerConversionError
        | jax.errors.NonConcreteBooleanIndexError,
    )


def site_record(name, site, full_sizes, entries):
    frames = site.get("cond_indep_stack", ())
    plates = tuple(PlateRecord(f.name, f.dim, f.size, full_sizes.get(f.name, f.size)) for f in frames)
    if site["type"] != "sample":
        role = "learned" if site["type"] == "param" else "deterministic"
        return SiteRecord(name, role, "real", jnp.shape(site["value"]), 0, False, False, plates)
    fn, value = site["fn"], site["value"]
    if isinstance(fn, Unit):
        return SiteRecord(name, "factor", "real", (), 0, False, False, plates)
    return SiteRecord(
        name,
        "observed" if site["is_observed"] else "latent",
        kind_of(fn),
        tuple(jnp.shape(value)),
        fn.event_dim,
        bool(fn.is_discrete),
        bool(fn.is_discrete and fn.has_enumerate_support),
        plates,
        entries.get(id(value), site["infer"].get(ENTRY, "")) if site["is_observed"] else "",
        "_scan_current_index" in site["infer"],
        tuple(fn.shape()),
        without_to_event(fn)[0].event_dim,
    )


def values_at(program, inputs, draws, names):
    """Values of some sites at each draw, (draws, *shape)."""
    with runtime("float64"):
        inputs, draws = to_backend(inputs), to_backend(draws)
        arrays = {n: v for n, v in inputs.items() if isinstance(v, jax.Array)}
        plain = {n: v for n, v in inputs.items() if n not in arrays}

        def at_draw(draw, arrays):
            substituted = handlers.substitute(handlers.seed(program, jax.random.PRNGKey(0)), data=draw)
            with handlers.block():
                nodes = handlers.trace(substituted).get_trace(**arrays, **plain)
            return {n: nodes[n]["value"] for n in names}

        values = jax.jit(lambda draws, arrays: jax.lax.map(lambda draw: at_draw(draw, arrays), draws))(draws, arrays)
        return {n: np.asarray(v) for n, v in values.items()}


class RunnableProgram(runnable.RunnableProgram):
    def run(self, arrays, absent, count, size):
        arrays = {**arrays, **to_backend({n: v for n, v in arrays.items() if n not in self.static})}
        with NetworkParameters(trees=self.arguments.trees), Presentation(self, arrays, absent, count, size):
            return self.arguments.call(self.program, arrays)

    def resize(self, value, count):
        return jnp.broadcast_to(jnp.asarray(value)[:1], (count, *value.shape[1:]))


class Presentation(Messenger):
    """The rows' plate as N, of ``size`` rows that stand for ``count``; every other plate complete.

    Observed sites in ``absent`` are latent; missing values of an observed site do not count, or are latent.
    """

    def __init__(self, program, arrays, absent, count, size, in_body=False):
        super().__init__()
        self.program, self.arrays, self.absent = program, arrays, absent
        self.count, self.size, self.in_body, self.plate_sizes = count, size, in_body, {}

    def present_body(self, body):
        """The body of a scan with its sites presented; whole numbers in the carry keep their type."""

        def presented(carry, inputs):
            with Presentation(self.program, self.arrays, self.absent, self.count, self.size, in_body=True):
                after, outputs = body(carry, inputs)
            return jax.tree.map(as_before, after, carry), outputs

        return presented

    def process_message(self, msg):
        rows = self.program.rows_plate
        if msg["type"] == "plate":
            name, (full_size, subsample_size) = msg["name"], msg["args"]
            self.plate_sizes[name] = full_size
            if name == rows and self.size is not None:
                msg.update(args=(self.count, None), value=jnp.arange(self.size))
            elif subsample_size is not None:
                msg.update(args=(full_size, None), value=jnp.arange(full_size))
            msg["name"] = self.program.plate_name(name)
            return
        if msg["type"] == "control_flow" and callable(msg["args"][0]):
            body, *rest = msg["args"]
            msg["args"] = (self.present_body(body), *rest)
            return
        if msg.get("_control_flow_done"):  # a site of a scan, whose steps were presented in its body
            if msg["type"] == "sample" and msg["is_observed"] and self.program.has_batch_rows(msg["name"]):
                scale_rows(msg, self.count, self.size)
            return
        if msg["type"] not in ("sample", "param", "deterministic"):
            return
        frames = msg.get("cond_indep_stack", [])
        if frames:
            msg["cond_indep_stack"] = [CondIndepStackFrame(self.program.plate_name(f.name), *f[1:]) for f in frames]
        if any(f.name == rows for f in frames):
            scale_rows(msg, self.count, self.plate_sizes.get(rows, self.count))
        if msg["type"] != "sample" or not msg["is_observed"] or isinstance(msg["fn"], Unit):
            return
        if msg["name"] in self.program.imputed:
            impute(msg)
            return
        if self.in_body:  # the values of one step are no argument, and may be missing where a part of one is
            msg["fn"] = within_support(msg["fn"])
            if self.program.arguments.incomplete:
                leave_out_missing(msg, next(iter(self.program.arguments.incomplete.values())))
            return
        if self.program.has_batch_rows(msg["name"]):
            scale_rows(msg, self.count, self.size)
        if msg["name"] in self.absent:
            msg["is_observed"], msg["value"] = False, None
            return
        msg["fn"] = within_support(msg["fn"])
        if msg["name"] in self.program.missing:
            leave_out_missing(msg, self.program.missing[msg["name"]])
        elif msg["fn"].is_discrete and (entry := self.program.incomplete_entry(msg["value"], self.arrays)):
            leave_out_missing(msg, self.program.arguments.incomplete[entry])
            msg["infer"] = {**msg["infer"], ENTRY: entry}


def as_before(after, before):
    """A leaf of the carry; a label is of 64 bits with the runtime, and its start may be of 32."""
    is_whole = jnp.issubdtype(jnp.result_type(after), jnp.integer) and jnp.issubdtype(
        jnp.result_type(before), jnp.integer
    )
    return jnp.asarray(after, jnp.result_type(before)) if is_whole else after


def scale_rows(msg, count, size):
    """Let the log density of a site count for ``count`` rows where its plate has ``size``."""
    if msg["type"] == "sample" and count != size:
        msg["scale"] = (1.0 if msg["scale"] is None else msg["scale"]) * count / size


def leave_out_missing(msg, replacement):
    """Values that are NaN have no part in the log density; ``replacement`` is in the support."""
    value, (fn, joined) = jnp.asarray(msg["value"]), without_to_event(msg["fn"])
    is_missing = jnp.isnan(value)
    filled = jnp.where(is_missing, replacement, value)
    msg["value"] = filled.astype(int) if fn.is_discrete else filled
    masked = fn.mask(~is_missing.any(tuple(range(value.ndim - fn.event_dim, value.ndim))))
    msg["fn"] = masked.to_event(joined)


def impute(msg):
    """Missing values of a discrete site are latent: two sites in its place, as with ``obs_mask``."""
    name, fn, is_missing = msg["name"], msg["fn"], jnp.isnan(msg["value"])
    of_events = is_missing.any(tuple(range(is_missing.ndim - fn.event_dim, is_missing.ndim)))
    observed = numpyro.sample(f"{name}_observed", fn, obs=msg["value"])  # without what is missing, as other sites
    with handlers.mask(mask=of_events):
        unobserved = numpyro.sample(f"{name}_unobserved", fn, infer=msg["infer"])
    msg["value"] = jnp.where(is_missing, unobserved, observed.astype(unobserved.dtype))
    msg["stop"] = True  # what is outside has the two sites alone


def depends_on(program, arrays, name):
    """Whether the log density of another site depends on the value of a discrete observed site."""

    def logs(value):
        run = handlers.substitute(handlers.seed(program, jax.random.PRNGKey(0)), substitute_fn=init_to_uniform)
        with handlers.block():
            nodes = handlers.trace(handlers.substitute(run, data={name: value})).get_trace(**backend_arrays)
        others = {n: s for n, s in nodes.items() if s["type"] == "sample" and n != name}
        return {n: s["fn"].log_prob(s["value"]) for n, s in others.items()}

    with runtime(program.dtype):
        backend_arrays = to_backend({n: v for n, v in arrays.items() if n not in program.static})
        shape = jax.eval_shape(lambda: program_value(program, backend_arrays, name))
        value = jnp.zeros(shape.shape, shape.dtype)
        return any(eval_provenance(logs, value=value).values())


def program_value(program, arrays, name):
    run = handlers.substitute(handlers.seed(program, jax.random.PRNGKey(0)), substitute_fn=init_to_uniform)
    with handlers.block():
        return handlers.trace(run).get_trace(**arrays)[name]["value"]


def without_to_event(fn):
    """The distribution within ``to_event``, and the number of dimensions that it joins."""
    joined = 0
    while isinstance(fn, Independent):
        fn, joined = fn.base_dist, joined + fn.reinterpreted_batch_ndims
    return fn, joined
