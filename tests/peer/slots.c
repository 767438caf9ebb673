/* Timed loops over memslots: xenperf/model/kernels/slots.py */
#include "peer.h"

LOOP(loop_lookup)
{
	struct memslots *active = active_set(vm);
	u64 *gfns = (u64 *)a;
	u64 found = 0;

	for (u64 i = 0; i < n; i++)
		found += lookup(active, load(&gfns[i & b])) != NULL;
	return found;
}

LOOP(loop_search)
{
	struct memslots *active = active_set(vm);
	struct memslot *slots = load(&active->slots);
	u64 nr_slots = load(&active->nr_slots);
	u64 *gfns = (u64 *)a;
	u64 found = 0;

	for (u64 i = 0; i < n; i++)
		found += search(slots, nr_slots, load(&gfns[i & b])) != NO_INDEX;
	return found;
}

LOOP(loop_search_with_branches)
{
	struct memslots *active = active_set(vm);
	struct memslot *slots = load(&active->slots);
	u64 nr_slots = load(&active->nr_slots);
	u64 *gfns = (u64 *)a;
	u64 found = 0;

	for (u64 i = 0; i < n; i++)
		found += search_with_branches(slots, nr_slots, load(&gfns[i & b])) != NO_INDEX;
	return found;
}

LOOP(loop_update_slots)
{
	struct region *regions = (struct region *)a;
	u64 done = 0;
	u64 place = 0;

	for (u64 i = 0; i < n; i++) {
		if (place == b)
			place = 0;
		done += set_memory_region(vm, cpu, &regions[place]) == 0;
		place++;
	}
	return done;
}

LOOP(loop_update_slots_and_send)
{
	struct region *regions = (struct region *)a;
	u64 done = 0;
	u64 place = 0;

	for (u64 i = 0; i < n; i++) {
		if (place == b)
			place = 0;
		done += set_memory_region(vm, cpu, &regions[place]) == 0;
		hvm_evtchn_send(vm, cpu, 0, c);
		place++;
	}
	return done;
}
