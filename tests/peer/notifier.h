/* The MMU notifier: xenperf/model/notifier.py */
#ifndef PEER_NOTIFIER_H
#define PEER_NOTIFIER_H

#include "locks.h"
#include "memslots.h"

STEP bool is_hit(struct gpc *gpc, u64 start, u64 end)
{
	u64 uhva;

	if (!load(&gpc->valid) || load(&gpc->pfn) == PFN_ERROR)
		return false;
	uhva = load(&gpc->uhva);
	return start <= uhva && uhva < end;
}

STEP void invalidate_write_locked(struct cpu *cpu, struct gpc *gpc, u64 start, u64 end)
{
	write_lock(gpc);
	if (is_hit(gpc, start, end)) {
		store(&gpc->valid, 0);
		count_one(&cpu->nr_invalidated);
	}
	write_unlock(gpc);
}

STEP void invalidate_read_first(struct cpu *cpu, struct gpc *gpc, u64 start, u64 end)
{
	bool hit;

	read_lock(gpc);
	hit = is_hit(gpc, start, end);
	read_unlock(gpc);
	if (hit)
		invalidate_write_locked(cpu, gpc, start, end);
}

STEP void invalidate_caches(struct vm *vm, struct cpu *cpu, u64 start, u64 end, bool read_first)
{
	struct gpc **entry;
	struct gpc **past;

	spin_lock(&vm->gpc_lock);
	entry = load(&vm->gpc_list);
	past = entry + load(&vm->nr_gpcs);
	for (; entry < past; entry++) {
		if (read_first)
			invalidate_read_first(cpu, load(entry), start, end);
		else
			invalidate_write_locked(cpu, load(entry), start, end);
	}
	spin_unlock(&vm->gpc_lock);
}

STEP void invalidate_range_start(struct vm *vm, struct cpu *cpu, u64 start, u64 end)
{
	u64 idx;

	spin_lock(&vm->mn_invalidate_lock);
	count_one(&vm->mn_active_invalidate_count);
	spin_unlock(&vm->mn_invalidate_lock);
	invalidate_caches(vm, cpu, start, end, READ_LOCK_FIRST);
	idx = srcu_read_lock(vm, cpu);
	if (covers_hva(vm, start, end))
		fetch_add(&vm->mmu_invalidate_in_progress, 1);
	srcu_read_unlock(cpu, idx);
}

STEP void invalidate_range_end(struct vm *vm, struct cpu *cpu, u64 start, u64 end)
{
	u64 idx = srcu_read_lock(vm, cpu);

	if (covers_hva(vm, start, end)) {
		fetch_add(&vm->mmu_invalidate_seq, 1);
		write_barrier();
		fetch_add(&vm->mmu_invalidate_in_progress, -1);
	}
	srcu_read_unlock(cpu, idx);
	spin_lock(&vm->mn_invalidate_lock);
	store(&vm->mn_active_invalidate_count, load(&vm->mn_active_invalidate_count) - 1);
	spin_unlock(&vm->mn_invalidate_lock);
}

STEP bool must_retry(struct vm *vm, u64 seq)
{
	if (load(&vm->mn_active_invalidate_count))
		return true;
	read_barrier();
	return load(&vm->mmu_invalidate_seq) != seq;
}

#endif
