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
        draws = jax.random.categorical(key, jnp.log(self.probs), shape=(*sample_shape, *self.batch_shape))
        return draws.astype(self.probs.dtype)

    def log_prob(self, value):
        is_token, index = token_index(value)
        if self.batch_shape == jnp.shape(value):
            p = jnp.take_along_axis(self.probs, index[..., None], -1)[..., 0]
        else:  # as in enumeration, where the few rows of probs meet all values
            shape = jnp.broadcast_shapes(self.batch_shape, jnp.shape(value))
            probs = jnp.broadcast_to(self.probs, (*shape, self.probs.shape[-1]))
            p = jnp.take_along_axis(probs, jnp.broadcast_to(index, shape)[..., None], -1)[..., 0]
        return jnp.where(is_token, jnp.log(p), 0.0)


class Document(Distribution):
    """The base of distributions of documents of independent tokens."""

    def __init__(self, batch_shape, length, w, *, validate_args=None):
        self.length = length
        # NumPyro holds the shapes of values to those of draws
        length_of_value = (length,) if w is None or is_tokens(w) else jnp.shape(w)[-2:]
        super().__init__(batch_shape, length_of_value, validate_args=validate_args)

    @property
    def support(self):
        return constraints.independent(vocabulary(self.V), 1)

    def sample(self, key, sample_shape=()):
        log_p = self.log_probs()[..., None, :]
        shape = (*sample_shape, *self.batch_shape, self.length)
        draws = jax.random.categorical(key, log_p, shape=shape)
        return draws.astype(log_p.dtype)


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
        words, counts = to_pairs(value)
        phi_by_word = self.phi.T

        def document_log_prob(theta, words, counts):
            return jnp.where(counts > 0, counts * jnp.log(phi_by_word[words] @ theta), 0.0).sum()

        if words.ndim == 1:
            return document_log_prob(self.theta, words, counts)
        theta = jnp.broadcast_to(self.theta, (*words.shape[:-1], self.theta.shape[-1]))
        rows = (x.reshape(-1, x.shape[-1]) for x in (theta, words, counts))
        size = max(1, BLOCK // (words.shape[-1] * self.phi.shape[0]))
        # intermediate values of a block are not stored: the backward pass computes them again
        found = jax.lax.map(jax.checkpoint(lambda row: document_log_prob(*row)), tuple(rows), batch_size=size)
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
        words, counts = to_pairs(value)
        words, counts = (jnp.broadcast_to(x, (*self.batch_shape, x.shape[-1])) for x in (words, counts))
        return (counts * jnp.take_along_axis(self.log_probs(), words, -1)).sum(-1)


def is_tokens(w):
    return not jnp.issubdtype(w.dtype, jnp.integer)


def token_index(tokens):
    """Whether there is a token, and the index of its word."""
    is_token = ~jnp.isnan(tokens)
    return is_token, jnp.where(is_token, tokens, 0).astype(int)


def to_pairs(w):
    """Words and counts, each (..., L); each token counts once."""
    if not is_tokens(w):
        return w[..., 0], w[..., 1]
    is_token, words = token_index(w)
    return words, is_token.astype(int)


def to_tokens(w, T):
    """Tokens (T, N) of a corpus given as pairs (N, L, 2); tokens are unchanged."""
    if is_tokens(w):
        return w
    ends = jnp.cumsum(w[..., 1], axis=1)
    place = (ends[:, None, :] <= jnp.arange(T)[:, None]).sum(-1)  # how many words end before position t
    words = jnp.take_along_axis(w[..., 0], jnp.minimum(place, w.shape[1] - 1), 1).astype(jnp.zeros(()).dtype)
    return jnp.where(jnp.arange(T) < ends[:, -1:], words, jnp.nan).T


def to_counts(w, V):
    """How often each of V words occurs, (..., V), as floats."""
    words, counts = to_pairs(w)
    rows = jnp.indices(words.shape)[:-1]
    return jnp.zeros((*words.shape[:-1], V)).at[(*rows, words)].add(counts)
