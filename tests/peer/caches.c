/* Timed loops over caches: xenperf/model/kernels/caches.py */
#include "peer.h"

#define AFTER_SLOT_CHANGE 1
#define AFTER_INVALIDATION 2
#define AFTER_DEACTIVATION 4

LOOP(loop_check)
{
	struct vcpu *vcpus = load(&vm->vcpus);
	u64 good = 0;

	for (u64 i = 0; i < n; i++)
		good += gpc_check(vm, &vcpus[i & a].vcpu_info, VCPU_INFO_BYTES);
	return good;
}

LOOP(loop_lock_and_check)
{
	struct vcpu *vcpus = load(&vm->vcpus);
	u64 good = 0;

	for (u64 i = 0; i < n; i++) {
		struct gpc *gpc = &vcpus[i & a].vcpu_info;

		read_lock(gpc);
		good += gpc_check(vm, gpc, VCPU_INFO_BYTES);
		read_unlock(gpc);
	}
	return good;
}

LOOP(loop_refresh)
{
	u64 hits = 0;

	for (u64 i = 0; i < n; i++) {
		u64 idx;

		if (a & AFTER_SLOT_CHANGE)
			bump_generation(vm);
		if (a & AFTER_INVALIDATION)
			store(&vm->shinfo.valid, 0);
		idx = srcu_read_lock(vm, cpu);
		hits += refresh(vm, cpu, &vm->shinfo, PAGE_SIZE) == c;
		srcu_read_unlock(cpu, idx);
	}
	return hits;
}

LOOP(loop_activate)
{
	u64 done = 0;

	for (u64 i = 0; i < n; i++) {
		if (c & AFTER_SLOT_CHANGE)
			bump_generation(vm);
		if (c & AFTER_DEACTIVATION)
			deactivate(vm, &vm->shinfo);
		done += activate_shared_info(vm, cpu, a, b) == 0;
	}
	return done;
}

LOOP(loop_notify)
{
	for (u64 i = 0; i < n; i++) {
		invalidate_range_start(vm, cpu, a, b);
		invalidate_range_end(vm, cpu, a, b);
	}
	return n;
}

LOOP(loop_invalidate)
{
	for (u64 i = 0; i < n; i++)
		invalidate_caches(vm, cpu, a, b, c != 0);
	return n;
}
