/* Hypercalls of the guest: xenperf/model/{poll,hypercall}.py and evtchn_send() of ports.py */
#include "peer.h"

#define VM ((struct vm *)vm)
#define CPU ((struct cpu *)cpu)
#define VCPU ((struct vcpu *)vcpu)
#define RC_EXIT_XEN 34
#define RC_ASLEEP 1

/* struct sched_poll */
struct sched_poll {
	u32 *ports;
	u32 nr_ports;
	u64 timeout;
};

/* struct compat_sched_poll */
struct compat_sched_poll {
	u32 ports;
	u32 nr_ports;
	u64 timeout;
};

static bool pass_on(struct vm *vm, struct cpu *cpu, struct evtchn_port *port)
{
	struct vcpu *vcpu = vcpu_by_id(vm, load(&port->vcpu));
	u64 rc;

	if (!load(&port->deliver_port)) {
		fetch_add(&load(&vm->eventfds)[load(&port->eventfd)], 1);
		return true;
	}
	if (!vcpu)
		return false;
	rc = set_evtchn(vm, cpu, vcpu, load(&port->deliver_port));
	return (int64_t)rc >= 0 || rc == RC_ENOTCONN;
}

static u64 evtchn_send(struct vm *vm, struct cpu *cpu, u64 args)
{
	u64 done = false;
	u64 idx;
	u32 port;

	if (!args)
		return RC_EFAULT;
	port = load((u32 *)args);
	if (port >= NR_PORTS64)
		return RC_EXIT_XEN;
	idx = srcu_read_lock(vm, cpu);
	if (load(&vm->evtchn_ports[port].type))
		done = pass_on(vm, cpu, &vm->evtchn_ports[port]);
	srcu_read_unlock(cpu, idx);
	return done ? 0 : RC_EXIT_XEN;
}

static bool has_pending_port(struct vm *vm, struct cpu *cpu, u32 *ports, u32 nr)
{
	u64 idx = srcu_read_lock(vm, cpu);
	bool found = true;

	read_lock(&vm->shinfo);
	if (gpc_check(vm, &vm->shinfo, PAGE_SIZE)) {
		u64 pending = load(&vm->shinfo.khva) + PENDING;

		found = false;
		for (u32 i = 0; i < nr && !found; i++)
			found = test_bit(pending, load(&ports[i]));
	}
	read_unlock(&vm->shinfo);
	srcu_read_unlock(cpu, idx);
	return found;
}

static bool has_reason_to_run(struct vcpu *vcpu)
{
	if (load(&vcpu->shadow_sel) || load(&vcpu->timer_pending))
		return true;
	if (load(&vcpu->nr_injected) != load(&vcpu->poll_injected))
		return true;
	return fetch_and(&vcpu->requests, ~REQUEST_UNBLOCK) & REQUEST_UNBLOCK;
}

static u64 poll_result(struct vm *vm, struct vcpu *vcpu)
{
	if (load(&vcpu->is_halted) && !has_reason_to_run(vcpu))
		return RC_ASLEEP;
	store(&vcpu->is_halted, 0);
	store(&vcpu->poll_deadline, 0);
	store(&vcpu->poll_evtchn, 0);
	clear_bit((u64)vm->poll_mask, load(&vcpu->vcpu_idx));
	return 0;
}

/* What the guest asks for, in the layout of its mode. */
static struct sched_poll read_poll(struct vm *vm, u64 args)
{
	struct compat_sched_poll *compat = (struct compat_sched_poll *)args;
	struct sched_poll *full = (struct sched_poll *)args;
	struct sched_poll poll;
	u32 ports;

	if (is_long_mode(vm)) {
		poll.ports = load(&full->ports);
		poll.nr_ports = load(&full->nr_ports);
		poll.timeout = load(&full->timeout);
		return poll;
	}
	ports = load(&compat->ports);
	/* 32 bits of an address: the one nearest to args */
	poll.ports = ports ? (u32 *)(args + (int64_t)(int32_t)(ports - (u32)args)) : 0;
	poll.nr_ports = load(&compat->nr_ports);
	poll.timeout = load(&compat->timeout);
	return poll;
}

static u64 schedop_poll(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu, u64 args)
{
	struct sched_poll poll;
	u32 nr;

	if (!args)
		return RC_EFAULT;
	poll = read_poll(vm, args);
	nr = poll.nr_ports;
	if (nr > 128)
		return RC_EINVAL;
	if (nr && !poll.ports)
		return RC_EFAULT;
	for (u32 i = 0; i < nr; i++)
		if (load(&poll.ports[i]) >= nr_ports(vm))
			return RC_EINVAL;
	store(&vcpu->poll_evtchn, nr == 1 ? load(poll.ports) : POLL_MANY);
	test_and_set_bit((u64)vm->poll_mask, load(&vcpu->vcpu_idx));
	if (!has_pending_port(vm, cpu, poll.ports, nr)) {
		store(&vcpu->is_halted, 1);
		store(&vcpu->poll_injected, load(&vcpu->nr_injected));
		if (poll.timeout)
			store(&vcpu->poll_deadline, load(&vm->now_ns) + poll.timeout);
	}
	return poll_result(vm, vcpu);
}

static u64 set_timer_op(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu, u64 timeout)
{
	if (!load(&vcpu->timer_virq))
		return RC_EXIT_XEN;
	if (timeout)
		start_timer(vm, cpu, vcpu, timeout, true);
	else
		stop_timer(vcpu);
	return 0;
}

static u64 vcpu_op(struct vm *vm, struct cpu *cpu, struct vcpu *vcpu, u64 cmd, u64 id, u64 args)
{
	if (!load(&vcpu->timer_virq) || (cmd != 8 && cmd != 9))
		return RC_EXIT_XEN;
	if (id != load(&vcpu->vcpu_id))
		return RC_EINVAL;
	if (cmd == 9)
		stop_timer(vcpu);
	else if (!args)
		return RC_EFAULT;
	else
		start_timer(vm, cpu, vcpu, load((u64 *)args), false);
	return 0;
}

u64 guest_hypercall(u64 vm, u64 cpu, u64 vcpu, u64 number, u64 p0, u64 p1, u64 p2)
{
	u64 rc = RC_EXIT_XEN;

	if (number == 32 && p0 == 4)
		rc = evtchn_send(VM, CPU, p1);
	else if (number == 29 && p0 == 3)
		rc = schedop_poll(VM, CPU, VCPU, p1);
	else if (number == 29 && p0 == 0)
		rc = 0;
	else if (number == 15)
		rc = set_timer_op(VM, CPU, VCPU, p0);
	else if (number == 24)
		rc = vcpu_op(VM, CPU, VCPU, p0, p1, p2);
	if (rc != RC_EXIT_XEN && rc != RC_ASLEEP)
		go_round(VM, CPU, VCPU);
	return rc;
}

u64 wake_poller(u64 vm, u64 cpu, u64 vcpu)
{
	u64 rc = poll_result(VM, VCPU);

	if (!rc)
		go_round(VM, CPU, VCPU);
	return rc;
}
