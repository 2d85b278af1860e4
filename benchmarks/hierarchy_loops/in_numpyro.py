from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

LEAST = 1e-2  # scale of a latent


def make_convolution(key, inputs, outputs, size, gain, has_bias=False):
    limit = gain * (3 / (size * size * inputs)) ** 0.5
    kernel = jax.random.uniform(key, (size * size * inputs, outputs), minval=-limit, maxval=limit)
    return (kernel, jnp.zeros(outputs)) if has_bias else (kernel,)


def convolve(layer, x):
    kernel, *bias = layer
    if kernel.shape[0] > x.shape[-1]:  # 3 x 3, as a product: XLA's own is slow in a loop on a CPU
        side = x.shape[1]
        x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        x = jnp.concatenate([x[:, i : i + side, j : j + side] for i in range(3) for j in range(3)], -1)
    return sum(bias, start=x @ kernel)


def make_block(key, side, inputs, bottleneck, outputs, gain):
    size = 3 if side > 2 else 1
    first, second, third, last = jax.random.split(key, 4)
    return [
        make_convolution(first, inputs, bottleneck, 1, 1.0, has_bias=True),
        make_convolution(second, bottleneck, bottleneck, size, 1.0),
        make_convolution(third, bottleneck, bottleneck, size, 1.0),
        make_convolution(last, bottleneck, outputs, 1, gain),
    ]


def apply_block(layers, x):
    for layer in layers:
        x = convolve(layer, jax.nn.gelu(x))
    return x


def positive(raw):
    return LEAST + (1 - LEAST) / np.log(2) * jax.nn.softplus(np.log(2) * raw)


def upsample(x, side):
    times = side // x.shape[1]
    return x if times == 1 else x.repeat(times, 1).repeat(times, 2)


def downsample(x, side):
    times = x.shape[1] // side
    return x if times == 1 else x.reshape(len(x), side, times, side, times, -1).mean((2, 4))


def make_network(key, stages, factor, width, bottleneck, channels, depth):
    total = sum(count for _, count in stages)
    gain, keys = total**-0.5, iter(jax.random.split(key, 4 * total + len(stages) * (depth + 1) + 2))
    network = {"in": make_convolution(next(keys), factor**2, width, 1, 1.0, True), "stages": []}
    network["out"] = make_convolution(next(keys), width, factor**2, 1, 1.0, True)
    for side, count in stages:
        block = partial(make_block, side=side, bottleneck=bottleneck)
        groups = [
            {
                "prior": block(next(keys), inputs=width, outputs=2 * channels + width, gain=0.0),
                "posterior": block(next(keys), inputs=width, outputs=2 * channels, gain=gain),
                "latent": make_convolution(next(keys), channels, width, 1, gain),
                "residual": block(next(keys), inputs=width, outputs=width, gain=gain),
            }
            for _ in range(count)
        ]
        encoder = [block(next(keys), inputs=width, outputs=width, gain=gain) for _ in range(depth)]
        features = make_convolution(next(keys), width, count * bottleneck, 1, 1.0)
        bias = jnp.zeros((side, side, width))
        network["stages"].append({"groups": groups, "encoder": encoder, "features": features, "bias": bias})
    return network


def encode(network, x, stages):
    h, features = convolve(network["in"], x), []
    for (side, count), stage in zip(stages[::-1], network["stages"][::-1], strict=True):
        h = downsample(h, side)
        for layers in stage["encoder"]:
            h = h + apply_block(layers, h)
        features.insert(0, jnp.split(convolve(stage["features"], jax.nn.gelu(h)), count, -1))
    return features


def normal_log(z, loc, scale):
    return -0.5 * ((z - loc) / scale) ** 2 - jnp.log(scale) - 0.5 * np.log(2 * np.pi)


def decode(network, features, stages, channels, rows, key):
    """The activations, and log q - log p of the draws of each row."""
    h, kl = None, 0.0
    for (side, _), stage, hidden in zip(stages, network["stages"], features, strict=True):
        h = (
            jnp.broadcast_to(stage["bias"], (rows, *stage["bias"].shape))
            if h is None
            else upsample(h, side) + stage["bias"]
        )
        for group, part in zip(stage["groups"], hidden, strict=True):
            active, key = jax.nn.gelu(h), jax.random.fold_in(key, 1)
            out = active
            for layer in group["prior"]:
                out = convolve(layer, out if layer is group["prior"][0] else jax.nn.gelu(out))
            loc, raw, step = jnp.split(out, (channels, 2 * channels), -1)
            scale, h = positive(raw), h + step
            first, *others = group["posterior"]
            shift, raw = jnp.split(apply_block(others, convolve(first, active) + part), 2, -1)
            q_loc, q_scale = loc + shift, scale * positive(raw)
            z = q_loc + q_scale * jax.random.normal(key, loc.shape)
            kl = kl + (normal_log(z, q_loc, q_scale) - normal_log(z, loc, scale)).sum((1, 2, 3))
            h = h + convolve(group["latent"], z)
            h = h + apply_block(group["residual"], h)
    return h, kl


def make_trainer(pixels, loc, stages, width, bottleneck, channels, depth, batch, learning_rate):
    images, adam, mean = jnp.asarray(pixels), optax.adam(learning_rate), jax.nn.sigmoid(loc)
    side, last = round(pixels.shape[1] ** 0.5), stages[-1][0]
    factor = side // last

    def to_grid(x):
        x = x.reshape(-1, last, factor, last, factor)
        return x.transpose(0, 1, 3, 2, 4).reshape(-1, last, last, factor**2)

    def to_pixels(x):
        x = x.reshape(-1, last, last, factor, factor)
        return x.transpose(0, 1, 3, 2, 4).reshape(-1, side * side)

    def loss(network, x, key):
        features = encode(network, to_grid(x - mean), stages)
        h, kl = decode(network, features, stages, channels, len(x), key)
        logits = loc + to_pixels(convolve(network["out"], h))
        return -((x * logits - jax.nn.softplus(logits)).sum(-1) - kl).mean()

    @jax.jit(donate_argnums=(0, 1))
    def epoch(network, state, rows, key):
        def step(carry, rows):
            network, state, key = carry
            key, for_pixels, for_latents = jax.random.split(key, 3)
            x = jax.random.bernoulli(for_pixels, images[rows] / pixels.max()).astype(jnp.float32)
            value, slope = jax.value_and_grad(loss)(network, x, for_latents)
            change, state = adam.update(slope, state, network)
            return (optax.apply_updates(network, change), state, key), -value

        (network, state, _), bounds = jax.lax.scan(step, (network, state, key), rows)
        return network, state, bounds.mean()

    def train(epochs, end_epoch, seed=0):
        network = make_network(jax.random.PRNGKey(seed), stages, factor, width, bottleneck, channels, depth)
        state = adam.init(network)
        for i in range(epochs):
            order = np.random.default_rng([seed, i]).permutation(len(pixels))[: len(pixels) // batch * batch]
            rows = jnp.asarray(order.reshape(-1, batch).astype(np.int32))
            network, state, bound = epoch(network, state, rows, jax.random.PRNGKey(1000 * seed + i))
            end_epoch(float(bound))

    return train
