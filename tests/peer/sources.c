/* Requests to the event sources: xenperf/model/{routes,irqfd,ports,timer}.py */
#include "peer.h"

#define VM ((struct vm *)vm)
#define CPU ((struct cpu *)cpu)
#define VCPU ((struct vcpu *)vcpu)
#define RC_EBADF ((u64)-9)
#define STATUS_LOST ((u64)-1)
#define XEN_EVTCHN 5

/* struct kvm_irq_routing_entry */
struct route {
	u32 gsi;
	u32 type;
	u64 reserved;
	u32 port;
	u32 vcpu;
	u32 priority;
};

/* struct kvm_xen_hvm_attr, type EVTCHN */
struct evtchn_attr {
	u64 attr;
	u32 send_port;
	u32 type;
	u32 flags;
	u32 port;
	u32 vcpu_or_fd;
	u32 priority;
};

u64 set_gsi_route(u64 vm, u64 entry)
{
	struct route *route = (struct route *)entry;
	u32 type = load(&route->type);
	struct gsi *gsi;

	if (load(&route->gsi) >= load(&VM->nr_gsis) || (type && type != XEN_EVTCHN))
		return RC_EINVAL;
	if (type && load(&route->priority) != PRIORITY_2LEVEL)
		return RC_EINVAL;
	gsi = &load(&VM->gsis)[load(&route->gsi)];
	spin_lock(&VM->xen_lock);
	store(&gsi->port, load(&route->port));
	store(&gsi->vcpu, load(&route->vcpu));
	store(&gsi->type, type);
	spin_unlock(&VM->xen_lock);
	return 0;
}

u64 set_irq_line(u64 vm, u64 cpu, u64 nr, u64 level)
{
	struct gsi *gsi = &load(&VM->gsis)[nr];
	struct vcpu *vcpu;
	u64 rc;

	if (nr >= load(&VM->nr_gsis) || !level || load(&gsi->type) != XEN_EVTCHN)
		return STATUS_LOST;
	vcpu = vcpu_by_id(VM, load(&gsi->vcpu));
	if (!vcpu)
		return STATUS_LOST;
	rc = set_evtchn(VM, CPU, vcpu, load(&gsi->port));
	return (int64_t)rc < 0 ? STATUS_LOST : rc;
}

static u64 set_irq_inatomic(struct vm *vm, struct cpu *cpu, struct gsi *gsi)
{
	struct vcpu *vcpu = vcpu_by_id(vm, load(&gsi->vcpu));

	if (load(&gsi->type) != XEN_EVTCHN)
		return RC_EWOULDBLOCK;
	return vcpu ? set_evtchn_fast(vm, cpu, vcpu, load(&gsi->port)) : RC_EINVAL;
}

u64 signal_irqfd(u64 vm, u64 cpu, u64 nr, u64 count)
{
	struct gsi *gsi = &load(&VM->gsis)[nr];
	u64 rc;

	fetch_add(&gsi->counter, count);
	exchange(&gsi->counter, 0);
	rc = set_irq_inatomic(VM, CPU, gsi);
	if (rc == RC_EWOULDBLOCK)
		fetch_or(&gsi->is_queued, 1);
	return rc;
}

u64 run_irqfd_work(u64 vm, u64 cpu)
{
	u64 done = 0;

	for (u64 nr = 0; nr < load(&VM->nr_gsis); nr++) {
		if (!load(&load(&VM->gsis)[nr].is_queued) ||
		    !exchange(&load(&VM->gsis)[nr].is_queued, 0))
			continue;
		set_irq_line(vm, cpu, nr, 1);
		done++;
	}
	return done;
}

static u64 refusal(struct vm *vm, struct evtchn_attr *attr)
{
	u32 port = load(&attr->port);

	switch (load(&attr->type)) {
	case 5: /* ipi */
		if (port != load(&attr->send_port))
			return RC_EINVAL;
		break;
	case 2: /* interdomain */
		if (port >= nr_ports(vm))
			return RC_EINVAL;
		if (!port)
			return load(&attr->vcpu_or_fd) < load(&vm->nr_eventfds) ? 0 : RC_EBADF;
		break;
	default:
		return RC_EINVAL;
	}
	return load(&attr->priority) == PRIORITY_2LEVEL ? 0 : RC_EINVAL;
}

