from functools import partial

import numpy as np
import pyro
import torch
from pyro import poutine
from pyro.distributions import Unit
from pyro.ops.provenance import get_provenance, track_provenance
from pyro.poutine.messenger import Messenger
from pyro.poutine.subsample_messenger import SubsampleMessenger, _Subsample

from zoo._backend.in_pyro import is_deterministic, kind_of, runtime, sample_nodes, substitute, to_backend, with_values
from zoo._programs import runnable
from zoo._programs.parameters.in_pyro import NetworkParameters
from zoo._programs.sites import PlateRecord, SiteRecord
from zoo._programs.supports.in_pyro import within_support

ENTRY = "_entry"  # of a site whose value is not the array itself, in what it tells of inference


def trace(program, arrays, is_abstract=False):
    """The sites of one run at some arrays by entry; torch runs with their values in any case."""
    with runtime(program.dtype), torch.no_grad():
        torch.manual_seed(0)
        arrays = to_backend({n: v for n, v in arrays.items() if n not in program.static})
        entries = {id(v): n for n, v in arrays.items()}
        nodes = poutine.trace(with_values(program)).get_trace(**arrays).nodes
        sites = {n: s for n, s in nodes.items() if s["type"] in ("sample", "param")}
        return {n: site_record(n, s, entries) for n, s in sites.items() if not isinstance(s.get("fn"), _Subsample)}


def simulate(program):
    """One draw of every sample site, as NumPy."""
    with runtime("float64"), torch.no_grad():
        torch.manual_seed(0)
        nodes = poutine.trace(program).get_trace().nodes
        return {n: np.asarray(s["value"].cpu()) for n, s in sample_nodes(nodes).items()}


def needs_values(error):
    """Whether a run failed because it needs the values of arrays: never in torch."""
    return False


def site_record(name, site, entries):
    plates = tuple(PlateRecord(f.name, f.dim, f.size, f.full_size) for f in site["cond_indep_stack"] if f.vectorized)
    value = site["value"]
    if site["type"] == "param":
        return SiteRecord(name, "learned", "real", tuple(value.shape), 0, False, False, plates)
    fn = site["fn"]
    if is_deterministic(site):
        return SiteRecord(name, "deterministic", "real", tuple(value.shape), 0, False, False, plates)
    if isinstance(fn, Unit):
        return SiteRecord(name, "factor", "real", (), 0, False, False, plates)
    is_discrete = bool(fn.support.is_discrete)
    return SiteRecord(
        name,
        "observed" if site["is_observed"] else "latent",
        kind_of(fn),
        tuple(value.shape),
        fn.event_dim,
        is_discrete,
        is_discrete and bool(fn.has_enumerate_support),
        plates,
        entries.get(id(value), site["infer"].get(ENTRY, "")) if site["is_observed"] else "",
        distribution_shape=tuple(fn.shape()),
        joint_dim=without_to_event(fn)[0].event_dim,
    )


def values_at(program, inputs, draws, names):
    """Values of some sites at each draw, (draws, *shape)."""
    with runtime("float64"), torch.no_grad():
        inputs, draws = to_backend(inputs), to_backend(draws)
        values = {n: [] for n in names}
        for i in range(len(next(iter(draws.values())))):
            at_draw = substitute(program, {n: v[i] for n, v in draws.items()})
            nodes = poutine.trace(at_draw).get_trace(**inputs).nodes
            for n in names:
                values[n].append(np.asarray(nodes[n]["value"].cpu()))
        return {n: np.stack(v) for n, v in values.items()}


class RunnableProgram(runnable.RunnableProgram):
    def run(self, arrays, absent, count, size):
        arrays = {**arrays, **to_backend({n: v for n, v in arrays.items() if n not in self.static})}
        has_priors = isinstance(getattr(self.program, "__self__", self.program), torch.nn.Module)
        with NetworkParameters(has_priors), Presentation(self, arrays, absent, count, size):
            return self.arguments.call(self.program, arrays)

    def resize(self, value, count):
        value = torch.as_tensor(np.asarray(value))
        return value[:1].expand(count, *value.shape[1:])


