"""Draw one of many topics by their weights, sixteen weights at a time, as LLVM vectors that numba does not emit.

Weights are read row by row, sixteen to a row, one in each lane of a vector. Sums run down the lanes, so that a row
costs one vector addition; a draw first finds its lane by the sums of complete lanes, and then its row within the lane.
Weights are thus laid end to end by lane, an order that does not change the distribution of a draw. ``sums`` has
K + 17 numbers: the running sums, a zero, and the cumulative sums of the lanes.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
FLOAT, INT, LONG = ir.FloatType(), ir.IntType(32), ir.IntType(64)
FLOATS, INTS = ir.VectorType(FLOAT, LANES), ir.VectorType(INT, LANES)
ZERO = ir.Constant(FLOATS, [0.0] * LANES)
SUMS_EXTRA = LANES + 1  # numbers of ``sums`` beyond K


def padded_size(K: int) -> int:
    """K rounded up to a multiple of the lanes."""
    return -(-K // LANES) * LANES


def _data(context, builder, kind, value):
    return context.make_array(kind)(context, builder, value).data


def _pointer_at(builder, pointer, index, kind):
    return builder.bitcast(builder.gep(pointer, [index]), kind.as_pointer())


def _read(builder, pointer, index, kind):
    value = builder.load(_pointer_at(builder, pointer, index, kind))
    value.align = 4  # NumPy aligns arrays to their items alone
    return value


def _write(builder, value, pointer, index) -> None:
    builder.store(value, _pointer_at(builder, pointer, index, value.type)).align = 4


def _broadcast(builder, value, kind):
    undefined = ir.Constant(kind, ir.Undefined)
    return builder.shuffle_vector(
        builder.insert_element(undefined, value, ir.Constant(INT, 0)), undefined, ir.Constant(INTS, [0] * LANES)
    )


def _accumulate_weights(typing, factors, counts, begin, eta, rows, excluded, factor, sums):
    """Sum the weights factors[k] * (counts[begin + k] + eta) into ``sums``; returns their total.

    Topic ``excluded`` is given one count less than ``counts`` holds, and ``factor`` instead of its own: the token to
    draw is removed in registers, since reading back as a vector what was just written to memory would stall.
    """
    signature = types.float32(factors, counts, begin, eta, rows, excluded, factor, sums)

    def code(context, builder, signature, args):
        factors, counts, sums = (_data(context, builder, signature.args[i], args[i]) for i in (0, 1, 7))
        begin, rows, eta = args[2], args[4], _broadcast(builder, args[3], FLOATS)
        excluded = _broadcast(builder, builder.trunc(args[5], INT), INTS)
        factor = _broadcast(builder, args[6], FLOATS)
        running = cgutils.alloca_once_value(builder, ZERO)
        with cgutils.for_range(builder, rows) as loop:
            first = builder.mul(loop.index, ir.Constant(loop.index.type, LANES))
            topics = builder.add(
                _broadcast(builder, builder.trunc(first, INT), INTS), ir.Constant(INTS, list(range(LANES)))
            )
            is_excluded = builder.icmp_signed("==", topics, excluded)
            stored = _read(builder, counts, builder.add(begin, first), INTS)
            count = builder.add(stored, builder.sext(is_excluded, INTS))
            weight = builder.fmul(
                builder.select(is_excluded, factor, _read(builder, factors, first, FLOATS)),
                builder.fadd(builder.sitofp(count, FLOATS), eta),
            )
            total = builder.fadd(builder.load(running), weight)
            builder.store(total, running)
            _write(builder, total, sums, first)
        lane_sums = builder.load(running)
        for step in (1, 2, 4, 8):  # cumulative sum over the lanes (Hillis and Steele 1986)
            shifted = [0] * step + [LANES + lane for lane in range(LANES - step)]
            lane_sums = builder.fadd(lane_sums, builder.shuffle_vector(ZERO, lane_sums, ir.Constant(INTS, shifted)))
        end = builder.mul(rows, ir.Constant(rows.type, LANES))
        builder.store(ir.Constant(FLOAT, 0.0), builder.gep(sums, [end]))
        _write(builder, lane_sums, sums, builder.add(end, ir.Constant(rows.type, 1)))
        return builder.extract_element(lane_sums, ir.Constant(INT, LANES - 1))

    return signature, code


accumulate_weights: Callable[..., float] = intrinsic(_accumulate_weights)


def _count_at_most(typing, sums, begin, u):
    """How many of sums[begin : begin + 16] are at most u."""

    def code(context, builder, signature, args):
        lane_sums = _read(builder, _data(context, builder, signature.args[0], args[0]), args[1], FLOATS)
        below = builder.fcmp_ordered("<=", lane_sums, _broadcast(builder, args[2], FLOATS))
        return builder.zext(builder.ctpop(builder.bitcast(below, ir.IntType(LANES))), LONG)

    return types.int64(sums, begin, u), code


_at_most: Callable[..., int] = intrinsic(_count_at_most)


@njit(cache=True, inline="always")
def find_weight(sums, rows, u, otherwise):
    """The index at which the running sum exceeds u; ``otherwise`` where rounding puts u past the end (rarely)."""
    lane = _at_most(sums, rows * LANES + 1, u)
    if lane == LANES:
        return otherwise
    u -= sums[rows * LANES + lane]
    row = 0
    for r in range(rows):
        row += sums[r * LANES + lane] <= u
    return row * LANES + lane if row < rows else otherwise