static u64 assign_port(struct vm *vm, struct evtchn_port *port, struct evtchn_attr *attr)
{
	u64 rc = refusal(vm, attr);

	if (rc)
		return rc;
	spin_lock(&vm->xen_lock);
	if (load(&port->type)) {
		rc = RC_EEXIST;
	} else {
		bool local = load(&attr->port);
		u32 to = load(&attr->vcpu_or_fd);

		store(&port->deliver_port, load(&attr->port));
		store(&port->vcpu, local ? to : 0);
		store(&port->eventfd, local ? 0 : to);
		store(&port->type, load(&attr->type));
	}
	spin_unlock(&vm->xen_lock);
	return rc;
}

static u64 update_port(struct vm *vm, struct evtchn_port *port, struct evtchn_attr *attr)
{
	u32 deliver_port = load(&port->deliver_port);
	u64 rc = 0;

	spin_lock(&vm->xen_lock);
	if (!load(&port->type))
		rc = RC_ENOENT;
	else if (load(&port->type) != load(&attr->type) || !deliver_port ||
		 deliver_port != load(&attr->port) || load(&attr->priority) != PRIORITY_2LEVEL)
		rc = RC_EINVAL;
	else
		store(&port->vcpu, load(&attr->vcpu_or_fd));
	spin_unlock(&vm->xen_lock);
	return rc;
}

static u64 forget_ports(struct vm *vm, u64 first, u64 end)
{
	u64 nr_found = 0;

	spin_lock(&vm->xen_lock);
	for (struct evtchn_port *port = load(&vm->evtchn_ports) + first; first < end; first++) {
		nr_found += load(&port->type) != 0;
		store(&port->type, 0);
		port++;
	}
	spin_unlock(&vm->xen_lock);
	if (nr_found)
		synchronize_srcu(vm);
	return nr_found;
}

u64 set_evtchn_attr(u64 vm, u64 attr_khva)
{
	struct evtchn_attr *attr = (struct evtchn_attr *)attr_khva;
	u32 flags = load(&attr->flags);
	u32 port = load(&attr->send_port);

	if (flags == 4) { /* reset */
		forget_ports(VM, 0, NR_PORTS64);
		return 0;
	}
	if (!port || port >= nr_ports(VM))
		return RC_EINVAL;
	switch (flags) {
	case 0:
		return assign_port(VM, &load(&VM->evtchn_ports)[port], attr);
	case 1:
		return forget_ports(VM, port, port + 1) ? 0 : RC_ENOENT;
	case 2:
		return update_port(VM, &load(&VM->evtchn_ports)[port], attr);
	}
	return RC_EINVAL;
}

u64 set_timer(u64 vm, u64 cpu, u64 vcpu, u64 port, u64 priority, u64 expires)
{
	if (port && (u32)priority != PRIORITY_2LEVEL)
		return RC_EINVAL;
	spin_lock(&VM->xen_lock);
	stop_timer(VCPU);
	store(&VCPU->timer_virq, port);
	if (port && expires)
		start_timer(VM, CPU, VCPU, expires, false);
	spin_unlock(&VM->xen_lock);
	return 0;
}

u64 get_timer(u64 vm, u64 cpu, u64 vcpu)
{
	u64 expires;

	spin_lock(&VM->xen_lock);
	if (load(&VCPU->timer_expires)) {
		if (!NO_XEN_LOCK)
			spin_unlock(&VM->xen_lock);
		inject_timer(VM, CPU, VCPU);
		if (!NO_XEN_LOCK)
			spin_lock(&VM->xen_lock);
	}
	expires = load(&VCPU->timer_expires);
	spin_unlock(&VM->xen_lock);
	return expires;
}

u64 advance_time(u64 vm, u64 cpu, u64 ns)
{
	u64 now = load(&VM->now_ns) + ns;
	u64 fired = 0;

	store(&VM->now_ns, now);
	for (u64 i = 0; i < load(&VM->nr_vcpus); i++) {
		struct vcpu *each = &load(&VM->vcpus)[i];

		if (load(&each->poll_deadline) && load(&each->poll_deadline) <= now) {
			store(&each->poll_deadline, 0);
			kick(each);
			fired++;
		}
		if (load(&each->timer_deadline) && load(&each->timer_deadline) <= now) {
			fire_timer(VM, CPU, each);
			fired++;
		}
	}
	return fired;
}
