import jax
import jax.numpy as jnp

FLOOR = -1e30  # in place of -inf, whose sums have no derivatives; a path that has it once is impossible
UNROLLED_STEPS = 4


def forward_pass(log_states, log_transitions):
    log_states, log_transitions = (jnp.maximum(a, FLOOR) for a in (log_states, log_transitions))
    steps = jnp.moveaxis(log_states, -2, 0)  # (T, *B, K)
    transitions = jnp.moveaxis(log_transitions, -3, 0)
    is_shared = len(transitions) == 1

    def step(log_alpha, inputs):
        log_state, transition = (inputs, transitions[0]) if is_shared else inputs
        return rescaled(jax.nn.logsumexp(log_alpha[..., None] + transition, axis=-2) + log_state)

    batch = jnp.broadcast_shapes(log_states.shape[:-2], log_transitions.shape[:-3])
    first, first_scale = rescaled(jnp.broadcast_to(steps[0], (*batch, steps.shape[-1])))
    inputs = steps[1:] if is_shared else (steps[1:], transitions)
    last, scales = jax.lax.scan(step, first, inputs, unroll=UNROLLED_STEPS)
    total = jax.nn.logsumexp(last, axis=-1) + first_scale + scales.sum(0)
    return jnp.where(total > FLOOR / 2, total, -jnp.inf)


def rescaled(log_alpha):
    """Log weights with 0 as the largest, and what is added for it: in 32 bits a sum over many steps has few digits."""
    scale = jax.lax.stop_gradient(log_alpha.max(-1))
    return log_alpha - scale[..., None], scale
