import torch

from zoo._backend.in_pyro import kind_of

__all__ = ["as_value", "concatenate", "kind_of", "logits_of", "next_key", "sigmoid", "uniform", "within"]


def concatenate(arrays):
    return torch.cat(arrays)


def within(distribution):
    """The distribution without ``to_event``, masks and expansions."""
    while hasattr(distribution, "base_dist"):
        distribution = distribution.base_dist
    return distribution


def logits_of(distribution):
    """The logits of Bernoulli numbers, with the shape of their draws."""
    return within(distribution).logits.expand(distribution.shape())


def uniform(key, number, shape):
    return torch.rand(shape)


def next_key(key, number):
    """No key: torch has a state."""
    return key


def sigmoid(array):
    return torch.sigmoid(array)


def as_value(array):
    """Zeros and ones as draws of the backend are."""
    return array
