from functools import partial

import jax
import jax.numpy as jnp

from inference.engines.em.exponential_family import BLOCK_SIZE
from zoo._backend.in_numpyro import without_constants


class ExponentialFamilyStep:
    def __init__(self, form, x, weights):
        self.form, self.x, self.weights = form, x, weights
        self._step = jax.jit(self.compute_step)
        self._from_labels = {}  # by K and rows: one compilation for all restarts

        self._precise_step = jax.jit(self.compute_precise_step)

    def step(self, params):
        origin = params
        if not self.is_precise(params):
            origin, value = self._step(params, self.x, self.weights)
            if not self.is_precise(origin):
                return origin, value
        return self._precise_step(params, origin, self.x, self.weights)

    def is_precise(self, params):
        precise = self.form.precise
        return precise is not None and bool(precise.is_needed(params))

    def compute_precise_step(self, params, origin, x, weights):
        precise = self.form.precise

        def block(x, w):
            logits = precise.log_joint(x, params)
            by_row = jax.nn.logsumexp(logits, axis=1)
            return precise.sums(x, jnp.exp(logits - by_row[:, None]) * w[:, None], origin), jnp.sum(w * by_row)

        sums, total = sum_over_blocks(block, x, weights)
        return precise.maximise(sums, params, origin), total

    def compute_step(self, params, x, weights):
        natural = self.form.natural(params)

        def block(x, w):
            features = self.form.features(x)
            logits = features @ natural
            by_row = jax.nn.logsumexp(logits, axis=1)
            r = jnp.exp(logits - by_row[:, None]) * w[:, None]
            return features.T @ r, jnp.sum(w * (by_row + self.form.base(x)))

        sums, total = sum_over_blocks(block, x, weights)
        return self.form.maximise(sums.T, params), total

    def from_labels(self, labels, K):
        given = self.x, jnp.asarray(labels), self.weights
        key = K, len(self.x)
        if key not in self._from_labels:
            self._from_labels[key] = without_constants(partial(self.fit_labels, K=K), *given)
        return self._from_labels[key](*given)

    def fit_labels(self, x, labels, weights, K):
        def block(x, labels, w):
            return self.form.features(x).T @ (jax.nn.one_hot(labels, K) * w[:, None])

        return self.form.maximise(sum_over_blocks(block, x, labels, weights).T, None)

    def set_data(self, x):
        self.x = x

    def entropy(self, params):
        is_precise = self.is_precise(params)

        def total(params, x, weights):
            natural = None if is_precise else self.form.natural(params)

            def block(x, w):
                joint = self.form.precise.log_joint(x, params) if is_precise else self.form.features(x) @ natural
                r = jax.nn.log_softmax(joint, axis=1)
                return -jnp.sum(w[:, None] * jnp.exp(r) * jnp.where(r > -700, r, 0.0))

            return sum_over_blocks(block, x, weights)

        return float(jax.jit(total)(params, self.x, self.weights))


def sum_over_blocks(block, *rows):
    """The sum of ``block(*rows)`` over blocks of rows: full blocks in a loop, then the remaining rows."""
    full, remainder = divmod(len(rows[0]), BLOCK_SIZE)

    def evaluate(start, size):
        return block(*(jax.lax.dynamic_slice_in_dim(a, start, size) for a in rows))

    last = evaluate(full * BLOCK_SIZE, remainder)  # a block of no rows sums to zero
    if not full:
        return last

    def add(i, sums):
        return jax.tree.map(jnp.add, sums, evaluate(i * BLOCK_SIZE, BLOCK_SIZE))

    return jax.lax.fori_loop(0, full, add, last)
