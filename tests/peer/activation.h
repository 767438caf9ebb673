/* Starting and stopping a cache, shared_info's content: xenperf/model/{activation,shinfo}.py */
#ifndef PEER_ACTIVATION_H
#define PEER_ACTIVATION_H

#include "pfncache.h"

#define NS_PER_SEC 1000000000ull

STEP bool is_long_mode(struct vm *vm)
{
	return load(&vm->long_mode);
}

STEP void forget_mapping(struct gpc *gpc)
{
	store(&gpc->valid, 0);
	store(&gpc->khva, 0);
	store(&gpc->pfn, PFN_ERROR);
}

STEP u64 activate_to(struct vm *vm, struct cpu *cpu, struct gpc *gpc, u64 gpa, u64 uhva,
		     u64 nr_bytes)
{
	u64 rc;

	if (!is_within_page(gpa, uhva, nr_bytes))
		return RC_EINVAL;
	if (ACTIVATE_LOCKED)
		spin_lock(&gpc->refresh_lock);
	if (!load(&gpc->active)) {
		if (!HVA_ACTIVATION) {
			forget_mapping(gpc);
			store(&gpc->uhva, HVA_ERROR);
		}
		enlist(vm, gpc);
		write_lock(gpc);
		store(&gpc->active, 1);
		write_unlock(gpc);
	}
	if (!ACTIVATE_LOCKED)
		spin_lock(&gpc->refresh_lock);
	rc = refresh_to(vm, cpu, gpc, gpa, uhva);
	spin_unlock(&gpc->refresh_lock);
	return rc;
}

STEP bool is_refused(u64 gpa, u64 uhva, u64 nr_bytes)
{
	return gpa == GPA_ERROR && (uhva >= USER_END || nr_bytes > USER_END - uhva);
}

STEP void deactivate(struct vm *vm, struct gpc *gpc)
{
	bool was_active;

	if (ACTIVATE_LOCKED)
		spin_lock(&gpc->refresh_lock);
	was_active = load(&gpc->active);
	if (was_active) {
		write_lock(gpc);
		store(&gpc->active, 0);
		if (ACTIVATE_LOCKED)
			forget_mapping(gpc);
		write_unlock(gpc);
		delist(vm, gpc);
	}
	if (was_active && !ACTIVATE_LOCKED) {
		spin_lock(&gpc->refresh_lock);
		write_lock(gpc);
		forget_mapping(gpc);
		write_unlock(gpc);
		spin_unlock(&gpc->refresh_lock);
	}
	if (ACTIVATE_LOCKED)
		spin_unlock(&gpc->refresh_lock);
}

STEP void write_wall_clock(struct vm *vm)
{
	u64 page = load(&vm->shinfo.khva);
	bool long_mode = is_long_mode(vm);
	guest_u32 *clock = (guest_u32 *)(page + (long_mode ? WALL_CLOCK64 : WALL_CLOCK32));
	guest_u32 *sec_hi =
		(guest_u32 *)(page + (long_mode ? WALL_CLOCK_SEC_HI64 : WALL_CLOCK_SEC_HI32));
	u64 boot_ns = load(&vm->wall_clock_ns);
	u64 seconds = boot_ns / NS_PER_SEC;
	u32 version = (load(clock) + 1) | 1;

	store(clock, version);
	write_barrier();
	store(clock + 2, (u32)(boot_ns % NS_PER_SEC));
	store(clock + 1, (u32)seconds);
	store(sec_hi, (u32)(seconds >> 32));
	write_barrier();
	store(clock, version + 1);
}

STEP void request_clock_updates(struct vm *vm)
{
	struct vcpu *vcpu = load(&vm->vcpus);
	struct vcpu *past = vcpu + load(&vm->nr_vcpus);

	for (; vcpu < past; vcpu++) {
		fetch_or(&vcpu->requests, REQUEST_CLOCK_UPDATE);
		fetch_add(&vcpu->nr_kicks, 1);
	}
}

