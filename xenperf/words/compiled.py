"""Shared words, compiled: each operation one LLVM instruction with its order written out.

The x86 target intrinsics need no assembler. ``lock bts`` is one of them: a locked OR followed by a
test of the old bit is folded by LLVM into a compare-exchange loop, which is another instruction
than the one modelled and slower when contended.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_INTEGERS = {8: types.uint8, 16: types.uint16, 32: types.uint32, 64: types.uint64}
_I1, _I8, _I32, _I64 = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64)


def _pointer(builder: Any, khva: Any, bits: int) -> Any:
    return builder.inttoptr(khva, ir.IntType(bits).as_pointer())


def _declared(builder: Any, name: str, result: Any, arguments: tuple[Any, ...]) -> Any:
    """Return the LLVM intrinsic *name*, declared once in the module being built."""
    if name in builder.module.globals:
        return builder.module.globals[name]
    return ir.Function(builder.module, ir.FunctionType(result, arguments), name)


def _load(bits: int, order: str) -> Any:
    def load(typingctx: Any, khva: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.load_atomic(_pointer(builder, args[0], bits), order, bits // 8)

        return _INTEGERS[bits](types.uint64), generate

    return intrinsic(load)


def _store(bits: int, order: str) -> Any:
    def store(typingctx: Any, khva: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.store_atomic(args[1], _pointer(builder, args[0], bits), order, bits // 8)
            return context.get_dummy_value()

        return types.void(types.uint64, _INTEGERS[bits]), generate

    return intrinsic(store)


def _fetch(operation: str, bits: int, order: str) -> Any:
    integer = _INTEGERS[bits]

    def fetch(typingctx: Any, khva: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.atomic_rmw(operation, _pointer(builder, args[0], bits), args[1], order)

        return integer(types.uint64, integer), generate

    return intrinsic(fetch)


def _compare_exchange(bits: int, order: str) -> Any:
    integer = _INTEGERS[bits]

    def compare_exchange(typingctx: Any, khva: Any, expected: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            word = _pointer(builder, args[0], bits)
            pair = builder.cmpxchg(word, args[1], args[2], order, "monotonic")
            return builder.extract_value(pair, 1)

        return types.boolean(types.uint64, integer, integer), generate

    return intrinsic(compare_exchange)


def _bit_test_and_set(bits: int) -> Any:
    def bit_test_and_set(typingctx: Any, khva: Any, bit: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            word, integer = _pointer(builder, args[0], bits), ir.IntType(bits)
            name = f"llvm.x86.atomic.bts.rm.i{bits}"
            bts = _declared(builder, name, _I8, (word.type, integer))
            bit = args[1] if bits == 64 else builder.trunc(args[1], integer)
            # unmasked, the instruction reaches into the words beyond; twice masked costs nothing
            bit = builder.and_(bit, ir.Constant(integer, bits - 1))
            return builder.trunc(builder.call(bts, [word, bit]), _I1)

        return types.boolean(types.uint64, types.uint64), generate

    return intrinsic(bit_test_and_set)


def _fence(order: str) -> Any:
    def fence(typingctx: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.fence(order)
            return context.get_dummy_value()

        return types.void(), generate

    return intrinsic(fence)


def _instruction(name: str) -> Any:
    def instruction(typingctx: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.call(_declared(builder, name, ir.VoidType(), ()), ())
            return context.get_dummy_value()

        return types.void(), generate

    return intrinsic(instruction)


def _count_zeros(name: str) -> Any:
    def count_zeros(typingctx: Any, word: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            count = _declared(builder, name, _I64, (_I64, _I1))
            return builder.call(count, (args[0], ir.Constant(_I1, 0)))

        return types.uint64(types.uint64), generate

    return intrinsic(count_zeros)


def _expect(value: int) -> Any:
    def expect(typingctx: Any, condition: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            hint = _declared(builder, "llvm.expect.i1", _I1, (_I1, _I1))
            flag = args[0] if args[0].type == _I1 else builder.trunc(args[0], _I1)
            told = builder.call(hint, (flag, ir.Constant(_I1, value)))
            return told if args[0].type == _I1 else builder.zext(told, args[0].type)

        return types.boolean(types.boolean), generate

    return intrinsic(expect)


def _select(typingctx: Any, condition: Any, chosen: Any, other: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        flag = args[0] if args[0].type == _I1 else builder.trunc(args[0], _I1)
        result = builder.select(flag, args[1], args[2])
        # without the mark, LLVM turns the conditional move of a search back into a branch
        result.set_metadata("unpredictable", builder.module.add_metadata([]))
        return result

    return types.uint64(types.boolean, types.uint64, types.uint64), generate


def _timestamp(typingctx: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.call(_declared(builder, "llvm.x86.rdtsc", _I64, ()), ())

    return types.uint64(), generate


def _timestamp_ordered(typingctx: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pair = ir.LiteralStructType([_I64, _I32])
        stamp = builder.call(_declared(builder, "llvm.x86.rdtscp", pair, ()), ())
        lfence = _declared(builder, "llvm.x86.sse2.lfence", ir.VoidType(), ())
        builder.call(lfence, ())
        return builder.extract_value(stamp, 0)

    return types.uint64(), generate


load8, load16, load32, load64 = (_load(bits, "monotonic") for bits in (8, 16, 32, 64))
load_acquire32, load_acquire64 = _load(32, "acquire"), _load(64, "acquire")
store8, store16, store32, store64 = (_store(bits, "monotonic") for bits in (8, 16, 32, 64))
store_release8, store_release32, store_release64 = (_store(bits, "release") for bits in (8, 32, 64))
fetch_or64, fetch_and64, fetch_add64, exchange64 = (
    _fetch(operation, 64, "seq_cst") for operation in ("or", "and", "add", "xchg")
)
fetch_and32, exchange32 = _fetch("and", 32, "seq_cst"), _fetch("xchg", 32, "seq_cst")
fetch_or32 = _fetch("or", 32, "seq_cst")
fetch_add_acquire32, fetch_add_release32 = (
    _fetch("add", 32, "acquire"),
    _fetch("add", 32, "release"),
)
compare_exchange32 = _compare_exchange(32, "seq_cst")
compare_exchange_acquire32 = _compare_exchange(32, "acquire")
compare_exchange64 = _compare_exchange(64, "seq_cst")
bit_test_and_set32, bit_test_and_set64 = _bit_test_and_set(32), _bit_test_and_set(64)
full_barrier, read_barrier, write_barrier = (
    _fence("seq_cst"),
    _fence("acquire"),
    _fence("release"),
)
pause = _instruction("llvm.x86.sse2.pause")
trailing_zeros, leading_zeros = _count_zeros("llvm.cttz.i64"), _count_zeros("llvm.ctlz.i64")
likely, unlikely = _expect(1), _expect(0)
select = intrinsic(_select)
timestamp, timestamp_ordered = intrinsic(_timestamp), intrinsic(_timestamp_ordered)
sched_yield: Callable[[], int] = types.ExternalFunction("sched_yield", types.int32())
