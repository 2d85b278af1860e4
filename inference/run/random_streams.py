"""Counter-based random numbers for compiled loops: SplitMix64 (Steele, Lea and Flood 2014).

A state is 64 bits. The random number at a state is ``mix64(state)``, and the next state is ``state + INCREMENT``. Each
document, chain or block of tokens starts a stream of its own, derived from the seed and its number, so that results do
not depend on which thread does the work. Functions are compiled by numba and inlined.

References
----------
Steele, G. L., Lea, D. and Flood, C. H. (2014). Fast splittable pseudorandom number generators. OOPSLA.
"""

from __future__ import annotations

import numpy as np
from numba import njit

INCREMENT = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio
MULTIPLIER_1, MULTIPLIER_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
UNIT_32, UNIT_64 = np.float32(2.0**-24), 2.0**-53  # spacing of the uniform numbers


@njit(cache=True, nogil=True, inline="always")
def mix64(state):
    """The random 64 bits at a state."""
    state = (state ^ (state >> np.uint64(30))) * MULTIPLIER_1
    state = (state ^ (state >> np.uint64(27))) * MULTIPLIER_2
    return state ^ (state >> np.uint64(31))


@njit(cache=True, nogil=True, inline="always")
def uniform32(state):
    """A 32-bit float in [0, 1)."""
    return np.float32(mix64(state) >> np.uint64(40)) * UNIT_32


@njit(cache=True, nogil=True, inline="always")
def uniform64(state):
    """A 64-bit float in [0, 1)."""
    return (mix64(state) >> np.uint64(11)) * UNIT_64


@njit(cache=True, nogil=True)
def document_stream(seed, document):
    """The first state of the stream of one document."""
    return mix64(mix64(seed + INCREMENT) + np.uint64(document))


@njit(cache=True, nogil=True)
def chain_stream(seed, document, chain):
    """The first state of the stream of one chain of one document."""
    return mix64(document_stream(seed, document) + np.uint64(chain))


@njit(cache=True, nogil=True)
def combined_stream(numbers):
    """The first state of the stream that several numbers, an array of uint64, determine together."""
    state = np.uint64(0)
    for number in numbers:
        state = mix64((state ^ number) * MULTIPLIER_1 + INCREMENT)
    return state


def chain_seeds(seed: int, count: int) -> list[int]:
    """A seed of 32 bits for each chain, by hashing, so that chains of other seeds have others; the first is ``seed``.

    >>> chain_seeds(7, 1), len(set(chain_seeds(0, 4) + chain_seeds(1, 4)))
    ([7], 8)
    """
    hashed = [np.random.SeedSequence((seed, chain)).generate_state(1)[0] for chain in range(1, count)]
    return [seed, *map(int, hashed)]


def as_uint64(*numbers: int) -> np.ndarray:
    """Whole numbers of any size as 64 bits each.

    >>> as_uint64(3, 2**64 + 1)
    array([3, 1], dtype=uint64)
    """
    return np.array([number % 2**64 for number in numbers], np.uint64)
