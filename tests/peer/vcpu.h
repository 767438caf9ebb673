/* A vCPU's way into the guest, and the guest's handler: xenperf/model/{vcpu,guest}.py */
#ifndef PEER_VCPU_H
#define PEER_VCPU_H

#include "evtchn.h"

/* 0 with the lock held and a good mapping, or -errno without the lock. */
STEP u64 lock_vcpu_info(struct vm *vm, struct cpu *cpu, struct gpc *gpc)
{
	read_lock(gpc);
	while (!gpc_check(vm, gpc, VCPU_INFO_BYTES)) {
		u64 rc;

		read_unlock(gpc);
		rc = refresh(vm, cpu, gpc, VCPU_INFO_BYTES);
		if (rc)
			return rc;
		read_lock(gpc);
	}
	return 0;
}

STEP void mark_dirty_and_unlock(struct vm *vm, struct gpc *gpc)
{
	u64 gpa;

	if (!DIRTY_UNDER_LOCK)
		read_unlock(gpc);
	gpa = load(&gpc->gpa);
	if (gpa != GPA_ERROR)
		mark_page_dirty(vm, load(&gpc->memslot), gpa >> PAGE_SHIFT);
	if (DIRTY_UNDER_LOCK)
		read_unlock(gpc);
}

STEP u64 inject_pending_events(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu)
{
	u64 shadow = load(&vcpu->shadow_sel);
	struct gpc *gpc = &vcpu->vcpu_info;
	u64 vcpu_info;
	u64 rc;

	if (!shadow)
		return 0;
	rc = lock_vcpu_info(vm, cpu, gpc);
	if (rc)
		return rc;
	vcpu_info = load(&gpc->khva);
	if (is_long_mode(vm)) {
		fetch_or((guest_u64 *)(vcpu_info + SELECTOR64), shadow);
		fetch_and(&vcpu->shadow_sel, ~shadow);
	} else {
		fetch_or((guest_u32 *)(vcpu_info + SELECTOR32), (u32)shadow);
		fetch_and(&vcpu->shadow_sel, ~(u64)(u32)shadow);
	}
	store((u8 *)vcpu_info, 1);
	mark_dirty_and_unlock(vm, gpc);
	if (load(&vcpu->upcall_vector))
		fetch_add(&vcpu->nr_injected, 1);
	return 0;
}

STEP u64 has_interrupt(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu)
{
	struct gpc *gpc = &vcpu->vcpu_info;
	u64 pending = 0;
	u64 idx;

	if (!load(&vm->upcall_vector) || !load(&gpc->active))
		return 0;
	idx = srcu_read_lock(vm, cpu);
	if (!lock_vcpu_info(vm, cpu, gpc)) {
		pending = load((u8 *)load(&gpc->khva));
		read_unlock(gpc);
	}
	srcu_read_unlock(cpu, idx);
	return pending;
}

STEP void update_time(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu)
{
	struct gpc *gpc = &vcpu->vcpu_info;
	guest_u32 *time;
	u32 version;

	count_one(&vcpu->nr_clock_updates);
	if (!load(&gpc->active) || lock_vcpu_info(vm, cpu, gpc))
		return;
	time = (guest_u32 *)(load(&gpc->khva) + VCPU_INFO_TIME);
	version = (load(time) + 1) | 1;
	store(time, version);
	write_barrier();
	store(time, version + 1);
	mark_dirty_and_unlock(vm, gpc);
}

STEP u64 take_selector(u64 vcpu_info, bool long_mode)
{
	store((u8 *)vcpu_info, 0);
	if (long_mode)
		return exchange((guest_u64 *)(vcpu_info + SELECTOR64), 0);
	return exchange((guest_u32 *)(vcpu_info + SELECTOR32), 0);
}

STEP u64 unmasked_word(u64 shared_info, u64 word, bool long_mode)
{
	if (long_mode)
		return load((guest_u64 *)(shared_info + PENDING) + word) &
		       ~load((guest_u64 *)(shared_info + MASK64) + word);
	return load((guest_u32 *)(shared_info + PENDING) + word) &
	       ~load((guest_u32 *)(shared_info + MASK32) + word);
}

STEP u64 handle_upcall(u64 shared_info, u64 vcpu_info, bool long_mode)
{
	u64 selector = take_selector(vcpu_info, long_mode);
	u64 nr_events = 0;
	u64 ports = 0;

	for (; selector; selector &= selector - 1) {
		u64 word = __builtin_ctzll(selector);
		u64 left = unmasked_word(shared_info, word, long_mode);

		for (; left; left &= left - 1) {
			u64 port = (word << (long_mode ? 6 : 5)) + __builtin_ctzll(left);

			clear_bit(shared_info + PENDING, port);
			ports ^= port;
			nr_events++;
		}
	}
	return ports << 32 | nr_events;
}

#endif
