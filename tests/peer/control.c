/* Single requests: xenperf/model/kernels/control.py */
#include "peer.h"

#define VM ((struct vm *)vm)
#define CPU ((struct cpu *)cpu)

u64 set_memory_regions(u64 vm, u64 cpu, u64 regions, u64 outcomes, u64 n)
{
	u64 done = 0;

	for (u64 i = 0; i < n; i++) {
		u64 rc = set_memory_region(VM, CPU, (struct region *)regions + i);

		store((u64 *)outcomes + i, rc);
		done += rc == 0;
	}
	return done;
}

u64 set_memory_regions_at_once(u64 vm, u64 cpu, u64 regions, u64 n)
{
	return update_at_once(VM, CPU, (struct region *)regions, n);
}

u64 send_ports(u64 vm, u64 cpu, u64 vcpu_idx, u64 ports, u64 outcomes, u64 n)
{
	for (u64 i = 0; i < n; i++) {
		u64 port = load((u32 *)ports + i);

		store((u64 *)outcomes + i, hvm_evtchn_send(VM, CPU, vcpu_idx, port));
	}
	return n;
}

u64 init_cache(u64 gpc)
{
	gpc_init((struct gpc *)gpc);
	return 0;
}

u64 activate_shinfo(u64 vm, u64 cpu, u64 gpa, u64 uhva)
{
	return activate_shared_info(VM, CPU, gpa, uhva);
}

u64 activate_vcpu_info(u64 vm, u64 cpu, u64 vcpu_idx, u64 gpa, u64 uhva)
{
	return activate_vcpu_info_of(VM, CPU, vcpu_idx, gpa, uhva);
}

u64 deactivate_cache(u64 vm, u64 gpc)
{
	spin_lock(&VM->xen_lock);
	deactivate(VM, (struct gpc *)gpc);
	spin_unlock(&VM->xen_lock);
	return 0;
}

u64 invalidate_start(u64 vm, u64 cpu, u64 start, u64 end)
{
	invalidate_range_start(VM, CPU, start, end);
	return 0;
}

u64 invalidate_end(u64 vm, u64 cpu, u64 start, u64 end)
{
	invalidate_range_end(VM, CPU, start, end);
	return 0;
}

u64 set_long_mode(u64 vm, u64 cpu, u64 long_mode)
{
	return switch_mode(VM, CPU, long_mode);
}

u64 enter_guest(u64 vm, u64 cpu, u64 vcpu_khva)
{
	struct vcpu *vcpu = (struct vcpu *)vcpu_khva;

	for (;;) {
		u64 requests = load(&vcpu->requests);

		if (requests & REQUEST_CLOCK_UPDATE) {
			u64 idx;

			fetch_and(&vcpu->requests, ~REQUEST_CLOCK_UPDATE);
			idx = srcu_read_lock(VM, CPU);
			update_time(VM, CPU, vcpu);
			srcu_read_unlock(CPU, idx);
		}
		if (!(requests & REQUEST_UNBLOCK))
			return has_interrupt(VM, CPU, vcpu);
		go_round(VM, CPU, vcpu);
	}
}

u64 handle_events(u64 shared_info, u64 vcpu_info, u64 long_mode)
{
	return handle_upcall(shared_info, vcpu_info, long_mode != 0);
}
