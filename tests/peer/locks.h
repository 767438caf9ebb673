/* Queued reader-writer lock, spinlock, SRCU: xenperf/model/locks.py */
#ifndef PEER_LOCKS_H
#define PEER_LOCKS_H

#include "words.h"

#define READER 0x200u
#define WRITER_ANY 0x1ffu
#define WRITER_HOLDS 0xffu
#define WRITER_WAITS 0x100u

SLOW_PATH void spin_lock_slow(u32 *lock)
{
	u64 turns = 0;

	do {
		while (load(lock))
			turns = wait_a_turn(turns);
	} while (!compare_exchange_acquire32(lock, 0, 1));
}

STEP void spin_lock(u32 *lock)
{
	if (unlikely(!compare_exchange_acquire32(lock, 0, 1)))
		spin_lock_slow(lock);
}

STEP void spin_unlock(u32 *lock)
{
	store_release(lock, 0);
}

STEP u32 reader_enters(struct gpc *gpc)
{
	return __atomic_fetch_add(&gpc->lock, READER, __ATOMIC_ACQUIRE);
}

STEP void read_unlock(struct gpc *gpc)
{
	__atomic_fetch_sub(&gpc->lock, READER, __ATOMIC_RELEASE);
}

SLOW_PATH void read_lock_slow(struct gpc *gpc)
{
	u64 turns = 0;

	read_unlock(gpc);
	spin_lock(&gpc->wait);
	reader_enters(gpc);
	while (load_acquire(&gpc->lock) & WRITER_HOLDS)
		turns = wait_a_turn(turns);
	spin_unlock(&gpc->wait);
}

STEP void read_lock(struct gpc *gpc)
{
	if (unlikely(reader_enters(gpc) & WRITER_ANY))
		read_lock_slow(gpc);
}

SLOW_PATH void write_lock_slow(struct gpc *gpc)
{
	u64 turns = 0;

	spin_lock(&gpc->wait);
	if (!compare_exchange_acquire32(&gpc->lock, 0, WRITER_HOLDS)) {
		fetch_or(&gpc->lock, WRITER_WAITS);
		while (load(&gpc->lock) != WRITER_WAITS ||
		       !compare_exchange_acquire32(&gpc->lock, WRITER_WAITS, WRITER_HOLDS))
			turns = wait_a_turn(turns);
	}
	spin_unlock(&gpc->wait);
}

STEP void write_lock(struct gpc *gpc)
{
	if (unlikely(!compare_exchange_acquire32(&gpc->lock, 0, WRITER_HOLDS)))
		write_lock_slow(gpc);
}

STEP void write_unlock(struct gpc *gpc)
{
	store_release((u8 *)&gpc->lock, 0);
}

STEP u64 srcu_read_lock(struct vm *vm, struct cpu *cpu)
{
	u64 idx = load(&vm->srcu_idx) & 1;

	count_one(&cpu->srcu_locked[idx]);
	full_barrier();
	return idx;
}

STEP void srcu_read_unlock(struct cpu *cpu, u64 idx)
{
	full_barrier();
	count_one(&cpu->srcu_unlocked[idx]);
}

static inline bool srcu_readers_gone(struct vm *vm, u64 idx)
{
	u64 unlocked = 0;
	u64 locked = 0;

	for (unsigned int i = 0; i < NR_CPUS; i++)
		unlocked += load_acquire(&vm->cpus[i].srcu_unlocked[idx]);
	full_barrier();
	for (unsigned int i = 0; i < NR_CPUS; i++)
		locked += load(&vm->cpus[i].srcu_locked[idx]);
	return locked == unlocked;
}

/* Two passes: a reader may have read the index just before it is flipped. */
static inline void synchronize_srcu(struct vm *vm)
{
	u64 turns = 0;
	u64 idle;

	spin_lock(&vm->srcu_lock);
	full_barrier();
	idle = (load(&vm->srcu_idx) & 1) ^ 1;
	while (!srcu_readers_gone(vm, idle))
		turns = wait_a_turn(turns);
	fetch_add(&vm->srcu_idx, 1);
	full_barrier();
	while (!srcu_readers_gone(vm, idle ^ 1))
		turns = wait_a_turn(turns);
	full_barrier();
	spin_unlock(&vm->srcu_lock);
}

#endif
