from contextlib import contextmanager, nullcontext
from functools import wraps

import numpy as np
import pyro
import torch
from pyro import poutine
from pyro.distributions import Delta, constraints
from pyro.infer.autoguide.initialization import InitMessenger
from pyro.poutine.messenger import Messenger
from pyro.poutine.runtime import _DIM_ALLOCATOR, _PYRO_STACK, apply_stack
from pyro.poutine.subsample_messenger import _Subsample
from torch.distributions import biject_to

from zoo._backend import RUNTIME_LOCK, TracedSite, interval_kind
from zoo.data.corpus import Corpus
from zoo.errors import ZooError

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@contextmanager
def runtime(dtype=None, device="cpu"):
    device = {"gpu": "cuda"}.get(device, device)
    try:
        torch.zeros((), device=device)
    except (RuntimeError, AssertionError):
        raise ZooError(f"no device {device!r} here; there is 'cpu'") from None
    precision = DTYPES[dtype or ("float64" if device == "cpu" else "float32")]
    with RUNTIME_LOCK, restore_globals(), torch.random.fork_rng(devices=[] if device == "cpu" else None):
        torch.set_default_dtype(precision)
        # a default device costs time at every operation, so it is set only where it differs
        is_default = torch.get_default_device() == torch.device(device)
        context = nullcontext() if is_default else torch.device(device)
        # a fit needs gradients, whatever mode it is called in
        inference_mode, gradients = torch.inference_mode(False), torch.enable_grad()
        # Pyro's parameter store is global too: each fit has its own. Data is validated before a fit
        store, validation = pyro.get_param_store().scope(), pyro.validation_enabled(False)
        with context, inference_mode, gradients, store, validation, restore_parameters():
            yield


@contextmanager
def restore_globals():
    """Restore the default precision, handlers and dimensions of plates when the context ends.

    Handlers remove themselves, but an interrupt can come between.
    """
    precision, handlers, dimensions = torch.get_default_dtype(), list(_PYRO_STACK), list(_DIM_ALLOCATOR._stack)
    try:
        yield
    finally:
        torch.set_default_dtype(precision)
        _PYRO_STACK[:], _DIM_ALLOCATOR._stack[:] = handlers, dimensions


def compile_once(folder):
    """Nothing is compiled."""
    return nullcontext()


BORROWED = {}  # parameters of users' modules in use, by id, with the values that they have outside of the runtime


def borrow_parameter(parameter):
    """Give a parameter of a user's module the precision of the runtime until it ends; then it is as before."""
    dtype = torch.get_default_dtype()
    if id(parameter) not in BORROWED:
        BORROWED[id(parameter)] = parameter, parameter.data
        parameter.data = parameter.data.to(dtype, copy=True)
    elif parameter.dtype != dtype:
        parameter.data = parameter.data.to(dtype)


@contextmanager
def restore_parameters():
    """Restore the parameters borrowed within the context when it ends."""
    before = set(BORROWED)
    try:
        yield
    finally:
        for key in BORROWED.keys() - before:
            parameter, data = BORROWED.pop(key)
            parameter.grad, parameter.data = None, data


def to_backend(values):
    def convert(value):
        value = value.raw if isinstance(value, Corpus) else value
        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f":
            return torch.as_tensor(np.array(value), dtype=torch.get_default_dtype(), device=torch.zeros(()).device)
        return torch.as_tensor(value.copy(), device=torch.zeros(()).device) if isinstance(value, np.ndarray) else value

    return {name: convert(value) for name, value in values.items()}


def to_numpy(values):
    return {name: value.detach().cpu().numpy() for name, value in values.items()}


def sample_nodes(nodes):
    """The sample sites of a trace; Pyro's plates and deterministic sites are of the same type."""
    return {
        n: s
        for n, s in nodes.items()
        if s["type"] == "sample" and not isinstance(s["fn"], _Subsample) and not is_deterministic(s)
    }


def is_deterministic(site):
    """Whether a sample site is a deterministic one, which Pyro observes under a Delta distribution.

    So are the sites that a reparameterisation has replaced.
    """
    fn = site["fn"]
    while hasattr(fn, "base_dist"):
        fn = fn.base_dist
    return bool(site["infer"].get("_deterministic")) or (site["is_observed"] and isinstance(fn, Delta))


