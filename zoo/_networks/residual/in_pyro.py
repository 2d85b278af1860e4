import torch
from torch import nn
from torch.nn.functional import conv2d, softplus

from zoo._networks.residual import LN_2, MIN_SCALE, bound, kernel_side


class Blocks(nn.Module):
    """The weights of ``count`` blocks of one shape."""

    def __init__(self, count, side, inputs, bottleneck, outputs, gain):
        super().__init__()
        k = kernel_side(side)
        self.first = weights((count, inputs, bottleneck), inputs)
        self.bias = nn.Parameter(torch.zeros(count, bottleneck))
        self.inner = weights((count, 2, k, k, bottleneck, bottleneck), k * k * bottleneck)
        self.last = weights((count, bottleneck, outputs), bottleneck, gain)

    def split(self, dtype):
        """Functions ``block(h, other=None)``, where ``other`` is added to the output of the first convolution."""
        # the gradient of unbind is one array, and that of as many indices an array of the whole for each
        kernels = self.inner.to(dtype).flatten(0, 1).unbind()
        first, bias, last = (p.to(dtype).unbind() for p in (self.first, self.bias, self.last))
        parts = first, bias, kernels[::2], kernels[1::2], last
        return [block(*group) for group in zip(*parts, strict=True)]


def block(first, bias, second, third, last):
    def call(active, other=None):
        h = linear(active, first, bias)
        h = h if other is None else h + other
        for kernel in (second, third):
            h = convolution(gelu(h), kernel)
        return linear(gelu(h), last)

    return call


def linear(x, matrix, bias=None):
    rows = x.reshape(-1, x.shape[-1])  # a product with the rows of all positions is the quickest
    y = rows @ matrix if bias is None else torch.addmm(bias, rows, matrix)
    return y.reshape(*x.shape[:-1], -1)


def convolution(x, kernel):
    size = kernel.shape[0]
    if size == 1:
        return linear(x, kernel[0, 0])
    # without a copy: torch has convolutions of images whose channels come last in memory
    y = conv2d(x.reshape(-1, *x.shape[-3:]).permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), padding=size // 2)
    return y.permute(0, 2, 3, 1).reshape(x.shape)


def gelu(x):
    return nn.functional.gelu(x, approximate="tanh")


def activation_dtype(bfloat16):
    return torch.bfloat16 if bfloat16 else torch.get_default_dtype()


def full(x):
    return x.to(torch.get_default_dtype())


def positive(raw, least=MIN_SCALE):
    return least + (1 - least) * softplus(raw, beta=LN_2, threshold=40)


class TopDown(nn.Module):
    def __init__(self, side, count, width, bottleneck, channels, total):
        super().__init__()
        self.side, self.channels = side, channels
        self.bias = nn.Parameter(torch.zeros(side, side, width))
        self.prior = Blocks(count, side, width, bottleneck, 2 * channels + width, 0.0)
        self.latent = weights((count, channels, width), channels, total**-0.5)
        self.residual = Blocks(count, side, width, bottleneck, width, total**-0.5)

    def forward(self, h, dtype):
        bias, latents = self.bias.to(dtype), self.latent.to(dtype).unbind()
        start = bias if h is None else upsample(h, self.side) + bias
        parts = zip(self.prior.split(dtype), latents, self.residual.split(dtype), strict=True)
        return start, [self.group(*part) for part in parts]

    def group(self, prior_block, latent, residual_block):
        def prior(h):
            active = gelu(h)
            loc, raw, step = prior_block(active).split((self.channels, self.channels, h.shape[-1]), -1)
            return full(flat(loc)), positive(full(flat(raw))), h + step, active

        def merge(h, z):
            h = h + linear(z.unflatten(-1, (self.side, self.side, self.channels)).to(h.dtype), latent)
            return h + residual_block(gelu(h))

        return prior, merge


class BottomUp(nn.Module):
    def __init__(self, side, count, depth, width, bottleneck, channels, total):
        super().__init__()
        self.side, self.bottleneck = side, bottleneck
        self.residual = Blocks(depth, side, width, bottleneck, width, total**-0.5)
        self.activations = weights((width, count * bottleneck), width)
        self.posterior = Blocks(count, side, width, bottleneck, 2 * channels, total**-0.5)

    def forward(self, h):
        h = downsample(h, self.side)
        for residual_block in self.residual.split(h.dtype):
            h = h + residual_block(gelu(h))
        hidden = linear(gelu(h), self.activations.to(h.dtype)).split(self.bottleneck, -1)
        return h, [posterior_of(*group) for group in zip(self.posterior.split(h.dtype), hidden, strict=True)]


def posterior_of(posterior_block, hidden):
    def posterior(active):
        loc, raw = posterior_block(active, hidden).chunk(2, -1)
        return full(flat(loc)), positive(full(flat(raw)))

    return posterior


class Pointwise(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layer = nn.Linear(inputs, outputs)

    def forward(self, h):
        return self.layer(h)


def weights(shape, inputs, gain=1.0):
    limit = bound(inputs, gain)
    return nn.Parameter(torch.empty(shape).uniform_(-limit, limit))


def flat(x):
    return x.flatten(-3)


def upsample(x, side):
    *rows, small, _, width = x.shape
    times = side // small
    repeated = x[..., :, None, :, None, :].expand(*rows, small, times, small, times, width)
    return repeated.reshape(*rows, side, side, width)


def downsample(x, side):
    times = x.shape[-2] // side
    if times == 1:
        return x
    return x.unflatten(-2, (side, times)).unflatten(-4, (side, times)).mean((-4, -2))


def space_to_depth(x, side, colours):
    times = round((x.shape[-1] // colours) ** 0.5) // side
    return x.unflatten(-1, (side, times, side, times, colours)).transpose(-4, -3).flatten(-3)


def depth_to_space(x, times):
    side = x.shape[-2]
    x = x.unflatten(-1, (times, times, -1)).transpose(-4, -3)
    return x.reshape(*x.shape[:-5], (side * times) ** 2, -1)
