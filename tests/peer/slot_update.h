/* Changing the memslots: xenperf/model/slot_update.py */
#ifndef PEER_SLOT_UPDATE_H
#define PEER_SLOT_UPDATE_H

#include "locks.h"
#include "memslots.h"

#define MAX_PAGES_PER_SLOT ((1ull << 31) - 1)

#define CHANGE_NOTHING 0ull
#define CHANGE_INSERTS 1ull
#define CHANGE_REMOVES 2ull
#define CHANGE_REFLAGS 4ull
#define CHANGE_REFUSED (1ull << 63)

static inline struct memslots *begin_swap(struct vm *vm)
{
	struct memslots *prepared = inactive_set(vm);
	u64 turns = 0;

	store(&prepared->generation, generation_of(vm) | GENERATION_IN_PROGRESS);
	spin_lock(&vm->mn_invalidate_lock);
	while (load(&vm->mn_active_invalidate_count)) {
		spin_unlock(&vm->mn_invalidate_lock);
		turns = wait_a_turn(turns);
		spin_lock(&vm->mn_invalidate_lock);
	}
	return prepared;
}

static inline void finish_swap(struct vm *vm, struct cpu *cpu, struct memslots *prepared)
{
	u64 old_generation;

	spin_unlock(&vm->mn_invalidate_lock);
	spin_unlock(&vm->slots_arch_lock);
	synchronize_srcu(vm);
	old_generation = load(&prepared->generation) ^ GENERATION_IN_PROGRESS;
	store(&prepared->generation, old_generation + load(&vm->generation_step));
	count_one(&cpu->nr_swaps);
}

static inline void swap_active_set(struct vm *vm, struct cpu *cpu)
{
	struct memslots *prepared = begin_swap(vm);

	store_release(&vm->memslots, prepared);
	finish_swap(vm, cpu, prepared);
}

STEP void write_slot(struct memslot *slot, u64 base_gfn, u64 nr_pages, u64 uhva, u32 flags, u32 id)
{
	store(&slot->base_gfn, base_gfn);
	store(&slot->nr_pages, nr_pages);
	store(&slot->uhva, uhva);
	store(&slot->flags, flags);
	store(&slot->id, id);
}

STEP void copy_slot(struct memslot *source, struct memslot *target)
{
	store(&target->base_gfn, load(&source->base_gfn));
	store(&target->nr_pages, load(&source->nr_pages));
	store(&target->uhva, load(&source->uhva));
	store((guest_u64 *)&target->flags, load((guest_u64 *)&source->flags));
}

static inline void insert_slot(struct memslots *memslots, struct region *region)
{
	struct memslot *slots = load(&memslots->slots);
	u64 nr_slots = load(&memslots->nr_slots);
	u64 base_gfn = load(&region->guest_phys_addr) >> PAGE_SHIFT;
	u32 slot_id = load(&region->slot);
	struct memslot *slot = &slots[nr_slots];

	for (; slot > slots && load(&slot[-1].base_gfn) > base_gfn; slot--)
		copy_slot(slot - 1, slot);
	write_slot(slot, base_gfn, load(&region->memory_size) >> PAGE_SHIFT,
		   load(&region->userspace_addr), load(&region->flags), slot_id);
	store(&load(&memslots->gfn_by_id)[slot_id], base_gfn + 1);
	store(&memslots->nr_slots, nr_slots + 1);
}

static inline void remove_slot(struct memslots *memslots, struct memslot *slot, u32 slot_id)
{
	u64 nr_slots = load(&memslots->nr_slots) - 1;
	struct memslot *last = load(&memslots->slots) + nr_slots;

	for (; slot < last; slot++)
		copy_slot(slot + 1, slot);
	write_slot(last, 0, 0, 0, 0, 0);
	store(&load(&memslots->gfn_by_id)[slot_id], 0);
	store(&memslots->nr_slots, nr_slots);
}

static inline struct memslot *slot_by_id(struct memslots *memslots, u32 slot_id)
{
	u64 gfn = load(&load(&memslots->gfn_by_id)[slot_id]);
	struct memslot *slots;

	if (!gfn)
		return NULL;
	slots = load(&memslots->slots);
	return &slots[search(slots, load(&memslots->nr_slots), gfn - 1)];
}

