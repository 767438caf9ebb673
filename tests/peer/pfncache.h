/* The gfn_to_pfn_cache and the page walk: xenperf/model/{pfncache,activation,pagetable}.py */
#ifndef PEER_PFNCACHE_H
#define PEER_PFNCACHE_H

#include "notifier.h"

#define ENTRY_PRESENT 1ull
#define ENTRY_WRITABLE 3ull
#define ENTRY_PFN(entry) ((entry) >> PAGE_SHIFT & ((1ull << 36) - 1))

STEP u64 walk(struct vm *vm, u64 hva)
{
	u64 direct_map = load(&vm->direct_map);
	u64 pfn = load(&vm->pgd);
	u64 entry = 0;

	for (int shift = 39; shift >= PAGE_SHIFT; shift -= 9) {
		u64 *table = (u64 *)(direct_map + (pfn << PAGE_SHIFT));

		entry = load(&table[hva >> shift & 511]);
		if (!(entry & ENTRY_PRESENT))
			return 0;
		pfn = ENTRY_PFN(entry);
	}
	return entry;
}

STEP u64 gup(struct vm *vm, struct cpu *cpu, u64 hva)
{
	u64 entry;

	count_one(&cpu->nr_gups);
	entry = walk(vm, hva);
	return (entry & ENTRY_WRITABLE) == ENTRY_WRITABLE ? ENTRY_PFN(entry) : PFN_ERROR;
}

STEP void gpc_init(struct gpc *gpc)
{
	store(&gpc->lock, 0);
	store(&gpc->wait, 0);
	store(&gpc->active, 0);
	store(&gpc->valid, 0);
	store(&gpc->list_idx, 0);
	store(&gpc->refresh_lock, 0);
	store(&gpc->generation, 0);
	store(&gpc->gpa, HVA_ACTIVATION ? GPA_ERROR : 0);
	store(&gpc->uhva, HVA_ACTIVATION ? HVA_ERROR : 0);
	store(&gpc->khva, 0);
	store(&gpc->pfn, HVA_ACTIVATION ? PFN_ERROR : 0);
	store(&gpc->memslot, 0);
}

STEP bool gpc_check(struct vm *vm, struct gpc *gpc, u64 nr_bytes)
{
	u64 uhva;
	u64 start;

	if (unlikely(!load(&gpc->active)))
		return false;
	if ((!HVA_ACTIVATION || load(&gpc->gpa) != GPA_ERROR) &&
	    unlikely(load(&gpc->generation) != generation_of(vm)))
		return false;
	uhva = load(&gpc->uhva);
	if (unlikely(uhva >= HVA_ERROR))
		return false;
	start = OFFSET_IN_UHVA ? uhva : load(&gpc->gpa);
	if (unlikely((start & PAGE_OFFSET_MASK) + nr_bytes > PAGE_SIZE))
		return false;
	return load(&gpc->valid);
}

STEP bool is_within_page(u64 gpa, u64 uhva, u64 nr_bytes)
{
	u64 start = HVA_ACTIVATION && gpa == GPA_ERROR ? uhva : gpa;

	return (start & PAGE_OFFSET_MASK) + nr_bytes <= PAGE_SIZE;
}

/* The write lock is held on entry and on return, but not during the walk. */
STEP u64 map_for_good(struct vm *vm, struct cpu *cpu, struct gpc *gpc, u64 hva)
{
	u64 seq;
	u64 pfn;

	store(&gpc->valid, 0);
	do {
		seq = load_acquire(&vm->mmu_invalidate_seq);
		read_barrier();
		write_unlock(gpc);
		pfn = gup(vm, cpu, hva);
		write_lock(gpc);
		if (pfn == PFN_ERROR)
			return RC_EFAULT;
	} while (must_retry(vm, seq));
	store(&gpc->valid, 1);
	store(&gpc->pfn, pfn);
	store(&gpc->khva,
	      load(&vm->direct_map) + (pfn << PAGE_SHIFT) + (hva & PAGE_OFFSET_MASK));
	return 0;
}

