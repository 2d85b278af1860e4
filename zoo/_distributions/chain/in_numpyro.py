import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from numpyro.distributions import Distribution, constraints

from zoo._distributions.chain import check_probabilities, check_shapes, check_states


class Chain(Distribution):
    """A Markov chain of T steps among K states.

    Parameters
    ----------
    initial : array, (K) or (..., 1, K)
        Probabilities of the first state.
    transition : array, (K, K), (..., 1, K, K) or (..., T - 1, K, K)
        Probabilities of the next state in each row, given the state before.
    T : int
        The number of steps.

    Raises
    ------
    ZooError
        Where the shapes do not fit, or a row does not sum to 1.
    """

    arg_constraints = {"initial": constraints.simplex, "transition": constraints.simplex}  # noqa: RUF012
    pytree_data_fields = ("initial", "transition")
    pytree_aux_fields = ("T",)

    def __init__(self, initial, transition, T, *, validate_args=None):
        check_shapes(jnp.shape(initial), jnp.shape(transition), T)
        for name, values in (("initial", initial), ("transition", transition)):
            if not isinstance(values, Tracer):
                check_probabilities(name, np.asarray(values))
        initial, transition = (jnp.asarray(p, jnp.result_type(float)) for p in (initial, transition))
        self.initial = initial[None] if initial.ndim == 1 else initial
        self.transition = transition[None] if transition.ndim == 2 else transition
        self.T = int(T)
        batch = lax.broadcast_shapes(self.initial.shape[:-2], self.transition.shape[:-3])
        super().__init__((*batch, self.T), (), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self.initial.shape[-1] - 1)

    @property
    def log_states(self):
        """The initial log probabilities at the first step and 0 at the others, (*batch, K), time in the batch."""
        first = safe_log(self.initial)
        return jnp.pad(first, (*[(0, 0)] * (first.ndim - 2), (0, self.T - 1), (0, 0)))

    @property
    def log_transitions(self):
        """Log of ``transition``, which has a dimension of time."""
        return safe_log(self.transition)

    def sample(self, key, sample_shape=()):
        uniform = jax.random.uniform(key, (*sample_shape, *self.batch_shape), self.initial.dtype)
        first = draw_state(uniform[..., :1], self.initial.cumsum(-1))
        shape = self.transition.shape
        cumulative = jnp.broadcast_to(self.transition.cumsum(-1), (*shape[:-3], self.T - 1, *shape[-2:]))

        states = draw_later_states(first, jnp.moveaxis(uniform[..., 1:], -1, 0), jnp.moveaxis(cumulative, -3, 0))
        return jnp.concatenate([first, jnp.moveaxis(states, 0, -1)], axis=-1)

    def log_prob(self, value):
        K = self.initial.shape[-1]
        if not isinstance(value, Tracer):
            check_states(np.asarray(value), K)
        value = jnp.broadcast_to(value, lax.broadcast_shapes(jnp.shape(value), self.batch_shape))
        state = jnp.clip(jnp.asarray(value, int), 0, K - 1)
        first = elements(self.initial[..., None, :], 0 * state[..., :1], state[..., :1])
        later = elements(self.transition, state[..., :-1], state[..., 1:])
        log = safe_log(jnp.concatenate([first, later], axis=-1))
        return jnp.where(state == value, log, -jnp.inf)


def elements(array, *index):
    """``array[..., *index]`` in the last two dimensions; those before are broadcast with those of the indices."""
    batch_shape = array.shape[:-2]
    grid = (jnp.arange(n).reshape(n, *(1,) * (len(batch_shape) - 1 - i)) for i, n in enumerate(batch_shape))
    return array[(*grid, *index)]


def draw_state(uniform, cumulative):
    """The state whose interval of the cumulative probabilities has a uniform number; none without probability."""
    state = (cumulative <= uniform[..., None] * cumulative[..., -1:]).sum(-1)
    return jnp.minimum(state, cumulative.shape[-1] - 1)


@jax.jit  # a scan alone would be compiled anew for each draw
def draw_later_states(first, uniform, cumulative):
    """States (T - 1, ...) after the first, (..., 1); ``uniform`` (T - 1, ...) and ``cumulative`` have steps first."""

    def step(state, inputs):
        uniform, cumulative = inputs
        state = draw_state(uniform[..., None], elements(cumulative[..., None, :, :], state))
        return state, state[..., 0]

    return lax.scan(step, first, (uniform, cumulative))[1]


def safe_log(p):
    """Log of probabilities; of 0 it is -inf, with a gradient of 0."""
    return jnp.where(p > 0, jnp.log(jnp.where(p > 0, p, 1.0)), -jnp.inf)
