"""Random streams against their definition, and worker pools."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.run.random_streams import INCREMENT, as_uint64, combined_stream, mix64, uniform32, uniform64
from inference.run.workers import WorkerPool, num_workers

MASK = 2**64 - 1


def mix64_reference(state):
    """SplitMix64 in Python integers."""
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & MASK
    return state ^ state >> 31


def test_the_sequence_is_that_of_splitmix64():
    """The first outputs from seed 0, as published with the Java implementation."""
    states = [np.uint64((i + 1) * int(INCREMENT) & MASK) for i in range(3)]
    assert [mix64(state) for state in states] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@given(st.integers(0, MASK))
def test_random_numbers_equal_the_reference(state):
    bits = mix64_reference(state)
    assert mix64(np.uint64(state)) == bits
    assert uniform64(np.uint64(state)) == (bits >> 11) * 2.0**-53
    assert uniform32(np.uint64(state)) == np.float32(bits >> 40) * np.float32(2.0**-24)


@given(st.lists(st.integers(0, 2**70), max_size=5))
def test_combined_streams_equal_the_reference(numbers):
    state = 0
    for number in numbers:
        state = mix64_reference(((state ^ number) * 0xBF58476D1CE4E5B9 + int(INCREMENT)) & MASK)
    assert combined_stream(as_uint64(*numbers)) == state


@pytest.mark.parametrize("workers", [1, 2, 5])
@given(work=st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_ranges_cover_each_item_once(workers, work):
    visits = np.zeros(len(work), int)

    def loop(first, last):
        visits[first:last] += 1

    with WorkerPool(workers) as pool:
        pool.run_ranges(np.concatenate([[0], np.cumsum(work)]), loop)
    assert (visits == 1).all()


def test_results_are_in_the_order_of_the_jobs():
    for workers in (1, 3):
        with WorkerPool(workers) as pool:
            assert pool.run([lambda i=i: i for i in range(20)]) == list(range(20))


def test_there_are_no_more_workers_than_tasks():
    assert num_workers(1) == 1
    assert num_workers(3, requested=8) == 3
    assert num_workers(8, requested=2) == 2
    assert num_workers(0, requested=2) == 1
