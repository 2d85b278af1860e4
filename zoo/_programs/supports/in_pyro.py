from functools import cache

import torch
from pyro.distributions.torch_distribution import ExpandedDistribution, MaskedDistribution
from torch.distributions import Independent, MixtureSameFamily

from zoo._programs.supports import ArrayFunctions, distribution_bounds, map_base, place_inside

JOINS = (ExpandedDistribution, Independent, MaskedDistribution)
WRAPPERS = (*JOINS, MixtureSameFamily)
FUNCTIONS = ArrayFunctions(torch.where, torch.as_tensor, torch.minimum, torch.maximum, torch.Tensor.detach)


def within_support(fn):
    return map_base(fn, WRAPPERS, keep_support)


def keep_support(fn):
    """A distribution that is no wrapper, with its support kept."""
    if bounds_of(fn).low is None:
        return fn
    kept = object.__new__(class_with_support(type(fn)))
    kept.__dict__.update(fn.__dict__)
    return kept


@cache
def class_with_support(cls):
    def log_prob(self, value):
        is_inside, inner = place_inside(self, value, FUNCTIONS)
        return torch.where(is_inside, cls.log_prob(self, inner), -torch.inf)

    return type(cls)(cls.__name__, (cls,), {"log_prob": log_prob, "__module__": cls.__module__})


def bounds_of(fn):
    return distribution_bounds(without_joins(fn), FUNCTIONS)


def sum_of_bounds(fn):
    """The sum of the bounds with its gradient; None where there are none."""
    fn = without_joins(fn)
    if not hasattr(fn, "support"):
        return None
    low, high = distribution_bounds(fn, FUNCTIONS._replace(constant=lambda value: value))
    return None if low is None else low + high


def without_joins(fn):
    """The distribution within ``to_event``, masks and expansions."""
    while isinstance(fn, JOINS):
        fn = fn.base_dist
    return fn
