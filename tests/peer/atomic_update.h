/* Several memslot requests in one publish: xenperf/model/atomic_update.py */
#ifndef PEER_ATOMIC_UPDATE_H
#define PEER_ATOMIC_UPDATE_H

#include "slot_update.h"

static inline void put_back(struct vm *vm)
{
	struct memslots *source = active_set(vm);
	struct memslots *target = inactive_set(vm);
	u64 nr_slots = load(&source->nr_slots);
	u64 nr_changed = load(&target->nr_slots);
	u64 nr_records = (nr_slots > nr_changed ? nr_slots : nr_changed) + 1;
	struct memslot *from = load(&source->slots);
	struct memslot *to = load(&target->slots);

	for (u64 i = 0; i < nr_records; i++)
		copy_slot(&from[i], &to[i]);
	for (u64 id = 0; id < load(&vm->nr_slot_ids); id++)
		store(&load(&target->gfn_by_id)[id], load(&load(&source->gfn_by_id)[id]));
	store(&target->nr_slots, nr_slots);
}

static inline u64 apply_all(struct vm *vm, struct memslots *memslots, struct region *regions, u64 n)
{
	for (u64 i = 0; i < n; i++) {
		u64 change = change_wanted(vm, memslots, &regions[i]);

		if (change >= CHANGE_REFUSED)
			return change;
		apply_change(memslots, &regions[i], change);
	}
	return 0;
}

static inline void publish_quietly(struct vm *vm, struct memslots *prepared)
{
	struct gpc **first;
	u64 nr_gpcs;

	spin_lock(&vm->gpc_lock);
	first = load(&vm->gpc_list);
	nr_gpcs = load(&vm->nr_gpcs);
	for (u64 i = 0; i < nr_gpcs; i++)
		write_lock(load(&first[i]));
	store_release(&vm->memslots, prepared);
	for (u64 i = 0; i < nr_gpcs; i++)
		write_unlock(load(&first[i]));
	spin_unlock(&vm->gpc_lock);
}

static inline u64 update_at_once(struct vm *vm, struct cpu *cpu, struct region *regions, u64 n)
{
	struct memslots *prepared;
	u64 rc;

	if (!ATOMIC_OVERLAY)
		return RC_ENOSYS;
	spin_lock(&vm->slots_lock);
	spin_lock(&vm->slots_arch_lock);
	rc = apply_all(vm, inactive_set(vm), regions, n);
	if (rc) {
		put_back(vm);
		spin_unlock(&vm->slots_arch_lock);
	} else {
		prepared = begin_swap(vm);
		publish_quietly(vm, prepared);
		finish_swap(vm, cpu, prepared);
		apply_all(vm, inactive_set(vm), regions, n);
	}
	spin_unlock(&vm->slots_lock);
	return rc;
}

#endif
