"""KVM's locks, modelled on words: queued reader-writer lock, spinlock, mutex, SRCU.

The reader-writer lock is the kernel's qrwlock (kernel/locking/qrwlock.c, v6.9): readers count in
steps of 0x200, 0x100 says that a writer waits, 0xff that one holds it; whoever cannot enter at once
queues on a second word. Slow paths are written in line: as calls they would cost on the fast path.
Interrupts are not modelled. Waiting loops call ``pause`` and give the processor away now and then.
"""

from typing import Final

from xenperf.jit import op
from xenperf.model.constants import BYTE0, ONE, THREE, W0, W1, ZERO
from xenperf.model.layout import (
    CPU_BYTES,
    CPU_SRCU_LOCKED,
    CPU_SRCU_UNLOCKED,
    GPC_WAIT,
    NR_CPUS,
    U32,
    U64,
    VM_CPUS,
    VM_SRCU_IDX,
    VM_SRCU_LOCK,
)
from xenperf.words import (
    Word,
    compare_exchange_acquire32,
    fetch_add64,
    fetch_add_acquire32,
    fetch_add_release32,
    fetch_or32,
    full_barrier,
    load32,
    load64,
    load_acquire32,
    load_acquire64,
    pause,
    sched_yield,
    store64,
    store_release8,
    store_release32,
    unlikely,
)

READER: Final = U32(0x200)
READER_GONE: Final = U32(0x1_0000_0000 - 0x200)
WRITER_ANY: Final = U32(0x1FF)
WRITER_HOLDS: Final = U32(0xFF)
WRITER_WAITS: Final = U32(0x100)
SPINS_BEFORE_YIELD: Final = U64(255)
LAST_CPU_BYTES: Final = U64(NR_CPUS) * CPU_BYTES


@op
def wait_a_turn(turns: Word) -> Word:
    """Wait a moment and return *turns* + 1; now and then give the processor away."""
    pause()
    if turns & SPINS_BEFORE_YIELD == SPINS_BEFORE_YIELD:
        sched_yield()
    return turns + ONE


@op
def spin_lock(lock: Word) -> None:
    """Take the spinlock or mutex at *lock*; unfair, as no scenario needs a queue here."""
    turns = ZERO
    while unlikely(not compare_exchange_acquire32(lock, W0, W1)):
        while load32(lock) != W0:
            turns = wait_a_turn(turns)


@op
def spin_unlock(lock: Word) -> None:
    """Release the spinlock or mutex at *lock*."""
    store_release32(lock, W0)


@op
def read_lock(lock: Word) -> None:
    """Enter as a reader: one locked add when no writer is about."""
    if unlikely((fetch_add_acquire32(lock, READER) & WRITER_ANY) != W0):
        fetch_add_release32(lock, READER_GONE)
        spin_lock(lock + GPC_WAIT)
        fetch_add_acquire32(lock, READER)
        turns = ZERO
        while load_acquire32(lock) & WRITER_HOLDS != W0:
            turns = wait_a_turn(turns)
        spin_unlock(lock + GPC_WAIT)


@op
def read_unlock(lock: Word) -> None:
    """Leave as a reader: one locked add."""
    fetch_add_release32(lock, READER_GONE)


@op
def write_lock(lock: Word) -> None:
    """Enter as the writer: one compare-exchange when nobody is inside."""
    if unlikely(not compare_exchange_acquire32(lock, W0, WRITER_HOLDS)):
        spin_lock(lock + GPC_WAIT)
        if not compare_exchange_acquire32(lock, W0, WRITER_HOLDS):
            fetch_or32(lock, WRITER_WAITS)
            turns = ZERO
            while load32(lock) != WRITER_WAITS or not compare_exchange_acquire32(
                lock, WRITER_WAITS, WRITER_HOLDS
            ):
                turns = wait_a_turn(turns)
        spin_unlock(lock + GPC_WAIT)


@op
def write_unlock(lock: Word) -> None:
    """Leave as the writer: a byte store, which keeps the mark of a waiting one."""
    store_release8(lock, BYTE0)


@op
def srcu_read_lock(vm: Word, cpu: Word) -> Word:
    """Enter an SRCU section on *cpu* and return the index to leave it by (kernel/rcu/srcutree.c).

    A counter of this processor's own and a full barrier, as KVM pays for every send.
    """
    idx = (load64(vm + VM_SRCU_IDX) & ONE) << THREE
    counter = cpu + CPU_SRCU_LOCKED + idx
    store64(counter, load64(counter) + ONE)
    full_barrier()
    return idx


@op
def srcu_read_unlock(cpu: Word, idx: Word) -> None:
    """Leave the SRCU section entered with *idx*."""
    full_barrier()
    counter = cpu + CPU_SRCU_UNLOCKED + idx
    store64(counter, load64(counter) + ONE)


@op
def _srcu_readers_gone(vm: Word, idx: Word) -> bool:
    """Tell whether every section entered with *idx* was left; unlocks are summed first."""
    cpus = load64(vm + VM_CPUS)
    unlocked = ZERO
    locked = ZERO
    offset = ZERO
    while offset < LAST_CPU_BYTES:
        unlocked += load_acquire64(cpus + offset + CPU_SRCU_UNLOCKED + idx)
        offset += CPU_BYTES
    full_barrier()
    offset = ZERO
    while offset < LAST_CPU_BYTES:
        locked += load64(cpus + offset + CPU_SRCU_LOCKED + idx)
        offset += CPU_BYTES
    return bool(locked == unlocked)


@op
def synchronize_srcu(vm: Word) -> None:
    """Wait until every SRCU section that began before this call has ended.

    The caller is outside any section. Two passes: a reader may have read the index just before it
    was flipped, so the idle side is waited for first.
    """
    spin_lock(vm + VM_SRCU_LOCK)
    full_barrier()
    idle = ((load64(vm + VM_SRCU_IDX) & ONE) ^ ONE) << THREE
    turns = ZERO
    phase = ZERO
    while phase < U64(2):
        while not _srcu_readers_gone(vm, idle):
            turns = wait_a_turn(turns)
        if phase == ZERO:
            idle ^= U64(8)
            fetch_add64(vm + VM_SRCU_IDX, ONE)
            full_barrier()
        phase += ONE
    full_barrier()
    spin_unlock(vm + VM_SRCU_LOCK)
