import pyro.distributions as dist
import torch

from zoo._distributions.counts import LARGEST_RATIO, NUM_TERMS, STIRLING, STIRLING_FROM

LOG_2PI = 1.8378770664093453


class Poisson(dist.Poisson):
    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        x = value.to(self.rate.dtype)
        positive = torch.where(x > 0, x, 1.0)
        at_positive = -half_deviance(positive, self.rate) - stirling_error(positive)
        return torch.where(x > 0, at_positive - 0.5 * (LOG_2PI + positive.log()), -self.rate)


def half_deviance(x, rate):
    """x log(x / rate) + rate - x, for x > 0."""
    difference = x - rate
    ratio = difference / (x + rate)
    is_near = ratio.abs() < LARGEST_RATIO
    v = torch.where(is_near, ratio, 0.0)
    series = torch.zeros_like(v)
    for j in range(NUM_TERMS, 0, -1):
        series = v**2 * (1 / (2 * j + 1) + series)
    near = difference * v + 2 * x * v * series
    far_rate = torch.where(is_near, x, rate)
    return torch.where(is_near, near, x * torch.log(x / far_rate) - difference)


def stirling_error(x):
    """log x! - (x log x - x + log(2 pi x) / 2), for x > 0."""
    is_small = x < STIRLING_FROM
    small = torch.where(is_small, x, 1.0)
    exact = torch.lgamma(small + 1) - (small * small.log() - small + 0.5 * (LOG_2PI + small.log()))
    large = torch.where(is_small, STIRLING_FROM, x)
    series = torch.zeros_like(x)
    for coefficient in reversed(STIRLING):
        series = coefficient + series / large**2
    return torch.where(is_small, exact, series / large)