STEP u64 look_up_page(struct vm *vm, struct cpu *cpu, struct gpc *gpc, u64 gpa)
{
	struct memslots *memslots = active_set(vm);
	u64 gfn = gpa >> PAGE_SHIFT;
	struct memslot *slot;

	store(&gpc->gpa, gpa);
	store(&gpc->generation, load(&memslots->generation));
	slot = lookup(memslots, gfn);
	store(&gpc->memslot, slot ? (u64)load(&slot->id) + 1 : 0);
	count_one(&cpu->nr_lookups);
	return hva_for_writing(slot, gfn);
}

STEP u64 resolve(struct vm *vm, struct cpu *cpu, struct gpc *gpc, u64 gpa, u64 uhva)
{
	u64 known;
	u64 page;

	if (HVA_ACTIVATION && gpa == GPA_ERROR) {
		store(&gpc->gpa, GPA_ERROR);
		store(&gpc->memslot, 0);
		return uhva;
	}
	known = load(&gpc->uhva);
	page = known & PAGE_MASK;
	if (load(&gpc->gpa) != gpa || load(&gpc->generation) != generation_of(vm) ||
	    known >= HVA_ERROR) {
		page = look_up_page(vm, cpu, gpc, gpa);
		if (page >= HVA_ERROR)
			return page;
	}
	return page + (gpa & PAGE_OFFSET_MASK);
}

STEP u64 refresh_to(struct vm *vm, struct cpu *cpu, struct gpc *gpc, u64 gpa, u64 uhva)
{
	u64 old_page;
	u64 hva;
	u64 rc = 0;

	count_one(&cpu->nr_refreshes);
	if (HVA_ACTIVATION && unlikely((gpa == GPA_ERROR) == (uhva >= HVA_ERROR))) {
		count_one(&cpu->nr_warnings);
		return RC_EINVAL;
	}
	write_lock(gpc);
	if (!load(&gpc->active)) {
		write_unlock(gpc);
		return RC_EINVAL;
	}
	old_page = load(&gpc->uhva) & PAGE_MASK;
	hva = resolve(vm, cpu, gpc, gpa, uhva);
	store(&gpc->uhva, OFFSET_IN_UHVA ? hva : hva & PAGE_MASK);
	if (hva >= HVA_ERROR)
		rc = RC_EFAULT;
	else if (!load(&gpc->valid) || (hva & PAGE_MASK) != old_page)
		rc = map_for_good(vm, cpu, gpc, hva);
	else
		store(&gpc->khva, (load(&gpc->khva) & PAGE_MASK) + (hva & PAGE_OFFSET_MASK));
	if (rc) {
		store(&gpc->valid, 0);
		store(&gpc->pfn, PFN_ERROR);
		store(&gpc->khva, 0);
	}
	write_unlock(gpc);
	return rc;
}

STEP u64 refresh(struct vm *vm, struct cpu *cpu, struct gpc *gpc, u64 nr_bytes)
{
	u64 rc = RC_EINVAL;
	u64 gpa;
	u64 known;

	spin_lock(&gpc->refresh_lock);
	gpa = load(&gpc->gpa);
	known = load(&gpc->uhva);
	if (is_within_page(gpa, known, nr_bytes))
		rc = refresh_to(vm, cpu, gpc, gpa, gpa == GPA_ERROR ? known : HVA_ERROR);
	spin_unlock(&gpc->refresh_lock);
	return rc;
}

STEP void enlist(struct vm *vm, struct gpc *gpc)
{
	u64 idx;

	spin_lock(&vm->gpc_lock);
	idx = load(&vm->nr_gpcs);
	store(&load(&vm->gpc_list)[idx], gpc);
	store(&gpc->list_idx, (u16)idx);
	store(&vm->nr_gpcs, idx + 1);
	spin_unlock(&vm->gpc_lock);
}

STEP void delist(struct vm *vm, struct gpc *gpc)
{
	struct gpc **gpc_list;
	struct gpc *last;
	u64 last_idx;
	u16 idx;

	spin_lock(&vm->gpc_lock);
	gpc_list = load(&vm->gpc_list);
	last_idx = load(&vm->nr_gpcs) - 1;
	idx = load(&gpc->list_idx);
	last = load(&gpc_list[last_idx]);
	store(&gpc_list[idx], last);
	store(&last->list_idx, idx);
	store(&vm->nr_gpcs, last_idx);
	spin_unlock(&vm->gpc_lock);
}

#endif