class Presentation(Messenger):
    """The rows' plate as N, of ``size`` rows that stand for ``count``.

    Observed sites in ``absent`` are latent; missing values of an observed site do not count, or are latent.
    """

    def __init__(self, program, arrays, absent, count, size):
        super().__init__()
        self.program, self.arrays, self.absent = program, arrays, absent
        self.count, self.size, self.plate_size = count, size, count

    def __enter__(self):
        # the size of a subsample is no part of the message of a plate, and must be left out before there is one
        self.subsample = SubsampleMessenger._subsample
        SubsampleMessenger._subsample = staticmethod(partial(complete_plate, self.subsample))
        return super().__enter__()

    def __exit__(self, *error):
        SubsampleMessenger._subsample = staticmethod(self.subsample)
        return super().__exit__(*error)

    def _pyro_sample(self, msg):
        rows = self.program.rows_plate
        if isinstance(msg["fn"], _Subsample):
            if msg["name"] == rows and self.size is not None:
                self.plate_size = msg["fn"].size
                msg.update(fn=_Subsample(self.count, self.size), done=True)
                msg["value"] = torch.arange(self.size, device=torch.zeros(()).device)
            msg["name"] = self.program.plate_name(msg["name"])
            return
        if is_deterministic(msg):
            self._rename(msg)
            return
        if msg["is_observed"] and msg["name"] in self.program.imputed:
            impute(msg)
            return
        if self._rename(msg) and self.count != self.plate_size:
            msg["scale"] = msg["scale"] * self.count / self.plate_size
        if not msg["is_observed"] or isinstance(msg["fn"], Unit):
            return
        if self.program.has_batch_rows(msg["name"]) and self.count != self.size:
            msg["scale"] = msg["scale"] * self.count / self.size
        if msg["name"] in self.absent:
            msg["is_observed"], msg["value"], msg["done"] = False, None, False
            return
        msg["fn"] = within_support(msg["fn"])
        if msg["name"] in self.program.missing:
            leave_out_missing(msg, self.program.missing[msg["name"]])
        elif msg["fn"].support.is_discrete and (entry := self.program.incomplete_entry(msg["value"], self.arrays)):
            leave_out_missing(msg, self.program.arguments.incomplete[entry])
            msg["infer"] = {**msg["infer"], ENTRY: entry}
        elif self.program.has_computed_gaps(msg["value"], self.arrays) and torch.isnan(msg["value"]).any():
            leave_out_missing(msg, next(iter(self.program.arguments.incomplete.values())))

    def _pyro_param(self, msg):
        self._rename(msg)

    def _rename(self, msg):
        """Name the frame of the rows N; whether there is one."""
        frames = msg["cond_indep_stack"]
        msg["cond_indep_stack"] = tuple(f._replace(name=self.program.plate_name(f.name)) for f in frames)
        return any(f.name == self.program.rows_plate for f in frames)


def complete_plate(make, name, size=None, subsample_size=None, subsample=None, *rest):
    """A plate of all its rows, where the program draws some of them by itself."""
    draws_rows = size is not None and subsample is None
    return make(name, size, None if draws_rows else subsample_size, subsample, *rest)


def leave_out_missing(msg, replacement):
    """Values that are NaN have no part in the log density; ``replacement`` is in the support."""
    value, (fn, joined) = msg["value"], without_to_event(msg["fn"])
    is_missing = torch.isnan(value)
    filled = torch.where(is_missing, torch.as_tensor(replacement).to(value), value)
    msg["value"] = filled.long() if isinstance(fn, torch.distributions.Categorical) else filled  # an index
    event = tuple(range(value.ndim - fn.event_dim, value.ndim))
    msg["fn"] = fn.mask(~(is_missing.any(event) if event else is_missing)).to_event(joined)


def impute(msg):
    """Missing values of a discrete site are latent: two sites in its place, as with ``obs_mask``."""
    name, fn, is_missing = msg["name"], msg["fn"], torch.isnan(msg["value"])
    event = tuple(range(is_missing.ndim - fn.event_dim, is_missing.ndim))
    observed = pyro.sample(f"{name}_observed", fn, obs=msg["value"])  # without what is missing, as other sites
    with poutine.mask(mask=is_missing.any(event) if event else is_missing):
        unobserved = pyro.sample(f"{name}_unobserved", fn, infer=msg["infer"])
    msg["value"] = torch.where(is_missing, unobserved, observed.to(unobserved.dtype))
    msg["stop"] = True  # what is outside has the two sites alone


class Mark(Messenger):
    """Marks the value of a site, and what is computed of it."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def _pyro_post_sample(self, msg):
        if msg["name"] == self.name:
            msg["value"] = track_provenance(msg["value"], frozenset({self.name}))


def depends_on(program, arrays, name):
    """Whether the log density of another site depends on the value of a discrete observed site."""
    with runtime(program.dtype), torch.no_grad():
        torch.manual_seed(0)
        arrays = to_backend({n: v for n, v in arrays.items() if n not in program.static})
        with Mark(name):
            nodes = poutine.trace(with_values(program)).get_trace(**arrays).nodes
        others = {n: s for n, s in sample_nodes(nodes).items() if n != name}
        return any(get_provenance(s["fn"].log_prob(s["value"])) for s in others.values())


def without_to_event(fn):
    """The distribution within ``to_event``, and the number of dimensions that it joins."""
    joined = 0
    while isinstance(fn, torch.distributions.Independent):
        fn, joined = fn.base_dist, joined + fn.reinterpreted_batch_ndims
    return fn, joined
