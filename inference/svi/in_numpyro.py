import time
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpyro import handlers
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.util import log_density

from inference.enumeration.in_numpyro import summed
from inference.free.in_numpyro import Free, begin
from inference.progress import Progress
from inference.svi.ending import ENOUGH, answer, check_begun
from inference.svi.options import check_parameters, check_sites, checked, first_rows, guide_of
from zoo import ZooError
from zoo._backend.in_numpyro import enter, leave, minibatch
from zoo._distributions.in_numpyro import knowing_holes

CHUNK = 1000  # steps, at most, between two looks from outside
PATIENCE = 0.5  # seconds that are wanted between them


def run(task):
    options = checked(task)
    data, keywords = enter(task.table), enter(task.keywords)
    program = summed(knowing_holes(task.program, task.table))
    free = Free(program, keywords, data)
    (start,), said = begin(task, free, [task.seed])
    guide = set_up(task, program, free, start)
    svi = SVI(on_rows(program), on_rows(guide), optimiser(options), Trace_ELBO(options["num_particles"]))
    for_steps, for_rows, for_draws = jax.random.split(jax.random.PRNGKey(task.seed), 3)
    state = jax.jit(lambda key, arrays: svi.init(key, **arrays, **free.plain))(for_steps, free.arrays)
    check_parameters(list(svi.get_params(state)))
    keys = jax.random.split(for_draws, max(options["num_draws"], ENOUGH))
    drawing = draws_of(guide, program, free).lower(keys, svi.get_params(state), free.arrays)
    with ThreadPoolExecutor(1) as beside:
        compiled = beside.submit(drawing.compile)  # while the steps run
        state, trace = train(task, svi, state, free, for_rows)
    params = svi.get_params(state)
    values, lp, log_weight = compiled.result()(keys, params, free.arrays)
    frame = getattr(guide, "frame", {})
    return answer(task, said, trace, leave(values), np.asarray(lp), np.asarray(log_weight), {**leave(params), **frame})


def optimiser(options):
    given = options["optimizer"]
    if given is None:
        return optax.adam(options["learning_rate"])
    if not isinstance(given, optax.GradientTransformation):
        raise ZooError(f"optimizer is an optax GradientTransformation, such as optax.sgd(0.01); given {given!r}")
    return given


def set_up(task, program, free, start):
    """The guide, called once outside of any compilation: guides look at the program, and at data, when first called."""
    rows = first_rows(task, any("N" in p for p in free.plates.values()))
    inputs = {**free.arrays, **free.plain}
    if rows is not None:
        rows = jnp.asarray(rows)
        program, inputs = minibatch(program, rows), {**inputs, **taken(task, free.arrays, rows)}
    guide = guide_of(task.options, "numpyro")(program, start)
    with handlers.block():
        nodes = handlers.trace(handlers.seed(guide, task.seed)).get_trace(**inputs)
    check_sites(list(free.shapes), [n for n, s in nodes.items() if s["type"] == "sample" and not helps(s)])
    return guide


def helps(site):
    return site["is_observed"] or site["infer"].get("is_auxiliary", False)


def on_rows(program):
    """The program as a function of which rows it sees, beside its own arguments."""

    def with_rows(_rows=None, **inputs):
        return (program if _rows is None else minibatch(program, _rows))(**inputs)

    return with_rows


def taken(task, arrays, rows):
    """The data of some rows, by site."""
    sites = task.card.sites(task.keywords)
    return {n: jnp.take(arrays[n], rows, axis=sites[n].dims.index("N")) for n in task.table if "N" in sites[n].dims}


def train(task, svi, state, free, key):
    """The last state, and the ELBO at every step; ends early, at the last good state, where one is not a number."""
    total, size = task.options["num_steps"], task.options["batch_size"]

    def one(carry, arrays, begun):
        done, state, order, losses, _ = carry
        inputs = {**arrays, **free.plain}
        if size:
            order, rows = next_rows(order, begun + done)
            inputs |= {**taken(task, arrays, rows), "_rows": rows}
        after, loss = svi.update(state, **inputs)
        params = jax.tree.leaves(svi.optim.get_params(after.optim_state))
        good = jnp.isfinite(loss) & jnp.all(jnp.stack([jnp.isfinite(p).all() for p in params]))
        state = jax.tree.map(lambda new, old: jnp.where(good, new, old), after, state)
        return done + good, state, order, losses.at[done].set(loss), good

    def next_rows(order, step):
        # an epoch is one permutation of the rows
        epoch, batch = jnp.divmod(step, task.rows // size)
        new = lambda: jax.random.permutation(jax.random.fold_in(key, epoch), task.rows)  # noqa: E731
        order = jax.lax.cond(batch == 0, new, lambda: order)
        return order, jax.lax.dynamic_slice(order, (batch * size,), (size,))

    @jax.jit
    def advance(state, order, begun, count, arrays):
        carry = jnp.zeros((), begun.dtype), state, order, jnp.zeros(CHUNK), jnp.array(True)
        going = lambda carry: (carry[0] < count) & carry[-1]  # noqa: E731
        return jax.lax.while_loop(going, lambda carry: one(carry, arrays, begun), carry)

    trace, order = np.zeros(0), jnp.arange(task.rows)
    count, good = 1, True
    with Progress("svi", total, task.progress) as progress:
        while good and len(trace) < total:
            since = time.perf_counter()
            begun = jnp.asarray(len(trace))
            done, state, order, losses, good = advance(
                state, order, begun, jnp.asarray(min(count, total - len(trace))), free.arrays
            )
            trace = np.concatenate([trace, -np.asarray(losses[: int(done)], float)])
            check_begun(trace, total)
            progress.at(len(trace), f"ELBO {trace[-100:].mean():.2f} nats")
            pace = max(time.perf_counter() - since, 1e-4) / max(int(done), 1)
            count = int(np.clip(PATIENCE / pace, 1, min(CHUNK, 10 * count)))
    return state, trace


def draws_of(guide, program, free):
    """A function of keys: ``(values, log p, log p - log q)`` of one draw from the guide for each."""

    def one(key, params, arrays):
        inputs = {**arrays, **free.plain}
        log_q, nodes = log_density(handlers.seed(guide, key), (), inputs, params)
        values = {n: nodes[n]["value"] for n in free.shapes}
        log_p, _ = log_density(program, (), inputs, {**params, **values})
        return values, log_p, log_p - log_q

    return jax.jit(lambda keys, *rest: jax.lax.map(lambda key: one(key, *rest), keys))
