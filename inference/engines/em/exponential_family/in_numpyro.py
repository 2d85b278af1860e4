import jax
import jax.numpy as jnp

from inference.engines.em.exponential_family import BLOCK


class Ascent:
    def __init__(self, form, x, weights):
        self.form, self.x, self.weights = form, x, weights
        self._step = jax.jit(self.one_step)
        self._labelled = jax.jit(self.labelled, static_argnames="K")  # one compilation for all restarts

    def step(self, params):
        return self._step(params, self.x, self.weights)

    def one_step(self, params, x, weights):
        natural = self.form.natural(params)

        def block(x, w):
            features = self.form.features(x)
            logits = features @ natural
            by_row = jax.nn.logsumexp(logits, axis=1)
            r = jnp.exp(logits - by_row[:, None]) * w[:, None]
            return features.T @ r, jnp.sum(w * (by_row + self.form.base(x)))

        sums, total = over_blocks(block, x, weights)
        return self.form.maximise(sums.T, params), total

    def from_labels(self, labels, K):
        return self._labelled(self.x, jnp.asarray(labels), self.weights, K=K)

    def labelled(self, x, labels, weights, K):
        def block(x, labels, w):
            return self.form.features(x).T @ (jax.nn.one_hot(labels, K) * w[:, None])

        return self.form.maximise(over_blocks(block, x, labels, weights).T, None)

    def entropy(self, params):
        def total(params, x, weights):
            natural = self.form.natural(params)

            def block(x, w):
                r = jax.nn.log_softmax(self.form.features(x) @ natural, axis=1)
                return -jnp.sum(w[:, None] * jnp.exp(r) * jnp.where(r > -700, r, 0.0))

            return over_blocks(block, x, weights)

        return float(jax.jit(total)(params, self.x, self.weights))


def over_blocks(block, *rows):
    """The sum of ``block(*rows)`` over blocks of rows: whole ones in a loop, then the rest."""
    whole, rest = divmod(len(rows[0]), BLOCK)

    def at(start, size):
        return block(*(jax.lax.dynamic_slice_in_dim(a, start, size) for a in rows))

    last = at(whole * BLOCK, rest)  # a block of no rows sums to zero
    if not whole:
        return last
    return jax.lax.fori_loop(0, whole, lambda i, sums: jax.tree.map(jnp.add, sums, at(i * BLOCK, BLOCK)), last)
