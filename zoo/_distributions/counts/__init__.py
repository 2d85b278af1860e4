"""The Poisson distribution with a density that keeps its digits at large counts.

    log p(x) = x log(rate) - rate - log x!

is a difference of numbers near x log x, of which at x = 1e15 no digit remains in 64 bits. Loader (2000) writes it as

    log p(x) = -D(x, rate) - s(x) - log(2 pi x) / 2,    D(x, rate) = x log(x / rate) + rate - x

where s is the error of Stirling's formula, and D, half the deviance, is summed from a series in (x - rate) / (x + rate)
where that is small. Each ``in_<backend>.py`` provides ``Poisson(rate)``, the backend's own with this density.
"""

NUM_TERMS = 8  # of the series: the next is below 1e-17 of the first
LARGEST_RATIO = 0.1  # |x - rate| / (x + rate) up to which the series is used
STIRLING_FROM = 15.0  # the count from which Stirling's series has all digits
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680)