def with_values(program):
    """The program with a value in the support of every latent: an improper prior has no draws."""
    return InitMessenger(value_in_support)(program)


def value_in_support(site):
    fn = site["fn"]
    if fn.support.is_discrete:
        return fn.sample()
    bijection = biject_to(fn.support)
    return bijection(4 * torch.rand(bijection.inverse_shape(fn.batch_shape + fn.event_shape)) - 2)


def param_nodes(nodes):
    return {n: s for n, s in nodes.items() if s["type"] == "param"}


def trace(program, keywords):
    with runtime("float64"):
        torch.manual_seed(0)
        nodes = poutine.trace(program).get_trace(**to_backend(keywords)).nodes
        return {
            name: TracedSite(
                kind_of(site["fn"]),
                tuple(site["value"].shape),
                bool(site["fn"].support.is_discrete),
                tuple(f.name for f in site["cond_indep_stack"]),
            )
            for name, site in sample_nodes(nodes).items()
        }


def kind_of(distribution):
    support = distribution.support
    while isinstance(support, constraints.independent):
        support = support.base_constraint
    if isinstance(support, constraints.integer_interval):
        return getattr(support, "kind", "category")
    if not support.is_discrete and (hasattr(support, "lower_bound") or hasattr(support, "upper_bound")):
        bounds = getattr(support, "lower_bound", -np.inf), getattr(support, "upper_bound", np.inf)
        return interval_kind(*(torch.as_tensor(bound).detach().cpu() for bound in bounds))
    named = {
        "precision": constraints.positive_definite,
        "simplex": constraints.simplex,
        "binary": constraints.boolean,
        "count": constraints.nonnegative_integer,
        "one_hot": constraints.one_hot,
    }
    return next(
        (kind for kind, c in named.items() if isinstance(support, type(c)) and is_same_constraint(c, support)), "real"
    )


def is_same_constraint(a, b):
    return repr(a) == repr(b) or not hasattr(a, "lower_bound")


def simulate(program, keywords, seed, values):
    with runtime("float64"):
        torch.manual_seed(seed)
        nodes = poutine.trace(substitute(program, to_backend(values))).get_trace(**to_backend(keywords)).nodes
        return to_numpy({n: s["value"] for n, s in (sample_nodes(nodes) | param_nodes(nodes)).items()})


def learned(program, keywords):
    with runtime("float64"):
        nodes = poutine.trace(program).get_trace(**to_backend(keywords)).nodes
        return {n: tuple(s["value"].shape) for n, s in param_nodes(nodes).items()}


def log_joint(program, keywords, values):
    with runtime("float64"), torch.no_grad():
        return float(
            poutine.trace(substitute(program, to_backend(values))).get_trace(**to_backend(keywords)).log_prob_sum()
        )


class SubstituteParams(Messenger):
    """Param statements take the values in ``values``, which stay out of the parameter store."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def _pyro_param(self, msg):
        if msg["name"] in self.values:
            msg["value"], msg["done"] = self.values[msg["name"]], True


def substitute(program, values):
    """The program with its sites and param statements fixed at ``values``."""
    return SubstituteParams(values)(poutine.condition(program, data=values))


class SubsampleRows(Messenger):
    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    def _pyro_sample(self, msg):
        if msg["name"] == "N" and isinstance(msg["fn"], _Subsample):
            msg["value"] = self.rows
            msg["done"] = True


def minibatch(program, rows):
    """The program with its plate N subsampled to ``rows``; log densities inside are scaled by N / len(rows)."""

    @wraps(program)
    def subsampled(*args, **keywords):
        with SubsampleRows(rows):
            return program(*args, **keywords)

    return subsampled


def assign(name, value):
    send("assign", name, value)


def straight_through(name, value):
    send("straight_through", name, value)


def send(kind, name, value):
    """Show a value to the handlers that have a method for messages of this kind."""
    fields = {"fn": None, "args": (), "kwargs": {}, "is_observed": False, "done": True, "stop": False}
    rest = {"infer": {}, "cond_indep_stack": (), "continuation": None, "scale": 1.0, "mask": None}
    apply_stack({"type": kind, "name": name, "value": value, **fields, **rest})
