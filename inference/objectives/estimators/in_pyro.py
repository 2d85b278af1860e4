import math

import torch
from torch.nn.functional import one_hot, softplus

from zoo._backend.in_pyro import kind_of

__all__ = ["concatenate", "exp", "kind_of", "log", "sigmoid", "sin", "softplus", "stack", "tanh", "where", "zeros"]

exp, log, sigmoid, sin, stack, tanh = torch.exp, torch.log, torch.sigmoid, torch.sin, torch.stack, torch.tanh
broadcast_to, concatenate, where, zeros = torch.broadcast_to, torch.cat, torch.where, torch.zeros


def detach(array):
    return array.detach()


def log_softmax(array):
    return array.log_softmax(-1)


def maximum(array, other):
    return torch.maximum(array, torch.as_tensor(other, dtype=array.dtype, device=array.device))


def array(values):
    """Numbers of NumPy in the backend's precision."""
    return torch.as_tensor(values, dtype=torch.get_default_dtype(), device=torch.zeros(()).device)


def log_mean_exp(array):
    """Over the first dimension."""
    return array.logsumexp(0) - math.log(len(array))


def within(distribution):
    """The distribution without ``to_event``, masks and expansions."""
    while hasattr(distribution, "base_dist"):
        distribution = distribution.base_dist
    return distribution


def logits_of(distribution):
    """The logits of zeros and ones or of one-hot vectors, with the shape of their draws."""
    return within(distribution).logits.expand(distribution.shape())


def uniform(key, number, shape):
    """Numbers above 0 and below 1."""
    return torch.rand(shape).clamp_(min=torch.finfo(torch.get_default_dtype()).tiny)


def normal(key, number, shape):
    return torch.randn(shape)


def shuffle_columns(key, number, array):
    """The rows of each column in an order of its own."""
    return array.gather(0, torch.rand(array.shape).argsort(0))


def shuffle_rows(key, number, array):
    """The rows in another order."""
    return array[torch.randperm(len(array), device=array.device)]


def next_key(key, number):
    """No key: torch has a state."""
    return key


def one_hot_of_largest(array):
    return one_hot(array.argmax(-1), array.shape[-1]).to(array.dtype)


def as_value(array):
    """Zeros and ones as draws of the backend are."""
    return array


def rows_first(array, axis):
    """(B, F): an array with the axis of its B rows first, and its other numbers in one dimension."""
    array = array.movedim(axis, 0)
    return array.reshape(len(array), -1).to(torch.get_default_dtype()).nan_to_num()


def value_and_slope(function, z):
    """The function's value, and the derivative of its sum; both differentiable."""
    with torch.enable_grad():
        z = z if z.requires_grad else z.detach().requires_grad_()
        value = function(z)
        (slope,) = torch.autograd.grad(value.sum(), z, create_graph=True)
    return value, slope


def slopes(function, values):
    """The derivatives of a scalar by each array of a dict."""
    with torch.enable_grad():
        leaves = {n: v.detach().requires_grad_() for n, v in values.items()}
        slopes = torch.autograd.grad(function(leaves), list(leaves.values()), materialize_grads=True, allow_unused=True)
    return dict(zip(leaves, slopes, strict=True))