static inline bool overlaps(struct memslots *memslots, u32 slot_id, u64 base_gfn, u64 nr_pages)
{
	struct memslot *slots = load(&memslots->slots);
	u64 nr_slots = load(&memslots->nr_slots);
	struct memslot *slot;
	u64 first;

	if (!nr_slots)
		return false;
	slot = &slots[last_at_or_below(slots, nr_slots, base_gfn + nr_pages - 1)];
	if (load(&slot->id) == slot_id) {
		if (slot == slots)
			return false;
		slot--;
	}
	first = load(&slot->base_gfn);
	return first < base_gfn + nr_pages && base_gfn < first + load(&slot->nr_pages);
}

static inline u64 check_region(struct vm *vm, struct region *region)
{
	u64 gpa = load(&region->guest_phys_addr);
	u64 size = load(&region->memory_size);
	u64 hva = load(&region->userspace_addr);

	if (load(&region->flags) & ~(MEMSLOT_LOG_DIRTY | MEMSLOT_READONLY))
		return RC_EINVAL;
	if ((size | gpa | hva) & PAGE_OFFSET_MASK)
		return RC_EINVAL;
	if (hva >= USER_END || size > USER_END - hva)
		return RC_EINVAL;
	if (load(&region->slot) >= load(&vm->nr_slot_ids) || gpa + size < gpa)
		return RC_EINVAL;
	return size >> PAGE_SHIFT > MAX_PAGES_PER_SLOT ? RC_EINVAL : 0;
}

static inline u64 change_wanted(struct vm *vm, struct memslots *memslots, struct region *region)
{
	u64 refusal = check_region(vm, region);
	u64 base_gfn = load(&region->guest_phys_addr) >> PAGE_SHIFT;
	u64 nr_pages = load(&region->memory_size) >> PAGE_SHIFT;
	u32 slot_id = load(&region->slot);
	u64 change = CHANGE_INSERTS;
	struct memslot *old;

	if (refusal)
		return refusal;
	old = slot_by_id(memslots, slot_id);
	if (!nr_pages)
		return old ? CHANGE_REMOVES : RC_EINVAL;
	if (old) {
		u32 flipped = load(&old->flags) ^ load(&region->flags);

		if (load(&old->nr_pages) != nr_pages ||
		    load(&old->uhva) != load(&region->userspace_addr) ||
		    flipped & MEMSLOT_READONLY)
			return RC_EINVAL;
		if (load(&old->base_gfn) == base_gfn)
			return flipped ? CHANGE_REFLAGS : CHANGE_NOTHING;
		change = CHANGE_INSERTS | CHANGE_REMOVES;
	}
	return overlaps(memslots, slot_id, base_gfn, nr_pages) ? RC_EEXIST : change;
}

static inline void apply_change(struct memslots *memslots, struct region *region, u64 change)
{
	u32 slot_id = load(&region->slot);
	struct memslot *slot = slot_by_id(memslots, slot_id);

	if (change & CHANGE_REMOVES)
		remove_slot(memslots, slot, slot_id);
	if (change & CHANGE_INSERTS)
		insert_slot(memslots, region);
	if (change & CHANGE_REFLAGS)
		store(&slot->flags, load(&region->flags));
}

static inline void hide_slot(struct memslots *memslots, struct region *region)
{
	struct memslot *slot = slot_by_id(memslots, load(&region->slot));

	store(&slot->flags, load(&slot->flags) | MEMSLOT_INVALID);
}

static inline u64 set_memory_region(struct vm *vm, struct cpu *cpu, struct region *region)
{
	u64 change;

	spin_lock(&vm->slots_lock);
	change = change_wanted(vm, active_set(vm), region);
	if (change != CHANGE_NOTHING && change < CHANGE_REFUSED) {
		if (change & CHANGE_REMOVES) {
			spin_lock(&vm->slots_arch_lock);
			hide_slot(inactive_set(vm), region);
			swap_active_set(vm, cpu);
		}
		spin_lock(&vm->slots_arch_lock);
		apply_change(inactive_set(vm), region, change);
		swap_active_set(vm, cpu);
		apply_change(inactive_set(vm), region, change);
	}
	spin_unlock(&vm->slots_lock);
	return change >= CHANGE_REFUSED ? change : 0;
}

#endif
