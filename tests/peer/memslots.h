/* Reading the memslots: xenperf/model/memslots.py */
#ifndef PEER_MEMSLOTS_H
#define PEER_MEMSLOTS_H

#include "words.h"

#define NO_INDEX (~0ull)

STEP struct memslots *active_set(struct vm *vm)
{
	return load(&vm->memslots);
}

STEP struct memslots *inactive_set(struct vm *vm)
{
	return load(&vm->memslots) == &vm->set0 ? &vm->set1 : &vm->set0;
}

STEP u64 generation_of(struct vm *vm)
{
	return load(&active_set(vm)->generation);
}

STEP bool holds_gfn(struct memslot *slot, u64 gfn)
{
	return gfn - load(&slot->base_gfn) < load(&slot->nr_pages);
}

STEP u64 last_at_or_below(struct memslot *slots, u64 nr_slots, u64 gfn)
{
	u64 base = 0;

	while (nr_slots > 1) {
		u64 half = nr_slots >> 1;

		base = load(&slots[base + half].base_gfn) <= gfn ? base + half : base;
		nr_slots -= half;
	}
	return base;
}

STEP u64 search(struct memslot *slots, u64 nr_slots, u64 gfn)
{
	u64 index = last_at_or_below(slots, nr_slots, gfn);

	return holds_gfn(&slots[index], gfn) ? index : NO_INDEX;
}

STEP u64 search_with_branches(struct memslot *slots, u64 nr_slots, u64 gfn)
{
	u64 low = 0;
	u64 high = nr_slots;

	while (low < high) {
		u64 middle = (low + high) >> 1;

		if (gfn >= load(&slots[middle].base_gfn))
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NO_INDEX;
	return holds_gfn(&slots[low - 1], gfn) ? low - 1 : NO_INDEX;
}

STEP struct memslot *lookup(struct memslots *memslots, u64 gfn)
{
	struct memslot *slots = load(&memslots->slots);
	struct memslot *slot = &slots[load(&memslots->last_used)];
	u64 index;

	if (likely(holds_gfn(slot, gfn)))
		return slot;
	index = search(slots, load(&memslots->nr_slots), gfn);
	if (index == NO_INDEX)
		return NULL;
	store(&memslots->last_used, index);
	return &slots[index];
}

STEP u64 hva_for_writing(struct memslot *slot, u64 gfn)
{
	if (!slot)
		return HVA_ERROR;
	if (load(&slot->flags) & (MEMSLOT_INVALID | MEMSLOT_READONLY))
		return HVA_ERROR;
	return load(&slot->uhva) + ((gfn - load(&slot->base_gfn)) << PAGE_SHIFT);
}

STEP bool covers_hva(struct vm *vm, u64 start, u64 end)
{
	struct memslots *memslots = active_set(vm);
	struct memslot *slot = load(&memslots->slots);
	struct memslot *past = slot + load(&memslots->nr_slots);

	for (; slot < past; slot++) {
		u64 uhva = load(&slot->uhva);

		if (uhva < end && start < uhva + (load(&slot->nr_pages) << PAGE_SHIFT))
			return true;
	}
	return false;
}

/* memslot is the slot's id + 1, or 0 for none. */
STEP void mark_page_dirty(struct vm *vm, u64 memslot, u64 gfn)
{
	u64 *bitmap;

	if (!memslot)
		return;
	bitmap = load(&load(&vm->dirty_bitmaps)[memslot - 1]);
	if (bitmap) {
		u64 base_gfn = load(&load(&active_set(vm)->gfn_by_id)[memslot - 1]) - 1;
		u64 page = gfn - base_gfn;

		fetch_or(&bitmap[page >> 6], 1ull << (page & 63));
	}
}

STEP void bump_generation(struct vm *vm)
{
	struct memslots *memslots = active_set(vm);

	store(&memslots->generation, load(&memslots->generation) + load(&vm->generation_step));
}

#endif
