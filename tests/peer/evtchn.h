/* Sending events: xenperf/model/evtchn.py */
#ifndef PEER_EVTCHN_H
#define PEER_EVTCHN_H

#include "activation.h"

#define POLL_MANY 0xffffffffu

STEP u64 nr_ports(struct vm *vm)
{
	return is_long_mode(vm) ? NR_PORTS64 : NR_PORTS32;
}

STEP void kick(struct vcpu *vcpu)
{
	fetch_or(&vcpu->requests, REQUEST_UNBLOCK);
	fetch_add(&vcpu->nr_kicks, 1);
}

STEP void check_poller(struct vm *vm, struct vcpu *vcpu, u64 port)
{
	u32 polled = load(&vcpu->poll_evtchn);

	if (unlikely(polled == POLL_MANY || polled == port)) {
		u32 idx = load(&vcpu->vcpu_idx);
		u64 bit = 1ull << (idx & 63);

		if (fetch_and(&vm->poll_mask[idx >> 6], ~bit) & bit)
			kick(vcpu);
	}
}

/* Returns whether the vCPU is to be kicked. */
STEP bool select_word(struct vm *vm, struct vcpu *vcpu, u64 word)
{
	struct gpc *gpc = &vcpu->vcpu_info;
	bool told = false;

	read_lock(gpc);
	if (unlikely(!gpc_check(vm, gpc, VCPU_INFO_BYTES))) {
		told = !test_and_set_bit((u64)&vcpu->shadow_sel, word);
	} else {
		u64 vcpu_info = load(&gpc->khva);
		bool was_set = is_long_mode(vm) ? test_and_set_bit(vcpu_info + SELECTOR64, word)
						: test_and_set_bit32(vcpu_info + SELECTOR32, word);

		if (!was_set) {
			store((u8 *)vcpu_info, 1);
			told = true;
			if (load(&vcpu->upcall_vector)) {
				fetch_add(&vcpu->nr_injected, 1);
				told = false;
			}
		}
	}
	read_unlock(gpc);
	return told;
}

STEP u64 set_evtchn_fast(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu, u64 port)
{
	struct gpc *shinfo = &vm->shinfo;
	bool told = false;
	u64 idx;
	u64 rc;

	if (!VCPU_INFO_COPIED && unlikely(!load(&vcpu->vcpu_info.active)))
		return RC_EINVAL;
	if (unlikely(port >= nr_ports(vm)))
		return RC_EINVAL;
	idx = srcu_read_lock(vm, cpu);
	read_lock(shinfo);
	if (unlikely(!gpc_check(vm, shinfo, PAGE_SIZE))) {
		rc = RC_EWOULDBLOCK;
		read_unlock(shinfo);
	} else {
		u64 page = load(&shinfo->khva);
		bool long_mode = is_long_mode(vm);

		if (test_and_set_bit(page + PENDING, port)) {
			rc = 0;
			read_unlock(shinfo);
		} else if (test_bit(page + (long_mode ? MASK64 : MASK32), port)) {
			rc = RC_ENOTCONN;
			check_poller(vm, vcpu, port);
			read_unlock(shinfo);
		} else {
			rc = 1;
			read_unlock(shinfo);
			told = select_word(vm, vcpu, port >> (long_mode ? 6 : 5));
		}
	}
	srcu_read_unlock(cpu, idx);
	if (told)
		kick(vcpu);
	return rc;
}

SLOW_PATH u64 set_evtchn_slow(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu, u64 port)
{
	u64 refusal = 0;
	u64 rc;

	count_one(&cpu->nr_slow_sends);
	if (!NO_XEN_LOCK)
		spin_lock(&vm->xen_lock);
	do {
		u64 idx;

		rc = set_evtchn_fast(vm, cpu, vcpu, port);
		if (rc != RC_EWOULDBLOCK)
			break;
		idx = srcu_read_lock(vm, cpu);
		refusal = refresh(vm, cpu, &vm->shinfo, PAGE_SIZE);
		srcu_read_unlock(cpu, idx);
	} while (!refusal);
	if (!NO_XEN_LOCK)
		spin_unlock(&vm->xen_lock);
	return refusal ? refusal : rc;
}

STEP u64 set_evtchn(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu, u64 port)
{
	u64 rc = set_evtchn_fast(vm, cpu, vcpu, port);

	return likely(rc != RC_EWOULDBLOCK) ? rc : set_evtchn_slow(vm, cpu, vcpu, port);
}

STEP u64 hvm_evtchn_send(struct vm *vm, struct cpu *cpu, u64 vcpu_idx, u64 port)
{
	if (!port || port >= nr_ports(vm) || vcpu_idx >= load(&vm->nr_vcpus))
		return RC_EINVAL;
	return set_evtchn(vm, cpu, &load(&vm->vcpus)[vcpu_idx], port);
}

#endif
