import jax
import jax.numpy as jnp
from numpyro.distributions import Distribution, constraints

from zoo._distributions.words import BLOCK


class Vocabulary(type(constraints.integer_interval(0, 1))):
    kind = "word"


def vocabulary(size):
    return Vocabulary(0, size - 1)


class Word(Distribution):
    arg_constraints = {"probs": constraints.simplex}  # noqa: RUF012
    pytree_data_fields = ("probs",)

    def __init__(self, probs, *, validate_args=None):
        self.probs = probs
        super().__init__(jnp.shape(probs)[:-1], validate_args=validate_args)

    @property
    def support(self):
        return vocabulary(self.probs.shape[-1])

    def sample(self, key, sample_shape=()):
        drawn = jax.random.categorical(key, jnp.log(self.probs), shape=(*sample_shape, *self.batch_shape))
        return drawn.astype(self.probs.dtype)

    def log_prob(self, value):
        there, index = seen(value)
        if self.batch_shape == jnp.shape(value):
            p = jnp.take_along_axis(self.probs, index[..., None], -1)[..., 0]
        else:  # as in enumeration, where the few rows of probs meet all values
            shape = jnp.broadcast_shapes(self.batch_shape, jnp.shape(value))
            probs = jnp.broadcast_to(self.probs, (*shape, self.probs.shape[-1]))
            p = jnp.take_along_axis(probs, jnp.broadcast_to(index, shape)[..., None], -1)[..., 0]
        return jnp.where(there, jnp.log(p), 0.0)


class Document(Distribution):
    """What documents of independent tokens have in common."""

    def __init__(self, batch_shape, length, w, *, validate_args=None):
        self.length = length
        # NumPyro holds the shapes of values to those of draws
        form = (length,) if w is None or is_tokens(w) else jnp.shape(w)[-2:]
        super().__init__(batch_shape, form, validate_args=validate_args)

    @property
    def support(self):
        return constraints.independent(vocabulary(self.V), 1)

    def sample(self, key, sample_shape=()):
        log_p = self.log_probs()[..., None, :]
        shape = (*sample_shape, *self.batch_shape, self.length)
        drawn = jax.random.categorical(key, log_p, shape=shape)
        return drawn.astype(log_p.dtype)


class Topics(Document):
    pytree_data_fields = ("theta", "phi")
    pytree_aux_fields = ("length",)

    def __init__(self, theta, phi, length, w=None, *, validate_args=None):
        self.theta, self.phi = theta, phi
        super().__init__(jnp.shape(theta)[:-1], length, w, validate_args=validate_args)

    @property
    def V(self):
        return self.phi.shape[-1]

    def log_probs(self):
        return jnp.log(self.theta @ self.phi)

    def log_prob(self, value):
        words, counts = as_pairs(value)
        of_word = self.phi.T

        def one(theta, words, counts):
            return jnp.where(counts > 0, counts * jnp.log(of_word[words] @ theta), 0.0).sum()

        if words.ndim == 1:
            return one(self.theta, words, counts)
        theta = jnp.broadcast_to(self.theta, (*words.shape[:-1], self.theta.shape[-1]))
        rows = (x.reshape(-1, x.shape[-1]) for x in (theta, words, counts))
        size = max(1, BLOCK // (words.shape[-1] * self.phi.shape[0]))
        # nothing of a block is kept: what the gradient needs is computed again
        found = jax.lax.map(jax.checkpoint(lambda row: one(*row)), tuple(rows), batch_size=size)
        return found.reshape(words.shape[:-1])


class Words(Document):
    pytree_data_fields = ("logits",)
    pytree_aux_fields = ("length",)

    def __init__(self, logits, length, w=None, *, validate_args=None):
        self.logits = logits
        super().__init__(jnp.shape(logits)[:-1], length, w, validate_args=validate_args)

    @property
    def V(self):
        return self.logits.shape[-1]

    def log_probs(self):
        return jax.nn.log_softmax(self.logits)

    def log_prob(self, value):
        words, counts = as_pairs(value)
        words, counts = (jnp.broadcast_to(x, (*self.batch_shape, x.shape[-1])) for x in (words, counts))
        return (counts * jnp.take_along_axis(self.log_probs(), words, -1)).sum(-1)


def is_tokens(w):
    return not jnp.issubdtype(w.dtype, jnp.integer)


def seen(tokens):
    """Where there is a token, and its word as an index."""
    there = ~jnp.isnan(tokens)
    return there, jnp.where(there, tokens, 0).astype(int)


def as_pairs(w):
    """Words and counts, each (..., L); of tokens each counts once."""
    if not is_tokens(w):
        return w[..., 0], w[..., 1]
    there, words = seen(w)
    return words, there.astype(int)


def as_tokens(w, T):
    """Tokens (T, N) of a corpus given as pairs (N, L, 2); tokens are left as they are."""
    if is_tokens(w):
        return w
    ends = jnp.cumsum(w[..., 1], axis=1)
    place = (ends[:, None, :] <= jnp.arange(T)[:, None]).sum(-1)  # how many words end before position t
    words = jnp.take_along_axis(w[..., 0], jnp.minimum(place, w.shape[1] - 1), 1).astype(jnp.zeros(()).dtype)
    return jnp.where(jnp.arange(T) < ends[:, -1:], words, jnp.nan).T


def as_bag(w, V):
    """How often each of V words occurs, (..., V), as floats."""
    words, counts = as_pairs(w)
    rows = jnp.indices(words.shape)[:-1]
    return jnp.zeros((*words.shape[:-1], V)).at[(*rows, words)].add(counts)
