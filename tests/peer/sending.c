/* Timed loops over sends: xenperf/model/kernels/sending.py */
#include "peer.h"

static inline void forget_events(struct vm *vm, struct vcpu *vcpu)
{
	bool long_mode = is_long_mode(vm);
	u64 shared_info = load(&vm->shinfo.khva);
	u64 vcpu_info = load(&vcpu->vcpu_info.khva);

	if (shared_info) {
		u64 past = long_mode ? MASK64 : MASK32;

		for (u64 offset = PENDING; offset < past; offset += 8)
			store((guest_u64 *)(shared_info + offset), 0);
	}
	if (vcpu_info)
		take_selector(vcpu_info, long_mode);
	store(&vcpu->shadow_sel, 0);
}

LOOP(loop_send)
{
	struct vcpu *vcpu = load(&vm->vcpus);
	u32 *ports = (u32 *)a;
	u64 hits = 0;
	u64 place = 0;

	for (u64 i = 0; i < n; i++) {
		if (place == b) {
			forget_events(vm, vcpu);
			place = 0;
		}
		hits += hvm_evtchn_send(vm, cpu, 0, load(&ports[place])) == c;
		place++;
	}
	forget_events(vm, vcpu);
	return hits;
}

LOOP(loop_send_again)
{
	u32 *ports = (u32 *)a;
	u64 hits = 0;
	u64 place = 0;

	for (u64 i = 0; i < n; i++) {
		if (place == b)
			place = 0;
		hits += hvm_evtchn_send(vm, cpu, 0, load(&ports[place])) == c;
		place++;
	}
	return hits;
}

LOOP(loop_send_after_slot_change)
{
	struct vcpu *vcpu = load(&vm->vcpus);
	u32 *ports = (u32 *)a;
	u64 hits = 0;
	u64 place = 0;

	for (u64 i = 0; i < n; i++) {
		if (place == b) {
			forget_events(vm, vcpu);
			place = 0;
		}
		bump_generation(vm);
		hits += hvm_evtchn_send(vm, cpu, 0, load(&ports[place])) == c;
		place++;
	}
	forget_events(vm, vcpu);
	return hits;
}

LOOP(loop_send_and_handle)
{
	u64 shared_info = load(&vm->shinfo.khva);
	u64 vcpu_info = load(&load(&vm->vcpus)->vcpu_info.khva);
	u32 *ports = (u32 *)a;
	u64 handled = 0;
	u64 place = 0;
	u64 waiting = 0;

	for (u64 i = 0; i < n; i++) {
		if (place == b)
			place = 0;
		hvm_evtchn_send(vm, cpu, 0, load(&ports[place]));
		place++;
		waiting++;
		if (waiting == c || i + 1 == n) {
			handled += (u32)handle_upcall(shared_info, vcpu_info, is_long_mode(vm));
			waiting = 0;
		}
	}
	return handled;
}
