/* What the tests compare with the model's dtypes: every field of every structure. */
#include <stddef.h>

#include "peer.h"

struct field {
	const char *structure;
	const char *name;
	u64 offset;
	u64 nr_bytes;
};

#define SIZE_OF(type, name) sizeof(((struct type *)0)->name)
#define FIELD(type, name) { #type, #name, offsetof(struct type, name), SIZE_OF(type, name) }
#define WHOLE(type) { #type, "", 0, sizeof(struct type) }

const struct field peer_fields[] = {
	WHOLE(gpc),
	FIELD(gpc, lock),
	FIELD(gpc, wait),
	FIELD(gpc, active),
	FIELD(gpc, valid),
	FIELD(gpc, list_idx),
	FIELD(gpc, refresh_lock),
	FIELD(gpc, generation),
	FIELD(gpc, gpa),
	FIELD(gpc, uhva),
	FIELD(gpc, khva),
	FIELD(gpc, pfn),
	FIELD(gpc, memslot),
	WHOLE(memslot),
	FIELD(memslot, base_gfn),
	FIELD(memslot, nr_pages),
	FIELD(memslot, uhva),
	FIELD(memslot, flags),
	FIELD(memslot, id),
	WHOLE(memslots),
	FIELD(memslots, generation),
	FIELD(memslots, nr_slots),
	FIELD(memslots, last_used),
	FIELD(memslots, slots),
	FIELD(memslots, gfn_by_id),
	WHOLE(vcpu),
	FIELD(vcpu, shadow_sel),
	FIELD(vcpu, requests),
	FIELD(vcpu, nr_kicks),
	FIELD(vcpu, nr_injected),
	FIELD(vcpu, nr_clock_updates),
	FIELD(vcpu, upcall_vector),
	FIELD(vcpu, vcpu_info),
	WHOLE(cpu),
	FIELD(cpu, srcu_locked),
	FIELD(cpu, srcu_unlocked),
	FIELD(cpu, nr_refreshes),
	FIELD(cpu, nr_lookups),
	FIELD(cpu, nr_gups),
	FIELD(cpu, nr_swaps),
	FIELD(cpu, nr_slow_sends),
	FIELD(cpu, nr_invalidated),
	FIELD(cpu, nr_warnings),
	WHOLE(vm),
	FIELD(vm, memslots),
	FIELD(vm, generation_step),
	FIELD(vm, nr_slot_ids),
	FIELD(vm, slots_lock),
	FIELD(vm, slots_arch_lock),
	FIELD(vm, mn_invalidate_lock),
	FIELD(vm, xen_lock),
	FIELD(vm, mn_active_invalidate_count),
	FIELD(vm, mmu_invalidate_seq),
	FIELD(vm, mmu_invalidate_in_progress),
	FIELD(vm, gpc_lock),
	FIELD(vm, nr_gpcs),
	FIELD(vm, gpc_list),
	FIELD(vm, long_mode),
	FIELD(vm, upcall_vector),
	FIELD(vm, nr_vcpus),
	FIELD(vm, vcpus),
	FIELD(vm, direct_map),
	FIELD(vm, pgd),
	FIELD(vm, cpus),
	FIELD(vm, dirty_bitmaps),
	FIELD(vm, wall_clock_ns),
	FIELD(vm, srcu_idx),
	FIELD(vm, srcu_lock),
	FIELD(vm, shinfo),
	FIELD(vm, set0),
	FIELD(vm, set1),
	WHOLE(region),
	FIELD(region, slot),
	FIELD(region, flags),
	FIELD(region, guest_phys_addr),
	FIELD(region, memory_size),
	FIELD(region, userspace_addr),
};

const u64 peer_nr_fields = sizeof(peer_fields) / sizeof(peer_fields[0]);
