import jax
import jax.numpy as jnp
import numpyro
from jax.lax import stop_gradient
from numpyro import factor, param, plate, sample
from numpyro.distributions import Delta

from guides.vq_vae.codebook.in_numpyro import k_means, moving_average, nearest
from zoo._backend.in_numpyro import assign, straight_through
from zoo._networks import in_numpyro as networks
from zoo._networks.grid.in_numpyro import encoder
from zoo.vq_vae.in_numpyro import codewords_of, initial_codebook


def guide(program, start=None):
    return amortised


def amortised(
    x,
    *,
    N,
    D,
    M,
    K,
    Z,
    network,
    likelihood,
    width,
    depth,
    loc,
    spread,
    quantiser,
    codebook_update,
    decay,
    restart_below,
    commitment,
    rotation,
    **others,
):
    encode = networks.network("encoder", *encoder(network, D, width, depth, M, Z))
    centred = (x - loc) / spread if likelihood == "gaussian" else x - jax.nn.sigmoid(loc)
    outputs = encode(jnp.nan_to_num(centred)).reshape(*x.shape[:-1], M, Z)
    if quantiser == "fsq":
        outputs = jnp.tanh(outputs)
    points = stop_gradient(outputs).reshape(-1, Z)
    is_learned, by_gradient = quantiser == "codebook", codebook_update == "gradient"
    initial = (lambda key: k_means(points, key, K)[0]) if by_gradient else initial_codebook(K, Z)
    codebook = codewords_of(quantiser, K, Z, initial)
    z = nearest(stop_gradient(outputs), stop_gradient(codebook))
    codewords = codebook[z]
    with plate("N", N):
        sample("z", Delta(z, event_dim=1))
        transported = rotate(outputs, stop_gradient(codewords)) if rotation else outputs
        straight_through("codewords", transported)
        if is_learned:
            factor("commitment", commitment * squared_distance(outputs, stop_gradient(codewords)))
        if is_learned and by_gradient:
            factor("codebook_distance", squared_distance(stop_gradient(outputs), codewords))
    if is_learned and not by_gradient:
        count = param("codebook_count", jnp.zeros(K))
        updated = moving_average(points, z.ravel(), codebook, count, decay, restart_below, numpyro.prng_key())
        for name, value in zip(("codebook", "codebook_count"), updated, strict=True):
            assign(name, value)


def squared_distance(a, b):
    """The squared distance of the vectors of each row, summed over its positions."""
    return ((a - b) ** 2).sum((-2, -1))


def rotate(outputs, codewords):
    """The outputs, rotated and scaled to the codewords by a map without a gradient of its own."""
    fixed = stop_gradient(outputs)
    tiny = jnp.finfo(outputs.dtype).tiny
    length, target = (jnp.linalg.norm(v, axis=-1, keepdims=True) for v in (fixed, codewords))
    a, b = fixed / jnp.maximum(length, tiny), codewords / jnp.maximum(target, tiny)
    middle = a + b
    middle = middle / jnp.maximum(jnp.linalg.norm(middle, axis=-1, keepdims=True), tiny)
    # (I - 2 m m' + 2 b a') is the rotation that takes a to b, for m half-way between them
    rotated = outputs - 2 * middle * (middle * outputs).sum(-1, keepdims=True)
    rotated = rotated + 2 * b * (a * outputs).sum(-1, keepdims=True)
    return target / jnp.maximum(length, tiny) * rotated
