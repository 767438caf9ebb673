/* The timer VIRQ and a vCPU's turns: xenperf/model/timer.py and go_round() of vcpu.py */
#ifndef PEER_TIMER_H
#define PEER_TIMER_H

#include "vcpu.h"

#define PRIORITY_2LEVEL 0xffffffffu

STEP struct vcpu *vcpu_by_id(struct vm *vm, u32 id)
{
	return id < load(&vm->nr_vcpus) ? &load(&vm->vcpus)[id] : 0;
}

STEP void fire_timer(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu)
{
	store(&vcpu->timer_deadline, 0);
	if (load(&vcpu->timer_pending))
		return;
	if (set_evtchn_fast(vm, cpu, vcpu, load(&vcpu->timer_virq)) != RC_EWOULDBLOCK) {
		store(&vcpu->timer_expires, 0);
		return;
	}
	fetch_or(&vcpu->timer_pending, 1);
	kick(vcpu);
}

STEP void inject_timer(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu)
{
	if (!load(&vcpu->timer_pending))
		return;
	set_evtchn(vm, cpu, vcpu, load(&vcpu->timer_virq));
	store(&vcpu->timer_expires, 0);
	store(&vcpu->timer_pending, 0);
}

STEP void stop_timer(struct vcpu *vcpu)
{
	store(&vcpu->timer_deadline, 0);
	store(&vcpu->timer_expires, 0);
	store(&vcpu->timer_pending, 0);
}

STEP void start_timer(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu, u64 expires,
		      bool forgiving)
{
	u64 now = load(&vm->now_ns);
	int64_t ahead = expires - now;

	if (forgiving && ((int64_t)expires < 0 || (ahead > 0 && ahead >> 50))) {
		ahead = 100000000;
		expires = now + ahead;
	}
	stop_timer(vcpu);
	store(&vcpu->timer_expires, expires);
	if (ahead > 0)
		store(&vcpu->timer_deadline, expires);
	else
		fire_timer(vm, cpu, vcpu);
}

STEP void go_round(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu)
{
	u64 idx;

	fetch_and(&vcpu->requests, ~REQUEST_UNBLOCK);
	idx = srcu_read_lock(vm, cpu);
	inject_pending_events(vm, cpu, vcpu);
	inject_timer(vm, cpu, vcpu);
	srcu_read_unlock(cpu, idx);
}

#endif
