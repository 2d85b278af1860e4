"""Drawing one of many by their weights, sixteen weights at a time: what numba does not find by itself, as LLVM vectors.

Weights are read row by row, sixteen to a row. Sums run down the lanes, so that a row costs one vector addition; a draw
finds its lane by the sums of whole lanes and then its row within the lane. The order in which the weights are laid end
to end is thus by lane, which makes no difference to a draw. ``sums`` needs room for K + 17 numbers: the running sums,
a zero, and the sums of the lanes up to each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
FLOAT, INT, LONG = ir.FloatType(), ir.IntType(32), ir.IntType(64)
FLOATS, INTS = ir.VectorType(FLOAT, LANES), ir.VectorType(INT, LANES)
ZERO = ir.Constant(FLOATS, [0.0] * LANES)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def padded(K: int) -> int:
    """K rounded up to whole rows."""
    return -(-K // LANES) * LANES


@njit(cache=True, inline="always")
def mixed(state: Any) -> Any:
    """The output of splitmix64 (Steele, Lea and Flood 2014) at a state; the next state is ``state + GOLDEN``."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@njit(cache=True, inline="always")
def uniform(state: Any) -> Any:
    """A 32-bit float from 0 up to, but not, 1."""
    return np.float32(mixed(state) >> np.uint64(40)) * np.float32(2.0**-24)


def _data(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.make_array(kind)(context, builder, value).data


def _at(builder: Any, pointer: Any, index: Any, kind: Any) -> Any:
    return builder.bitcast(builder.gep(pointer, [index]), kind.as_pointer())


def _read(builder: Any, pointer: Any, index: Any, kind: Any) -> Any:
    value = builder.load(_at(builder, pointer, index, kind))
    value.align = 4  # rows lie wherever numpy put the array
    return value


def _write(builder: Any, value: Any, pointer: Any, index: Any) -> None:
    builder.store(value, _at(builder, pointer, index, value.type)).align = 4


def _everywhere(builder: Any, value: Any, kind: Any) -> Any:
    nothing = ir.Constant(kind, ir.Undefined)
    return builder.shuffle_vector(
        builder.insert_element(nothing, value, ir.Constant(INT, 0)), nothing, ir.Constant(INTS, [0] * LANES)
    )


def _accumulate(
    typing: Any, factors: Any, counts: Any, begin: Any, eta: Any, rows: Any, out: Any, factor: Any, sums: Any
):
    """Sum the weights factors[k] * (counts[begin + k] + eta) into ``sums``; returns their total.

    Topic ``out`` has one count less than it says, and ``factor`` in the place of its own: the token to be drawn is
    taken out in registers, for what was just written to memory could not be read back as a vector without a wait.
    """
    signature = types.float32(factors, counts, begin, eta, rows, out, factor, sums)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        factors, counts, sums = (_data(context, builder, signature.args[i], args[i]) for i in (0, 1, 7))
        begin, rows, eta = args[2], args[4], _everywhere(builder, args[3], FLOATS)
        out = _everywhere(builder, builder.trunc(args[5], INT), INTS)
        factor = _everywhere(builder, args[6], FLOATS)
        running = cgutils.alloca_once_value(builder, ZERO)
        with cgutils.for_range(builder, rows) as loop:
            first = builder.mul(loop.index, ir.Constant(loop.index.type, LANES))
            topics = builder.add(
                _everywhere(builder, builder.trunc(first, INT), INTS), ir.Constant(INTS, list(range(LANES)))
            )
            taken = builder.icmp_signed("==", topics, out)
            count = builder.add(_read(builder, counts, builder.add(begin, first), INTS), builder.sext(taken, INTS))
            weight = builder.fmul(
                builder.select(taken, factor, _read(builder, factors, first, FLOATS)),
                builder.fadd(builder.sitofp(count, FLOATS), eta),
            )
            total = builder.fadd(builder.load(running), weight)
            builder.store(total, running)
            _write(builder, total, sums, first)
        lanes = builder.load(running)
        for step in (1, 2, 4, 8):  # each lane and those before it (Hillis and Steele 1986)
            moved = [0] * step + [LANES + lane for lane in range(LANES - step)]
            lanes = builder.fadd(lanes, builder.shuffle_vector(ZERO, lanes, ir.Constant(INTS, moved)))
        end = builder.mul(rows, ir.Constant(rows.type, LANES))
        builder.store(ir.Constant(FLOAT, 0.0), builder.gep(sums, [end]))
        _write(builder, lanes, sums, builder.add(end, ir.Constant(rows.type, 1)))
        return builder.extract_element(lanes, ir.Constant(INT, LANES - 1))

    return signature, code


accumulate: Any = intrinsic(_accumulate)


def _count_passed(typing: Any, sums: Any, begin: Any, u: Any):
    """How many of sums[begin : begin + 16] are at most u."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = _read(builder, _data(context, builder, signature.args[0], args[0]), args[1], FLOATS)
        below = builder.fcmp_ordered("<=", lanes, _everywhere(builder, args[2], FLOATS))
        return builder.zext(builder.ctpop(builder.bitcast(below, ir.IntType(LANES))), LONG)

    return types.int64(sums, begin, u), code


_passed: Any = intrinsic(_count_passed)


@njit(cache=True, inline="always")
def found(sums: Any, rows: Any, u: Any, otherwise: Any) -> Any:
    """Which weight holds u of the total; ``otherwise`` where rounding carries u past the last, once in 1e7 draws."""
    lane = _passed(sums, rows * LANES + 1, u)
    if lane == LANES:
        return otherwise
    u -= sums[rows * LANES + lane]
    row = 0
    for r in range(rows):
        row += sums[r * LANES + lane] <= u
    return row * LANES + lane if row < rows else otherwise
