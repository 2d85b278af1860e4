from contextlib import contextmanager
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer, eval_jaxpr
from jax.experimental.compilation_cache.compilation_cache import reset_cache
from numpyro import handlers
from numpyro.distributions import constraints
from numpyro.distributions.distribution import validation_enabled
from numpyro.infer.util import log_density
from numpyro.primitives import _PYRO_STACK, Messenger, apply_stack

from zoo._backend import RUNTIME_LOCK, TracedSite, interval_kind
from zoo.data.corpus import Corpus
from zoo.errors import ZooError

# compiling takes longer than a few runs, and half as long without optimisation
COMPILER_OPTIONS = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}

FOLDER = "jax_compilation_cache_dir"
# however short, since a fit compiles many small functions
COMPILATION_CACHE = {"jax_persistent_cache_min_compile_time_secs": 0.0, "jax_persistent_cache_min_entry_size_bytes": -1}


@contextmanager
def runtime(dtype=None, device="cpu"):
    try:
        target = jax.devices(device)[0]
    except RuntimeError:
        raise ZooError(f"no device {device!r} here; there is {jax.default_backend()!r}") from None
    is_64_bit = (dtype or ("float64" if target.platform == "cpu" else "float32")) == "float64"
    # x64 for this block alone: the user's own JAX code keeps its setting. Data is validated
    # before a fit, and numpyro's validation of every distribution takes longer to compile than a small fit runs
    with (
        RUNTIME_LOCK,
        jax.enable_x64(is_64_bit),
        jax.default_device(target),
        validation_enabled(False),
        restore_handlers(),
    ):
        yield


@contextmanager
def restore_handlers():
    """Restore the stack of handlers when the context ends: an interrupt can leave a handler on it."""
    handlers_before = list(_PYRO_STACK)
    try:
        yield
    finally:
        _PYRO_STACK[:] = handlers_before


def to_backend(values):
    def convert(value):
        value = value.raw if isinstance(value, Corpus) else value
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            with np.errstate(over="ignore"):  # beyond 32 bits a number is infinite, as in torch
                return jnp.asarray(value, dtype=jnp.zeros(()).dtype)
        return jnp.asarray(value) if isinstance(value, np.ndarray) else value

    return {name: convert(value) for name, value in values.items()}


def to_numpy(values):
    return {name: np.asarray(value) for name, value in values.items()}


def trace(program, keywords):
    return {
        name: TracedSite(
            kind_of(site["fn"]),
            tuple(site["value"].shape),
            bool(site["fn"].is_discrete),
            tuple(f.name for f in site["cond_indep_stack"]),
        )
        for name, site in abstract_nodes(program, keywords).items()
        if site["type"] == "sample"
    }


def abstract_nodes(program, keywords):
    """The nodes of a run in which shapes alone are known: nothing is computed, and so nothing compiled."""
    nodes = {}

    def run(key):
        nodes.update(handlers.trace(handlers.seed(program, key)).get_trace(**to_backend(keywords)))

    with runtime("float64"):
        jax.eval_shape(run, jax.random.PRNGKey(0))
    return nodes


def kind_of(distribution):
    support = distribution.support
    while isinstance(support, constraints.independent):
        support = support.base_constraint
    if isinstance(support, type(constraints.integer_interval(0, 1))):
        return getattr(support, "kind", "category")
    if getattr(support, "kind", "") == "one_hot":
        return "one_hot"
    if not support.is_discrete and (hasattr(support, "lower_bound") or hasattr(support, "upper_bound")):
        bounds = getattr(support, "lower_bound", -np.inf), getattr(support, "upper_bound", np.inf)
        # bounds that are computed have no value while the program is traced
        return "real" if any(isinstance(b, Tracer) for b in bounds) else interval_kind(*bounds)
    named = {
        "precision": constraints.positive_definite,
        "simplex": constraints.simplex,
        "binary": constraints.boolean,
        "count": constraints.nonnegative_integer,
    }
    return next((kind for kind, c in named.items() if type(c) is type(support) and repr(c) == repr(support)), "real")


def simulate(program, keywords, seed, values):
    with runtime("float64"):
        substitute = handlers.substitute(handlers.seed(program, jax.random.PRNGKey(seed)), data=to_backend(values))
        nodes = handlers.trace(substitute).get_trace(**to_backend(keywords))
        return to_numpy({n: s["value"] for n, s in nodes.items() if s["type"] in ("sample", "param")})


def learned(program, keywords):
    nodes = abstract_nodes(program, keywords)
    return {n: tuple(s["value"].shape) for n, s in nodes.items() if s["type"] == "param"}


def log_joint(program, keywords, values):
    with runtime("float64"):
        inputs = to_backend(keywords)
        # arrays are arguments of what is compiled, and all else is part of it
        arrays = {n: v for n, v in inputs.items() if isinstance(v, jax.Array)}
        plain = tuple(sorted((n, v) for n, v in inputs.items() if n not in arrays))
        return float(compiled_log_joint()(program, plain, arrays, to_backend(values)))


@cache
def compiled_log_joint():
    """The log joint of one run, compiled once for each program: eager JAX compiles operation by operation."""

    def run(program, plain, arrays, values):
        seeded = handlers.seed(program, jax.random.PRNGKey(0))  # networks need a key, even where it is not used
        return log_density(seeded, (), {**arrays, **dict(plain)}, values)[0]

    return compile_fast(run, static_argnames=("program", "plain"))


def compile_fast(function, **options):
    """``jax.jit`` without optimisation on CPU, for what runs a few times; another device has its own options."""
    chosen = COMPILER_OPTIONS if jax.default_backend() == "cpu" else None
    return jax.jit(function, compiler_options=chosen, **options)


@contextmanager
def compile_once(folder):
    """Keep what is compiled in a folder, and read it where it would be compiled again; a user's own folder comes first.

    What is compiled takes data and random keys as arguments, and so is the same for all data of the same shapes.
    """
    cache = COMPILATION_CACHE | {FOLDER: getattr(jax.config, FOLDER) or folder}
    with RUNTIME_LOCK:
        before = {name: getattr(jax.config, name) for name in cache}
        configure_compilation(cache)
        try:
            yield
        finally:
            configure_compilation(before)


def configure_compilation(cache):
    for name, value in cache.items():
        jax.config.update(name, value)
    reset_cache()  # the folder is read when the first function is compiled


def without_constants(function, *args):
    """``function`` of arrays like ``args``, compiled with every array that it closes over as an argument.

    Constants are part of what is compiled: with other data it would be compiled again.
    """
    closed, shape = jax.make_jaxpr(function, return_shape=True)(*args)
    compiled, tree = jax.jit(partial(eval_jaxpr, closed.jaxpr)), jax.tree.structure(shape)
    return lambda *args: jax.tree.unflatten(tree, compiled(closed.consts, *jax.tree.leaves(args)))


class minibatch(Messenger):
    """The program with its plate N subsampled to ``rows``; log densities inside are scaled by N / len(rows)."""

    def __init__(self, program, rows):
        self.rows = rows
        super().__init__(program)

    def process_message(self, msg):
        if msg["type"] == "plate" and msg["name"] == "N":
            msg["value"] = self.rows


def assign(name, value):
    apply_stack({"type": "assign", "of": name, "value": value})


def straight_through(name, value):
    apply_stack({"type": "straight_through", "of": name, "value": value})