STEP u64 init_content(struct vm *vm, struct cpu *cpu)
{
	u64 idx = srcu_read_lock(vm, cpu);
	u64 rc = 0;
	bool usable;

	read_lock(&vm->shinfo);
	usable = gpc_check(vm, &vm->shinfo, PAGE_SIZE);
	while (!usable && !rc) {
		read_unlock(&vm->shinfo);
		rc = refresh(vm, cpu, &vm->shinfo, PAGE_SIZE);
		read_lock(&vm->shinfo);
		usable = gpc_check(vm, &vm->shinfo, PAGE_SIZE);
	}
	if (!rc)
		write_wall_clock(vm);
	read_unlock(&vm->shinfo);
	srcu_read_unlock(cpu, idx);
	if (!rc)
		request_clock_updates(vm);
	return rc;
}

STEP u64 activate_until_valid(struct vm *vm, struct cpu *cpu, u64 gpa, u64 uhva)
{
	u64 idx = srcu_read_lock(vm, cpu);
	bool usable;
	u64 rc;

	do {
		rc = activate_to(vm, cpu, &vm->shinfo, gpa, uhva, PAGE_SIZE);
		if (rc)
			break;
		read_lock(&vm->shinfo);
		usable = load(&vm->shinfo.valid);
		if (usable)
			write_wall_clock(vm);
		read_unlock(&vm->shinfo);
	} while (!usable);
	srcu_read_unlock(cpu, idx);
	if (!rc)
		request_clock_updates(vm);
	return rc;
}

STEP u64 activate_then_init(struct vm *vm, struct cpu *cpu, u64 gpa, u64 uhva)
{
	u64 idx = srcu_read_lock(vm, cpu);
	u64 rc = activate_to(vm, cpu, &vm->shinfo, gpa, uhva, PAGE_SIZE);

	srcu_read_unlock(cpu, idx);
	return rc ? rc : init_content(vm, cpu);
}

STEP u64 activate_shared_info(struct vm *vm, struct cpu *cpu, u64 gpa, u64 uhva)
{
	u64 rc;

	if (!SHINFO_HVA && gpa == GPA_ERROR)
		return RC_ENOENT;
	if (is_refused(gpa, uhva, PAGE_SIZE))
		return RC_EINVAL;
	spin_lock(&vm->xen_lock);
	rc = CONTENT_LOOP ? activate_then_init(vm, cpu, gpa, uhva)
			  : activate_until_valid(vm, cpu, gpa, uhva);
	spin_unlock(&vm->xen_lock);
	return rc;
}

STEP u64 activate_vcpu_info_of(struct vm *vm, struct cpu *cpu, u64 vcpu_idx, u64 gpa, u64 uhva)
{
	struct vcpu *vcpu;
	u64 idx;
	u64 rc;

	if (!VCPU_INFO_HVA && gpa == GPA_ERROR)
		return RC_ENOENT;
	if (vcpu_idx >= load(&vm->nr_vcpus) || is_refused(gpa, uhva, VCPU_INFO_BYTES))
		return RC_EINVAL;
	vcpu = &load(&vm->vcpus)[vcpu_idx];
	spin_lock(&vm->xen_lock);
	idx = srcu_read_lock(vm, cpu);
	rc = activate_to(vm, cpu, &vcpu->vcpu_info, gpa, uhva, VCPU_INFO_BYTES);
	srcu_read_unlock(cpu, idx);
	if (!rc)
		fetch_or(&vcpu->requests, REQUEST_CLOCK_UPDATE);
	spin_unlock(&vm->xen_lock);
	return rc;
}

STEP u64 switch_mode(struct vm *vm, struct cpu *cpu, u64 long_mode)
{
	u64 rc = 0;

	spin_lock(&vm->xen_lock);
	store(&vm->long_mode, long_mode != 0);
	if (CLOCK_ON_MODE && load(&vm->shinfo.active))
		rc = init_content(vm, cpu);
	spin_unlock(&vm->xen_lock);
	return rc;
}

#endif
