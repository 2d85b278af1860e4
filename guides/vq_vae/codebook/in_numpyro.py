import jax
import jax.numpy as jnp
from jax import lax

from guides.vq_vae.codebook import LLOYD_STEPS


def nearest(points, codebook):
    return ((codebook**2).sum(-1) - 2 * points @ codebook.T).argmin(-1)


def moving_average(points, index, codebook, count, decay, restart_below, key):
    def start():
        centres, n = k_means(points, key, len(codebook))
        return centres, (1 - decay) * n  # an average of few steps forgets quickly

    def update():
        n, total = sum_by_codeword(points, index, len(codebook))
        new_count = decay * count + (1 - decay) * n
        new_codebook = codebook + (1 - decay) * (total - n[:, None] * codebook) / divisor(new_count)
        return restart(points, index, new_codebook, new_count, restart_below, key)

    return lax.cond((count == 0).all(), start, update)


def restart(points, index, codebook, count, restart_below, key):
    """Codewords whose count is below ``restart_below`` times the mean are replaced by points, with the mean count."""
    is_dead = count < restart_below * count.mean()
    distances = ((points - codebook[index]) ** 2).sum(-1)
    score = jnp.log(distances) + jax.random.gumbel(key, distances.shape)  # the largest are a draw without replacement
    chosen = points[jnp.resize(jnp.argsort(-score), (len(codebook),))]
    return jnp.where(is_dead[:, None], chosen, codebook), jnp.where(is_dead, count.mean(), count)


def k_means(points, key, K):
    """Centres of the points, (K, Z), and the number of points nearest to each."""
    first_key, key = jax.random.split(key)
    first = points[jax.random.randint(first_key, (), 0, len(points))]

    def add_centre(k, carry):
        centres, distances = carry
        weights = jnp.where(distances.max() > 0, distances, 1.0)  # where no point is left, any
        centre = points[jax.random.categorical(jax.random.fold_in(key, k), jnp.log(weights))]
        distances = jnp.minimum(distances, ((points - centre) ** 2).sum(-1))
        return centres.at[k].set(centre), distances

    centres = jnp.zeros((K, points.shape[-1]), points.dtype).at[0].set(first)
    centres, _ = lax.fori_loop(1, K, add_centre, (centres, ((points - first) ** 2).sum(-1)))

    def lloyd_step(_, centres):
        n, total = sum_by_codeword(points, nearest(points, centres), K)
        return jnp.where(n[:, None] > 0, total / divisor(n), centres)

    centres = lax.fori_loop(0, LLOYD_STEPS, lloyd_step, centres)
    return centres, sum_by_codeword(points, nearest(points, centres), K)[0]


def sum_by_codeword(points, index, K):
    """The number of points of each codeword, (K,), and their sum, (K, Z)."""
    n = jnp.zeros(K, points.dtype).at[index].add(1.0)
    return n, jnp.zeros((K, points.shape[-1]), points.dtype).at[index].add(points)


def divisor(count):
    return jnp.maximum(count, jnp.finfo(count.dtype).tiny)[:, None]
